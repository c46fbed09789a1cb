import t from 'tap';
import { NHS, NUMBERS, observation, optOut, patient, type Row } from './rows.ts';
import { type ExtractSpec, type Loader, loader } from './world.ts';

const [ADA, BEN, CLEO, DAN] = NUMBERS;
const RESTRICTED = {
  meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
};

function snomed(
  id: string,
  of: string,
  code: string,
  effectiveDateTime: string,
  more: Record<string, unknown> = {},
): Row {
  return observation(id, of, 1, {
    code: { coding: [{ system: 'http://snomed.info/sct', code }] },
    effectiveDateTime,
    ...more,
  });
}

async function optedOut({ rows }: Loader): Promise<Readonly<Record<string, unknown>>> {
  const found = await rows('select nhs_number, opted_out from record.opt_out order by 1');
  return Object.fromEntries(found.map((row) => [String(row['nhs_number']), row['opted_out']]));
}

async function epochOf({ rows }: Loader, nhsNumber: string): Promise<number> {
  const [row] = await rows(
    'select epoch from record.person join record.person_number using (person_id) where nhs_number = $1',
    [nhsNumber],
  );
  return Number(row?.['epoch']);
}

t.test('opt-outs', async (t) => {
  const world = await loader(t);
  let sequence = 0;
  const night = (
    consents: readonly Row[],
    observations: readonly Row[] = [],
    more: Partial<ExtractSpec> = {},
  ): ExtractSpec => {
    sequence += 1;
    const people = [patient('p1', ADA), patient('p2', BEN), patient('p3', '9990000017'), patient('p4', CLEO)];
    return {
      source: 'gp',
      sequence,
      files: { Patient: people, Consent: consents, Observation: observations },
      ...more,
    };
  };

  await t.test('a Consent opts out by number, and changes the epoch of a known person only', async (t) => {
    await world.load(night([]));
    const before = await epochOf(world, ADA);
    const { consent } = await world.load(night([optOut('c1', 'p1', 'deny', '2026-11-01T10:00:00Z')]));
    t.match(consent, { optedOut: 1, optOutStatements: 1 });
    t.same(await optedOut(world), { [ADA]: true });
    t.equal(await epochOf(world, ADA), before + 1);
    t.equal(await epochOf(world, BEN), before);
    t.match(
      world.events.at(-2),
      { result: 'restricting', details: { optedOut: '1' } },
      'audited before it took effect',
    );
  });

  await t.test(
    'it does not end by vanishing, nor with the person, nor by an earlier permission',
    async (t) => {
      await world.load(night([]));
      t.same(await optedOut(world), { [ADA]: true });
      await world.load({
        ...night([]),
        files: { Patient: [patient('p2', BEN)], Consent: [], Observation: [] },
      });
      t.same(await optedOut(world), { [ADA]: true });
      await world.load(night([optOut('c2', 'p1', 'permit', '2026-10-31')]));
      t.same(await optedOut(world), { [ADA]: true });
    },
  );

  await t.test(
    'of the same moment the opt-out counts; a later permission ends it, and changes the epoch',
    async (t) => {
      await world.load(night([optOut('c2', 'p1', 'permit', '2026-11-01T10:00:00Z')]));
      t.same(await optedOut(world), { [ADA]: true });
      const before = await epochOf(world, ADA);
      await world.load(night([optOut('c2', 'p1', 'permit', '2026-11-02')]));
      t.same(await optedOut(world), { [ADA]: false });
      t.equal(await epochOf(world, ADA), before + 1);
      await world.load(night([optOut('c1', 'p1', 'deny', '2026-11-01T10:00:00Z')]));
      t.same(
        await optedOut(world),
        { [ADA]: false },
        'an opt-out that is older than the permission does not return',
      );
      await world.load(night([optOut('c3', 'p1', 'deny', '2026-11-02T00:00:00Z')]));
      t.same(await optedOut(world), { [ADA]: true }, 'one of the same moment does');
      await world.load(night([optOut('c4', 'p1', 'permit', '2026-11-03')]));
    },
  );

  await t.test('a coded dissent opts out, 417528008 of a later day ends it', async (t) => {
    await world.load(night([], [snomed('o1', 'p2', '416409005', '2026-11-03')]));
    t.match(await optedOut(world), { [BEN]: true });
    await world.load(
      night(
        [],
        [snomed('o1', 'p2', '416409005', '2026-11-03'), snomed('o2', 'p2', '417528008', '2026-11-03')],
      ),
    );
    t.match(await optedOut(world), { [BEN]: true }, 'of the same day the order is not known');
    await world.load(
      night(
        [],
        [snomed('o1', 'p2', '416409005', '2026-11-03'), snomed('o2', 'p2', '417528008', '2026-11-04')],
      ),
    );
    t.match(await optedOut(world), { [BEN]: false });
  });

  await t.test('a row that was seen before follows its person to a corrected number', async (t) => {
    const dissent = [snomed('o9', 'p4', '416409005', '2026-11-05')];
    await world.load(night([], dissent));
    t.match(await optedOut(world), { [CLEO]: true });
    sequence += 1;
    const people = [patient('p4', DAN)];
    await world.load({
      source: 'gp',
      sequence,
      files: { Patient: people, Consent: [], Observation: dissent },
    });
    t.match(await optedOut(world), { [CLEO]: true, [DAN]: true });
  });

  await t.test(
    'C-11: no opt-out of a number that is none; nor of a source that may not speak for health',
    async (t) => {
      const { types } = await world.load(
        night([optOut('c3', 'p3', 'deny', '2026-11-01'), optOut('c4', 'nobody', 'deny', '2026-11-01')]),
      );
      t.match(types['Consent'], { rejected: { 'unknown-person': 2 } });
      const acute = {
        source: 'acute',
        files: { Patient: [patient('a', NUMBERS[5])], Consent: [optOut('c', 'a', 'deny', '2026-11-01')] },
      };
      t.match((await world.load(acute)).types['Consent'], { rejected: { 'not-entitled': 1 } });
      t.notOk(NUMBERS[5] in (await optedOut(world)));
    },
  );

  await t.test(
    'it counts also where the person is quarantined, and where the row is faulty, undated or of tomorrow',
    async (t) => {
      const lena = patient('q1', NUMBERS[4], { identifier: [unverified(NUMBERS[4])] });
      sequence += 1;
      const faulty = { ...optOut('c5', 'p5', 'deny', '2099-01-01'), category: undefined };
      await world.load({
        source: 'gp',
        sequence,
        files: {
          Patient: [lena, patient('p5', NUMBERS[5])],
          Consent: [optOut('c6', 'q1', 'deny', '2026-11-01'), faulty],
          Observation: [],
        },
      });
      t.match(await optedOut(world), { [NUMBERS[4]]: true, [NUMBERS[5]]: true });
      sequence += 1;
      await world.load({
        source: 'gp',
        sequence,
        businessDate: '2026-11-22',
        files: {
          Patient: [patient('p5', NUMBERS[5])],
          Consent: [optOut('c7', 'p5', 'permit', '2099-01-02')],
          Observation: [],
        },
      });
      t.match(await optedOut(world), { [NUMBERS[5]]: true }, 'a permission of the future permits nothing');
    },
  );
});

function unverified(value: string): object {
  const url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus';
  return { system: NHS, value, extension: [{ url, valueCodeableConcept: { coding: [{ code: '02' }] } }] };
}

t.test(
  'what restricts is applied although the extract is refused afterwards, and not where it is not proven whole',
  async (t) => {
    const world = await loader(t);
    const files = { Patient: [patient('p1', ADA)], Observation: [observation('o1', 'p1')] };
    await world.load({ source: 'gp', files: { ...files, Consent: [] } });
    const deny = [optOut('c1', 'p1', 'deny', '2026-11-01')];

    t.match(await world.load({ source: 'gp', sequence: 1, files: { ...files, Consent: deny } }), {
      reason: { rule: 'sequence' },
    });
    const changed = { ...files, Consent: deny };
    const short = (manifest: Record<string, unknown>): unknown => ({
      ...manifest,
      files: (manifest['files'] as { rows: number }[]).map((file) => ({ ...file, rows: file.rows + 1 })),
    });
    t.match(await world.load({ source: 'gp', sequence: 2, files: changed, manifest: short }), {
      reason: { rule: 'row-count' },
    });
    t.same(await optedOut(world), {}, 'a low sequence and a short file prove nothing');

    const without = { Patient: [patient('p1', ADA, RESTRICTED)], Consent: deny };
    const refused = await world.load({ source: 'gp', sequence: 2, files: without });
    t.match(refused, {
      result: 'refused',
      reason: { rule: 'file-missing' },
      consent: { optedOut: 1, restricted: 1 },
    });
    t.match(await world.rows('select source from record.restriction'), [{ source: 1 }]);
    t.same(await optedOut(world), { [ADA]: true }, 'a missing file holds the load, not the opt-out');
    t.match(await world.rows('select count(*)::int as n from record.publication'), [{ n: 1 }]);

    const unsigned = await world.load({
      source: 'unsigned',
      files: { Patient: [patient('p1', BEN)], Consent: [optOut('c1', 'p1', 'deny', '2026-11-01')] },
    });
    t.match(unsigned, { result: 'refused', reason: { rule: 'not-signatory' } });
    t.match(await optedOut(world), { [BEN]: true });
    const permit = { ...files, Consent: [optOut('c1', 'p1', 'permit', '2026-11-02')] };
    await world.load({
      source: 'gp',
      sequence: 2,
      files: { Patient: permit.Patient, Consent: permit.Consent },
    });
    t.match(await optedOut(world), { [ADA]: true }, 'what loosens waits for the publication');
  },
);

t.test('the S-flag restricts ahead of the load and is lifted only by the Patient without it', async (t) => {
  const world = await loader(t);
  const restricted = async (): Promise<unknown> =>
    world.rows(
      'select nhs_number, source from record.restriction join record.person_number using (person_id) order by 1, 2',
    );
  const night = (sequence: number, people: readonly Row[], source = 'gp'): ExtractSpec => ({
    source,
    sequence,
    files: { Patient: people },
  });
  await world.load(night(1, [patient('p1', ADA), patient('p2', BEN, RESTRICTED)]));
  t.same(await restricted(), [{ nhs_number: BEN, source: 1 }], 'also of a person who was not known before');
  const before = await epochOf(world, ADA);
  await world.load(night(2, [patient('p1', ADA, RESTRICTED), patient('p2', BEN, RESTRICTED)]));
  t.equal(await epochOf(world, ADA), before + 1);
  await world.load(night(3, [patient('p1', ADA)]));
  t.same(await restricted(), [{ nhs_number: BEN, source: 1 }], 'lifted for Ada; Ben’s absence lifts nothing');
  t.equal(await epochOf(world, ADA), before + 2);
  await world.load(night(1, [patient('a1', ADA, RESTRICTED)], 'acute'));
  await world.load(night(4, [patient('p1', ADA), patient('p2', BEN)]));
  t.same(await restricted(), [{ nhs_number: ADA, source: 2 }], 'each source lifts its own');
});

t.test('a refusal that is limited stands beside the opt-out, and takes the place of none', async (t) => {
  const world = await loader(t);
  let sequence = 0;
  const night = async (...consents: readonly Row[]) => {
    sequence += 1;
    const files = { Patient: [patient('p1', ADA), patient('p2', BEN)], Consent: consents };
    await world.load({ source: 'gp', sequence, files });
  };
  const limited = async (): Promise<readonly unknown[]> =>
    (await world.rows('select nhs_number, limits from record.limited_opt_out order by entered_at')).map(
      (row) => [row['nhs_number'], row['limits']],
    );
  const until = (id: string, end: string, day = '2026-11-02'): Row => ({
    ...optOut(id, 'p1', 'deny', day),
    provision: { type: 'deny', period: { start: day, end } },
  });
  await night();
  const before = await epochOf(world, ADA);
  await night(until('c1', '2026-12-31'));
  t.same(await limited(), [[ADA, { to: '2026-12-31' }]]);
  t.same(await optedOut(world), {});
  t.equal(await epochOf(world, ADA), before + 1, 'on the next request');
  t.equal(await epochOf(world, BEN), 1);
  await night(until('c1', '2026-12-31'));
  t.equal(await epochOf(world, ADA), before + 1, 'the same again is nothing new');
  await night(until('c1', '2027-01-31'));
  t.same(await limited(), [[ADA, { to: '2027-01-31' }]], 'said anew');
  await night();
  t.same(await limited(), [[ADA, { to: '2027-01-31' }]], 'it does not end by vanishing');
  await night(optOut('c2', 'p1', 'deny', '2026-11-03'), until('c3', '2027-01-31', '2026-11-04'));
  t.same(await optedOut(world), { [ADA]: true }, 'a later one that is limited does not end a full one');
  t.equal((await limited()).length, 2);
});
