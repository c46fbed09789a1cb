import { COUNT, FORMAT, ID, momentParameter, PRETTY, patientParameter } from '../fhir/search/common.ts';
import { indexedParameters } from '../fhir/search/indexed.ts';
import type {
  IdentifierReader,
  ParameterDefinition,
  ParameterTable,
  SearchValue,
} from '../fhir/search/parameter.ts';
import { parameterTable } from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import {
  elementsParameter,
  includeParameters,
  SUMMARY,
  sortParameter,
  TOTAL,
} from '../fhir/search/results.ts';
import { searchTable } from '../fhir/search/tables.ts';
import { readTimeOfDay } from '../fhir/search/time-of-day.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../fhir/served.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../identity/nhs-number.ts';
import { EVERYTHING, PAST } from '../record/gather.ts';

/** What can be searched of a type: read by the routes and by the CapabilityStatement. */
export interface Search {
  readonly table: ParameterTable;
  /** what conditions may be put: those of results and of content are not among them */
  readonly parameters: readonly ParameterDefinition[];
}

/** Read as `time-of-day.ts` does. */
const TIME_OF_DAY: ParameterDefinition = {
  name: 'mcr-time-of-day',
  type: 'special',
  multiple: true,
  expects: 'hh:mm-hh:mm by the clocks of London, or one of mon, tue, wed, thu, fri, sat, sun',
  read: (text) => (readTimeOfDay(text) === undefined ? undefined : { kind: 'choice', choice: text }),
};

/** The log is read along its time, one way or the other. */
const AUDIT_SORT: ParameterDefinition = {
  name: '_sort',
  type: 'special',
  multiple: false,
  list: false,
  expects: 'date, oldest first, or -date',
  read: (text) =>
    text === 'date' || text === '-date'
      ? { kind: 'sort', name: 'date', descending: text === '-date' }
      : undefined,
};

/** Systems that name a person in a search. A number that fails its check digit is refused, not searched for. */
const PERSON_IDENTIFIERS: ReadonlyMap<string, IdentifierReader> = new Map([
  [NHS_NUMBER_SYSTEM, readNhsNumber],
]);

/** What every search takes beside its conditions. */
export const RESULT_NAMES: readonly string[] = [
  '_count',
  '_elements',
  '_format',
  '_include',
  '_pretty',
  '_revinclude',
  '_sort',
  '_summary',
  '_total',
];

/** Searches by type; types that are only read are not in it. */
export const SEARCHES: Readonly<Partial<Record<ServedTypeName, Search>>> = Object.fromEntries(
  SERVED_NAMES.filter((type) => served(type).keeping !== 'referenced').map((type): [string, Search] => {
    const parameters = conditionsOf(type);
    const results = [COUNT, FORMAT, PRETTY, SUMMARY, TOTAL, elementsParameter(type)];
    const company = type === 'AuditEvent' ? [AUDIT_SORT] : [sortParameter(type), ...includeParameters(type)];
    return [type, { parameters, table: parameterTable(...parameters, ...results, ...company) }];
  }),
);

/** The R4 parameters of a type, those that name a person or bound a search as this service takes them. */
function conditionsOf(type: ServedTypeName): readonly ParameterDefinition[] {
  const own = [...(searchTable(type)?.values() ?? [])];
  return own.flatMap((definition) => {
    if (definition.name === '_id') return [ID];
    if (type === 'AuditEvent') return auditCondition(definition);
    if (namesPerson(type, definition.name)) {
      return [patientParameter(definition.name, PERSON_IDENTIFIERS, definition.chain)];
    }
    // a person is found by a number that is one, and by no other identifier
    if (type === 'Patient' && definition.name === 'identifier')
      return [
        { name: 'identifier', type: 'token', multiple: false, list: false, identifiers: PERSON_IDENTIFIERS },
      ];
    return [definition];
  });
}

/** Whether the parameter says whose record is searched. */
export function namesPerson(type: ServedTypeName, name: string): name is 'patient' | 'subject' {
  const { keeping } = served(type);
  if (keeping !== 'clinical' && type !== 'Consent' && type !== 'AuditEvent') return false;
  const targets = indexedParameters(type).get(name)?.targets ?? [];
  return (
    (name === 'patient' || name === 'subject') &&
    (name === 'patient' || targets.includes('Patient') || type === 'Task')
  );
}

/** The audit log is bounded in time, and leads nowhere else. */
function auditCondition(definition: ParameterDefinition): readonly ParameterDefinition[] {
  if (definition.name === '_has') return [];
  if (definition.name === 'patient') return [patientParameter('patient', PERSON_IDENTIFIERS)];
  if (definition.name === 'date') return [{ name: 'date', type: 'date', multiple: true, list: false }];
  if (definition.name === 'mcr-time-of-day') return [TIME_OF_DAY];
  const { chain, ...rest } = definition;
  return [rest];
}

const SINCE = momentParameter('_since');

/** `$everything` takes only these. */
export const EVERYTHING_TABLE = parameterTable(
  COUNT,
  FORMAT,
  PRETTY,
  SINCE,
  momentParameter('start'),
  momentParameter('end'),
  typesParameter(EVERYTHING),
);

/** `$as-at` takes only these. */
export const AS_AT_TABLE = parameterTable(
  COUNT,
  FORMAT,
  PRETTY,
  {
    ...momentParameter('instant'),
    expects: 'a date and time to the second, with its zone (Z, or +01:00 with the + written as %2B)',
  },
  typesParameter(PAST),
);

function typesParameter(types: readonly ServedTypeName[]): ParameterDefinition {
  return {
    name: '_type',
    type: 'special',
    multiple: true,
    expects: 'types that a record has',
    read: (text): SearchValue | undefined =>
      types.some((type) => type === text) ? { kind: 'choice', choice: text } : undefined,
  };
}

/** A history takes only these. */
export const HISTORY_TABLE = parameterTable(COUNT, FORMAT, PRETTY, SINCE, momentParameter('_at'), SUMMARY);

/** An operation whose question is in its address or body takes only this in its query. */
export const PLAIN_TABLE = parameterTable(FORMAT, PRETTY);

/** What may stand beside a page token: how the answer is written is no part of the question. */
export const BESIDE_PAGE = parameterTable(COUNT, FORMAT, PRETTY);

/** @throws Problem `unsupported` for anything beside what says how the answer is written */
export function requirePlain(pairs: readonly (readonly [string, string])[]): void {
  parseSearch(pairs, PLAIN_TABLE, { base: '' });
}

const READ_TABLES = new Map(
  SERVED_NAMES.map((type) => [type, parameterTable(FORMAT, PRETTY, SUMMARY, elementsParameter(type))]),
);

/** A read takes only these. */
export function readTable(type: ServedTypeName): ParameterTable {
  return READ_TABLES.get(type) ?? PLAIN_TABLE;
}
