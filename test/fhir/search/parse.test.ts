import fc from 'fast-check';
import t from 'tap';
import { Problem, type ProblemKind } from '../../../src/fhir/problem.ts';
import { COUNT, countOf, FORMAT, ID, idsOf, patientParameter } from '../../../src/fhir/search/common.ts';
import { escapeValue, splitEscaped, unescapeValue } from '../../../src/fhir/search/escape.ts';
import { type ParameterDefinition, parameterTable } from '../../../src/fhir/search/parameter.ts';
import { parseSearch } from '../../../src/fhir/search/parse.ts';

const BASE = 'https://record.example/fhir';
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const single = { multiple: false } as const;
const many = { multiple: true } as const;

const CODE: ParameterDefinition = { name: 'code', type: 'token', ...many, suffixes: [':not', ':missing'] };
const QUANTITY: ParameterDefinition = { name: 'value-quantity', type: 'quantity', ...single };
const TABLE = parameterTable(
  COUNT,
  ID,
  FORMAT,
  patientParameter('patient', new Map([[NHS, (value) => (value === '9990000018' ? value : undefined)]])),
  CODE,
  QUANTITY,
  { name: 'date', type: 'date', ...many },
  { name: 'birthdate', type: 'date', ...single, prefixes: ['eq'] },
  { name: 'family', type: 'string', ...many, suffixes: [':exact'] },
  {
    name: 'encounter',
    type: 'reference',
    ...many,
    targets: ['Encounter', 'EpisodeOfCare'],
    suffixes: [':Encounter'],
  },
  { name: 'focus', type: 'reference', ...many },
  { name: 'probability', type: 'number', ...many },
  { name: '_source', type: 'uri', ...single },
  { name: 'code-value-quantity', type: 'composite', ...many, components: [CODE, QUANTITY] },
);

type Query = readonly (readonly [string, string])[];
const parse = (query: Query) => parseSearch(query, TABLE, { base: BASE });
const values = (name: string, value: string) => parse([[name, value]])[0]?.values;

function problemOf(
  query: Query,
): { kind: ProblemKind; expression: readonly string[] | undefined } | undefined {
  try {
    parse(query);
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: error.kind, expression: error.detail.expression };
  }
}

t.test('names that are not declared are refused by name, whatever they look like', async (t) => {
  // biome-ignore format: a table
  const names = [
    '__proto__', 'constructor', 'toString', 'hasOwnProperty', '_HAS', '_has:Observation:patient:code',
    'Patient', 'PATIENT', '_include:iterate', 'nonsense',
  ];
  for (const name of names) {
    t.same(problemOf([[name, 'x']]), { kind: 'unsupported', expression: [name] }, name);
  }
  // biome-ignore format: a table
  const nameless = ['', ' patient', 'patient ', '%5Fid', '9990000018', 'a'.repeat(101), 'x\u0000', 'naïve'];
  for (const name of nameless) {
    t.same(problemOf([[name, 'x']]), { kind: 'unsupported', expression: undefined }, JSON.stringify(name));
  }
});

t.test('modifiers and chains that are not declared are refused', async (t) => {
  // biome-ignore format: a table
  const names = [
    'patient:Patient.name', 'patient.name', 'patient:missing', 'code:text', 'code:not:not', 'family:contains',
    '_count:exact', 'encounter:EpisodeOfCare', 'date:', 'date.',
  ];
  for (const name of names) {
    t.same(problemOf([[name, 'x']]), { kind: 'unsupported', expression: [name] }, name);
  }
});

t.test('what may be given once is refused twice, under any of its suffixes', async (t) => {
  const repeated: readonly Query[] = [
    [
      ['patient', 'a'],
      ['patient', 'b'],
    ],
    [
      ['patient', 'a'],
      ['patient:identifier', `${NHS}|9990000018`],
    ],
    [
      ['_id', 'a'],
      ['_id', 'a'],
    ],
    [
      ['_count', '1'],
      ['_count', '1'],
    ],
  ];
  for (const query of repeated) t.equal(problemOf(query)?.kind, 'invalid', JSON.stringify(query));
  t.equal(
    parse([
      ['date', 'ge2025'],
      ['date', 'lt2026'],
    ]).length,
    2,
  );
  t.throws(() => parameterTable(ID, ID));
});

t.test('too much is too costly', async (t) => {
  t.equal(problemOf(Array.from({ length: 101 }, () => ['code', 'x'] as const))?.kind, 'too-costly');
  t.equal(problemOf([['_id', Array.from({ length: 101 }, (_, i) => i).join()]])?.kind, 'too-costly');
  t.equal(problemOf([['family', 'x'.repeat(4097)]])?.kind, 'too-costly');
});

t.test('each type reads its values', async (t) => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['code', '123', [{ kind: 'token', code: '123' }]],
    ['code', 'http://loinc.org|1-2', [{ kind: 'token', system: 'http://loinc.org', code: '1-2' }]],
    ['code', '|a', [{ kind: 'token', system: '', code: 'a' }]],
    ['code', 's|', [{ kind: 'token', system: 's' }]],
    [
      'code',
      'a,b',
      [
        { kind: 'token', code: 'a' },
        { kind: 'token', code: 'b' },
      ],
    ],
    ['code', 'a\\,b\\|c\\$d\\\\e', [{ kind: 'token', code: 'a,b|c$d\\e' }]],
    ['code:missing', 'true', [{ kind: 'missing', missing: true }]],
    ['code:not', 'a', [{ kind: 'token', code: 'a' }]],
    ['family:exact', "O'Neill", [{ kind: 'string', text: "O'Neill" }]],
    ['_source', 'urn:x', [{ kind: 'uri', uri: 'urn:x' }]],
    [
      '_id',
      'a,b.c-1',
      [
        { kind: 'id', id: 'a' },
        { kind: 'id', id: 'b.c-1' },
      ],
    ],
    ['_count', '50', [{ kind: 'count', count: 50 }]],
    ['_count', '1001', [{ kind: 'count', count: 1000 }]],
    ['_count', '9'.repeat(400), [{ kind: 'count', count: 1000 }]],
    ['_format', 'application/fhir+json', [{ kind: 'string', text: 'application/fhir+json' }]],
    ['patient', 'p1', [{ kind: 'reference', type: 'Patient', id: 'p1' }]],
    ['patient', 'Patient/p1', [{ kind: 'reference', type: 'Patient', id: 'p1' }]],
    ['patient:Patient', 'p1', [{ kind: 'reference', type: 'Patient', id: 'p1' }]],
    ['patient', `${BASE}/Patient/p1`, [{ kind: 'reference', type: 'Patient', id: 'p1' }]],
    ['patient:identifier', `${NHS}|9990000018`, [{ kind: 'identifier', system: NHS, value: '9990000018' }]],
    ['patient.identifier', `${NHS}|9990000018`, [{ kind: 'identifier', system: NHS, value: '9990000018' }]],
    ['encounter', 'e1', [{ kind: 'reference', id: 'e1' }]],
    ['encounter:Encounter', 'e1', [{ kind: 'reference', type: 'Encounter', id: 'e1' }]],
    ['focus', 'Device/d', [{ kind: 'reference', type: 'Device', id: 'd' }]],
    ['probability', 'gt100', [{ kind: 'number', prefix: 'gt', value: 100, from: 99.5, to: 100.5 }]],
    ['probability', '1e2', [{ kind: 'number', prefix: 'eq', value: 100, from: 50, to: 150 }]],
    ['probability', '-5.4', [{ kind: 'number', prefix: 'eq', value: -5.4, from: -5.45, to: -5.35 }]],
    [
      'value-quantity',
      '5||mg',
      [
        {
          kind: 'quantity',
          number: { kind: 'number', prefix: 'eq', value: 5, from: 4.5, to: 5.5 },
          system: '',
          code: 'mg',
        },
      ],
    ],
    [
      'code-value-quantity',
      's|c$lt5',
      [
        {
          kind: 'composite',
          parts: [
            { kind: 'token', system: 's', code: 'c' },
            { kind: 'quantity', number: { kind: 'number', prefix: 'lt', value: 5, from: 4.5, to: 5.5 } },
          ],
        },
      ],
    ],
    [
      'date',
      'ge2025-06',
      [
        {
          kind: 'date',
          prefix: 'ge',
          text: '2025-06',
          range: { from: Date.parse('2025-05-31T23:00Z'), to: Date.parse('2025-06-30T23:00Z') },
        },
      ],
    ],
  ];
  for (const [name, value, expected] of cases)
    t.same(values(name, value), expected, `${name}=${value.slice(0, 40)}`);
  const search = parse([
    ['_id', 'a,b'],
    ['_count', '7'],
    ['code:not', 'x'],
  ]);
  t.same(idsOf(search), ['a', 'b']);
  t.equal(countOf(search), 7);
  t.equal(search[2]?.suffix, ':not');
  t.equal(idsOf([]), undefined);
  t.equal(countOf([]), undefined);
});

t.test(
  'values that cannot be read are refused, with the parameter named and the value not repeated',
  async (t) => {
    // biome-ignore format: a table
    const refused: Readonly<Record<string, readonly string[]>> = {
      _count: ['-1', '1e9', 'NaN', '0x10', ' 5', '5 ', '05', '1.5', '+5', '1,2', ''],
      _id: ['a_b', 'a,,b', ',', 'a'.repeat(65), 'Patient/a', '../a', 'a\u0000', 'a b'],
      patient: [
        'p1,p2', 'Practitioner/p1', 'Patient/', 'Patient/p1/_history/1', 'https://evil.example/fhir/Patient/p1',
        'https://record.example/fhirPatient/p1', `${BASE}/Patient?identifier=x`, '../Patient/p1', '#p1',
        'urn:uuid:c757873d-ec9a-4326-a141-556f43239520',
      ],
      'patient:identifier': [`${NHS}|9990000017`, '9990000018', `${NHS}|`, '|9990000018', 'urn:other|9990000018'],
      code: ['a|b|c', '|', 'a\\', 'a\\b', 'a\ud800', 'a,', '\u0007'],
      'code:missing': ['maybe', 'TRUE', '1'],
      date: [
        '2024-02-30', '0000', '+275760-01-01', '2024-01-01T24:00', '2024-01-01T10', '2024-01-01T10:00+15:00',
        'xx2024', 'GE2024', 'ge', '2024-1-1', '2024/01/01', 'today',
      ],
      birthdate: ['ge2014', 'ne2014-06-02'],
      probability: ['1e999', 'five', '0x10', '.5', '5.', '--1', 'Infinity'],
      'value-quantity': ['5|mg', '5|s|', '5|s|c|d', '|s|c', 'mg'],
      'code-value-quantity': ['a', 'a$5$6', '$5', 'a$'],
      encounter: ['Patient/p'],
      'encounter:Encounter': ['EpisodeOfCare/e'],
      _source: ['a b'],
      family: ['   '],
    };
    for (const [name, texts] of Object.entries(refused)) {
      for (const text of texts) {
        t.same(
          problemOf([[name, text]]),
          { kind: 'invalid', expression: [name] },
          `${name}=${JSON.stringify(text)}`,
        );
      }
    }
    const messages = [
      ['_count', '', 'The search parameter _count must have a value.'],
      ['_count', '-1', 'The search parameter _count must be a whole number.'],
      [
        'patient:identifier',
        `${NHS}|9990000017`,
        'The search parameter patient:identifier must be a Patient id, Patient/id or its URL on this server; by identifier a valid system|value.',
      ],
    ] as const;
    for (const [name, text, message] of messages) t.throws(() => parse([[name, text]]), { message });
  },
);

t.test('parsing throws nothing but a Problem, and reads what it accepts the same again', async () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom(...TABLE.keys()),
    fc.constantFrom('patient:identifier', 'code:not'),
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', '1', '|', ',', '$', '\\', '-', 'g', 'e', ':', 'T', '/', '.') }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 3 }), (query) => {
      const problem = problemOf(query);
      if (problem === undefined) parse(query);
      return problem === undefined || problem.kind === 'invalid' || problem.kind === 'unsupported';
    }),
    { numRuns: 2_000 },
  );
});

t.test('escapes can be undone', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => unescapeValue(escapeValue(text)) === text));
  fc.assert(
    fc.property(
      fc.array(fc.string(), { minLength: 1 }),
      fc.constantFrom(',', '|', '$'),
      (texts, separator) => {
        const parts = splitEscaped(texts.map(escapeValue).join(separator), separator);
        return JSON.stringify(parts.map(unescapeValue)) === JSON.stringify(texts);
      },
    ),
  );
});
