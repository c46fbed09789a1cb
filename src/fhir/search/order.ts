import { foldString } from './fold.ts';
import { indexedParameters } from './indexed.ts';
import { fieldsOf, valuesIn } from './line.ts';
import type { Searched } from './match.ts';
import type { SortKey } from './results.ts';

/**
 * Where a resource stands in an order (`_sort`, R4 search.html#sort): one text or number a key. Of several values the
 * one that comes first counts; null has none and comes last, whichever way round.
 */
export type Standing = readonly (string | number | null)[];

export function standingOf(searched: Searched, sort: readonly SortKey[]): Standing {
  return sort.map(({ name, descending }) => {
    if (name === '_id') return searched.id;
    const values = valuesOf(searched, name);
    if (values.length === 0) return null;
    const first = values.reduce((before, each) => (compare(each, before) < 0 === descending ? before : each));
    return typeof first === 'string' ? first.slice(0, COMPARED) : first;
  });
}

/** Characters of a text that its place depends on: the place of a page's last entry goes into the next link. */
const COMPARED = 100;

/** Before everything that has a beginning; finite, since a page token holds it. */
const EARLIEST = -Number.MAX_VALUE;

function valuesOf({ type, line }: Searched, name: string): readonly (string | number)[] {
  const indexed = indexedParameters(type).get(name);
  if (indexed === undefined) return [];
  const { of = name, only } = indexed;
  const fields = valuesIn(line, of)
    .filter((value) => only === undefined || value.startsWith(`${only}/`))
    .map(fieldsOf);
  switch (indexed.type) {
    case 'date':
      return fields.map(([from = '']) => (from === '' ? EARLIEST : Number(from)));
    case 'quantity':
    case 'number':
      return fields.map(([low = '']) => (low === '' ? EARLIEST : Number(low)));
    case 'token':
      return fields.map(([, code = '', text = '']) => (code === '' ? foldString(text) : code.toLowerCase()));
    case 'string':
      return fields.map(([text = '']) => foldString(text));
    default:
      return fields.map(([text = '']) => text);
  }
}

/** Negative: `a` comes before `b` by the keys; 0: they do not say. */
export function compareStanding(a: Standing, b: Standing, sort: readonly SortKey[]): number {
  for (const [index, { descending }] of sort.entries()) {
    const [left = null, right = null] = [a[index], b[index]];
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    const order = compare(left, right);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

/** By code unit: the same everywhere, whatever the machine's language. */
function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
