/** Characters that a JSON string may need escapes for, and halves of surrogate pairs, which may be lone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_PLAIN = /[\u0000-\u001f"\\\ud800-\udfff]/;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * The one serialisation of a JSON value by RFC 8785 (JSON Canonicalization Scheme): no white space, members ordered by
 * the UTF-16 code units of their names, numbers and strings as ECMAScript writes them. Its UTF-8 bytes are what the
 * audit log hashes. An object whose members are already in order is written fastest.
 *
 * @throws TypeError when the value is not I-JSON: a number that is not finite, a lone surrogate, or anything that JSON
 * does not know (undefined, bigint, function, symbol)
 */
export function canonicalise(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      return canonicalNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new TypeError(`JSON has no ${typeof value}.`);
  }
}

function canonicalString(text: string): string {
  if (!NOT_PLAIN.test(text)) return `"${text}"`;
  if (LONE_SURROGATE.test(text)) throw new TypeError('A string holds a lone surrogate.');
  return JSON.stringify(text);
}

/** ECMAScript's own shortest form is the one that RFC 8785 section 3.2.2.3 asks for; minus zero is written `0`. */
function canonicalNumber(number: number): string {
  if (!Number.isFinite(number)) throw new TypeError('JSON has no such number.');
  return String(number);
}

function canonicalArray(items: readonly unknown[]): string {
  let written = '[';
  for (let i = 0; i < items.length; i += 1) {
    written += i === 0 ? canonicalise(items[i]) : `,${canonicalise(items[i])}`;
  }
  return `${written}]`;
}

function canonicalObject(object: object): string {
  const members = object as Readonly<Record<string, unknown>>;
  const names = inOrder(Object.keys(members));
  let written = '{';
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    if (i > 0) written += ',';
    written += `${canonicalString(name)}:${canonicalise(members[name])}`;
  }
  return `${written}}`;
}

/** JavaScript compares strings by UTF-16 code units, which is the order wanted. */
function inOrder(names: string[]): readonly string[] {
  for (let i = 1; i < names.length; i += 1) {
    if ((names[i - 1] as string) > (names[i] as string)) return names.sort();
  }
  return names;
}
