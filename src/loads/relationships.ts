import type { SourcePolicy } from '../access/policy.ts';
import {
  type RelationshipKind,
  relationshipText,
  type StatedRelationship,
} from '../access/relationship-text.ts';
import { londonDay } from '../fhir/london.ts';
import { dateRange } from '../fhir/search/date.ts';

/**
 * Which organisations a row shows to be caring for its person, and from when to when (DESIGN 4, rule 6). Made of the row
 * as it will be stored but for its references, so that what is not shared makes nobody a carer. Pure.
 */

/** Days before and after an appointment, or before a planned visit, in which whoever has it prepares and follows up. */
const AROUND_A_VISIT = 14;
/** Days after which an encounter or referral that nobody closed opens nothing any more. */
const LONGEST_OPEN = 365;

const CARED_FOR: readonly unknown[] = ['planned', 'waitlist', 'active', 'onhold'];
const PRESENT: readonly unknown[] = ['arrived', 'triaged', 'in-progress', 'onleave'];
const KEPT: readonly unknown[] = ['booked', 'arrived', 'checked-in', 'fulfilled'];
const OPEN_REFERRAL: readonly unknown[] = ['active', 'on-hold'];
const ODS = /^https:\/\/fhir\.nhs\.uk\/Id\/ods-organi[sz]ation-code$/;
const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';

type Json = Readonly<Record<string, unknown>>;

interface Span {
  readonly from: string;
  readonly to?: string;
}

/** Of one type of row: the kind of relationship, the organisations that have it, and its days; none: no relationship. */
interface Finding {
  readonly kind: RelationshipKind;
  /** as the row refers to them; none of them with an identifier: the organisation whose source it is */
  readonly organisations: readonly unknown[];
  readonly spans: readonly (Span | undefined)[];
}

/**
 * @param row valid by `validateStructure`, with the source's own references
 * @param day business date: what ended before it is not kept
 * @returns lines of `relationshipText`, each once
 */
export function relationshipsOf(row: object, source: SourcePolicy, day: string): readonly string[] {
  const findings = found(row as Json, source, day);
  const stated = findings.flatMap(({ kind, organisations, spans }) => {
    const named = organisations.flatMap((reference) => identifierOf(reference) ?? []);
    return (named.length > 0 ? named : [source.organisation]).flatMap((organisation) =>
      spans.flatMap((span): StatedRelationship[] =>
        span === undefined || (span.to !== undefined && span.to < day)
          ? []
          : [{ organisation, kind, ...span }],
      ),
    );
  });
  return [...new Set(stated.map(relationshipText))];
}

function found(row: Json, source: SourcePolicy, day: string): readonly Finding[] {
  const { status } = row;
  switch (row['resourceType']) {
    case 'Patient':
      return registrations(row, source, day);
    case 'CareTeam':
      return status === 'active' ? [involvement(row)] : [];
    case 'EpisodeOfCare':
      if (!CARED_FOR.includes(status)) return [];
      return [finding('episode', [row['managingOrganization']], periodOf(row['period']))];
    case 'Encounter':
      return encounters(row);
    case 'Appointment':
      if (!KEPT.includes(status)) return [];
      return [finding('appointment', [], around(periodOf({ start: row['start'], end: row['end'] })))];
    case 'ServiceRequest':
      if (!OPEN_REFERRAL.includes(status)) return [];
      return [finding('referral', listOf(row['performer']), limited(periodOf({ start: row['authoredOn'] })))];
    default:
      return [];
  }
}

function finding(
  kind: RelationshipKind,
  organisations: readonly unknown[],
  ...spans: readonly (Span | undefined)[]
): Finding {
  return { kind, organisations, spans };
}

/**
 * The practice that a person is registered with: by its identifier wherever a Patient names it as general practitioner;
 * in the feed of the practices themselves, whose Patient it is.
 */
function registrations(row: Json, source: SourcePolicy, day: string): readonly Finding[] {
  if (row['active'] === false) return [];
  const practices = listOf(row['generalPractitioner']).filter((each) => identifierOf(each) !== undefined);
  const span = { from: day };
  return [
    ...(practices.length > 0 ? [finding('registration', practices, span)] : []),
    ...(source.registers === true ? [finding('registration', [row['managingOrganization']], span)] : []),
  ];
}

/** The days of a team, or else of each of its members. */
function involvement(row: Json): Finding {
  const own = periodOf(row['period']);
  const members = listOf(row['participant']).map((each) => periodOf(partsOf(each)['period']));
  return finding(
    'involvement',
    listOf(row['managingOrganization']),
    ...(own === undefined ? members : [own]),
  );
}

function encounters(row: Json): readonly Finding[] {
  const period = periodOf(row['period']);
  if (PRESENT.includes(row['status']))
    return [finding('encounter', [row['serviceProvider']], limited(period))];
  if (row['status'] !== 'planned') return [];
  return [finding('encounter', [row['serviceProvider']], around(period))];
}

/** Of dates known in part the last day that it may begin and the first that it may end; none without a beginning. */
function periodOf(period: unknown): Span | undefined {
  const { start, end } = partsOf(period);
  const from = rangeOf(start);
  const to = rangeOf(end);
  if (from === undefined || (end !== undefined && to === undefined)) return undefined;
  return { from: londonDay(from.to - 1), ...(to !== undefined && { to: londonDay(to.from) }) };
}

function around(span: Span | undefined): Span | undefined {
  if (span === undefined) return undefined;
  return { from: daysAfter(span.from, -AROUND_A_VISIT), to: daysAfter(span.to ?? span.from, AROUND_A_VISIT) };
}

function limited(span: Span | undefined): Span | undefined {
  if (span === undefined) return undefined;
  const last = daysAfter(span.from, LONGEST_OPEN);
  return { ...span, to: span.to !== undefined && span.to < last ? span.to : last };
}

function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** `system|code` of a reference with an identifier; ODS codes under the one system, however it is spelt. */
function identifierOf(reference: unknown): string | undefined {
  const { system, value } = partsOf(partsOf(reference)['identifier']);
  if (typeof system !== 'string' || typeof value !== 'string' || /[\t|]/.test(value)) return undefined;
  return `${ODS.test(system) ? ODS_SYSTEM : system}|${value}`;
}

function rangeOf(date: unknown): ReturnType<typeof dateRange> {
  return typeof date === 'string' ? dateRange(date) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function partsOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
