import type { Ask } from '../access/ask.ts';
import type { Grant } from '../access/decide.ts';
import { compareStanding, type Standing, standingOf } from '../fhir/search/order.ts';
import type { SortKey } from '../fhir/search/results.ts';
import { SearchWorld } from '../fhir/search/world.ts';
import { linkedDirectories } from './directories.ts';
import { sortKey } from './order.ts';
import type { DisclosePorts } from './ports.ts';
import type { VisibleRow } from './redact.ts';
import { searchedRow } from './searched.ts';

/** A row with the place that the order asked for gives it. */
export interface Placed {
  readonly row: VisibleRow;
  readonly key: string;
  readonly standing: Standing;
}

/**
 * The rows that meet what is asked, among those that are visible, in the order asked for. Conditions that lead to other
 * resources see only what is visible (attack catalogue S-16); those of directories are fetched first.
 *
 * @param candidates rows of the type asked for
 * @param visible all that the conditions may look into
 * @returns also whether something was waited for
 */
export async function matchesOf(
  ports: DisclosePorts,
  grant: Grant,
  ask: Ask,
  candidates: readonly VisibleRow[],
  visible: readonly VisibleRow[],
  now: number,
): Promise<{ readonly rows: readonly Placed[]; readonly waited: boolean }> {
  const { criteria = [], results } = ask;
  const linked = await linkedDirectories(ports, grant, criteria, visible);
  const reaches = criteria.some((each) => each.chained !== undefined || each.having !== undefined);
  const world = new SearchWorld(reaches ? [...visible, ...linked].map(searchedRow) : [], now);
  const found =
    criteria.length === 0 ? candidates : candidates.filter((row) => world.meets(searchedRow(row), criteria));
  return { rows: inPlace(found, results?.sort ?? []), waited: linked.length > 0 };
}

function inPlace(rows: readonly VisibleRow[], sort: readonly SortKey[]): readonly Placed[] {
  const placed = rows.map((row) => ({
    row,
    key: sortKey(row.type, row.id),
    standing: sort.length === 0 ? [] : standingOf(searchedRow(row), sort),
  }));
  return sort.length === 0 ? placed : placed.sort((a, b) => comparePlaced(a, b, sort));
}

type Place = Pick<Placed, 'key' | 'standing'>;

/** Equal by what was asked for, rows keep the order that they have otherwise: pages do not overlap. */
function comparePlaced(a: Place, b: Place, sort: readonly SortKey[]): number {
  return compareStanding(a.standing, b.standing, sort) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** Rows after the page's beginning. */
export function fromPageStart(rows: readonly Placed[], ask: Ask): readonly Placed[] {
  const { after } = ask;
  if (after === undefined) return rows;
  const start = { key: after.lastKey, standing: after.standing ?? [] };
  return rows.filter((row) => comparePlaced(row, start, ask.results?.sort ?? []) > 0);
}
