import type { Ask, PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';
import { countOf, idsOf, MAX_COUNT } from '../fhir/search/common.ts';
import type { ParsedParameter, SearchValue } from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import { type ServedTypeName, served } from '../fhir/served.ts';
import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.ts';
import { auditPeriod } from './audit-period.ts';
import { EVERYTHING_TABLE, READ_TABLE, SEARCHES } from './searches.ts';
import type { HttpServices } from './services.ts';

/** A question as understood, with the self link that says how it was understood. */
export interface Understood {
  readonly ask: Ask;
  readonly self: string;
}

/** What may stand beside a page token: how the answer is written is no part of the question. */
const BESIDE_PAGE: ReadonlySet<string> = new Set(['_page', '_count', '_format', '_pretty']);

type Pairs = readonly (readonly [string, string])[];

/** Entries a page where the client does not say. */
const DEFAULT_COUNT = 50;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id that is well formed and cannot be one of ours takes the same way as one that is nobody's. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** @throws Problem `invalid` for what is no FHIR id, `unsupported` for parameters */
export function askOfRead(type: ServedTypeName, id: string, pairs: Pairs): Understood {
  requireId(id);
  parseSearch(pairs, READ_TABLE, { base: '' });
  const known = UUID.test(id) ? id : NOBODY;
  const ask: Ask = { interaction: 'read', type, id: known, person: personOfRead(type, known), count: 1 };
  return { ask, self: `${type}/${id}` };
}

function personOfRead(type: ServedTypeName, id: string): PersonReference {
  if (type === 'Patient') return { by: 'person-id', id };
  return served(type).keeping === 'directory' || type === 'AuditEvent'
    ? { by: 'none' }
    : { by: 'resource', id };
}

/** `Patient/[id]/$everything` (R4 patient-operation-everything), or a further page of it. */
export function askOfEverything(
  services: HttpServices,
  caller: Caller,
  id: string,
  pairs: Pairs,
): Understood {
  requireId(id);
  const page = askOfPage(services, caller, pairs, 'Patient', 'everything');
  const person = { by: 'person-id', id: UUID.test(id) ? id : NOBODY } as const;
  if (page !== undefined) {
    if (
      page.ask.interaction !== 'everything' ||
      page.ask.person.by !== 'person-id' ||
      page.ask.person.id !== person.id
    ) {
      throw wrongPage();
    }
    return { ...page, self: `Patient/${id}/${page.self}` };
  }
  const search = parseSearch(pairs, EVERYTHING_TABLE, { base: services.disclosure.baseUrl });
  const count = countOf(search);
  const ask: Ask = { interaction: 'everything', type: 'Patient', person, count: count ?? MAX_COUNT };
  return { ask, self: `Patient/${id}/$everything${count === undefined ? '' : `?_count=${count}`}` };
}

/**
 * The question inside a page token, for a request that carries one: `Type?_page=token`, with a `_count` beside it at
 * most, which clients that rebuild links add.
 *
 * @returns undefined for a request without a token
 */
export function askOfPage(
  services: HttpServices,
  caller: Caller,
  pairs: Pairs,
  type: ServedTypeName,
  interaction: Ask['interaction'] = 'search-type',
): Understood | undefined {
  const token = pairs.find(([name]) => name === '_page');
  if (token === undefined) return undefined;
  const others = pairs.filter(([name]) => !BESIDE_PAGE.has(name));
  if (others.length > 0 || pairs.filter(([name]) => name === '_page').length > 1) throw wrongPage();
  parseSearch(
    pairs.filter(([name]) => name !== '_page'),
    EVERYTHING_TABLE,
    { base: services.disclosure.baseUrl },
  );
  const ask = services.disclosure.pageTokens.open(token[1], caller, services.disclosure.now());
  if (ask.type !== type || ask.interaction !== interaction) throw wrongPage();
  return { ask, self: `${ask.interaction === 'everything' ? '$everything' : type}?_page=${token[1]}` };
}

function wrongPage(): Problem {
  const message = 'A page token goes with the address it was given for, and with no other parameter.';
  return new Problem('invalid', message, { expression: ['_page'] });
}

/** @throws Problem naming the parameter that cannot be understood, or what is missing */
export function askOfSearch(type: ServedTypeName, pairs: Pairs, baseUrl: string): Understood {
  const search = SEARCHES[type];
  if (search === undefined) throw new Problem('unsupported', `${type} is read by its id, not searched.`);
  const parsed = parseSearch(pairs, search.table, { base: baseUrl });
  const count = countOf(parsed) ?? DEFAULT_COUNT;
  const ids = idsOf(parsed)?.map((id) => (UUID.test(id) ? id : NOBODY));
  const ask: Ask = {
    interaction: 'search-type',
    type,
    person: personOf(type, parsed, ids),
    count,
    ...(ids === undefined ? {} : { ids }),
    ...(served(type).keeping === 'directory' ? identifiersOf(parsed) : {}),
    ...(type === 'AuditEvent' ? { recorded: auditPeriod(parsed) } : {}),
  };
  return { ask, self: selfOf(type, pairs) };
}

/** Only parameters that were understood get this far: the self link repeats them all. */
function selfOf(type: ServedTypeName, pairs: Pairs): string {
  const query = pairs
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
  return query === '' ? type : `${type}?${query}`;
}

function personOf(
  type: ServedTypeName,
  parsed: readonly ParsedParameter[],
  ids: readonly string[] | undefined,
): PersonReference {
  if (served(type).keeping === 'directory') return { by: 'none' };
  if (type === 'Patient') return patientSearched(parsed, ids);
  const [patient] = valuesOf(parsed, 'patient');
  if (patient !== undefined) return personReference(patient);
  if (type === 'AuditEvent') return { by: 'none' };
  if (ids?.length === 1 && ids[0] !== undefined) return { by: 'resource', id: ids[0] };
  throw new Problem('too-costly', 'A search is about one person: add patient.', { expression: ['patient'] });
}

function patientSearched(
  parsed: readonly ParsedParameter[],
  ids: readonly string[] | undefined,
): PersonReference {
  const [identifier] = valuesOf(parsed, 'identifier');
  const [family, given, birthDate] = ['family', 'given', 'birthdate'].map((name) =>
    textOf(valuesOf(parsed, name)[0]),
  );
  const ways = [
    identifier !== undefined,
    ids !== undefined,
    [family, given, birthDate].some((v) => v !== undefined),
  ];
  if (ways.filter(Boolean).length !== 1) {
    throw new Problem(
      'too-costly',
      'Search for a Patient by identifier (NHS number), or by family, given and birthdate together, or by _id.',
      { expression: ['identifier'] },
    );
  }
  if (identifier !== undefined) return personReference(identifier);
  if (ids !== undefined) return { by: 'person-id', id: ids.length === 1 ? (ids[0] ?? NOBODY) : manyPeople() };
  if (family === undefined || given === undefined || birthDate === undefined || birthDate.length !== 10) {
    throw new Problem('too-costly', 'Demographics need family, given and the whole birthdate.', {
      expression: ['family', 'given', 'birthdate'],
    });
  }
  return { by: 'demographics', family, given, birthDate };
}

function manyPeople(): never {
  throw new Problem('too-costly', 'Ask for one person at a time.', { expression: ['_id'] });
}

function personReference(value: SearchValue): PersonReference {
  if (value.kind === 'reference') return { by: 'person-id', id: UUID.test(value.id) ? value.id : NOBODY };
  if (value.kind === 'identifier' && value.system === NHS_NUMBER_SYSTEM)
    return { by: 'nhs-number', nhsNumber: value.value };
  if (value.kind === 'token' && value.system === NHS_NUMBER_SYSTEM && value.code !== undefined) {
    return { by: 'nhs-number', nhsNumber: value.code };
  }
  throw new Problem('unsupported', `A person is identified by ${NHS_NUMBER_SYSTEM}|number.`, {
    expression: ['identifier'],
  });
}

function identifiersOf(parsed: readonly ParsedParameter[]): Pick<Ask, 'identifiers'> {
  const values = valuesOf(parsed, 'identifier');
  if (values.length === 0) return {};
  const identifiers = values.map((value) => {
    if (value.kind !== 'token' || value.system === undefined || value.code === undefined) {
      throw new Problem('unsupported', 'Give an identifier as system|value.', { expression: ['identifier'] });
    }
    return `${value.system}|${value.code}`;
  });
  return { identifiers };
}

function textOf(value: SearchValue | undefined): string | undefined {
  return value?.kind === 'string' || value?.kind === 'date' ? value.text : undefined;
}

function valuesOf(parsed: readonly ParsedParameter[], name: string): readonly SearchValue[] {
  return parsed.filter((parameter) => parameter.name === name).flatMap((parameter) => parameter.values);
}

function requireId(id: string): void {
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
    throw new Problem('invalid', 'The id is not a FHIR id.', { expression: ['id'] });
}
