import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import { NUMBERS, observation, patient, type Row } from './rows.ts';
import { HORIZON, visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader } from './world.ts';

const [ADA, BEN] = NUMBERS;

function counts(certificate: Certificate, type: string): string {
  const {
    new: fresh = 0,
    changed = 0,
    unchanged = 0,
    deleted = 0,
    rejected = {},
  } = certificate.types[type] ?? {};
  return `${fresh} new, ${changed} changed, ${unchanged} unchanged, ${deleted} deleted, ${JSON.stringify(rejected)}`;
}

const medication = (id: string, text: string): Row => ({ resourceType: 'Medication', id, code: { text } });

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

const provenance = (id: string, target: string): Row => ({
  resourceType: 'Provenance',
  id,
  target: [{ reference: target }],
  recorded: '2026-11-01T10:00:00Z',
  agent: [{ who: { display: 'Somebody' } }],
});

function night(
  sequence: number,
  change: (files: Record<string, readonly Row[]>) => Record<string, readonly Row[]>,
): ExtractSpec {
  const files = {
    Patient: [patient('p1', ADA), patient('p2', BEN)],
    Practitioner: [
      { resourceType: 'Practitioner', id: 'd1', identifier: [{ system: 'urn:gmc', value: '7' }] },
    ],
    Observation: [observation('o1', 'p1', 1), observation('o2', 'p1', 2), observation('o3', 'p2', 3)],
    Medication: [medication('m1', 'Aspirin'), medication('m2', 'Nobody takes this')],
    MedicationRequest: [request('r1', 'p1', 'm1'), request('r2', 'p2', 'm1')],
    Provenance: [provenance('v1', 'Observation/o1'), provenance('v2', 'Patient/p2')],
  };
  return { source: 'gp', sequence, files: change(files) };
}

const bodies = async ({ rows }: Loader, type: number): Promise<readonly Record<string, unknown>[]> => {
  const found = await rows(
    `with ${HORIZON} select v.body from record.resource_version v join horizon h on h.source = v.source
     where v.valid_from <= h.load_no and v.valid_to > h.load_no and v.type = $1 order by v.body`,
    [type],
  );
  return found.map((row) => JSON.parse(String(row['body'])) as Record<string, unknown>);
};

t.test('nights of one source', async (t) => {
  const world = await loader(t);

  await t.test('a first night stores everything', async (t) => {
    const certificate = await world.load(night(1, (files) => files));
    t.match(certificate, {
      result: 'published',
      loadNumber: 1,
      publication: 1,
      identity: { newPeople: 2, accepted: 2 },
    });
    t.equal(counts(certificate, 'Patient'), '2 new, 0 changed, 0 unchanged, 0 deleted, {}');
    t.equal(counts(certificate, 'Observation'), '3 new, 0 changed, 0 unchanged, 0 deleted, {}');
    t.equal(
      counts(certificate, 'Medication'),
      '2 new, 0 changed, 0 unchanged, 0 deleted, {}',
      'a copy for each person',
    );
    t.equal(certificate.types['Medication']?.unreferenced, 1);
    t.equal(counts(certificate, 'Provenance'), '2 new, 0 changed, 0 unchanged, 0 deleted, {}');
    t.equal(counts(certificate, 'Practitioner'), '1 new, 0 changed, 0 unchanged, 0 deleted, {}');
  });

  await t.test('what is stored has ids, references and an envelope of our own', async (t) => {
    const [aspirin] = await bodies(world, 21);
    const requests = await bodies(world, 4);
    t.match(aspirin, {
      resourceType: 'Medication',
      meta: { versionId: '1', source: 'https://mycarerecord.example/source/gp', tag: [{ code: 'health' }] },
    });
    t.ok(requests.some((each) => JSON.stringify(each).includes(`Medication/${String(aspirin?.['id'])}`)));
    const people = await world.rows('select person_id from record.person_number where nhs_number = $1', [
      ADA,
    ]);
    const [ofAda] = await bodies(world, 15);
    t.ok(ofAda);
    const stored = await world.rows(
      `select count(*)::int as n from record.resource_version where person_id = $1 and body like '%Patient/' || person_id || '%'`,
      [people[0]?.['person_id']],
    );
    t.equal(stored[0]?.['n'], 3, 'two observations and a request point at the person');
    const resources = await world.rows('select body from record.resource_version');
    t.notMatch(resources.map((row) => row['body']).join(), /Patient\/p\d|Medication\/m\d|Observation\/o\d/);
  });

  await t.test('an unchanged night changes nothing but the publication', async (t) => {
    const before = await visible(world);
    const certificate = await world.load(night(2, (files) => files));
    t.equal(counts(certificate, 'Observation'), '0 new, 0 changed, 3 unchanged, 0 deleted, {}');
    t.equal(counts(certificate, 'Medication'), '0 new, 0 changed, 2 unchanged, 0 deleted, {}');
    const after = await visible(world);
    t.same(without(after, 'published'), without(before, 'published'));
    t.equal(certificate.publication, 2);
  });

  await t.test(
    'a changed row is a new version, and the old one stays readable as of its publication',
    async (t) => {
      const certificate = await world.load(
        night(3, (files) => ({
          ...files,
          Observation: [observation('o1', 'p1', 9), ...(files['Observation'] ?? []).slice(1)],
        })),
      );
      t.equal(counts(certificate, 'Observation'), '0 new, 1 changed, 2 unchanged, 0 deleted, {}');
      const versions = await world.rows(
        `select valid_from, valid_to, body::json -> 'valueQuantity' ->> 'value' as value from record.resource_version
       where resource_id = (select resource_id from record.resource_version where type = 8 and valid_from = 3) order by 1`,
      );
      t.match(versions, [
        { valid_from: '1', valid_to: '3', value: '1' },
        { valid_from: '3', value: '9' },
      ]);
    },
  );

  await t.test('a changed medicine changes every copy, also where no request changed', async (t) => {
    const certificate = await world.load(
      night(4, (files) => ({
        ...files,
        Medication: [medication('m1', 'Aspirin 75mg'), ...(files['Medication'] ?? []).slice(1)],
      })),
    );
    t.equal(counts(certificate, 'Medication'), '0 new, 2 changed, 0 unchanged, 0 deleted, {}');
    t.equal(counts(certificate, 'MedicationRequest'), '0 new, 0 changed, 2 unchanged, 0 deleted, {}');
    t.match(await bodies(world, 21), [
      { code: { text: 'Aspirin 75mg' } },
      { code: { text: 'Aspirin 75mg' } },
    ]);
  });

  await t.test('a copy goes with the last row that refers to it', async (t) => {
    const certificate = await world.load(
      night(5, (files) => ({
        ...files,
        Medication: [medication('m1', 'Aspirin 75mg'), ...(files['Medication'] ?? []).slice(1)],
        MedicationRequest: [request('r1', 'p1', 'm1'), request('r2', 'p2', 'm2')],
      })),
    );
    t.equal(counts(certificate, 'Medication'), '1 new, 0 changed, 1 unchanged, 1 deleted, {}');
    t.same((await bodies(world, 21)).map((each) => (each['code'] as { text: string }).text).sort(), [
      'Aspirin 75mg',
      'Nobody takes this',
    ]);
  });

  await t.test(
    'what is absent from a full extract is deleted, a vanished person with everything',
    async (t) => {
      const certificate = await world.load(
        night(6, (files) => ({
          ...files,
          Patient: (files['Patient'] ?? []).slice(0, 1),
          Practitioner: [],
          Observation: (files['Observation'] ?? []).slice(1),
          MedicationRequest: [request('r1', 'p1', 'm1')],
        })),
      );
      t.equal(
        counts(certificate, 'Observation'),
        '0 new, 0 changed, 1 unchanged, 2 deleted, {"unknown-person":1}',
      );
      t.equal(counts(certificate, 'Patient'), '0 new, 0 changed, 1 unchanged, 1 deleted, {}');
      t.equal(counts(certificate, 'Practitioner'), '0 new, 0 changed, 0 unchanged, 1 deleted, {}');
      t.equal(counts(certificate, 'Medication'), '0 new, 1 changed, 0 unchanged, 1 deleted, {}');
      t.match(certificate.types['Provenance']?.rejected, { 'unknown-person': 1 });
      t.same(await world.rows(`select * from record.source_patient where local_id = 'p2'`), []);
    },
  );

  await t.test('what returns is new again, with its old id', async (t) => {
    const before = await world.rows(
      'select count(distinct resource_id)::int as n from record.resource_version',
    );
    const certificate = await world.load(night(7, (files) => files));
    t.equal(counts(certificate, 'Observation'), '2 new, 0 changed, 1 unchanged, 0 deleted, {}');
    const after = await world.rows(
      'select count(distinct resource_id)::int as n from record.resource_version',
    );
    t.same(after, before);
  });

  await t.test('the same extract again is a no-op, and is recorded', async (t) => {
    const before = await visible(world);
    const certificate = await world.load(night(7, (files) => files));
    t.match(certificate, { result: 'duplicate', sameAs: 7 });
    t.same(await visible(world), before);
    t.equal(world.events.at(-1)?.result, 'duplicate');
    t.match(await world.rows('select state from record.load order by load_no desc limit 1'), [
      { state: 'duplicate' },
    ]);
  });

  t.same(await world.rows('select * from record.load_change'), [], 'published loads keep no way back');
});

function without(lines: readonly string[], kind: string): readonly string[] {
  return lines.filter((line) => !line.startsWith(`${kind}:`));
}
