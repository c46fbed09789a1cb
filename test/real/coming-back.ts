import type { Test } from 'tap';
import type { KitReader, MedplumReader } from './clients.ts';
import type { SentRow } from './extract.ts';
import { checkReferences, matchRows, type Pair, type ReferenceFindings } from './matching.ts';
import { Oracle } from './oracle.ts';
import { ODS_CODE } from './organisations.ts';
import { patientFaults } from './patient.ts';
import { envelope, inParallel, type PersonRead, within } from './reading.ts';
import { type Expected, expectedRows, literalsOf, patientRows, type Sent } from './sent.ts';
import type { Json } from './shared-data.ts';
import { countBy } from './tallies.ts';

/** What the two clients were given, against what was sent. */

const TYPES = ['Organization', 'Practitioner', 'PractitionerRole', 'Location'];
const PAGE = 50;

export interface DirectoriesRead {
  readonly pairs: readonly Pair[];
  readonly resources: readonly Json[];
}

/** Everyone's directories: whole, in pages, by both clients; organisations by their ODS code. */
export async function checkDirectories(
  t: Test,
  sent: Sent,
  kit: KitReader,
  medplum: MedplumReader,
): Promise<DirectoriesRead> {
  const resources: Json[] = [];
  let pairs: readonly Pair[] = [];
  await t.test(
    'directory entries come back once each, and organisations are found by their ODS code',
    async (t) => {
      for (const type of TYPES) {
        const read = await kit.search(type, { _count: PAGE });
        const other = await medplum.search(type, { _count: PAGE });
        t.same(read.resources.map(idOf).sort(), other.map(idOf).sort(), `${type}: both clients`);
        resources.push(...read.resources);
      }
      const rows = sent.rows.filter(({ fate, type }) => fate === 'shown' && TYPES.includes(type));
      const matching = matchRows(rows, resources);
      t.same(matching.missing.map(describe), [], 'sent and not come back');
      t.same(matching.extra.map(idOf), [], 'come back and not sent');
      pairs = matching.pairs;
      const found = await inParallel(sent.organisations, 4, async (code) => {
        const identifier = `${ODS_CODE}|${code}`;
        const { resources: one } = await kit.search('Organization', { identifier });
        const other = await medplum.search('Organization', { identifier });
        return {
          code,
          found: one.length,
          same: JSON.stringify(one) === JSON.stringify(other),
          name: one[0]?.['name'],
        };
      });
      const names = new Map(pairs.map(({ row }) => [row.resource?.['id'], row.resource?.['name']]));
      const wanted = sent.organisations.map((code) => ({
        code,
        found: 1,
        same: true,
        name: names.get(`ods-${code}`),
      }));
      t.same(found, wanted, 'organisations by ODS code');
      t.comment(`directories: ${rows.length} rows sent, ${resources.length} came back`);
    },
  );
  return { pairs, resources };
}

type Read = PersonRead & { readonly nhsNumber: string };

/** What was found of one person. */
interface Findings {
  readonly patient: readonly string[];
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly references: ReferenceFindings;
}

/** Every row that was sent comes back once, with its content, as its person's; whoever is restricted is not found. */
export async function checkPeople(
  t: Test,
  sent: Sent,
  reads: readonly Read[],
  directories: DirectoriesRead,
): Promise<void> {
  const patients = patientRows(sent.rows);
  const expected = byNumber(expectedRows(sent.rows));
  const isRestricted = ({ nhsNumber }: Read): boolean =>
    patients.get(nhsNumber)?.some(({ fate }) => fate === 'withheld') === true;
  await t.test('every row comes back exactly once, with the content it was sent with', async (t) => {
    const open = reads.filter((read) => !isRestricted(read));
    const findings = open.map((read) =>
      findingsOf(read, patients.get(read.nhsNumber) ?? [], expected.get(read.nhsNumber) ?? [], directories),
    );
    none(
      t,
      findings.flatMap(({ patient }) => patient),
      'Patients that are not made of their contributions',
    );
    none(
      t,
      findings.flatMap(({ missing }) => missing),
      'rows sent and not come back',
    );
    none(
      t,
      findings.flatMap(({ extra }) => extra),
      'resources come back and not sent',
    );
    none(
      t,
      findings.flatMap(({ references }) => references.wrong),
      'references that lead elsewhere',
    );
    none(
      t,
      reads.flatMap(({ differences }) => differences),
      'differences between clients and ways of asking',
    );
    const restricted = reads.filter(isRestricted);
    t.ok(
      restricted.length > 0 && restricted.every(({ patient }) => patient === undefined),
      'no restricted person is found',
    );
    const rows = [...expected.values()].flat().map(({ row }) => row);
    t.comment(`sent, of people: ${JSON.stringify(countBy(rows, ({ type }) => type))}`);
    const back = reads.flatMap(({ resources }) => resources);
    t.comment(`came back: ${JSON.stringify(countBy(back, ({ resourceType }) => String(resourceType)))}`);
    const [followed, dangling] = (['followed', 'dangling'] as const).map((name) =>
      findings.reduce((sum, { references }) => sum + references[name], 0),
    );
    t.comment(`references: ${followed} lead to what they led to, ${dangling} to rows that were not sent`);
  });
}

function findingsOf(
  read: Read,
  patients: readonly SentRow[],
  expected: readonly Expected[],
  directories: DirectoriesRead,
): Findings {
  const { patient, resources } = read;
  if (patient === undefined) {
    const missing = [...patients, ...expected.map(({ row }) => row)].map(describe);
    return { patient: [], missing, extra: [], references: { followed: 0, dangling: 0, wrong: [] } };
  }
  const from = patients[0]?.from;
  const { pairs, missing, extra } = matchRows(
    expected.map(({ row }) => row),
    resources,
  );
  const id = String(patient['id']);
  return {
    patient: patientFaults(patient, patients).map((fault) => `${from}: ${fault}`),
    missing: missing.map(describe),
    extra: extra.map((each) => `${from}: ${idOf(each)}`),
    references: checkReferences(pairs, [...pairs, ...directories.pairs], literalsOf(patients), id),
  };
}

/** Every resource that left, the Bundles around them too, by the validator of others. */
export async function checkValidity(
  t: Test,
  reads: readonly Read[],
  directories: DirectoriesRead,
): Promise<void> {
  await t.test('every resource that leaves is base R4 by the validator of others', async (t) => {
    const oracle = new Oracle();
    const faults: string[] = [];
    const judge = (resource: Json): void => {
      faults.push(...oracle.faults(resource).map((fault) => `${idOf(resource)} ${fault}`));
    };
    for (const { bundles, resources } of reads) {
      for (const bundle of bundles)
        for (const resource of [envelope(bundle), ...within(bundle)]) judge(resource);
      for (const resource of resources) judge(resource);
      // the service beside us is to answer meanwhile
      await new Promise(setImmediate);
    }
    for (const resource of directories.resources) judge(resource);
    none(t, faults, 'faults');
    t.ok(oracle.judged > 15_000, `${oracle.judged} distinct resources`);
  });
}

function byNumber(rows: readonly Expected[]): ReadonlyMap<string, readonly Expected[]> {
  const found = new Map<string, Expected[]>();
  for (const expected of rows) {
    const others = found.get(expected.nhsNumber);
    if (others === undefined) found.set(expected.nhsNumber, [expected]);
    else others.push(expected);
  }
  return found;
}

function describe({ source, type, line, from }: SentRow): string {
  return `${source} ${type} line ${line}: ${from}`;
}

function idOf(resource: Json): string {
  return `${String(resource['resourceType'])}/${String(resource['id'])}`;
}

/** Shows the first few, and how many there are. */
function none(t: Test, found: readonly string[], what: string): void {
  t.same(found.slice(0, 20), [], found.length === 0 ? `no ${what}` : `${found.length} ${what}`);
}
