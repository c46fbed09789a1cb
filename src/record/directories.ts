import type { Ask } from '../access/ask.ts';
import type { Grant } from '../access/decide.ts';
import { Problem } from '../fhir/problem.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';
import { referencesOf, SearchWorld, typesLookedInto } from '../fhir/search/world.ts';
import { isServed, type ServedTypeName, served } from '../fhir/served.ts';
import type { DisclosePorts, Row } from './ports.ts';
import { withoutHidden } from './redact.ts';
import { searchedRow } from './searched.ts';

/** Rows of a directory looked at for one page; a search that needs more is refused. */
const MOST_LOOKED_AT = 50_000;
const CHUNK = 1000;

/** Rows by id at a time: a reference each, of one page or one person's record. */
const BY_ID = 1000;

/**
 * Rows of a directory that a search asks for, in order of id. Without conditions one more than the page holds, so that
 * it is known whether there is a next one; what is withheld is not counted.
 */
export async function directoryRows(
  ports: DisclosePorts,
  grant: Grant,
  ask: Ask,
  now: number,
): Promise<readonly Row[]> {
  const ids = ask.id === undefined ? ask.ids : [ask.id];
  const whole = isLookedAtWhole(ask);
  const lines = (ask.criteria?.length ?? 0) > 0 || (ask.results?.includes.length ?? 0) > 0 || whole;
  const limit = lines ? CHUNK : ask.count + 1;
  const rows: Row[] = [];
  let afterKey = whole ? undefined : ask.after?.lastKey.slice(ask.after.lastKey.indexOf('.') + 1);
  for (let looked = 0; ; looked += limit) {
    if (looked >= MOST_LOOKED_AT) throw tooMany();
    const chunk = await ports.store.directory(grant, ask.type, {
      lines,
      ...(ids === undefined ? {} : { ids }),
      ...(ask.identifiers === undefined ? {} : { identifiers: ask.identifiers }),
      ...(afterKey === undefined ? {} : { afterKey }),
      limit,
    });
    const permitted = chunk.filter((row) => grant.permits(row)).map((row) => withoutHidden(grant, row));
    rows.push(...(await meeting(ports, grant, ask.criteria ?? [], permitted, now)));
    if (chunk.length < limit || (!whole && rows.length > ask.count)) return rows;
    afterKey = chunk.at(-1)?.id;
  }
}

async function meeting(
  ports: DisclosePorts,
  grant: Grant,
  criteria: readonly ParsedParameter[],
  rows: readonly Row[],
  now: number,
): Promise<readonly Row[]> {
  if (criteria.length === 0) return rows;
  const linked = await linkedDirectories(ports, grant, criteria, rows);
  const world = new SearchWorld(linked.map(searchedRow), now);
  return rows.filter((row) => world.meets(searchedRow(row), criteria));
}

/** An order other than that of ids, and a count, are known when everything was looked at. */
function isLookedAtWhole({ results }: Ask): boolean {
  return results !== undefined && (results.sort.length > 0 || results.summary === 'count');
}

/** Rows of directory types by id, as they may be seen: what rows of a record refer to. */
export async function directoryRowsById(
  ports: DisclosePorts,
  grant: Grant,
  wanted: ReadonlyMap<ServedTypeName, ReadonlySet<string>>,
): Promise<readonly Row[]> {
  const found = [...wanted].flatMap(([type, ids]) => {
    const list = [...ids];
    return Array.from({ length: Math.ceil(list.length / BY_ID) }, (_, index) =>
      ports.store.directory(grant, type, {
        lines: true,
        ids: list.slice(index * BY_ID, (index + 1) * BY_ID),
        limit: BY_ID,
      }),
    );
  });
  const rows = (await Promise.all(found)).flat();
  return rows.filter((row) => grant.permits(row)).map((row) => withoutHidden(grant, row));
}

/** References, as `Type/id`, that lead into directories: ids by type. */
export function directoryIds(references: Iterable<string>): ReadonlyMap<ServedTypeName, ReadonlySet<string>> {
  const ids = new Map<ServedTypeName, Set<string>>();
  for (const reference of references) {
    const slash = reference.indexOf('/');
    const type = reference.slice(0, slash);
    if (!isServed(type) || served(type).keeping !== 'directory') continue;
    const list = ids.get(type) ?? new Set<string>();
    ids.set(type, list.add(reference.slice(slash + 1)));
  }
  return ids;
}

function tooMany(): Problem {
  const message =
    'Too much of the directory would have to be looked at. Search by identifier, or leave out _sort and counts.';
  return new Problem('too-costly', message, { expression: ['identifier'] });
}

/** What chains lead to in directories: a step at a time, since what is found may lead on. */
export async function linkedDirectories(
  ports: DisclosePorts,
  grant: Grant,
  criteria: readonly ParsedParameter[],
  visible: readonly Row[],
): Promise<readonly Row[]> {
  if (!typesLookedInto(criteria).some((type) => isServed(type) && served(type).keeping === 'directory'))
    return [];
  const found: Row[] = [];
  let from: readonly Row[] = visible;
  let links = criteria.flatMap(linksOf);
  while (links.length > 0) {
    const references = links.flatMap(({ name }) =>
      from.flatMap((row) => referencesOf(searchedRow(row), name)),
    );
    const fetched = await directoryRowsById(ports, grant, directoryIds(references));
    found.push(...fetched);
    from = [...visible, ...found];
    links = links.flatMap(({ inner }) => inner.flatMap(linksOf));
  }
  return found;
}

interface Link {
  /** the parameter that refers */
  readonly name: string;
  readonly inner: readonly ParsedParameter[];
}

function linksOf({ name, chained, having }: ParsedParameter): readonly Link[] {
  if (having !== undefined) return linksOf(having.parameter);
  return chained === undefined ? [] : [{ name, inner: chained.map(({ parameter }) => parameter) }];
}
