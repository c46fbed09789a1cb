import type { Ask, PersonReference } from '../access/ask.ts';
import { Problem } from '../fhir/problem.ts';
import { countOf, idsOf } from '../fhir/search/common.ts';
import { foldString } from '../fhir/search/fold.ts';
import type { ParsedParameter, SearchValue } from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import { type Results, resultsOf, typesBrought } from '../fhir/search/results.ts';
import { typesLookedInto } from '../fhir/search/world.ts';
import { isServed, type ServedTypeName, served } from '../fhir/served.ts';
import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.ts';
import { auditPeriod } from './audit-period.ts';
import { idOfOurs } from './ids.ts';
import { namesPerson, RESULT_NAMES, SEARCHES } from './searches.ts';

/** Entries a page where the client does not say. */
const DEFAULT_COUNT = 50;

/** Whose record a search is about, and the parameters that said so. */
interface Named {
  readonly person: PersonReference;
  readonly by: readonly ParsedParameter[];
}

/** @throws Problem naming the parameter that cannot be understood, or what is missing */
export function askOfSearch(
  type: ServedTypeName,
  query: readonly (readonly [string, string])[],
  baseUrl: string,
  now: number,
): Ask {
  const search = SEARCHES[type];
  if (search === undefined) throw new Problem('unsupported', `${type} is read by its id, not searched.`);
  const parsed = parseSearch(query, search.table, { base: baseUrl });
  const results = resultsFor(type, parsed);
  const ids = idsOf(parsed)?.map(idOfOurs);
  const { person, by } = named(type, parsed, ids);
  const criteria = parsed.filter(
    (each) => !RESULT_NAMES.includes(each.name) && each.name !== '_id' && !by.includes(each),
  );
  const looksInto = typesLookedInto(criteria).filter(isServed);
  requireReachable(type, looksInto, criteria, results);
  requireCountable(type, results);
  if (person.by === 'demographics' && results.includes.length > 0) {
    throw new Problem(
      'unsupported',
      'Something comes along with one known person: search by NHS number or _id.',
      {
        expression: ['_include'],
      },
    );
  }
  return {
    interaction: 'search-type',
    type,
    person,
    count: countOf(parsed) || DEFAULT_COUNT,
    ...(ids === undefined ? {} : { ids }),
    ...(criteria.length === 0 ? {} : { criteria }),
    ...(looksInto.length === 0 ? {} : { looksInto }),
    ...(isPlain(results) ? {} : { results }),
    ...(served(type).keeping === 'directory' ? identifiersOf(criteria) : {}),
    ...(type === 'AuditEvent' ? { recorded: auditPeriod(parsed, now) } : {}),
  };
}

/** @throws Problem for results that go against each other */
export function resultsFor(type: ServedTypeName, search: readonly ParsedParameter[]): Results {
  const results = resultsOf(type, search);
  if (!('fault' in results)) return results;
  const { fault, parameter } = results;
  throw new Problem('invalid', `The search parameter ${parameter} ${fault}.`, { expression: [parameter] });
}

function isPlain({ sort, includes, summary, elements, total }: Results): boolean {
  return (
    sort.length + includes.length === 0 &&
    summary === 'false' &&
    elements === undefined &&
    total === 'accurate'
  );
}

/**
 * A directory leads into directories only: what stands in a record is found from the record. And nothing is found by
 * directory rows that refer to it: that would take the whole directory.
 */
function requireReachable(
  type: ServedTypeName,
  looksInto: readonly ServedTypeName[],
  criteria: readonly ParsedParameter[],
  { includes }: Results,
): void {
  const isDirectory = (each: ServedTypeName): boolean => served(each).keeping === 'directory';
  const back = [
    ...criteria.flatMap(havingTypes),
    ...includes.filter((each) => each.direction === 'revinclude').map((each) => each.source),
  ];
  const refused = back.some((each) => isServed(each) && isDirectory(each));
  const beyond = isDirectory(type) && ![...looksInto, ...includes.flatMap(typesBrought)].every(isDirectory);
  if (!refused && !beyond) return;
  throw new Problem('unsupported', 'A search cannot go this way between a record and the directories.', {
    expression: [type],
  });
}

/** The audit log is read a page at a time: what a count would take is not bounded. */
function requireCountable(type: ServedTypeName, { summary }: Results): void {
  if (type !== 'AuditEvent' || summary !== 'count') return;
  throw new Problem('unsupported', 'AuditEvents are not counted: ask for them a page at a time.', {
    expression: ['_summary'],
  });
}

function havingTypes({ chained, having }: ParsedParameter): readonly string[] {
  if (having !== undefined) return [having.type, ...havingTypes(having.parameter)];
  return (chained ?? []).flatMap(({ parameter }) => havingTypes(parameter));
}

function named(
  type: ServedTypeName,
  parsed: readonly ParsedParameter[],
  ids: readonly string[] | undefined,
): Named {
  if (served(type).keeping === 'directory') return { person: { by: 'none' }, by: [] };
  if (type === 'Patient') return patientSearched(parsed, ids);
  const by = parsed.filter((each) => each.chained === undefined && namesPerson(type, each.name));
  const [first, second] = by;
  if (second !== undefined) {
    throw new Problem('invalid', 'A search is about one person: name them once.', {
      expression: [second.name],
    });
  }
  const [value] = first?.values ?? [];
  if (value !== undefined) return { person: personReference(value), by };
  if (type === 'AuditEvent') return { person: { by: 'none' }, by };
  if (ids?.length === 1 && ids[0] !== undefined) return { person: { by: 'resource', id: ids[0] }, by };
  throw new Problem('too-costly', 'A search is about one person: add patient.', { expression: ['patient'] });
}

/** By number, by id, or by enough of what is known of them; whatever else is asked must be true as well. */
function patientSearched(parsed: readonly ParsedParameter[], ids: readonly string[] | undefined): Named {
  const identifier = parsed.find(({ name }) => name === 'identifier');
  const [number] = identifier?.values ?? [];
  if (identifier !== undefined && number !== undefined)
    return { person: personReference(number), by: [identifier] };
  const [id, another] = ids ?? [];
  if (another !== undefined)
    throw new Problem('too-costly', 'Ask for one person at a time.', { expression: ['_id'] });
  return id === undefined ? byDemographics(parsed) : { person: { by: 'person-id', id }, by: [] };
}

/** What is asked beside family name and birth date so that they mean one person. */
const NARROWING: readonly string[] = ['given', 'gender', 'address-postalcode'];

/** One value, and not that there is some value or another: that would be true of nearly everybody. */
function narrows({ name, suffix, values }: ParsedParameter): boolean {
  const [value, another] = values;
  if (!NARROWING.includes(name) || another !== undefined) return false;
  if (suffix !== undefined && suffix !== ':exact') return false;
  if (value?.kind === 'string') return foldString(value.text) !== '';
  return value?.kind === 'token' && value.code !== undefined;
}

function byDemographics(parsed: readonly ParsedParameter[]): Named {
  const [family, given, birthDate] = ['family', 'given', 'birthdate'].map((name) =>
    parsed.find((each) => each.name === name && (each.suffix === undefined || each.suffix === ':exact')),
  );
  const [familyName, givenName, day] = [family, given, birthDate].map(wholeValue);
  if (familyName === undefined || day === undefined || day.length !== 10 || !parsed.some(narrows)) {
    throw new Problem(
      'too-costly',
      'Search for a Patient by identifier (NHS number), by _id, or by family and the whole birthdate with given, gender or address-postalcode.',
      { expression: ['identifier'] },
    );
  }
  const by = [family, birthDate, ...(givenName === undefined ? [] : [given])].filter(
    (each) => each !== undefined,
  );
  const person = { by: 'demographics', family: familyName, birthDate: day } as const;
  return { person: givenName === undefined ? person : { ...person, given: givenName }, by };
}

/** The one value of a parameter that is compared as a whole. */
function wholeValue(parameter: ParsedParameter | undefined): string | undefined {
  const [value, another] = parameter?.values ?? [];
  if (another !== undefined) return undefined;
  if (value?.kind === 'string') return value.text;
  return value?.kind === 'date' && value.prefix === 'eq' ? value.text : undefined;
}

function personReference(value: SearchValue): PersonReference {
  if (value.kind === 'reference') return { by: 'person-id', id: idOfOurs(value.id) };
  if (value.kind === 'identifier' && value.system === NHS_NUMBER_SYSTEM)
    return { by: 'nhs-number', nhsNumber: value.value };
  if (value.kind === 'token' && value.system === NHS_NUMBER_SYSTEM && value.code !== undefined) {
    return { by: 'nhs-number', nhsNumber: value.code };
  }
  throw new Problem('unsupported', `A person is identified by ${NHS_NUMBER_SYSTEM}|number.`, {
    expression: ['identifier'],
  });
}

/** Identifiers that the database finds: whole ones, with their systems. All criteria are put to what it finds. */
function identifiersOf(criteria: readonly ParsedParameter[]): Pick<Ask, 'identifiers'> {
  const values =
    criteria.find(
      ({ name, suffix, chained }) => name === 'identifier' && suffix === undefined && chained === undefined,
    )?.values ?? [];
  const identifiers = values.flatMap((value) =>
    value.kind === 'token' && value.system !== undefined && value.code !== undefined
      ? [`${value.system}|${value.code.toLowerCase()}`]
      : [],
  );
  return values.length > 0 && identifiers.length === values.length ? { identifiers } : {};
}
