import type { ServedTypeName } from '../fhir/served.ts';
import { SERVED } from '../fhir/served.ts';

/**
 * The order of every answer that asks for none: by type, then by id. Ids are keyed hashes, so the order says nothing
 * about dates, sources or rows that are not there. The store sorts by the same text.
 */
export function sortKey(type: ServedTypeName, id: string): string {
  return `${String(SERVED[type].code).padStart(3, '0')}.${id}`;
}

/** A copy in that order. Rows of the store come sorted, so that there is little to do. */
export function inOrder<T extends { readonly type: ServedTypeName; readonly id: string }>(
  rows: readonly T[],
): T[] {
  return rows
    .map((row) => ({ row, key: sortKey(row.type, row.id) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}
