import { referencesIn } from '../../fhir/references.ts';
import type { Json } from './reading.ts';
import type { ReadRow, RecordRows } from './rows.ts';

/** More than this many make no summary. */
const MOST = 1000;

export interface Supporting {
  readonly rows: readonly ReadRow[];
  /** some that are referred to were left out */
  readonly cut: boolean;
}

/**
 * Rows that the listed ones refer to, directly or through others, nearest first: what a document holds beside what its
 * sections list (R4 documents.html#content). A reference that leads to no row stays as it is.
 */
export function supporting(patient: Json, listed: readonly ReadRow[], record: RecordRows): Supporting {
  const known = new Set(listed.map(keyOf));
  const found: ReadRow[] = [];
  const pending: Json[] = [...listed.map(({ resource }) => resource), patient];
  // what is found on the way joins the end
  for (const resource of pending) {
    for (const { literal } of referencesIn(resource)) {
      const row = record.behind(literal);
      if (row === undefined || known.has(keyOf(row))) continue;
      if (found.length === MOST) return { rows: found, cut: true };
      known.add(keyOf(row));
      found.push(row);
      pending.push(row.resource);
    }
  }
  return { rows: found, cut: false };
}

function keyOf({ type, id }: ReadRow): string {
  return `${type}/${id}`;
}
