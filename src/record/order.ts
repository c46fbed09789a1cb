import type { ServedTypeName } from '../fhir/served.ts';
import { SERVED } from '../fhir/served.ts';

/**
 * The order of every answer that asks for none: by type, then by id. Ids are keyed hashes, so the order says nothing
 * about dates, sources or rows that are not there. The store sorts by the same text.
 */
export function sortKey(type: ServedTypeName, id: string): string {
  return `${String(SERVED[type].code).padStart(3, '0')}.${id}`;
}

export function byKey<T extends { readonly type: ServedTypeName; readonly id: string }>(a: T, b: T): number {
  const [x, y] = [sortKey(a.type, a.id), sortKey(b.type, b.id)];
  return x < y ? -1 : x > y ? 1 : 0;
}
