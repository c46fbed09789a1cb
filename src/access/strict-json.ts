export type JsonObject = { readonly [member: string]: unknown };

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const DEEPEST = 16;

/**
 * Parses a JSON object that leaves no room for two readings: UTF-8 without a byte order mark, no member named twice,
 * no escapes in names, not nested beyond 16. Parsers differ in which of two members they believe (attack catalogue
 * T-18). Linear in the length.
 *
 * @returns undefined for anything else
 */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = UTF8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) && namesOnce(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One pass over a text that is known to be JSON: a string that a colon follows is a name. */
function namesOnce(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : undefined) > DEEPEST) return false;
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      if (isName(text, end)) {
        const name = text.slice(at + 1, end);
        const names = open[open.length - 1];
        if (names === undefined || names.has(name) || name.includes('\\')) return false;
        names.add(name);
      }
      at = end;
    }
  }
  return true;
}

/** Index of the closing quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isName(text: string, end: number): boolean {
  let at = end + 1;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1;
  return text[at] === ':';
}
