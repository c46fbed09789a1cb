/** The escapes of search values: `\,` `\|` `\$` `\\` (R4 search.html#escaping). Percent-encoding is resolved before. */

export type Separator = ',' | '|' | '$';

/** Splits at separators that are not escaped; the parts keep their escapes. */
export function splitEscaped(text: string, separator: Separator): readonly string[] {
  if (!text.includes('\\')) return text.split(separator);
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') {
      i++;
    } else if (text[i] === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** @returns undefined where a backslash stands before anything else, or at the end */
export function unescapeValue(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    let character = text[i];
    if (character === '\\') {
      i++;
      character = text[i];
      if (character !== ',' && character !== '|' && character !== '$' && character !== '\\') return undefined;
    }
    plain += character;
  }
  return plain;
}

/** The reverse of unescapeValue, for links. */
export function escapeValue(plain: string): string {
  return plain.replace(/[\\,|$]/g, '\\$&');
}
