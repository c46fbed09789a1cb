import { isObject, type JsonObject } from './strict-json.ts';

/** A parsed JSON Pointer (RFC 6901): the names on the way. */
export type JsonPointer = readonly string[];

/** @returns undefined when the text is not a pointer */
export function parsePointer(text: string): JsonPointer | undefined {
  if (!/^(?:\/(?:[^~/]|~[01])+)+$/.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at the pointer: own members of objects and indexes of arrays only; undefined where nothing is. */
export function valueAt(object: JsonObject, pointer: JsonPointer): unknown {
  let value: unknown = object;
  for (const name of pointer) {
    if (Array.isArray(value)) value = /^(?:0|[1-9]\d{0,3})$/.test(name) ? value[Number(name)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}
