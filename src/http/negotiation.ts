import type { FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import type { TableFormat } from '../record/audit-table.ts';
import { headerParts } from './header-list.ts';
import { pairsOf } from './query.ts';

/** How an answer is written. What it says does not depend on it. */
export interface AnswerFormat {
  readonly contentType: string;
  /** `_pretty=true` */
  readonly pretty: boolean;
  /** a table of audit events; absent: FHIR JSON */
  readonly as?: TableFormat;
}

type Pairs = readonly (readonly [string, string])[];

const FHIR_JSON = 'application/fhir+json; charset=utf-8';
const VERSIONED = `${FHIR_JSON}; fhirVersion=4.0`;

const TABLES: { readonly [As in TableFormat]: string } = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/fhir+ndjson; charset=utf-8',
};

/** The `+` of a media type that was not percent-encoded arrives as a space. */
const TABLE_NAMES: ReadonlyMap<string, TableFormat> = new Map([
  ['csv', 'csv'],
  ['text/csv', 'csv'],
  ['ndjson', 'ndjson'],
  ['application/fhir+ndjson', 'ndjson'],
  ['application/fhir ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
]);

function tableOf(name: string | undefined): TableFormat | undefined {
  return name === undefined ? undefined : TABLE_NAMES.get(name.trim().toLowerCase());
}

/** Other names of JSON, which is answered as `application/fhir+json` all the same. */
const NAMED: ReadonlySet<string> = new Set(['application/json', 'text/json', 'json']);
const FORMATS: ReadonlySet<string> = new Set(['application/fhir+json', 'application/json', 'json']);

/**
 * The format that a client may have, from `_format` or else `Accept`, and `_pretty` (R4 http.html, content types).
 *
 * @param tables whether a table may be had too: named by itself, and never for a wildcard
 * @throws Problem `not-acceptable` when it may not be FHIR R4 as JSON in UTF-8; `invalid` for another `_pretty`
 */
export function negotiate(accept: string | undefined, pairs: Pairs, tables = false): AnswerFormat {
  const as = tables ? tableOf(pairs.find(([name]) => name === '_format')?.[1] || accept) : undefined;
  if (as !== undefined) return { contentType: TABLES[as], pretty: false, as };
  return { contentType: contentTypeOf(accept, pairs), pretty: prettyOf(pairs) };
}

/** The format of an error: as asked where that can be had. A request may be refused for the very thing it asks. */
export function formatOfError(request: FastifyRequest): AnswerFormat {
  const pairs = orElse(() => pairsOf(request), []);
  const { accept } = request.headers;
  return {
    contentType: orElse(() => contentTypeOf(accept, pairs), FHIR_JSON),
    pretty: orElse(() => prettyOf(pairs), false),
  };
}

/** `_format` beats Accept. */
function contentTypeOf(accept: string | undefined, pairs: Pairs): string {
  const format = pairs.find(([name]) => name === '_format')?.[1] ?? '';
  const contentType = format === '' ? typeAccepted(accept) : typeOfFormat(format.toLowerCase());
  if (contentType !== undefined) return contentType;
  throw new Problem('not-acceptable', 'This service answers FHIR R4 as JSON (application/fhir+json).');
}

function orElse<T>(make: () => T, otherwise: T): T {
  try {
    return make();
  } catch {
    return otherwise;
  }
}

function prettyOf(pairs: Pairs): boolean {
  const value = pairs.find(([name]) => name === '_pretty')?.[1];
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new Problem('invalid', 'The parameter _pretty must be true or false.', { expression: ['_pretty'] });
}

/** One media range of `Accept`, in lower case. */
interface Range {
  readonly type: string;
  readonly versioned: boolean;
  readonly quality: number;
}

/** The `+` of a media type that was not percent-encoded arrives as a space. */
function typeOfFormat(format: string): string | undefined {
  const range = rangeOf(format.replace(/^application\/fhir json/, 'application/fhir+json'));
  if (range === undefined || !FORMATS.has(range.type)) return undefined;
  return range.versioned ? VERSIONED : FHIR_JSON;
}

/**
 * Whether FHIR JSON is accepted: the most specific range that is about it decides, and a quality of 0 excludes
 * (RFC 9110, 12.5.1).
 */
function typeAccepted(accept: string | undefined): string | undefined {
  if (accept === undefined || accept === '*/*' || accept === 'application/fhir+json') return FHIR_JSON;
  const ranges = headerParts(accept.toLowerCase(), ',').flatMap((entry) => rangeOf(entry) ?? []);
  const exact = ranges.filter((range) => range.type === 'application/fhir+json');
  const levels = [
    exact.filter((range) => range.versioned),
    exact,
    ranges.filter((range) => NAMED.has(range.type)),
    ranges.filter((range) => range.type === 'application/*'),
    ranges.filter((range) => range.type === '*/*'),
  ];
  const deciding = levels.find((level) => level.length > 0 && !onlyNames(level)) ?? [];
  if (!deciding.some((range) => range.quality > 0)) return undefined;
  return ranges.some((range) => range.versioned && range.quality > 0) ? VERSIONED : FHIR_JSON;
}

/** Plain JSON refused says nothing of FHIR JSON, which is what is answered. */
function onlyNames(level: readonly Range[]): boolean {
  return level.every((range) => NAMED.has(range.type) && range.quality === 0);
}

const QUALITY = /^(?:0?\.\d{1,3}|[01](?:\.\d{0,3})?)$/;

/** @returns undefined for a range that is malformed, of another FHIR version, or of another character set */
function rangeOf(entry: string): Range | undefined {
  const [type = '', ...parameters] = headerParts(entry, ';');
  let [versioned, quality] = [false, 1];
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=').map((part) => part.trim());
    if (name === 'charset' && value !== 'utf-8' && value !== '"utf-8"') return undefined;
    if (name === 'fhirversion') {
      if (value !== '4.0') return undefined;
      versioned = true;
    }
    if (name === 'q') {
      if (!QUALITY.test(value) || Number(value) > 1) return undefined;
      quality = Number(value);
    }
  }
  return { type, versioned, quality };
}
