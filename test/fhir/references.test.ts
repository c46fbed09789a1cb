import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import {
  type LocalReference,
  localReference,
  personReference,
  referencesIn,
  rewriteReferences,
} from '../../src/fhir/references.ts';
import { SERVED_NAMES, served } from '../../src/fhir/served.ts';
import { validateStructure } from '../../src/fhir/structure.ts';

const known = ({ type, id }: LocalReference) =>
  id.startsWith('x') ? undefined : `${type}/our-${id.replace(/^our-/, '')}`;
const nothing = () => undefined;
const logical = (value: string) => ({ identifier: { system: 'urn:mcr:unresolved', value } });

t.test('only Type/id, with or without a version, is a local reference', async (t) => {
  t.same(localReference('Patient/a.b-1'), { type: 'Patient', id: 'a.b-1' });
  t.same(localReference('Patient/1/_history/2'), { type: 'Patient', id: '1' });
  for (const text of [
    '',
    '#a',
    'Patient',
    'Patient/',
    'patient/1',
    '/Patient/1',
    'Patient/1/2',
    'Patient?identifier=1',
  ]) {
    t.equal(localReference(text), undefined, text);
  }
  for (const text of [
    'https://x/Patient/1',
    'urn:uuid:1',
    '../Patient/1',
    'Patient/a_b',
    `Patient/${'a'.repeat(65)}`,
  ]) {
    t.equal(localReference(text), undefined, text);
  }
});

t.test('references are pointed at this record, and those that lead elsewhere keep no address', async (t) => {
  const cases: readonly (readonly [object, object])[] = [
    [{ reference: 'Patient/1' }, { reference: 'Patient/our-1' }],
    [
      { reference: 'Patient/1/_history/3', display: 'M' },
      { reference: 'Patient/our-1', display: 'M' },
    ],
    [
      { reference: 'Patient/x1', type: 'Patient', display: 'M' },
      { type: 'Patient', display: 'M', ...logical('Patient/x1') },
    ],
    [{ reference: 'Patient/x1', _reference: { id: 'r' } }, logical('Patient/x1')],
    [{ reference: '#p' }, { reference: '#p' }],
    [{ reference: '#' }, { reference: '#' }],
    [{ reference: 'https://gp.example/fhir/Patient/1' }, logical('Patient/1')],
    [{ reference: 'http://gp.example/fhir/Patient/1/_history/2' }, logical('Patient/1')],
    [{ reference: 'https://gp.example/thing?nhs=9990000018' }, logical('external')],
    [{ reference: 'Patient?identifier=9990000018' }, logical('external')],
    [
      { reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' },
      logical('urn:uuid:c757873d-ec9a-4326-a141-556f43239520'),
    ],
    [{ reference: 'urn:https://gp.example' }, logical('external')],
    [{ reference: `https://x/${'a/'.repeat(5_000)}Patient/1` }, logical('external')],
    [
      { reference: 'Practitioner/x', identifier: { system: 's', value: 'v' } },
      { identifier: { system: 's', value: 'v' } },
    ],
    [{ identifier: { value: 'v' } }, { identifier: { value: 'v' } }],
    [
      { reference: 'Practitioner/1', display: 'Dr Jo' },
      { reference: 'Practitioner/our-1', display: 'Dr Jo' },
    ],
    [
      { reference: 'Medication/1', display: 'Aspirin' },
      { reference: 'Medication/our-1', display: 'Aspirin' },
    ],
    // what a row of the record says is said by that row, or not at all
    [{ reference: 'Condition/1', display: 'HIV', _display: { id: 'd' } }, { reference: 'Condition/our-1' }],
    [
      { reference: 'Encounter/x1', type: 'Encounter', display: 'GUM' },
      { type: 'Encounter', ...logical('Encounter/x1') },
    ],
    [{ reference: 'https://gp.example/fhir/Condition/1/_history/2', display: 'HIV' }, logical('Condition/1')],
    [{ reference: 'Condition?code=HIV', display: 'HIV' }, logical('external')],
    [{ reference: 'https://gp.example/fhir/Condition?code=HIV', display: 'HIV' }, logical('external')],
  ];
  for (const [before, after] of cases) {
    t.same(rewriteReferences({ resourceType: 'Flag', subject: before }, known), {
      resourceType: 'Flag',
      subject: after,
    });
    const extension = (value: object) => ({ extension: [{ url: 'urn:x', valueReference: value }] });
    const contained = (value: object) => ({
      contained: [{ resourceType: 'Task', owner: value }],
      ...extension(value),
    });
    t.same(
      rewriteReferences(contained(before), known),
      contained(after),
      'contained resources and extensions too',
    );
  }
  const attachments = (url?: string) => ({
    content: [{ attachment: { title: 'L', ...(url !== undefined && { url }) } }],
  });
  t.same(rewriteReferences(attachments('Binary/1'), known), attachments('Binary/our-1'));
  t.same(rewriteReferences(attachments('Binary/x1'), known), attachments());
  const unchanged = {
    resourceType: 'Flag',
    subject: { reference: 'Patient/our-1' },
    extension: [{ url: 'Type/1' }],
  };
  t.equal(rewriteReferences(unchanged, known), unchanged, 'what needs no change is not copied');
  const hostile = JSON.parse('{"__proto__":{"reference":"Patient/1"},"a":{"reference":"Patient/1"}}');
  const rewritten: object = rewriteReferences(hostile, known);
  t.equal(Object.getPrototypeOf(rewritten), Object.prototype, 'no prototype is set by a row');
});

t.test('rewriting twice is rewriting once, and leaves every other value as it was', async () => {
  const literal = fc.oneof(
    fc.constantFrom(
      '#a',
      'Patient/1',
      'Patient/x1',
      'Binary/2/_history/1',
      'https://e.example/Task/9',
      'urn:uuid:1-2',
    ),
    fc.webUrl(),
    fc.string(),
  );
  const json = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.record({ reference: literal, display: fc.string() }, { requiredKeys: ['reference'] }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('node')),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.string(),
      fc.constant(null),
    ),
  })).node;
  fc.assert(
    fc.property(json, (value) => {
      const once = rewriteReferences({ value }, known);
      const left = [...referencesIn(once)].every(
        ({ literal, local }) => literal.startsWith('#') || local !== undefined,
      );
      const again = rewriteReferences(once, known);
      return left && again === once;
    }),
  );
});

t.test('the person of a row is named by its own reference, and by one only', async (t) => {
  const patient = { reference: 'Patient/1' };
  const one = { type: 'Patient', id: '1' };
  for (const type of SERVED_NAMES) {
    const { person } = served(type);
    const resource =
      person === 'participant.actor'
        ? { resourceType: type, participant: [{ actor: { reference: 'Location/1' } }, { actor: patient }] }
        : { resourceType: type, [person ?? 'subject']: person === 'target' ? [patient] : patient };
    t.same(personReference(resource), person === undefined ? undefined : one, type);
  }
  const nobodys: readonly object[] = [
    { resourceType: 'Observation' },
    { resourceType: 'Observation', subject: { reference: 'Group/1' } },
    { resourceType: 'Observation', subject: { reference: 'https://x/Patient/1' } },
    { resourceType: 'Observation', subject: { reference: '#p' } },
    { resourceType: 'Observation', subject: [patient] },
    { resourceType: 'Observation', subject: 'Patient/1' },
    { resourceType: 'Observation', patient },
    { resourceType: 'Appointment', participant: [{ actor: patient }, { actor: { reference: 'Patient/2' } }] },
    { resourceType: 'Appointment', participant: [null, {}] },
    { resourceType: 'Questionnaire', subject: patient },
    { resourceType: 'constructor', subject: patient },
    { subject: patient },
  ];
  for (const resource of nobodys) t.equal(personReference(resource), undefined, JSON.stringify(resource));
  t.same(
    personReference({ resourceType: 'Appointment', participant: [{ actor: patient }, { actor: patient }] }),
    one,
  );
  t.same(personReference({ resourceType: 'Provenance', target: [{ reference: 'Task/7' }, patient] }), {
    type: 'Task',
    id: '7',
  });
});

t.test('references are found with the element that holds them', async (t) => {
  const found = [
    ...referencesIn({
      resourceType: 'DiagnosticReport',
      subject: { reference: 'Patient/1' },
      result: [{ reference: 'Observation/1' }, { reference: '#o' }],
      contained: [{ resourceType: 'Observation', performer: [{ reference: 'urn:x' }] }],
    }),
  ];
  t.same(found, [
    { element: 'DiagnosticReport.subject', literal: 'Patient/1', local: { type: 'Patient', id: '1' } },
    { element: 'DiagnosticReport.result', literal: 'Observation/1', local: { type: 'Observation', id: '1' } },
    { element: 'DiagnosticReport.result', literal: '#o' },
    { element: 'DiagnosticReport.contained.performer', literal: 'urn:x' },
  ]);
});

const examples = sharedExamples();
const skip = examples.length === 0 && 'the shared data is not here (set MCR_SHARED_DATA)';

t.test(
  'published examples stay valid with every reference taken away or pointed here',
  { skip },
  async (t) => {
    let checked = 0;
    for (const example of examples) {
      if (validateStructure(example).length > 0) continue;
      checked++;
      for (const map of [nothing, known]) {
        const rewritten = rewriteReferences(example, map);
        const faults = validateStructure(rewritten);
        if (faults.length > 0) t.fail(`${example.resourceType}/${example.id}: ${JSON.stringify(faults)}`);
        const addresses = [...referencesIn(rewritten)].filter(
          ({ literal }) => !/^#|^[A-Z][A-Za-z]+\/our-/.test(literal),
        );
        if (addresses.length > 0)
          t.fail(`${example.resourceType}/${example.id}: ${JSON.stringify(addresses)}`);
      }
    }
    t.ok(checked > 100, `${checked} examples`);
  },
);

function sharedExamples(): readonly { resourceType: string; id?: string }[] {
  let folder = dirname(fileURLToPath(import.meta.url));
  const isRoot = (path: string): boolean =>
    existsSync(join(path, 'package.json')) &&
    JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).name === 'my-care-record';
  while (!isRoot(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const data = process.env['MCR_SHARED_DATA'] ?? join(folder, '..', 'shared', 'data');
  const file = join(data, 'hl7-r4-examples', 'r4-examples.ndjson.gz');
  if (!existsSync(file)) return [];
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}
