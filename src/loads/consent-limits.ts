import type { ConsentLimits } from '../access/consent-limits.ts';
import { londonDay } from '../fhir/london.ts';
import { dateRange } from '../fhir/search/date.ts';
import { isServed, type ServedTypeName } from '../fhir/served.ts';

/** What a Consent's provision limits itself to (R4 Consent.provision), as far as the rules can keep it. */

type Json = Readonly<Record<string, unknown>>;

/** Members that are limits of a kind that is not kept here. */
const NOT_KEPT = ['provision', 'action', 'securityLabel', 'code', 'dataPeriod', 'data'];
const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const ODS_OLD = 'https://fhir.nhs.uk/Id/ods-organisation-code';
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';

/**
 * @param provision of a Consent that is valid by `validateStructure`
 * @returns without members: it has no limits; undefined: it has some that cannot be kept
 */
export function limitsOf(provision: Json): ConsentLimits | undefined {
  if (NOT_KEPT.some((name) => provision[name] !== undefined)) return undefined;
  const organisations = listed(provision['actor'], recipient);
  const types = listed(provision['class'], typeOf);
  const purposes = listed(provision['purpose'], purposeOf);
  if (organisations === undefined || types === undefined || purposes === undefined) return undefined;
  return {
    ...(organisations.length > 0 && { organisations }),
    // treatment is what all of this is for
    ...(purposes.length > 0 && !purposes.includes('TREAT') && { purposes }),
    ...(types.length > 0 && { types }),
  };
}

/** The days of a refusal that ends of itself, or begins later; a day known in part counts whole. */
export function daysOfRefusal(provision: Json, businessDate: string): ConsentLimits | undefined {
  const { start, end } = partsOf(provision['period']);
  const [from, to] = [rangeOf(start), rangeOf(end)];
  if ((start !== undefined && from === undefined) || (end !== undefined && to === undefined))
    return undefined;
  const begins = from === undefined ? undefined : londonDay(from.from);
  return {
    ...(begins !== undefined && begins > businessDate && { from: begins }),
    ...(to !== undefined && { to: londonDay(to.to - 1) }),
  };
}

/** @returns undefined where one of them cannot be read */
function listed<T>(value: unknown, read: (each: Json) => T | undefined): readonly T[] | undefined {
  if (value === undefined) return [];
  // an empty list is not everything
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const all = value.map((each) => read(partsOf(each)));
  return all.some((each) => each === undefined) ? undefined : (all as T[]);
}

/** An organisation that information goes to (PCF: IRCP), by identifier. */
function recipient(actor: Json): string | undefined {
  const codings = partsOf(actor['role'])['coding'];
  const isRecipient =
    Array.isArray(codings) &&
    codings.some((each) => partsOf(each)['system'] === PARTICIPATION && partsOf(each)['code'] === 'IRCP');
  const { system, value } = partsOf(partsOf(actor['reference'])['identifier']);
  if (!isRecipient || typeof system !== 'string' || typeof value !== 'string') return undefined;
  return `${system === ODS_OLD ? ODS : system}|${value}`;
}

function typeOf({ system, code }: Json): ServedTypeName | undefined {
  return system === RESOURCE_TYPES && typeof code === 'string' && isServed(code) ? code : undefined;
}

function purposeOf({ system, code }: Json): string | undefined {
  return system === ACT_REASON && typeof code === 'string' ? code : undefined;
}

function rangeOf(date: unknown): ReturnType<typeof dateRange> {
  return typeof date === 'string' ? dateRange(date) : undefined;
}

function partsOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
