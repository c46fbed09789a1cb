import { isUtf8 } from 'node:buffer';
import { markDecimals } from '../../fhir/decimals.ts';
import { validateStructure } from '../../fhir/structure.ts';
import type { StagedFile } from '../staging.ts';

/** A line of NDJSON as a resource, or why it is none. */
export type RowReading =
  | { readonly ok: true; readonly resource: Resource }
  | { readonly ok: false; readonly fault: RowFault; readonly json?: unknown };

/** How a row of a file is read. */
export type ReadRow = (bytes: Buffer, file: StagedFile) => RowReading;

export interface Resource {
  readonly resourceType: string;
  readonly id: string;
}

export interface RowFault {
  readonly rule:
    | 'encoding'
    | 'json'
    | 'resource-type'
    | 'id'
    | 'structure'
    | 'implicit-rules'
    /** of a row that was made of CSV: a cell that cannot be read, a code that is in no map */
    | 'cell'
    | 'code';
  readonly element?: string;
  /** what is wrong, without any value */
  readonly hint: string;
  /** the row's id where it can be told: what is stored of it stands */
  readonly id?: string;
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/;
/** Text that was damaged before it reached us: its letters became replacement characters. */
const DAMAGED = '\ufffd';

/** @param type that the manifest gives for the file */
export function readRow(bytes: Buffer, type: string): RowReading {
  const text = bytes.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    if (!isUtf8(bytes)) return { ok: false, fault: notUtf8(text) };
    return { ok: false, fault: { rule: 'json', hint: 'not one JSON object a line', ...guessedId(text) } };
  }
  const fault = isUtf8(bytes) ? faultOf(json, text, type) : notUtf8(text);
  if (fault !== undefined) return { ok: false, fault, json };
  // checked as it is, kept with the digits of its decimals
  const marked = markDecimals(text);
  return { ok: true, resource: (marked === undefined ? json : JSON.parse(marked)) as Resource };
}

function notUtf8(text: string): RowFault {
  return { rule: 'encoding', hint: 'not UTF-8', ...guessedId(text) };
}

function faultOf(json: unknown, text: string, type: string): RowFault | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { rule: 'json', hint: 'not a JSON object' };
  }
  const { resourceType, id, implicitRules } = json as Readonly<Record<string, unknown>>;
  if (resourceType !== type) {
    return {
      rule: 'resource-type',
      element: 'resourceType',
      hint: 'not the type that the manifest gives for the file',
    };
  }
  if (typeof id !== 'string' || !ID.test(id))
    return { rule: 'id', element: `${type}.id`, hint: 'missing or no FHIR id' };
  if (text.includes(DAMAGED)) return { rule: 'encoding', hint: 'holds replacement characters (U+FFFD)', id };
  if (implicitRules !== undefined) {
    return {
      rule: 'implicit-rules',
      element: `${type}.implicitRules`,
      hint: 'rules that we do not know',
      id,
    };
  }
  const [first] = validateStructure(json);
  return first === undefined
    ? undefined
    : { rule: 'structure', element: first.element, hint: first.rule, id };
}

/** Of a row that is no JSON the first id in it is most likely its own. A wrong guess only keeps yesterday's version. */
export function guessedId(text: string): { id?: string } {
  const id = /"id"\s*:\s*"([A-Za-z0-9\-.]{1,64})"/.exec(text.slice(0, 4000))?.[1];
  return id === undefined ? {} : { id };
}
