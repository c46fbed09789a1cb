import type { ConsentLimits } from '../access/consent-limits.ts';
import { codeTokens } from '../fhir/codings.ts';
import { HEALTH_OPT_OUT, SOCIAL_CARE_OPT_IN } from '../fhir/consent-policies.ts';
import { londonDay } from '../fhir/london.ts';
import { localReference } from '../fhir/references.ts';
import { type DateRange, dateRange } from '../fhir/search/date.ts';
import { daysOfRefusal, limitsOf } from './consent-limits.ts';

/**
 * What a Consent, or an Observation of dissent, states about sharing (docs/onboarding-a-source.md, Consent rows).
 *
 * Read from any shape of JSON and unevenly on purpose: what restricts counts even when the row is otherwise faulty,
 * undated or dated in the future; what permits counts only when everything about it is in order.
 */
export type ConsentStatement = OptOutStatement | AgreementStatement;

export interface OptOutStatement {
  readonly about: 'health';
  /** the source's id of its patient */
  readonly localId: string;
  /** unique within the source */
  readonly sourceId: string;
  readonly optedOut: boolean;
  /** milliseconds since the epoch; of a day its end where it opts out, its beginning where it ends that */
  readonly enteredAt: number;
  /** of an opt-out: what it is limited to; absent: it is about everything */
  readonly limits?: ConsentLimits;
}

export interface AgreementStatement {
  readonly about: 'social-care';
  readonly localId: string;
  readonly sourceId: string;
  readonly given: boolean;
  readonly recordedAt: number;
  /** `YYYY-MM-DD`; an agreement without a beginning is not in force */
  readonly startDate?: string;
  readonly endDate?: string;
  readonly givenBy?: string;
  readonly givenByRelationship?: string;
  /** absent: none */
  readonly limits?: ConsentLimits;
}

export type ConsentReading =
  | { readonly kind: 'statement'; readonly statement: ConsentStatement }
  /** draft, inactive, entered in error, or about something else */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'fault';
      readonly rule: 'no-person' | 'consent-date' | 'consent-limits' | 'consent-form';
    };

/** a dissent sent without its code system is still a dissent */
const DISSENT = ['http://snomed.info/sct|416409005', '|416409005'];
const ASSENT = 'http://snomed.info/sct|417528008';

const NOT_IN_FORCE = new Set(['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error']);
const NOT_MADE = new Set(['entered-in-error', 'cancelled', 'unknown']);
const FINAL = new Set(['final', 'amended', 'corrected']);
type Json = Readonly<Record<string, unknown>>;
type Fault = Extract<ConsentReading, { kind: 'fault' }>['rule'];

/**
 * @param resource parsed JSON
 * @param isValid whether `validateStructure` found no fault
 * @param businessDate nothing is entered after the end of that day: a later date is read as its end, or permits nothing
 */
export function readConsentStatement(
  resource: unknown,
  isValid: boolean,
  businessDate: string,
): ConsentReading {
  const row = members(resource);
  const endOfDay = (dateRange(businessDate)?.to ?? 0) - 1;
  return row['resourceType'] === 'Observation'
    ? readObservation(row, isValid, endOfDay)
    : readConsent(row, isValid, endOfDay, businessDate);
}

function readObservation(row: Json, isValid: boolean, endOfDay: number): ConsentReading {
  const codes = codeTokens(row);
  const optedOut = codes.some((code) => DISSENT.includes(code));
  if ((!optedOut && !codes.includes(ASSENT)) || NOT_MADE.has(String(row['status'])))
    return { kind: 'ignored' };
  const localId = patientOf(row['subject']);
  if (localId === undefined) return fault('no-person');
  const period = members(row['effectivePeriod']);
  const date = [row['effectiveDateTime'], period['start'], row['effectiveInstant'], row['issued']].find(
    isString,
  );
  const enteredAt = moment(date, optedOut, endOfDay);
  if (!optedOut && (!isValid || !FINAL.has(String(row['status'])))) return fault('consent-form');
  if (enteredAt === undefined) return fault('consent-date');
  // a Consent of the same id is another statement: ids of resources hold no slash
  const sourceId = `Observation/${String(row['id'])}`;
  return { kind: 'statement', statement: { about: 'health', localId, sourceId, optedOut, enteredAt } };
}

function readConsent(row: Json, isValid: boolean, endOfDay: number, businessDate: string): ConsentReading {
  const policies = policiesOf(row);
  const about = policies.has(HEALTH_OPT_OUT)
    ? 'health'
    : policies.has(SOCIAL_CARE_OPT_IN)
      ? 'social-care'
      : undefined;
  if (about === undefined || NOT_IN_FORCE.has(String(row['status']))) return { kind: 'ignored' };
  const localId = patientOf(row['patient']);
  if (localId === undefined) return fault('no-person');
  const sourceId = String(row['id']);
  const provision = members(row['provision']);
  const permits = provision['type'] === 'permit';
  const recordedAt = moment(row['dateTime'], !permits, endOfDay);
  const limits = isValid ? limitsOf(provision) : undefined;
  const problem = permits ? hindrance(row, isValid, policies, recordedAt) : undefined;
  if (about === 'health') {
    if (problem !== undefined || recordedAt === undefined) return fault(problem ?? 'consent-date');
    // what ends an opt-out ends it for everybody
    if (permits && !isUnlimited(limits)) return fault('consent-limits');
    const narrowed = permits ? undefined : refusalLimits(row, provision, limits, businessDate);
    return {
      kind: 'statement',
      statement: {
        about,
        localId,
        sourceId,
        optedOut: !permits,
        enteredAt: recordedAt,
        ...(narrowed && { limits: narrowed }),
      },
    };
  }
  // an agreement that cannot be honoured is a refusal of that moment: an older one must not outlive it
  const statement: AgreementStatement = {
    about,
    localId,
    sourceId,
    given: permits && problem === undefined && limits !== undefined,
    recordedAt: recordedAt ?? endOfDay,
    ...periodOf(provision, row['dateTime']),
    ...givenBy(row['performer']),
    ...(permits && limits !== undefined && !isUnlimited(limits) && { limits }),
  };
  return { kind: 'statement', statement };
}

/** Why a permission does not count. */
function hindrance(
  row: Json,
  isValid: boolean,
  policies: ReadonlySet<string>,
  recordedAt: number | undefined,
): Fault | undefined {
  const scope = codeTokens({ code: row['scope'] });
  if (!isValid || row['status'] !== 'active') return 'consent-form';
  if (!scope.includes('http://terminology.hl7.org/CodeSystem/consentscope|patient-privacy'))
    return 'consent-form';
  if (policies.size > 1) return 'consent-limits';
  return recordedAt === undefined ? 'consent-date' : undefined;
}

function isUnlimited(limits: ConsentLimits | undefined): boolean {
  return limits !== undefined && Object.keys(limits).length === 0;
}

/** A refusal is narrower than everything only where all of it is in order and can be kept. */
function refusalLimits(
  row: Json,
  provision: Json,
  limits: ConsentLimits | undefined,
  businessDate: string,
): ConsentLimits | undefined {
  const days = daysOfRefusal(provision, businessDate);
  if (limits === undefined || days === undefined) return undefined;
  if (row['status'] !== 'active' || provision['type'] !== 'deny') return undefined;
  const all = { ...limits, ...days };
  return isUnlimited(all) ? undefined : all;
}

function policiesOf(row: Json): ReadonlySet<string> {
  const uris = Array.isArray(row['policy']) ? row['policy'].map((each) => members(each)['uri']) : [];
  const codings = members(row['policyRule'])['coding'];
  const rules = Array.isArray(codings) ? codings.map((each) => members(each)['code']) : [];
  return new Set([...uris, ...rules].filter(isString));
}

/**
 * The moment of an entry. A date covers a day: an opt-out counts as made at its end and a permission at its beginning,
 * so that of two whose order is not known the opt-out is the later one.
 *
 * @returns undefined for a permission without a date that has come
 */
function moment(date: unknown, restricts: boolean, endOfDay: number): number | undefined {
  const range = rangeOf(date);
  if (!restricts) return range !== undefined && range.from <= endOfDay ? range.from : undefined;
  if (range === undefined) return endOfDay;
  const isDay = isString(date) && date.length <= 10;
  return Math.min(isDay ? range.to - 1 : range.from, endOfDay);
}

/** Of dates known in part the last day they may begin and the first they may end: a permission is never stretched. */
function periodOf(provision: Json, dateTime: unknown): { startDate?: string; endDate?: string } {
  const { start, end } = members(provision['period']);
  const from = rangeOf(start ?? dateTime);
  const to = rangeOf(end);
  if (from === undefined || (end !== undefined && to === undefined)) return {};
  return { startDate: londonDay(from.to - 1), ...(to !== undefined && { endDate: londonDay(to.from) }) };
}

function givenBy(performers: unknown): { givenBy?: string } {
  const display = Array.isArray(performers) ? members(performers[0])['display'] : undefined;
  return isString(display) ? { givenBy: display } : {};
}

function patientOf(reference: unknown): string | undefined {
  const literal = members(reference)['reference'];
  const local = isString(literal) ? localReference(literal) : undefined;
  return local?.type === 'Patient' ? local.id : undefined;
}

function rangeOf(date: unknown): DateRange | undefined {
  return isString(date) ? dateRange(date) : undefined;
}

function fault(rule: Fault): ConsentReading {
  return { kind: 'fault', rule };
}

function members(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
