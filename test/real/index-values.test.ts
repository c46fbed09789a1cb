import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { SearchParameter } from '@medplum/fhirtypes';
import t, { type Test } from 'tap';
import { londonDay } from '../../src/fhir/london.ts';
import { loadExtract } from '../../src/load.ts';
import { KitReader } from './clients.ts';
import { addExamples } from './examples.ts';
import { Extract } from './extract.ts';
import { IndexValues } from './index-values.ts';
import { matchRows } from './matching.ts';
import { listOf, NhsNumbers } from './people.ts';
import { inParallel } from './reading.ts';
import { expectedRows, PUBLISHED, patientRows } from './sent.ts';
import { type RealService, realService } from './service.ts';
import { type Json, sharedData } from './shared-data.ts';
import { countBy } from './tallies.ts';
import { type Known, type Triple, triplesOf } from './triples.ts';

/**
 * HL7's own examples are found by each of their own index values: every value of every search parameter, as HL7's
 * expressions and an evaluator of others give it, is asked for over HTTP in each way that R4 knows.
 */

const AT_ONCE = 8;
const HL7 = 'hl7-r4-examples/';
const DIRECTORIES = ['Organization', 'Practitioner', 'PractitionerRole', 'Location'];
const data = sharedData();
const skip = data === undefined && 'the shared data is not here (set MCR_SHARED_DATA)';

t.setTimeout(300_000);
t.test('what HL7 published is found by each of its own index values', { skip }, async (t) => {
  const extract = new Extract(PUBLISHED);
  addExamples(data ?? '', extract, new NhsNumbers(), ({ file }) => file.startsWith(HL7));
  const real = await realService(t, [PUBLISHED], []);
  const folder = join(real.folder, PUBLISHED);
  extract.write(folder, londonDay(Date.now()));
  t.equal((await loadExtract(real.service, PUBLISHED, folder)).result, 'published');

  const values = new IndexValues(readParameters(data ?? ''));
  const known = await readBack(real, extract);
  const triples = known.flatMap((each) => triplesOf(each, values));
  await checkTriples(t, real, triples);
  const unread = extract.rows.filter(
    (row) => row.from.startsWith(HL7) && !known.some((each) => each.row === row),
  );
  t.same(
    countBy(unread, ({ type, fate }) => `${type} ${fate}`),
    UNREAD,
    'all that was sent was asked for',
  );
});

function readParameters(data: string): readonly SearchParameter[] {
  const bytes = readFileSync(join(data, 'hl7-r4-search', 'SearchParameter.ndjson.gz'));
  return gunzipSync(bytes)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Every example as it came back, with whose it is. */
async function readBack({ fhirBase, token }: RealService, { rows }: Extract): Promise<readonly Known[]> {
  const kit = new KitReader(fhirBase, token);
  const expected = expectedRows(rows);
  const ofPeople = await inParallel([...patientRows(rows)], AT_ONCE, async ([nhsNumber, patients]) => {
    const [patient] = (await kit.patients(nhsNumber)).resources;
    if (patient === undefined) return [];
    const patientId = String(patient['id']);
    const { resources } = await kit.everything(patientId, 1000);
    const own = expected.filter((each) => each.nhsNumber === nhsNumber).map(({ row }) => row);
    const { pairs } = matchRows(own, resources);
    const referrerOf = (medication: Json): Json | undefined =>
      resources.find(
        (each) => (each['medicationReference'] as Json | undefined)?.['reference'] === nameOf(medication),
      );
    const whole = patients.map((row) => ({ row, now: patient, isCertain: true }));
    return [...whole, ...pairs].map((pair): Known => {
      const referrer = pair.row.type === 'Medication' ? referrerOf(pair.now) : undefined;
      return { ...pair, patientId, ...(referrer === undefined ? {} : { referrer }) };
    });
  });
  const directories = await inParallel(DIRECTORIES, AT_ONCE, async (type) => {
    const sent = rows.filter((row) => row.type === type && row.fate === 'shown');
    return matchRows(sent, (await kit.search(type, { _count: 1000 })).resources).pairs;
  });
  return [...ofPeople.flat(), ...directories.flat()].filter(({ row }) => row.from.startsWith(HL7));
}

/** Consents about other matters and audit events of others are kept nowhere. */
const UNREAD = { 'AuditEvent counted': 4, 'Consent counted': 8 };

/** What is not asked for, and how often: anything else that has no question is a fault. */
const EXCEPTIONS = {
  'a Timing that names no day': 1,
  'a composite with a part that is text alone': 3,
  'a person is found by NHS number, by no other identifier': 22,
  'a reference that is a name alone': 28,
  'a reference to a type that its element does not allow': 1,
  'a reference to what is contained': 54,
  'a text in the place of a date': 3,
  'another person is not named': 14,
  'near is not served': 2,
  'people are linked by their NHS numbers': 3,
  'phonetic is not served': 50,
};

async function checkTriples(
  t: Test,
  { fhirBase, token }: RealService,
  triples: readonly Triple[],
): Promise<void> {
  const tried = triples.filter(({ exception }) => exception === undefined);
  const addresses = new Set(tried.flatMap(({ asked, unasked = [] }) => [...asked, ...unasked]));
  const answers = new Map(
    await inParallel([...addresses], AT_ONCE, async (address) => {
      return [address, await matchesAt(`${fhirBase}/${address}`, token)] as const;
    }),
  );
  const finds = (address: string, found: string): boolean => answers.get(address)?.includes(found) === true;
  const lost = tried.filter(({ asked, found }) => !asked.every((each) => finds(each, found)));
  const wrong = tried.filter(({ unasked = [], found }) => unasked.some((each) => finds(each, found)));
  t.same(
    lost.slice(0, 20).map(({ name, asked, found }) => [name, asked.filter((each) => !finds(each, found))]),
    [],
    `triples tried ${tried.length}, found ${tried.length - lost.length}`,
  );
  t.same(
    wrong.slice(0, 20).map(({ name }) => name),
    [],
    'nothing that a resource has is missing',
  );
  t.comment(`triples tried ${tried.length}, found ${tried.length - lost.length}: ${addresses.size} searches`);
  for (const [kind, count] of Object.entries(countBy(tried, (each) => each.kind))) {
    t.comment(`${kind}: tried ${count}, found ${count - lost.filter((each) => each.kind === kind).length}`);
  }
  t.ok(tried.length > 3000, 'there is much to try');
  const exceptions = triples.flatMap(({ exception }) => (exception === undefined ? [] : [exception]));
  t.same(
    countBy(exceptions, (each) => each),
    EXCEPTIONS,
    'what is not asked for has a reason',
  );
}

/** `Type/id` of what matches; a refusal matches nothing. */
async function matchesAt(url: string, token: string): Promise<readonly string[]> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const { entry } = (await answer.json()) as Json;
  return listOf(entry).map(({ resource }) => nameOf(resource as Json));
}

function nameOf({ resourceType, id }: Json): string {
  return `${String(resourceType)}/${String(id)}`;
}
