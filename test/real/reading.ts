import { isServed, served } from '../../src/fhir/served.ts';
import type { KitReader, MedplumReader } from './clients.ts';
import { listOf } from './people.ts';
import type { Json } from './shared-data.ts';

/** What two clients were given of one person. */
export interface PersonRead {
  /** absent: nobody is found under the number */
  readonly patient?: Json;
  /** all that is the person's, Binaries included, the Patient not */
  readonly resources: readonly Json[];
  readonly bundles: readonly Json[];
  /** where the clients, or two ways of asking, were told different things */
  readonly differences: readonly string[];
}

/** Small enough that much has to be paged, for both ways of paging. */
const PAGE = 100;
const SMALL_PAGE = 40;

/**
 * Reads a person with both clients: by identifier, `$everything` in pages and, where it is long, in one piece, every
 * type apart in pages, the Patient and another resource by id.
 */
export async function readPerson(
  kit: KitReader,
  medplum: MedplumReader,
  nhsNumber: string,
): Promise<PersonRead> {
  const found = await kit.patients(nhsNumber);
  const differences: string[] = [];
  const same = (what: string, one: readonly unknown[], other: readonly unknown[]): void => {
    const [left, right] = [one, other].map((values) =>
      JSON.stringify(values.map((each) => JSON.stringify(each)).sort()),
    );
    if (left !== right) differences.push(`${nhsNumber}: ${what} differs`);
  };
  same('the Patient', found.resources, await medplum.patients(nhsNumber));
  const [patient] = found.resources;
  if (patient === undefined) return { resources: [], bundles: found.bundles, differences };
  const id = String(patient['id']);
  const every = await kit.everything(id, PAGE);
  if (every.totals.some((total) => total !== every.resources.length)) differences.push(`${nhsNumber}: total`);
  const [first, ...resources] = every.resources;
  same('the Patient of $everything', [patient], [first]);
  if (every.bundles.length > 1)
    same('$everything in one piece', every.resources, await medplum.everything(id));
  for (const [type, ofType] of byType(resources)) {
    if (!isServed(type) || served(type).keeping !== 'clinical') continue;
    same(type, ofType, await medplum.search(type, { patient: id, _count: SMALL_PAGE }));
  }
  const one = resources[Math.floor(resources.length / 2)];
  if (one !== undefined) {
    const [type, ownId] = [String(one['resourceType']), String(one['id'])];
    same(`${type} by id`, [one, one], [await kit.read(type, ownId), await medplum.read(type, ownId)]);
  }
  same('the Patient by id', [patient], [await medplum.read('Patient', id)]);
  const binaries = await Promise.all(binariesOf(resources).map((binary) => kit.read('Binary', binary)));
  return {
    patient,
    resources: [...resources, ...binaries],
    bundles: [...found.bundles, ...every.bundles],
    differences,
  };
}

function byType(resources: readonly Json[]): ReadonlyMap<string, readonly Json[]> {
  const found = new Map<string, Json[]>();
  for (const resource of resources) {
    const type = String(resource['resourceType']);
    const others = found.get(type);
    if (others === undefined) found.set(type, [resource]);
    else others.push(resource);
  }
  return found;
}

/** Ids of the Binaries that documents and reports point at. */
function binariesOf(resources: readonly Json[]): readonly string[] {
  const referrers = resources.filter(({ resourceType }) =>
    ['DocumentReference', 'DiagnosticReport'].includes(String(resourceType)),
  );
  const literals = [...JSON.stringify(referrers).matchAll(/"(?:reference|url)":"Binary\/([0-9a-f-]{36})"/g)];
  return [...new Set(literals.map(([, id = '']) => id))];
}

/** The Bundle around its resources, with something small in the place of each: they are judged by themselves. */
export function envelope(bundle: Json): Json {
  const entry = listOf(bundle['entry']).map((each) => {
    const { resourceType, id } = each['resource'] as Json;
    return {
      ...each,
      resource: { resourceType: 'Basic', id: id ?? String(resourceType), code: { text: 'resource' } },
    };
  });
  return entry.length === 0 ? bundle : { ...bundle, entry };
}

/** The resources in a Bundle, its outcome included. */
export function within(bundle: Json): readonly Json[] {
  return listOf(bundle['entry']).map(({ resource }) => resource as Json);
}

/** Calls `work` for every item, a few at a time. @returns the results in the order of the items */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
