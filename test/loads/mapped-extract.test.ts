import t from 'tap';
import type { Mapping } from '../../src/loads/mapped-csv/mapping.ts';
import {
  type CsvRow,
  csv,
  MAPPING,
  PEOPLE,
  people,
  person,
  SERVICES,
  service,
  services,
} from './mapped-terms.ts';
import { ADA, BEN, bodies, CAT, extract, FIRST, firstNight, mappedBy, rejects } from './mapped-world.ts';
import { loader } from './world.ts';

t.test('plain tables become the record, and the same night again changes nothing', async (t) => {
  const world = await firstNight(t);
  const [episode] = await bodies(world, 'EpisodeOfCare');
  t.match(episode, {
    status: 'active',
    type: [{ text: 'Home support' }],
    period: { start: '2026-03-01' },
    careManager: { display: 'North' },
  });
  t.equal((await bodies(world, 'Patient')).length, 2);
  const again = await world.load(extract({ ...FIRST, services: `${FIRST.services}` }, 2), mappedBy(MAPPING));
  t.match(again.types, {
    Patient: { new: 0, changed: 0, unchanged: 2 },
    EpisodeOfCare: { new: 0, changed: 0, unchanged: 2, deleted: 0 },
  });
});

t.test('columns may come in any order, with others beside them where the mapping says so', async (t) => {
  const world = await firstNight(t);
  const header = [...Object.keys(SERVICES.columns)].reverse();
  const rows = [service('a', '1'), service('b', '2')];
  const turned = await world.load(extract({ ...FIRST, services: csv(header, rows) }, 2), mappedBy(MAPPING));
  t.match(turned, { result: 'published', types: { EpisodeOfCare: { unchanged: 2 } } });
  const more = csv(
    [...header, '__proto__', 'constructor'],
    rows.map((row): CsvRow => ({ ...row, constructor: 'x' })),
  );
  const strict = await world.load(extract({ ...FIRST, services: more }, 3), mappedBy(MAPPING));
  t.match(strict, {
    result: 'refused',
    reason: { sentence: /has column 8, 9, which the mapping does not name/ },
  });
  const lenient = {
    ...MAPPING,
    tables: { people: PEOPLE, services: { ...SERVICES, otherColumns: 'ignore' as const } },
  };
  const taken = await world.load(extract({ ...FIRST, services: more }, 4), mappedBy(lenient));
  t.match(taken, { result: 'published', types: { EpisodeOfCare: { unchanged: 2 } } });
  t.equal(({} as Record<string, unknown>)['constructor'], Object, 'and nothing was done to anybody');
});

t.test('lines may end in CRLF and LF, and cells may be quoted', async (t) => {
  const world = await firstNight(t);
  const mixed = FIRST.services.replace('\n', '\r\n').replace('HS', '"HS"');
  const certificate = await world.load(extract({ ...FIRST, services: mixed }, 2), mappedBy(MAPPING));
  t.match(certificate, { result: 'published', types: { EpisodeOfCare: { unchanged: 2 } } });
});

t.test(
  'a row that cannot be read is rejected by line and column, and what is stored of it stands',
  async (t) => {
    const world = await firstNight(t);
    const before = await bodies(world, 'EpisodeOfCare');
    const files = {
      people: people(
        person('1', ADA),
        person('2', BEN, { Born: '31/02/1950' }),
        person('3', CAT, { Sex: 'Q' }),
      ),
      services: services(
        service('a', '1', { Start: '2026-03-01' }),
        service('b', '2', { What: 'two\nlines' }),
        service('c', '1', { What: 'nul\0' }),
        service('', '1'),
        service('d', '1', { Kind: 'Servce' }),
        service('e', '1', { Kind: 'Internal' }),
        service('f', '9'),
        service('g', '1'),
        service('g', '1', { What: 'Day centre' }),
      ),
    };
    const rows = (manifest: Record<string, unknown>): unknown => {
      const [, second] = manifest['files'] as { rows: number }[];
      if (second !== undefined) second.rows = 9;
      return manifest;
    };
    const certificate = await world.load(extract(files, 2, { manifest: rows }), mappedBy(MAPPING));
    t.match(certificate, {
      result: 'published',
      types: {
        EpisodeOfCare: { rejected: { cell: 3, id: 1, 'unknown-person': 1, 'duplicate-id': 2 }, deleted: 0 },
        Patient: { rejected: { cell: 1, code: 1 }, deleted: 0 },
        services: { rejected: { 'no-resource': 1 } },
      },
    });
    t.same(await bodies(world, 'EpisodeOfCare'), before, 'yesterday stands, row by row');
    t.equal((await bodies(world, 'Patient')).length, 2);
    const told = (await rejects(world)).map(
      ({ file, line, rule, element }) => `${file}:${line} ${rule} ${element}`,
    );
    t.same(told, [
      'people.csv:3 cell Born',
      'people.csv:4 code Sex',
      'services.csv:2 cell Start',
      'services.csv:3 cell What',
      'services.csv:5 cell What',
      'services.csv:6 id Ref',
      'services.csv:7 no-resource Kind',
      'services.csv:9 unknown-person null',
      'services.csv:10 duplicate-id null',
      'services.csv:11 duplicate-id null',
    ]);
    t.notMatch(
      JSON.stringify(await rejects(world)),
      /31\/02|Servce|2026-03|Family/,
      'and no value of a cell',
    );
  },
);

t.test('what is no FHIR is rejected by the columns it was made of', async (t) => {
  const world = await loader(t);
  const [episode] = SERVICES.resources ?? [];
  const loose = {
    ...MAPPING,
    tables: {
      people: PEOPLE,
      services: {
        ...SERVICES,
        resources: [{ ...episode, elements: { ...episode?.elements, status: { $column: 'Kind' } } }],
      },
    },
  } as Mapping;
  const files = { people: people(person('1', ADA)), services: services(service('a', '1')) };
  const certificate = await world.load(extract(files), mappedBy(loose));
  t.match(certificate.types['EpisodeOfCare'], { rejected: { structure: 1 } });
  const [reject] = (await rejects(world)).filter(({ rule }) => rule === 'structure');
  t.match(reject, { file: 'services.csv', line: 2, element: 'Kind', hint: 'EpisodeOfCare.status: code' });
});

t.test('formulas, markup and names of objects are texts like any others', async (t) => {
  const world = await loader(t);
  const texts = [
    '=HYPERLINK("http://x.example")',
    '<script>alert(1)</script>',
    '__proto__',
    "'; drop table x; --",
  ];
  const files = {
    people: people(person('1', ADA)),
    services: services(...texts.map((Team, index) => service(String(index), '1', { Team }))),
  };
  t.match(await world.load(extract(files), mappedBy(MAPPING)), { result: 'published' });
  const teams = (await bodies(world, 'EpisodeOfCare')).map((body) => body['careManager']);
  t.same(new Set(teams.map((team) => (team as { display: string }).display)), new Set(texts));
});
