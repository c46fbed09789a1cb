import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { NUMBERS, observation, optOut, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, personIds, policy, writeExtract } from './world.ts';

const [ADA, BEN, CLEO] = NUMBERS;

const restricted = {
  meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
};

function request(id: string, of: string, medicine: string): Row {
  return {
    resourceType: 'MedicationRequest',
    id,
    status: 'active',
    intent: 'order',
    medicationReference: { reference: `Medication/${medicine}` },
    subject: { reference: `Patient/${of}` },
  };
}

const medication = (id: string, text: string): Row => ({ resourceType: 'Medication', id, code: { text } });

const FULL: ExtractSpec = {
  source: 'gp',
  files: {
    Patient: [patient('p1', ADA), patient('p2', BEN)],
    Practitioner: [{ resourceType: 'Practitioner', id: 'd1' }],
    Observation: [observation('o1', 'p1', 1), observation('o2', 'p1', 2), observation('o3', 'p2', 3)],
    Medication: [medication('m1', 'Aspirin'), medication('m2', 'Ibuprofen')],
    MedicationRequest: [request('r1', 'p1', 'm1'), request('r2', 'p1', 'm2'), request('r3', 'p2', 'm1')],
  },
};

const delta = (
  sequence: number,
  files: ExtractSpec['files'],
  more: Partial<ExtractSpec> = {},
): ExtractSpec => ({
  source: 'gp',
  sequence,
  kind: 'delta',
  files,
  ...more,
});

const purge = (...names: readonly string[]): readonly Row[] =>
  names.map((name) => {
    const [resourceType = '', id = ''] = name.split('/');
    return { resourceType, id };
  });

/** What is shown, by type and source: how many. */
async function shown({ rows }: Loader): Promise<Readonly<Record<string, number>>> {
  const found = await rows(
    `select v.type, count(*)::int as n from record.resource_version v
     where v.valid_to = 9223372036854775807 and v.source = 1 group by 1 order by 1`,
  );
  return Object.fromEntries(found.map((row) => [String(row['type']), Number(row['n'])]));
}

t.test('a delta adds, changes and purges, and what it does not name stands', async (t) => {
  const world = await loader(t);
  await world.load(FULL);
  const certificate = await world.load(
    delta(2, {
      Observation: [observation('o1', 'p1', 7), observation('o2', 'p1', 2), observation('o4', 'p2')],
      Purge: purge('Observation/o3', 'Observation/o9', 'MedicationRequest/r2', 'Patient/p9', 'Medication/m9'),
    }),
  );
  t.match(certificate, {
    result: 'published',
    kind: 'delta',
    types: {
      Observation: { new: 1, changed: 1, unchanged: 1, deleted: 1, absent: 1, rejected: {} },
      MedicationRequest: { deleted: 1, absent: 0 },
      Medication: { deleted: 1, absent: 1, unreferenced: 0 },
      Patient: { absent: 1 },
    },
  });
  t.same(await shown(world), { 1: 2, 4: 2, 8: 3, 21: 2 });
  const texts = await world.rows(
    `select body from record.resource_version where valid_to = 9223372036854775807 and type = 8`,
  );
  t.same(
    texts.map((row) => JSON.parse(String(row['body'])).valueQuantity.value).sort(),
    [1, 2, 7],
    'as the delta has them',
  );
  const before = await visible(world);
  t.match(
    await world.load(
      delta(3, {
        Observation: [observation('o4', 'p2')],
        Purge: purge('Observation/o4', 'Observation/o3', 'Practitioner/d1'),
      }),
    ),
    { types: { Observation: { unchanged: 1, deleted: 0, absent: 1 }, Practitioner: { deleted: 1 } } },
    'what a delta both brings and purges stands',
  );
  const unlike = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => !/^(published|directory|key): /.test(line));
  t.same(unlike(await visible(world)), unlike(before));
});

t.test(
  'what is stored of a row that comes and is not taken goes, and of one that cannot be read stands',
  async (t) => {
    const code = '364075005';
    const shares = policy().sources.get('gp')?.shares ?? {};
    const kept = policy({
      gp: { shares: { ...shares, Observation: { exceptCodes: ['http://snomed.info/sct|1'] } } },
    });
    const world = await loader(t);
    await world.load(FULL, { policy: kept });
    const secret = { code: { coding: [{ system: 'http://snomed.info/sct', code: '1' }] } };
    t.match(
      await world.load(
        delta(2, {
          Observation: [
            observation('o1', 'p1', 1, secret),
            observation('o2', 'p7', 2),
            observation('o3', 'p2', 3, { status: [code] }),
          ],
          Practitioner: [{ resourceType: 'Practitioner', id: 'd1', ...restricted }],
          MedicationRequest: [{ ...request('r3', 'p2', 'm1'), subject: { display: 'Somebody' } }],
        }),
        { policy: kept },
      ),
      {
        types: {
          Observation: { deleted: 2, withheld: 1, rejected: { 'unknown-person': 1, structure: 1 } },
          Practitioner: { deleted: 1 },
          MedicationRequest: { deleted: 1, rejected: { 'no-person': 1 } },
          Medication: { deleted: 1 },
        },
      },
    );
    t.same(await shown(world), { 1: 2, 4: 2, 8: 1, 21: 2 });
  },
);

t.test('a delta that purges or brings nothing is taken, too', async (t) => {
  const world = await loader(t);
  await world.load(FULL);
  t.match(await world.load(delta(2, { Purge: [] })), { result: 'published' });
  t.match(await world.load(delta(3, { Observation: [] })), { result: 'published' });
  t.same(await shown(world), { 1: 2, 4: 3, 8: 3, 21: 3 });
});

t.test('deltas are taken in sequence without gaps, and a full extract may follow at any time', async (t) => {
  const world = await loader(t);
  const change = (sequence: number, value: number): ExtractSpec =>
    delta(sequence, { Observation: [observation('o1', 'p1', value)] });
  t.match(await world.load(change(2, 2)), { result: 'refused', reason: { rule: 'sequence-gap' } });
  await world.load(FULL);
  const third = writeExtract(world.root, change(3, 3));
  t.match(await world.loadFolder(third, 'gp'), {
    reason: { rule: 'sequence-gap', sentence: /2 comes next/ },
  });
  const second = writeExtract(world.root, change(2, 2));
  t.match(await world.loadFolder(second, 'gp'), { result: 'published' });
  t.match(await world.loadFolder(third, 'gp'), { result: 'published' }, 'the one that was early follows now');
  const before = await visible(world);
  t.match(await world.loadFolder(second, 'gp'), { result: 'duplicate' });
  t.match(await world.load(change(2, 9)), { result: 'refused', reason: { rule: 'sequence' } });
  t.same(await visible(world), before, 'an older one never overwrites a newer');
  t.match(await world.load(delta(4, FULL.files, { businessDate: '2026-11-21' })), {
    reason: { rule: 'earlier-date' },
  });
  t.match(
    await world.load({ ...FULL, sequence: 9, files: { Patient: FULL.files['Patient'] ?? [] } }),
    { reason: { rule: 'file-missing' } },
    'types of earlier nights are asked for, whatever the deltas between had',
  );
  t.match(await world.load({ ...FULL, sequence: 9 }), {
    result: 'published',
    types: { Observation: { changed: 1, unchanged: 2 } },
  });
  t.match(await world.load(delta(10, { Condition: [] })), { result: 'published' });
  t.match(await world.load({ ...FULL, sequence: 11 }), {
    reason: { rule: 'file-missing', sentence: /Condition/ },
  });
});

t.test('rows of purges are read strictly', async (t) => {
  const world = await loader(t);
  await world.load(FULL);
  const lines = [
    ...purge('Observation/o1').map((row) => JSON.stringify(row)),
    JSON.stringify(observation('o2', 'p1')),
    '{"resourceType":"Observation"}',
    '{"resourceType":"Observation","id":"o 2"}',
    '{"resourceType":"Observations","id":"o2"}',
    '{"resourceType":"Consent","id":"c1"}',
    '["Observation","o2"]',
    'o2',
    '',
    '{"resourceType":"Observation","id":"o3"}',
  ];
  t.match(await world.load(delta(2, { Purge: `${lines.join('\n')}\n` })), {
    types: {
      Observation: { deleted: 2 },
      Purge: { rejected: { purge: 6, id: 1, 'resource-type': 1 } },
    },
  });
  t.same(await world.rows('select line::int from record.reject order by 1'), [
    ...[2, 3, 4, 5, 6, 7, 8, 9].map((line) => ({ line })),
  ]);
  t.match(await world.load({ ...FULL, sequence: 3, files: { ...FULL.files, Purge: [] } }), {
    reason: { rule: 'manifest' },
  });
});

t.test('what restricts counts in a delta as in a full extract', async (t) => {
  const world = await loader(t);
  await world.load(FULL);
  t.match(
    await world.load(
      delta(2, {
        Consent: [optOut('c1', 'p1', 'deny', '2026-11-01')],
        Patient: [patient('p2', BEN, restricted)],
      }),
    ),
    { result: 'published', consent: { optedOut: 1, restricted: 1 } },
  );
  const standing = async (): Promise<readonly string[]> =>
    (await visible(world)).filter((line) => /^(opt-out|restriction):/.test(line));
  const both = await standing();
  t.equal(both.length, 2);
  await world.load(delta(3, { Purge: purge('Patient/p2', 'Consent/c1', 'Patient/p1') }));
  t.same(await standing(), both, 'neither ends because its patient is purged');
  t.same(await shown(world), {}, 'a patient is purged with all rows');
  t.match(
    await world.load(delta(4, { Patient: [patient('p2', BEN)], Observation: [observation('o3', 'p2', 3)] })),
    { types: { Patient: { new: 1 }, Observation: { new: 1 } } },
  );
  t.equal((await standing()).length, 1, 'a flag is lifted by the Patient without it');
});

t.test('who people are changes in a delta as far as the delta says', async (t) => {
  const world = await loader(t);
  await world.load(FULL);
  const rowsOf = (id: string): Promise<readonly Record<string, unknown>[]> =>
    world.rows(
      `select v.type from record.resource_version v join record.person_number n using (person_id)
       where v.valid_to = 9223372036854775807 and n.nhs_number = $1 order by 1`,
      [id],
    );
  await world.load(delta(2, { Patient: [patient('p1', CLEO)], Observation: [observation('o1', 'p1', 1)] }));
  t.same(await rowsOf(ADA), [], 'nothing is left with the number that was wrong');
  t.same(await rowsOf(CLEO), [{ type: 1 }, { type: 8 }], 'the rows that came with the new number');

  await world.load(
    delta(3, { Patient: [patient('p3', BEN, patient('p2', BEN))].map((row) => ({ ...row, id: 'p3' })) }),
  );
  const before = await visible(world);
  t.match(
    await world.load(delta(4, { Patient: [patient('p3', ADA)] })),
    { result: 'refused', reason: { rule: 'needs-full' } },
    'of two patients with one number one becomes somebody else',
  );
  const lasting = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => !line.startsWith('person:'));
  t.same(lasting(await visible(world)), lasting(before));
  t.match(await world.load(delta(4, { Patient: [patient('p2', BEN), patient('p3', ADA)] })), {
    result: 'published',
  });
});

t.test('a patient who would be let in again waits until the row comes', async (t) => {
  const world = await loader(t);
  await world.load({ source: 'gp', files: { Patient: [patient('g1', ADA)] } });
  const acute = (
    sequence: number,
    kind: 'full' | 'delta',
    more: Record<string, unknown> = {},
  ): ExtractSpec => ({
    source: 'acute',
    sequence,
    kind,
    files: { Patient: [patient('p1', ADA, more)], Observation: [observation('o1', 'p1')] },
  });
  const other = { birthDate: '1999-01-01', name: [{ family: 'Other', given: ['Zoe'] }] };
  t.match(await world.load(acute(1, 'full', other)), {
    identity: { quarantined: { 'identity-conflict': 1 } },
  });
  // the GP corrects itself: the acute trust was right
  await world.load({ source: 'gp', sequence: 2, files: { Patient: [patient('g1', ADA, other)] } });
  const empty: ExtractSpec = { ...acute(2, 'delta'), files: { Observation: [] } };
  t.match(await world.load(empty), { identity: { accepted: 0, quarantined: { 'identity-conflict': 1 } } });
  t.match(await world.load({ ...empty, sequence: 3 }), { identity: { accepted: 0 } });
  t.match(await world.load(acute(4, 'delta', other)), {
    identity: { accepted: 1 },
    types: { Patient: { new: 1 }, Observation: { new: 1 } },
  });
});

t.test('social care sends full extracts only', async (t) => {
  const world = await loader(t);
  for (const spec of [
    delta(1, { Patient: [] }, { source: 'adult' }),
    delta(1, { ssd_person: '' }, { source: 'lcs', format: 'lcs-csv' }),
  ]) {
    t.match(await world.load(spec), { result: 'refused', reason: { rule: 'not-full' } });
  }
  const tables = policy({ gp: { format: 'lcs-csv' } });
  t.match(await world.load(delta(1, { ssd_person: '' }, { format: 'lcs-csv' }), { policy: tables }), {
    reason: { rule: 'not-full' },
  });
});

/** A night's change to one row; `undefined` purges it. */
interface Change {
  readonly type: string;
  readonly id: string;
  readonly row?: Row;
}

const PEOPLE = ['p1', 'p2', 'p3'] as const;
const person = fc.constantFrom(...PEOPLE);
const gone = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(row, { nil: undefined, freq: 2 });

const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(fc.constantFrom('o1', 'o2', 'o3', 'o4'), person, gone(fc.nat(3)))
    .map(([id, of, value]) =>
      made('Observation', id, value === undefined ? value : observation(id, of, value)),
    ),
  fc
    .tuple(fc.constantFrom('r1', 'r2', 'r3'), person, gone(fc.constantFrom('m1', 'm2')))
    .map(([id, of, medicine]) => made('MedicationRequest', id, medicine && request(id, of, medicine))),
  fc
    .tuple(fc.constantFrom('m1', 'm2'), gone(fc.constantFrom('Aspirin', 'Ibuprofen', 'Paracetamol')))
    .map(([id, text]) => made('Medication', id, text && medication(id, text))),
  fc
    .tuple(person, gone(fc.boolean()))
    .map(([id, flag]) => made('Patient', id, flag === undefined ? flag : plainOrFlagged(id, flag))),
);

function made(type: string, id: string, row: Row | '' | undefined): Change {
  return { type, id, ...(row && { row }) };
}

function plainOrFlagged(id: string, flag: boolean): Row {
  return patient(id, NUMBERS[Number(id.slice(1)) - 1] ?? ADA, flag ? restricted : {});
}

/** All that the source holds, by type and id. */
type Held = Map<string, Row>;

/** What a delta must bring: the rows, what they refer to, and all rows of a patient who was not there. */
function broughtBy(changes: readonly Change[], before: Held, after: Held): readonly Row[] {
  const keys = new Set(changes.map(({ type, id }) => `${type}/${id}`));
  for (const [key, row] of after) {
    const of = String((row['subject'] as { reference?: string } | undefined)?.reference);
    if (!before.has(of) && after.has(of)) keys.add(key);
  }
  for (const key of [...keys]) {
    const { medicationReference: medicine } = (after.get(key) ?? {}) as {
      medicationReference?: { reference: string };
    };
    if (medicine !== undefined) keys.add(medicine.reference);
  }
  return [...keys].flatMap((key) => after.get(key) ?? []);
}

function byType(rows: readonly Row[]): Record<string, readonly Row[]> {
  const types = ['Patient', 'Observation', 'Medication', 'MedicationRequest'];
  return Object.fromEntries(types.map((type) => [type, rows.filter((row) => row.resourceType === type)]));
}

t.test('nights of deltas end as nights of full extracts do', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 5 }),
      async (nights) => {
        const [byDelta, byFull] = [await loader(t), await loader(t)];
        const held: Held = new Map(
          Object.values(FULL.files).flatMap((rows) =>
            (typeof rows === 'string' ? [] : rows).map((row): [string, Row] => [
              `${row.resourceType}/${row.id}`,
              row,
            ]),
          ),
        );
        held.delete('Practitioner/d1');
        held.set('Patient/p3', plainOrFlagged('p3', false));
        const load = async (world: Loader, spec: ExtractSpec, sequence: number): Promise<void> => {
          // everybody is met in the first night
          const newPersonId = sequence === 1 ? personIds('') : randomUUID;
          const { result, reason } = await world.load(spec, { newPersonId });
          if (result !== 'published') throw new Error(`${result} ${JSON.stringify(reason)}`);
        };
        for (const world of [byDelta, byFull])
          await load(world, { source: 'gp', files: byType([...held.values()]) }, 1);
        for (const [index, changes] of nights.entries()) {
          const sequence = index + 2;
          const before = new Map(held);
          for (const { type, id, row } of changes) {
            if (row === undefined) held.delete(`${type}/${id}`);
            else held.set(`${type}/${id}`, row);
          }
          const gone = changes.map(({ type, id }) => `${type}/${id}`).filter((key) => !held.has(key));
          const files = { ...byType(broughtBy(changes, before, held)), Purge: purge(...gone) };
          await load(byDelta, delta(sequence, files), sequence);
          await load(byFull, { source: 'gp', sequence, files: byType([...held.values()]) }, sequence);
          t.same(await visible(byDelta), await visible(byFull));
        }
      },
    ),
    { numRuns: 4 },
  );
});
