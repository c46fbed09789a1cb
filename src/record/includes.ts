import type { Grant } from '../access/decide.ts';
import type { Include } from '../fhir/search/results.ts';
import { referencesOf } from '../fhir/search/world.ts';
import { directoryIds, directoryRowsById } from './directories.ts';
import type { DisclosePorts } from './ports.ts';
import type { VisibleRow } from './redact.ts';
import { searchedRow } from './searched.ts';

/** Resources that may come with one page beside its matches, and references followed one after the other. */
const MOST_INCLUDED = 1000;
const MOST_STEPS = 5;

export interface Included {
  readonly rows: readonly VisibleRow[];
  /** there is more than may come with one page */
  readonly truncated: boolean;
  readonly waited: boolean;
}

/**
 * What comes with the matches of a page (R4 search.html#include): only what is visible, at every step (attack catalogue
 * S-07 to S-12). Each resource comes once, and a match does not come again.
 *
 * @param visible all rows of the person that may be seen
 */
export async function includedWith(
  ports: DisclosePorts,
  grant: Grant,
  includes: readonly Include[],
  matches: readonly VisibleRow[],
  visible: readonly VisibleRow[],
): Promise<Included> {
  const known = new Map(visible.map((row) => [nameOf(row), row]));
  const came = new Set(matches.map(nameOf));
  const rows: VisibleRow[] = [];
  let waited = false;
  let frontier: readonly VisibleRow[] = matches;
  for (let step = 0; step < MOST_STEPS && frontier.length > 0; step += 1) {
    const now = includes.filter((include) => step === 0 || include.iterate);
    const names = now
      .flatMap((include) => namesFrom(include, frontier, visible))
      .filter((name) => !came.has(name));
    const absent = directoryIds(names.filter((name) => !known.has(name)));
    if (absent.size > 0) {
      waited = true;
      for (const row of await directoryRowsById(ports, grant, absent)) {
        known.set(nameOf(row), { ...row, madeOf: [row], hidden: [] });
      }
    }
    const next: VisibleRow[] = [];
    for (const name of names) {
      const row = known.get(name);
      if (row === undefined || came.has(name)) continue;
      if (rows.length + next.length >= MOST_INCLUDED)
        return { rows: [...rows, ...next], truncated: true, waited };
      came.add(name);
      next.push(row);
    }
    rows.push(...next);
    frontier = next;
  }
  return { rows, truncated: false, waited };
}

function nameOf({ type, id }: Pick<VisibleRow, 'type' | 'id'>): string {
  return `${type}/${id}`;
}

/** Names of what one include brings for the rows it starts from. */
function namesFrom(
  { direction, source, parameter, target }: Include,
  from: readonly VisibleRow[],
  visible: readonly VisibleRow[],
): readonly string[] {
  if (direction === 'include') {
    const names = from
      .filter(({ type }) => type === source)
      .flatMap((row) => referencesOf(searchedRow(row), parameter));
    return target === undefined ? names : names.filter((name) => name.startsWith(`${target}/`));
  }
  const targets = new Set(from.filter(({ type }) => target === undefined || type === target).map(nameOf));
  return visible
    .filter(
      (row) =>
        row.type === source && referencesOf(searchedRow(row), parameter).some((name) => targets.has(name)),
    )
    .map(nameOf);
}
