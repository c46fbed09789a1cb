import { afterString } from './json-text.ts';

/**
 * Decimals keep their digits: 7.10 says more than 7.1 (R4 datatypes.html#decimal), and JSON.parse forgets it. A decimal
 * that would change is carried through as a marked string, and written as it came.
 */

/** From the private use area; a text that holds it already is left alone. */
const MARK = '\ue000';
const WRITTEN = new RegExp(`"${MARK}(-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)"`, 'g');
const MAY_CHANGE = /\d[.eE]|\d{16}/;

/**
 * @param text valid JSON
 * @returns the same JSON with marked strings for the numbers that parsing would change; undefined where there is none
 */
export function markDecimals(text: string): string | undefined {
  if (!MAY_CHANGE.test(text) || text.includes(MARK) || /\\u[eE]000/.test(text)) return undefined;
  const parts: string[] = [];
  let [copied, at] = [0, 0];
  while (at < text.length) {
    const character = text.charCodeAt(at);
    if (character === 0x22) at = afterString(text, at);
    else if (character === 0x2d || (character >= 0x30 && character <= 0x39)) {
      const end = afterNumber(text, at);
      const digits = text.slice(at, end);
      if (String(Number(digits)) !== digits) {
        parts.push(text.slice(copied, at), `"${MARK}${digits}"`);
        copied = end;
      }
      at = end;
    } else at += 1;
  }
  return copied === 0 ? undefined : parts.join('') + text.slice(copied);
}

/** A decimal that keeps its digits, for JSON that `writeDecimals` writes. @param digits as FHIR writes a decimal */
export function markedDecimal(digits: string): string {
  return `${MARK}${digits}`;
}

/** The value of a number of parsed JSON, marked or not; undefined for what is no number. */
export function decimalOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !value.startsWith(MARK)) return undefined;
  const number = Number(value.slice(MARK.length));
  return Number.isFinite(number) ? number : undefined;
}

/** The text of a resource parsed from marked JSON, with its decimals as they came. */
export function writeDecimals(json: string): string {
  return json.includes(MARK) ? json.replace(WRITTEN, '$1') : json;
}

function afterNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && '0123456789.eE+-'.includes(text.charAt(end))) end += 1;
  return end;
}
