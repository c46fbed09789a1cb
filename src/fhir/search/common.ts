import type { IdentifierReader, ParameterDefinition, ParsedParameter, SearchValue } from './parameter.ts';

/** Parameters that many searches share. */

export const MAX_COUNT = 1000;

/** Page size; more than MAX_COUNT is read as MAX_COUNT, since a server may return fewer. 0 asks for the total alone. */
export const COUNT: ParameterDefinition = {
  name: '_count',
  type: 'special',
  multiple: false,
  list: false,
  expects: 'a whole number',
  read: (text) =>
    /^(?:0|[1-9]\d*)$/.test(text) ? { kind: 'count', count: Math.min(Number(text), MAX_COUNT) } : undefined,
};

/** Ids of resources, separated by commas. */
export const ID: ParameterDefinition = {
  name: '_id',
  type: 'special',
  multiple: false,
  expects: 'an id of letters, digits, - and ., at most 64 long',
  read: (text) => (/^[A-Za-z0-9\-.]{1,64}$/.test(text) ? { kind: 'id', id: text } : undefined),
};

/** Content negotiation, done before the search is read; declared so that it is not refused. */
export const FORMAT: ParameterDefinition = {
  name: '_format',
  type: 'special',
  multiple: false,
  list: false,
  read: (text) => ({ kind: 'string', text }),
};

/** One date or time, without a prefix: `_since`, `start`, `end`, `_at`. */
export function momentParameter(name: string): ParameterDefinition {
  return {
    name,
    type: 'date',
    multiple: false,
    list: false,
    prefixes: ['eq'],
    expects: 'a date or time of the calendar, without a prefix',
  };
}

/** Whether the answer is indented for people, read by the edge with the format; declared so that it is not refused. */
export const PRETTY: ParameterDefinition = {
  name: '_pretty',
  type: 'special',
  multiple: false,
  list: false,
  expects: 'true or false',
  read: (text) => (text === 'true' || text === 'false' ? { kind: 'string', text } : undefined),
};

/**
 * The person a search is about: by id, `Patient/id` or its URL, or by identifier (`patient:identifier`,
 * `patient.identifier`) as `system|value`.
 * @param identifiers systems that name a person, with the reader of their values (NHS number: its check digit)
 * @param chain where other chains lead
 */
export function patientParameter(
  name: 'patient' | 'subject',
  identifiers: ReadonlyMap<string, IdentifierReader>,
  chain?: ParameterDefinition['chain'],
): ParameterDefinition {
  return {
    name,
    type: 'reference',
    multiple: false,
    list: false,
    targets: ['Patient'],
    suffixes: [':identifier', '.identifier', ':Patient'],
    identifiers,
    ...(chain !== undefined && { chain }),
    expects: 'a Patient id, Patient/id or its URL on this server; by identifier a valid system|value',
  };
}

/** The values of a parameter, of all its occurrences. */
export function valuesNamed(search: readonly ParsedParameter[], name: string): readonly SearchValue[] {
  return search.filter((parameter) => parameter.name === name).flatMap((parameter) => parameter.values);
}

/** @returns the ids of `_id`; undefined where the search does not ask for ids */
export function idsOf(search: readonly ParsedParameter[]): readonly string[] | undefined {
  const values = valuesNamed(search, ID.name);
  return values.length === 0 ? undefined : values.flatMap((value) => (value.kind === 'id' ? [value.id] : []));
}

/** @returns the page size of `_count`; undefined where it is not given */
export function countOf(search: readonly ParsedParameter[]): number | undefined {
  const [value] = valuesNamed(search, COUNT.name);
  return value?.kind === 'count' ? value.count : undefined;
}
