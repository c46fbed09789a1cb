/** Steps over the text of JSON without parsing it. On a text that is no JSON they end at its end. */

/**
 * @param start index of the opening quotation mark
 * @returns index after the closing one
 */
export function afterString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

/** @returns index of the first character from `at` that is not white space */
export function afterSpace(text: string, at: number): number {
  let index = at;
  while (isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** @returns index after the value that begins at `start`; white space behind a number may belong to it */
export function afterValue(text: string, start: number): number {
  let [at, depth] = [start, 0];
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '"') {
      at = afterString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      // of what the value stands in
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (character === ',' && depth === 0) return at;
    at += 1;
  }
  return at;
}
