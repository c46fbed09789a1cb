import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Configuration, readConfiguration } from '../../src/config.ts';
import { mappingFaults } from '../../src/loads/mapped-csv/faults.ts';
import { readMappings } from '../../src/mapping-files.ts';
import { repositoryRoot } from '../support/root.ts';
import { MAPPING } from './mapped-terms.ts';
import { policy } from './world.ts';

/** Faults of the mapping above with one text of its file changed. */
function faultsOf(from: string, to: string): readonly string[] {
  const text = JSON.stringify(MAPPING);
  if (!text.includes(from)) throw new Error(`The mapping has no ${from}.`);
  return mappingFaults(JSON.parse(text.replace(from, to)));
}

t.test('a mapping that names what is not there is told so, with the path', async (t) => {
  t.same(mappingFaults(MAPPING), []);
  const table = [
    [
      '"$column":"Team"',
      '"$column":"Teem"',
      /^\/tables\/services\/resources\/0\/elements\/careManager\/display: .*Teem/,
    ],
    ['"id":["Ref"]', '"id":["Reff"]', /resources\/0\/id: there is no column Reff/],
    ['"column":"Kind"', '"column":"Kinds"', /leaveOut: there is no column Kinds/],
    ['"map":"services"', '"map":"toString"', /there is no code map toString/],
    ['"type":"EpisodeOfCare"', '"type":"Invoice"', /Invoice is not a type that this service serves/],
    ['"type":"EpisodeOfCare"', '"type":"Provenance"', /Provenance cannot be made of rows/],
    ['"type":"EpisodeOfCare"', '"type":"AuditEvent"', /AuditEvent cannot be made of rows/],
    ['"person":["Person"],"elements"', '"elements"', /person: is missing/],
    ['"careManager"', '"carreManager"', /EpisodeOfCare.carreManager of what it makes is not FHIR R4/],
    ['"careManager"', '"patient"', /patient: is not an element for a mapping to make/],
    ['"careManager"', '"meta"', /meta: is not an element for a mapping to make/],
    ['"display":{"$column":"Team"}', '"extension":[]', /extension: is not an element/],
    ['{"$column":"Team"}', '{"$run":"Team"}', /is no directive of a mapping/],
    ['{"$column":"Team"}', '{"$column":"Team","more":1}', /is no directive of a mapping/],
    ['{"$column":"Team"}', 'null', /null is no value/],
    ['"after":"finished"', '"after":"done"', /EpisodeOfCare.status .* \(code\)/],
    ['"M":{"code":"male"}', '"M":{"code":"man"}', /Patient.gender .* \(code\)/],
    ['"M":{"code":"male"}', '"M":{"display":"male"}', /"M" of sex has no code/],
    ['"start":"Start"', '"start":"Team"', /the column Team is no date/],
    ['"states":"Agreed"', '"states":"NHS"', /states: the column NHS is no boolean/],
    ['"false":["N"]', '"false":["Y"]', /"Y" means both true and false/],
    ['DD/MM/YYYY', 'D/M/YY', /D\/M\/YY is no format of dates/],
    ['"name":"service"', '"name":"person"', /the name person is there twice/],
    ['"type":"Patient"', '"type":"Location"', /no resource is of type Patient/],
  ] as const;
  for (const [from, to, fault] of table) {
    const faults = faultsOf(from, to);
    t.ok(
      faults.some((each) => fault.test(each)),
      `${to}: ${faults.join('; ')}`,
    );
  }
});

t.test('all faults of a mapping file are told at once, with the place of the source', async (t) => {
  const folder = t.testdir({
    'shape.json': JSON.stringify({
      titel: 'x',
      tables: { 'a b': {}, c: { columns: { D: { type: 'date' } } } },
    }),
    'broken.json': '{',
    'good.json': JSON.stringify(MAPPING),
  });
  const sources = [...policy().sources.values()].slice(0, 5).map((source, index) => {
    const mapping = ['shape.json', 'broken.json', 'absent.json', 'good.json', undefined][index];
    return { ...source, format: 'mapped-csv' as const, ...(mapping !== undefined && { mapping }) };
  });
  const { mappings, faults } = readMappings(sources, (path) => join(folder, path));
  t.same([...mappings.keys()], [sources[3]?.code]);
  const wanted = [
    /^\/sources\/0\/mapping, shape.json: the file must have required property 'title'/,
    /^\/sources\/0\/mapping, shape.json: .*"titel"/,
    /shape.json: \/tables\/a b must have required property 'columns'/,
    /shape.json: \/tables\/c\/columns\/D must have required property 'format'/,
    /^\/sources\/1\/mapping, broken.json: is not JSON/,
    /^\/sources\/2\/mapping, absent.json: cannot be read/,
    /^\/sources\/4\/mapping: a source of mapped-csv needs/,
  ];
  for (const fault of wanted)
    t.ok(
      faults.some((each) => fault.test(each)),
      `${fault}`,
    );
  const lcs = policy({ lcs: { mapping: 'good.json' } }).sources.get('lcs');
  t.match(readMappings(lcs === undefined ? [] : [lcs], (path) => path).faults, [
    /a source of lcs-csv has no mapping/,
  ]);
});

t.test('the mappings that come with the service are in order', async (t) => {
  const { mappings, faults } = readMappings(
    [...policy({ adult: { format: 'mapped-csv', mapping: 'adult-social-care-cld.json' } }).sources.values()],
    (path) => join(repositoryRoot(), 'mappings', path),
  );
  t.same(faults, []);
  t.ok(mappings.has('adult'));
  t.match(readFileSync(join(repositoryRoot(), 'Dockerfile'), 'utf8'), '/app/mappings ./mappings');
});

t.test(
  'a configuration with a faulty mapping is refused, and one that comes with the service is found',
  async (t) => {
    const root = repositoryRoot();
    const demo = JSON.parse(readFileSync(join(root, 'demo', 'config.json'), 'utf8'));
    const configured = (mapping: string): string =>
      JSON.stringify({
        ...demo,
        sources: demo.sources.map((source: { readonly code: string }) =>
          source.code === 'adult-social-care' ? { ...source, format: 'mapped-csv', mapping } : source,
        ),
      });
    const folder = t.testdir({
      'shipped.json': configured('{package}/mappings/adult-social-care-cld.json'),
      'faulty.json': configured('mapping.json'),
      'mapping.json': JSON.stringify(MAPPING).replace('"$column":"Team"', '"$column":"Teem"'),
    });
    const read = (name: string): Configuration => readConfiguration({ MCR_CONFIG: join(folder, name) }, root);
    t.same([...read('shipped.json').mappings.keys()], ['adult-social-care']);
    t.throws(
      () => read('faulty.json'),
      /\/sources\/\d+\/mapping, mapping.json: \/tables\/services\/resources\/0\/elements.*no column Teem/,
    );
  },
);

t.test('the example of the documentation is in order', async (t) => {
  const text = readFileSync(join(repositoryRoot(), 'docs', 'mapped-csv.md'), 'utf8');
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
  const folder = t.testdir({ 'example.json': json });
  const { sources } = policy({ adult: { format: 'mapped-csv', mapping: 'example.json' } });
  const { mappings, faults } = readMappings([...sources.values()], (path) => join(folder, path));
  t.same(faults, []);
  const mapping = mappings.get('adult');
  const [clients, visits] = ['clients', 'visits'].map((name) => mapping?.tables[name]?.columns ?? {});
  const headers = [...text.matchAll(/```csv\n(.*)\n/g)].map(([, header = '']) => new Set(header.split(',')));
  t.same(headers, [new Set(Object.keys(clients ?? {})), new Set(Object.keys(visits ?? {}))]);
});
