import { namesFault } from '../fhir/json-names.ts';

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
    return isObject(value) && namesFault(text, DEEPEST, isPlain) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A name has one spelling. */
function isPlain(_name: string, written: string): boolean {
  return !written.includes('\\');
}
