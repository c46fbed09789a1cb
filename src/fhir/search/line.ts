/**
 * The search line of a resource: the values of its search parameters as one text, made once when the resource is stored
 * and looked into without being parsed. An entry is `name=value`, entries stand between tabs, the fields of a value
 * between unit separators, the parts of a composite between record separators, the items of a field between group
 * separators. No FHIR string may hold these control characters, but for the tab, which is written and asked for as a
 * space.
 */

const ENTRY = '\t';
const FIELD = '\x1f';
const PART = '\x1e';
/** Between the texts of one field that holds several. */
const ITEM = '\x1d';

/** Fields of one value, in the order that its kind of parameter defines (`extract.ts`). */
export type Fields = readonly string[];

/** Collects the entries of a line; the same entry twice is one. */
export class LineWriter {
  readonly #entries = new Set<string>();

  add(name: string, fields: Fields): void {
    this.#entries.add(`${name}=${written(fields)}`);
  }

  addParts(name: string, parts: readonly Fields[]): void {
    this.#entries.add(`${name}=${parts.map(written).join(PART)}`);
  }

  /** The line, beginning and ending with a tab; empty where there is no entry. */
  text(): string {
    return this.#entries.size === 0 ? '' : ENTRY + [...this.#entries].join(ENTRY) + ENTRY;
  }
}

/** Fields at the end that are empty are left out. */
function written(fields: Fields): string {
  let last = fields.length;
  while (last > 0 && fields[last - 1] === '') last -= 1;
  let text = last === 0 ? '' : (fields[0] ?? '');
  for (let at = 1; at < last; at += 1) text += FIELD + fields[at];
  return text.includes(ENTRY) ? text.replaceAll(ENTRY, ' ') : text;
}

/** The raw values of a parameter in a line, in the order they were written. */
export function valuesIn(line: string, name: string): readonly string[] {
  const key = `${ENTRY}${name}=`;
  const values: string[] = [];
  for (let at = line.indexOf(key); at >= 0; ) {
    const start = at + key.length;
    const end = line.indexOf(ENTRY, start);
    values.push(line.slice(start, end));
    at = line.indexOf(key, end);
  }
  return values;
}

export function hasValue(line: string, name: string): boolean {
  return line.includes(`${ENTRY}${name}=`);
}

export function fieldsOf(value: string): Fields {
  return value.split(FIELD);
}

/** One field of several texts; `itemsOf` reads it. */
export function itemsField(items: readonly string[]): string {
  return items.join(ITEM);
}

export function itemsOf(field: string): readonly string[] {
  return field.split(ITEM);
}

export function partsOf(value: string): readonly string[] {
  return value.split(PART);
}
