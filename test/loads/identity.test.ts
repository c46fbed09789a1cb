import { createSecretKey } from 'node:crypto';
import t from 'tap';
import { guardLimits } from '../../src/loads/guards.ts';
import { NHS, NUMBERS, observation, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, policy, writeExtract } from './world.ts';

const [ADA, BEN] = NUMBERS;
/** nothing that shrinks is held */
const SHRINK = { total: 100, type: 100, practice: 100 };

const OTHER = { name: [{ family: 'Otherwise', given: ['Quentin'] }], birthDate: '1958-02-02' };
const MARRIED = { name: [{ family: 'Newname', given: ['Ada'] }] };

function night(source: string, sequence: number, people: readonly Row[]): ExtractSpec {
  const rows = people.map((person) => observation(`o-${person.id}`, person.id));
  return { source, sequence, files: { Patient: people, Observation: rows } };
}

async function quarantined({ rows }: Loader): Promise<readonly unknown[]> {
  return rows(
    `select s.code as source, q.reason from record.quarantine q join record.source s on s.number = q.source order by 1`,
  );
}

async function established({ rows }: Loader, nhsNumber: string): Promise<unknown> {
  const [row] = await rows(
    `select s.code as by, p.birth_date, p.family, p.given from record.person p join record.person_number n using (person_id)
     left join record.source s on s.number = p.established_by where n.nhs_number = $1`,
    [nhsNumber],
  );
  return row;
}

async function held({ rows }: Loader, source: string): Promise<number> {
  const [row] = await rows(
    `select count(*)::int as n from record.resource_version v join record.source s on s.number = v.source
     where s.code = $1 and v.valid_to = 9223372036854775807`,
    [source],
  );
  return Number(row?.['n']);
}

t.test('who establishes a person', async (t) => {
  const world = await loader(t);
  const first = { birth_date: '1980-05-17', given: 'ada' };

  await t.test('the first source does, provisionally; a higher one that agrees takes over', async (t) => {
    await world.load(night('acute', 1, [patient('a1', ADA)]));
    t.match(await established(world, ADA), { by: 'acute', ...first, family: 'family' });
    await world.load(night('gp', 1, [patient('g1', ADA, MARRIED)]));
    t.match(await established(world, ADA), { by: 'gp', ...first, family: 'newname' });
    t.same(await quarantined(world), []);
    t.match(await world.rows('select count(*)::int as n from record.person'), [{ n: 1 }]);
  });

  await t.test(
    'a lower source that contradicts is quarantined, and its rows are refused and go',
    async (t) => {
      t.equal(await held(world, 'acute'), 2);
      const { types, identity } = await world.load(night('acute', 2, [patient('a1', ADA, OTHER)]));
      t.match(types, {
        Observation: { deleted: 1, rejected: { 'identity-conflict': 1 } },
        Patient: { deleted: 1 },
      });
      t.match(identity, { quarantined: { 'identity-conflict': 1 } });
      t.match(await established(world, ADA), { by: 'gp' });
      t.match(await quarantined(world), [{ source: 'acute', reason: 'identity-conflict' }]);
      t.equal(await held(world, 'acute'), 0);
    },
  );

  await t.test('and is released with the night on which it agrees again', async (t) => {
    const { types } = await world.load(night('acute', 3, [patient('a1', ADA)]));
    t.match(types, { Observation: { new: 1 }, Patient: { new: 1 } });
    t.same(await quarantined(world), []);
  });

  await t.test(
    'a higher source that contradicts takes over: the lower contribution is quarantined at once',
    async (t) => {
      await world.load(night('gp', 2, [patient('g1', ADA, OTHER)]));
      t.match(await established(world, ADA), { by: 'gp', birth_date: '1958-02-02', family: 'otherwise' });
      t.match(await quarantined(world), [{ source: 'acute', reason: 'identity-conflict' }]);
      t.equal(await held(world, 'acute'), 2, 'what was stored stands, and is never gathered');
      const { types } = await world.load(night('acute', 4, [patient('a1', ADA)]));
      t.match(
        types,
        { Observation: { deleted: 1 }, Patient: { deleted: 1 } },
        'though its rows did not change',
      );
    },
  );

  await t.test(
    'when the higher one corrects itself, the lower contribution returns with its next night',
    async (t) => {
      await world.load(night('gp', 3, [patient('g1', ADA)]));
      t.match(await quarantined(world), [{ source: 'acute' }], 'what loosens waits');
      const { types } = await world.load(night('acute', 5, [patient('a1', ADA)]));
      t.match(types, { Observation: { new: 1 }, Patient: { new: 1 } });
      t.same(await quarantined(world), []);
    },
  );

  await t.test('an identity whose source no longer knows the person is established anew', async (t) => {
    await world.load(night('gp', 4, []));
    t.match(await established(world, ADA), { by: null, birth_date: null });
    await world.load(night('acute', 6, [patient('a1', ADA, OTHER)]));
    t.match(await established(world, ADA), { by: 'acute', family: 'otherwise' });
    t.same(await quarantined(world), []);
  });
});

t.test('two records of one extract with one number', async (t) => {
  const world = await loader(t);
  await world.load(night('gp', 1, [patient('g1', ADA), patient('g2', ADA, MARRIED)]));
  t.match(await world.rows('select count(*)::int as n from record.person'), [{ n: 1 }]);
  t.equal(await held(world, 'gp'), 4, 'agreeing, they are one person');
  t.match(await world.rows('select family from record.person_search order by 1'), [
    { family: 'family' },
    { family: 'newname' },
  ]);
  const { types } = await world.load(night('gp', 2, [patient('g1', ADA), patient('g2', ADA, OTHER)]));
  t.match(
    types,
    { Observation: { rejected: { 'duplicate-number': 2 }, deleted: 2 } },
    'contradicting, neither is believed',
  );
  t.match(await quarantined(world), [{ source: 'gp', reason: 'duplicate-number' }]);
  t.match(
    await established(world, ADA),
    { by: 'gp', family: 'family' },
    'the established identity stands for others',
  );
  await world.load(night('acute', 1, [patient('a1', ADA)]));
  t.equal(await held(world, 'acute'), 2);
  await world.load(night('gp', 3, [patient('g1', ADA)]));
  t.same(await quarantined(world), []);
  t.equal(await held(world, 'gp'), 2);
  await t.test('and two different rows of one id', async (t) => {
    const { identity } = await world.load(night('gp', 4, [patient('g1', ADA), patient('g1', BEN)]));
    t.match(identity, { accepted: 0, quarantined: { 'duplicate-id': 1 } });
  });
});

t.test('a number that is none, not verified, or missing', async (t) => {
  const world = await loader(t);
  const url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus';
  const stated = (value: string, code: string): Record<string, unknown> => ({
    identifier: [{ system: NHS, value, extension: [{ url, valueCodeableConcept: { coding: [{ code }] } }] }],
  });
  const { types, identity } = await world.load(
    night('gp', 1, [
      patient('ok', ADA, stated(ADA, '01')),
      patient('traced', BEN, stated(BEN, '02')),
      patient('digit', '9990000017'),
      patient('none', '', { identifier: [{ system: 'urn:local', value: '7' }] }),
      patient('two', '', {
        identifier: [
          { system: NHS, value: NUMBERS[2] },
          { system: NHS, value: NUMBERS[3] },
        ],
      }),
      patient('nameless', NUMBERS[4], { name: undefined }),
    ]),
  );
  t.match(identity, {
    newPeople: 1,
    accepted: 1,
    unmatched: 1,
    quarantined: { 'nhs-number': 2, 'nhs-number-status': 1, 'demographics-missing': 1 },
  });
  t.match(types['Observation'], {
    new: 1,
    rejected: { 'nhs-number': 2, 'nhs-number-status': 1, 'no-nhs-number': 1, 'demographics-missing': 1 },
  });
  t.match(await world.rows('select nhs_number from record.person_number'), [{ nhs_number: ADA }]);
});

t.test('O-11: numbers of the test range are nobody’s, unless the configuration takes them', async (t) => {
  const world = await loader(t);
  const { testNumbers, ...silent } = policy();
  t.equal(testNumbers, 'allow', 'these tests take them by their configuration');
  const refusing = {
    policy: silent,
    guards: guardLimits({ rejected: { total: 100, type: 100 }, shrink: SHRINK }),
  };
  const real = '4010232137';
  const people = [patient('made-up', ADA), patient('real', real)];
  const numbers = async (): Promise<readonly unknown[]> =>
    (
      await world.rows(
        `select distinct n.nhs_number from record.resource_version v join record.person_number n using (person_id)
         where v.valid_to = 9223372036854775807 order by 1`,
      )
    ).map((row) => row['nhs_number']);
  const first = await world.load(night('gp', 1, people), refusing);
  t.equal(first.result, 'published');
  t.match(first.types, { Observation: { new: 1, rejected: { 'test-number': 1 } } });
  t.match(first.identity, { accepted: 1, quarantined: { 'test-number': 1 } });
  t.strictSame(await numbers(), [real]);
  const again = await world.load(night('gp', 2, people), refusing);
  t.match(again.types, { Observation: { unchanged: 1, rejected: { 'test-number': 1 } } }, 'nor unchanged');
  t.match((await world.load(night('gp', 3, people))).types, { Observation: { new: 1 } });
  t.strictSame(
    await numbers(),
    [real, ADA],
    'taken where the configuration says so, though the row is the same',
  );
  const back = await world.load(night('gp', 4, people), refusing);
  t.match(back.types, { Observation: { rejected: { 'test-number': 1 }, unchanged: 1, deleted: 1 } });
  t.strictSame(await numbers(), [real], 'and gone where it does not any more');
  const lone = { ...silent, testNumbers: 'refuse' as const };
  const explicit = await world.load(night('gp', 5, [patient('x', '9990000026'), ...people]), {
    ...refusing,
    policy: lone,
  });
  t.match(explicit.types, { Observation: { rejected: { 'test-number': 2 } } });
});

t.test('a corrected number moves the rows, which did not change, to the other person', async (t) => {
  const world = await loader(t);
  const people = (number: string): readonly Row[] => [patient('p1', number), patient('p2', NUMBERS[2])];
  await world.load(night('gp', 1, people(ADA)));
  const before = await world.rows('select resource_id from record.resource_key order by 1');
  const { types } = await world.load(night('gp', 2, people(BEN)));
  t.match(types, { Observation: { changed: 1, unchanged: 1 }, Patient: { changed: 1, unchanged: 1 } });
  t.same(
    await world.rows('select resource_id from record.resource_key order by 1'),
    before,
    'ids are stable',
  );
  t.match(
    await world.rows(
      `select n.nhs_number, count(*)::int as n from record.resource_version v join record.person_number n using (person_id)
       join record.resource_key k on k.resource_id = v.resource_id and k.person_id = v.person_id
       where v.valid_to = 9223372036854775807 group by 1 order by 1`,
    ),
    [
      { nhs_number: BEN, n: 2 },
      { nhs_number: NUMBERS[2], n: 2 },
    ],
  );
});

t.test('rows of an organisation that has not signed are withheld, until it signs', async (t) => {
  const world = await loader(t);
  const at = (code: string): Record<string, unknown> => ({
    managingOrganization: { identifier: { system: 'urn:ods', value: code } },
  });
  const people = [
    patient('p1', ADA, at('K1')),
    patient('p2', BEN, at('K9')),
    patient('p3', NUMBERS[2], at('unheard-of')),
  ];
  const { types, identity } = await world.load(night('gp', 1, people));
  t.match(types, { Observation: { new: 1, rejected: { 'not-signatory': 2 } } });
  t.match(identity, { accepted: 1, withheld: 2 });
  const signed = policy();
  const organisations = new Map(signed.organisations);
  const late = organisations.get('K9');
  if (late !== undefined) organisations.set('K9', { ...late, agreements: [{ from: '2026-11-23' }] });
  const now = (): number => Date.parse('2026-11-23T03:00:00Z');
  const dated = { ...night('gp', 2, people), businessDate: '2026-11-23' };
  const second = await world.load(dated, { policy: { ...signed, organisations }, now });
  t.match(second.types, { Observation: { new: 1, unchanged: 1 }, Patient: { new: 1 } });
  const third = await world.load({ ...night('gp', 3, people), businessDate: '2026-11-23' }, { now });
  t.match(third.types, { Observation: { deleted: 1, unchanged: 1 } }, 'and goes when it has not');
});

t.test('publications that overtake each other', async (t) => {
  const world = await loader(t);
  await t.test('a lower source judged before a higher one published is judged again', async (t) => {
    // the higher source publishes while the lower one waits between judging and publishing
    const inner = night('gp', 1, [patient('g1', ADA, OTHER)]);
    const outer = night('acute', 1, [patient('a1', ADA)]);
    let overtaken = false;
    const folder = writeExtract(world.root, outer);
    await world.loadFolder(folder, 'acute', {
      audit: async () => {
        if (overtaken) return;
        overtaken = true;
        await world.load(inner);
      },
    });
    t.match(await world.rows('select source from record.publication order by p'), [
      { source: 1 },
      { source: 2 },
    ]);
    t.match(await established(world, ADA), { by: 'gp', family: 'otherwise' });
    t.match(await quarantined(world), [{ source: 'acute', reason: 'identity-conflict' }]);
  });

  await t.test('and is settled with its next night', async (t) => {
    await world.load(night('gp', 2, [patient('g1', ADA)]));
    const { types } = await world.load(night('acute', 2, [patient('a1', ADA)]));
    t.match(types, { Observation: { unchanged: 1 } });
    t.same(await quarantined(world), []);
    t.equal((await visible(world)).filter((line) => line.startsWith('resource:')).length, 4);
  });
});

t.test('another key, or another numbering of sources, is not loaded into a database', async (t) => {
  const world = await loader(t);
  await world.load(night('gp', 1, [patient('p1', ADA)]));
  const folder = writeExtract(world.root, night('gp', 2, [patient('p1', ADA)]));
  world.events.length = 0;
  await t.rejects(world.loadFolder(folder, 'gp', { resourceKey: createSecretKey(Buffer.alloc(32, 8)) }), {
    cause: { message: /another key/ },
  });
  t.match(world.events, [{ result: 'failed', source: 'gp' }], 'and the audit log is told');
  await t.rejects(world.loadFolder(folder, 'gp', { policy: policy({ gp: { number: 7 } }) }), {
    cause: { message: /knows source number 7/ },
  });
});
