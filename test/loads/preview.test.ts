import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { recentLoads } from '../../src/load-desk.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import { comparisonPage, previewPage } from '../../src/loads/preview/page.ts';
import { type Preview, previewExtract } from '../../src/loads/preview/preview.ts';
import { repositoryRoot } from '../support/root.ts';
import { testService } from '../support/service.ts';
import { bundle, posted, writeBundles } from './bundles.ts';
import { folder } from './lcs-folder.ts';
import { person as child, involvement, referral } from './lcs-rows.ts';
import { MAPPING, people, person, service, services } from './mapped-terms.ts';
import { mappedBy } from './mapped-world.ts';
import { agreement, episode, NUMBERS, observation, optOut, patient } from './rows.ts';
import { type ExtractSpec, KEY, type Loader, loader, policy, TODAY, writeExtract } from './world.ts';

const [ADA, BEN, CAT, DOT] = NUMBERS;
const SNOMED = 'http://snomed.info/sct';
const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

/** Counted once per row here, and once per person who refers to it by a load. */
const COPIED = ['Medication', 'Binary'];

type Given = Pick<LoadOptions, 'policy' | 'mapping'>;

function look(world: Pick<Loader, 'root'>, extract: string, source: string, more: Partial<Given> = {}) {
  const stagingRoot = join(world.root, 'previews');
  const now = () => Date.parse(`${TODAY}T03:00:00Z`);
  return previewExtract({
    folder: extract,
    source,
    policy: policy(),
    stagingRoot,
    now,
    key: KEY,
    ...more,
  });
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** What a certificate of a first load says in the terms of a preview. */
function asPreviewed({ types, identity }: Certificate): unknown {
  const { newPeople: _, ...patients } = identity;
  return {
    patients,
    types: Object.fromEntries(
      Object.entries(types).map(([type, { new: shared, ...tally }]) => [
        type,
        [COPIED.includes(type) ? shared > 0 : shared, tally.withheld, tally.refused, tally.rejected],
      ]),
    ),
  };
}

/** A load says nothing of rows that the mapping leaves out. */
const byPolicy = ({ 'left out by the mapping': _, ...withheld }: Readonly<Record<string, number>>): number =>
  total(withheld);

function asCounted({ types, patients: { restricted: _, ...patients } }: Preview): unknown {
  return {
    patients,
    types: Object.fromEntries(
      Object.entries(types).map(([type, { shared, withheld, notHeld, rejected }]) => [
        type,
        [COPIED.includes(type) ? shared > 0 : shared, byPolicy(withheld), total(notHeld), rejected],
      ]),
    ),
  };
}

/** Previews an extract, then loads it into an empty record: both say the same. */
async function sameAsLoaded(
  t: Test,
  world: Loader,
  extract: string,
  source: string,
  more: Partial<Given> = {},
): Promise<Preview> {
  const preview = await look(world, extract, source, more);
  t.equal(preview.result, 'read', JSON.stringify(preview.reason));
  t.same(readdirSync(join(world.root, 'previews', source)), [], 'no copy is left');
  t.same(await world.rows('select 1 from record.load'), [], 'the record knows nothing of it');
  const limits = { total: 100, type: 100 };
  const least = 1_000_000;
  const guards = { rejected: limits, shrink: { ...limits, practice: 100 }, growth: limits, least };
  const loaded = await world.loadFolder(extract, source, {
    ...more,
    guards: guards as unknown as LoadOptions['guards'],
  });
  t.equal(loaded.result, 'published', JSON.stringify(loaded.reason));
  t.same(asCounted(preview), asPreviewed(loaded));
  return preview;
}

const SHARES = {
  Patient: { exceptElements: ['telecom'] },
  Observation: {
    exceptCategories: [`${CATEGORY}|social-history`],
    exceptCodes: [`${SNOMED}|999`],
    exceptElements: ['note'],
  },
  Encounter: { days: { from: '2027-01-01' } },
  MedicationRequest: {},
  Medication: {},
  Provenance: {},
};

const request = (id: string, of: string, medicine: string) => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  medicationReference: { reference: `Medication/${medicine}` },
  subject: { reference: `Patient/${of}` },
  encounter: { reference: 'Encounter/e1' },
});

const provenance = (id: string, target: string) => ({
  resourceType: 'Provenance',
  id,
  target: [{ reference: target }],
  recorded: '2026-11-01T00:00:00Z',
  agent: [{ who: { display: 'A clinic' } }],
});

const HEALTH: ExtractSpec = {
  source: 'gp',
  files: {
    Patient: [
      patient('p1', ADA, { telecom: [{ value: '0100 555' }], text: { status: 'generated', div: '<div/>' } }),
      patient('p2', BEN, { name: [{ use: 'official', family: 'Sorrelhurst', given: ['Benedetta'] }] }),
      // two that contradict each other, one with a number that fails, one that is there twice and differs
      patient('p3', CAT),
      patient('p4', CAT, { birthDate: '1911-01-01', name: [{ family: 'Other', given: ['Else'] }] }),
      patient('p5', '9990000019'),
      patient('p6', DOT),
      patient('p6', DOT, { birthDate: '1981-01-01' }),
    ],
    Observation: [
      observation('o1', 'p1', 1, { note: [{ text: 'Sees Benedetta on Fridays' }] }),
      observation('o2', 'p1', 1, { category: [{ coding: [{ system: CATEGORY, code: 'social-history' }] }] }),
      observation('o3', 'p2', 1, { code: { coding: [{ system: SNOMED, code: '999' }] } }),
      observation('o4', 'p3'),
      observation('o5', 'p9'),
      observation('o6', 'p6'),
      observation('o7', 'p1', 1, { Sorrelhurst: true }),
      observation('o8', 'p1'),
      observation('o8', 'p1'),
      observation('o9', 'p1', 1),
      observation('o9', 'p1', 2),
    ],
    Encounter: [{ resourceType: 'Encounter', id: 'e1', subject: { reference: 'Patient/p1' } }],
    MedicationRequest: [request('r1', 'p1', 'm1')],
    Medication: [
      { resourceType: 'Medication', id: 'm1', code: { text: 'Aspirin' } },
      { resourceType: 'Medication', id: 'm2', code: { text: 'Ibuprofen' } },
    ],
    Condition: [{ resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/p1' } }],
    Provenance: [provenance('v1', 'Observation/o1'), provenance('v2', 'Observation/o2')],
    Consent: [optOut('w1', 'p2', 'deny', '2026-11-01')],
  },
};

t.test('a preview says what a load would do, by the reasons of the sharing policy', async (t) => {
  const world = await loader(t);
  const extract = writeExtract(world.root, HEALTH);
  const changed = policy({ gp: { shares: SHARES } });
  const preview = await sameAsLoaded(t, world, extract, 'gp', { policy: changed });
  t.match(preview.types, {
    Observation: {
      shared: 2,
      withheld: { [`category ${CATEGORY}|social-history`]: 1, [`code ${SNOMED}|999`]: 1 },
      removed: { note: 1 },
      rejected: {
        'duplicate-number': 1,
        'unknown-person': 1,
        structure: 1,
        'duplicate-id': 3,
      },
    },
    Encounter: { shared: 0, withheld: { 'outside the days on which the type is shared': 1 } },
    Condition: { shared: 0, withheld: { 'the type is not shared': 1 } },
    Patient: { shared: 2, removed: { telecom: 1, text: 1 } },
    MedicationRequest: { shared: 1, removed: { '(reference to a Encounter)': 1 } },
    Medication: { shared: 1, unreferenced: 1 },
    Provenance: { shared: 1, rejected: { 'unknown-target': 1 } },
  });
  t.match(preview.consent, { optOutStatements: 1, optedOut: 1 });
  t.match(preview.faults, [{ file: 'Patient.ndjson', rule: 'duplicate-number', lines: [3, 4] }]);
  const said = JSON.stringify(preview) + previewPage(preview);
  for (const secret of [
    ...NUMBERS,
    '9990000019',
    'Family',
    'Sorrelhurst',
    'Benedetta',
    '1980',
    'Aspirin',
    'p1',
  ])
    t.notOk(said.includes(secret), `not a word of ${secret}`);
  t.match(said, /holds no personal data/);
});

t.test('social care: what may not be held, by reason, in rows of FHIR and in an LCS folder', async (t) => {
  const world = await loader(t);
  const given = { type: 'permit', period: { start: '2026-01-01' } };
  const adult = writeExtract(world.root, {
    source: 'adult',
    files: {
      // e and f are one person: refused whole for want of one agreement
      Patient: [
        patient('a', ADA),
        patient('b', BEN),
        patient('c', CAT),
        patient('d', CAT),
        patient('e', DOT),
        patient('f', DOT),
      ],
      EpisodeOfCare: ['a', 'b', 'd', 'e', 'f'].map((of) => episode(`episode-${of}`, of)),
      Consent: [
        agreement('w1', 'a', given),
        agreement('w3', 'c', given),
        agreement('w4', 'd', given),
        agreement('w6', 'f', given),
      ],
    },
  });
  const preview = await sameAsLoaded(t, world, adult, 'adult');
  t.match(preview.types, {
    EpisodeOfCare: { shared: 2, notHeld: { 'no-agreement': 3 } },
    Patient: { notHeld: { 'no-agreement': 3, 'closed-case': 1 } },
  });
  const other = await loader(t);
  const lcs = writeExtract(
    other.root,
    folder(1, {
      ssd_person: [
        child('1', ADA),
        child('2', BEN),
        child('3', CAT),
        child('4', '', { mcr_nhs_number_status: '' }),
      ],
      ssd_cin_episodes: [referral('r1', '1'), referral('r2', '2'), referral('r4', '4')],
      ssd_involvements: [involvement('i1', '1'), involvement('i9', '9')],
      ssd_linked_identifiers: [
        {
          link_table_id: 'k1',
          link_person_id: '1',
          link_identifier_type: 'Unique Pupil Number',
          link_identifier_value: 'A1',
        },
      ],
      mcr_sharing_agreements: ['1', '3', '4'].map((id) => ({
        agre_agreement_id: `g${id}`,
        agre_person_id: id,
        agre_given: 'Y',
        agre_recorded_date: '2026-01-01',
      })),
    }),
  );
  const council = await sameAsLoaded(t, other, lcs, 'lcs', {
    policy: policy({ lcs: { shares: { Patient: {}, EpisodeOfCare: { exceptElements: ['careManager'] } } } }),
  });
  t.match(council.types, {
    Patient: { shared: 1, notHeld: { 'no-agreement': 1, 'closed-case': 1 } },
    EpisodeOfCare: { shared: 1 },
    CareTeam: { shared: 0, withheld: { 'the type is not shared': 1 } },
    ssd_linked_identifiers: { withheld: { 'an identifier that is not a case number': 1 } },
    ssd_involvements: { rejected: { 'unknown-person': 1 } },
  });
  t.match(council.patients, { accepted: 1, unmatched: 1 });
});

t.test('mapped tables and Bundles are read as a load reads them', async (t) => {
  const world = await loader(t);
  const tables = writeExtract(world.root, {
    source: 'adult',
    format: 'mapped-csv',
    files: {
      people: people(person('1', ADA), person('2', BEN, { Agreed: 'N' }), person('3', CAT, { Sex: '?' })),
      services: services(
        service('a', '1'),
        service('b', '2'),
        service('c', '1', { Kind: 'Internal' }),
        service('d', '1', { Kind: 'Nothing' }),
      ),
    },
  });
  const mapped = await sameAsLoaded(t, world, tables, 'adult', mappedBy(MAPPING));
  t.match(mapped.types, {
    Patient: { shared: 1, notHeld: { 'no-agreement': 1 }, rejected: { code: 1 } },
    EpisodeOfCare: { shared: 1, notHeld: { 'no-agreement': 1 } },
    services: { withheld: { 'left out by the mapping': 1 }, rejected: { 'no-resource': 1 } },
  });
  t.match(mapped.faults, [
    { file: 'services.csv', lines: [5], element: 'Kind', rule: 'no-resource' },
    { file: 'people.csv', lines: [4], element: 'Sex', rule: 'code' },
  ]);
  const other = await loader(t);
  const entries = [
    posted(patient('p1', ADA)),
    posted(observation('o1', 'p1')),
    posted(observation('o2', 'p7')),
    posted({ resourceType: 'Basic', id: 'x' }),
  ];
  const sent = writeBundles(other.root, { bundles: { 'one.json': bundle(entries, 'collection') } });
  const bundles = policy({ gp: { format: 'fhir-bundle' } });
  const preview = await look(other, sent, 'gp', { policy: bundles });
  const loaded = await other.loadFolder(sent, 'gp', { policy: bundles });
  t.same(asCounted(preview), asPreviewed(loaded));
  t.ok(Object.keys(preview.types).length > 0);
});

t.test('an extract that a load would refuse is refused, with what was seen until then', async (t) => {
  const world = await loader(t);
  const shorter = writeExtract(world.root, HEALTH);
  writeFileSync(join(shorter, 'Patient.ndjson'), '');
  t.match(await look(world, shorter, 'gp'), { result: 'refused', reason: { rule: 'file-changed' } });
  const miscounted = writeExtract(world.root, {
    ...HEALTH,
    manifest: (manifest) => ({
      ...manifest,
      files: (manifest['files'] as object[]).map((file) => ({ ...file, rows: 99 })),
    }),
  });
  const page = previewPage(await look(world, miscounted, 'gp'));
  t.match(page, /Refused: a load would not take it[\s\S]*the manifest says 99\. \(row-count\)/);
  t.match(await look(world, writeExtract(world.root, { ...HEALTH, source: 'unsigned' }), 'unsigned'), {
    result: 'refused',
    reason: { rule: 'not-signatory' },
  });
  await t.rejects(look(world, shorter, 'nobody'), /no source nobody/);
  t.same(readdirSync(join(world.root, 'previews', 'gp')), [], 'no copy is left');
});

t.test('a delta is judged by what it brings, and the preview says so', async (t) => {
  const world = await loader(t);
  const delta = writeExtract(world.root, {
    source: 'gp',
    kind: 'delta',
    sequence: 2,
    files: { Observation: [observation('o1', 'p1')], Purge: [{ resourceType: 'Observation', id: 'o9' }] },
  });
  const preview = await look(world, delta, 'gp');
  t.match(preview.types, { Observation: { shared: 1, rejected: {} } });
  t.match(preview.notJudged.join('\n'), /the 1 patients whom it does not bring[\s\S]*1 rows purge/);
});

t.setTimeout(120_000);
t.test('of a whole county every source’s preview is what its first load did', async (t) => {
  const world = await testService(t, { people: 80 });
  const loads = await recentLoads(world.service, undefined, 100);
  const root = mkdtempSync(join(tmpdir(), 'mcr-preview-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const { policy: agreed, mappings } = world.configuration;
  for (const code of agreed.sources.keys()) {
    const mapping = mappings.get(code);
    const given = { policy: agreed, ...(mapping !== undefined && { mapping }) };
    const preview = await look({ root }, join(world.extracts, code), code, given);
    const certificate = loads.find(({ source }) => source === code)?.certificate as Certificate;
    if (certificate.identity.quarantined['identity-conflict'] === undefined) {
      t.same(asCounted(preview), asPreviewed(certificate), code);
    } else {
      t.ok(
        preview.patients.accepted > certificate.identity.accepted,
        `${code}: only the record knows better`,
      );
    }
  }
});

t.test('mcr sources preview: a table, JSON, and a proposed policy beside the configured one', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mcr-preview-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const extract = writeExtract(root, HEALTH);
  const mcr = join(repositoryRoot(), 'dist', 'src', 'cli', 'mcr.js');
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [mcr, 'sources', ...words], {
      encoding: 'utf8',
      env: { ...process.env, MCR_DATA: join(root, 'data'), MCR_CONFIG: undefined },
    });
  const table = run('preview', 'gp', extract);
  t.equal(table.status, 0, table.stderr);
  t.match(table.stdout, /\| Observation \| \d+ \|/);
  t.same(readdirSync(join(root, 'data')), ['previews'], 'neither a database nor a secret is made');
  const proposal = join(root, 'proposed.json');
  writeFileSync(proposal, JSON.stringify({ Patient: {}, Observation: { exceptElements: ['note'] } }));
  const both = run('preview', 'gp', extract, '--policy', proposal);
  t.match(
    both.stdout,
    /# What the proposed policy changes[\s\S]*\| Observation \| without: note \| 0 \| 1 \|/,
  );
  const json = JSON.parse(run('preview', 'gp', extract, '--policy', proposal, '--json').stdout);
  t.match(json, {
    configured: { source: 'gp' },
    proposed: { types: { Observation: { removed: { note: 1 } } } },
  });
  t.match(comparisonPage(json.configured, json.configured), /Nothing in this extract/);
  writeFileSync(proposal, JSON.stringify({ Observation: { exceptElements: ['status'] } }));
  const wrong = run('preview', 'gp', extract, '--policy', proposal);
  t.match(
    [wrong.status, wrong.stderr],
    [1, /with the shares of .*status cannot be left out of a Observation/],
  );
  writeFileSync(
    join(extract, 'Patient.ndjson'),
    readFileSync(join(extract, 'Patient.ndjson'), 'utf8').slice(9),
  );
  t.equal(run('preview', 'gp', extract).status, 1);
  t.match(run('preview', 'nobody', extract).stderr, /no source nobody/);
  for (const words of [
    ['preview', 'gp'],
    ['view', 'gp', extract],
    ['--policy', proposal],
    ['preview', 'gp', extract, 'x'],
  ])
    t.equal(run(...words).status, 2, words.join(' '));
});
