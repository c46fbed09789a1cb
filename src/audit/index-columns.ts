import type { AuditEvent, AuditEventAgent } from '@medplum/fhirtypes';
import { AGENT_TYPE, ENTITY_TYPES, REQUEST_ID_DETAIL, ROLE } from './codes.ts';
import { isPatternOf } from './event.ts';
import type { OccurrenceKind } from './occurrence.ts';

/** What an event is found by. None of it is hashed, so each is held against the body, which is. */
export interface IndexColumns {
  /** UUID, `AuditEvent.id` */
  readonly eventId: string;
  /** milliseconds since the epoch, `AuditEvent.recorded` */
  readonly recorded: number;
  readonly kind: string;
  /** 0, 4, 8 or 12 */
  readonly outcome: number;
  readonly requestId: string;
  /** UUID of the person it is about */
  readonly personId?: string;
  readonly client?: string;
  /** the user, as identified at the caller's issuer */
  readonly agent?: string;
  readonly organisation?: string;
  readonly purpose?: string;
}

const PERSON = codeOf(ENTITY_TYPES.person);
const REQUEST = codeOf(ENTITY_TYPES.requestId);
const JOB = codeOf(ROLE.job);
const APPLICATION = codeOf(AGENT_TYPE.application);
const USER = codeOf(AGENT_TYPE.user);
const ORGANISATION = codeOf(AGENT_TYPE.organisation);

/**
 * The first column that does not say what the body says; undefined where all do. An event whose column was changed would
 * be whole by its hash, and not be found. (Between operations that have one pattern, `kind` cannot be told apart.)
 */
export function indexFault(columns: IndexColumns, body: string): keyof IndexColumns | 'body' | undefined {
  const event = parsed(body);
  if (event === undefined) return 'body';
  const checks: readonly (readonly [keyof IndexColumns, boolean])[] = [
    ['eventId', event.id === columns.eventId],
    ['recorded', Date.parse(event.recorded ?? '') === columns.recorded],
    ['kind', isKind(columns.kind, body, event)],
    ['outcome', event.outcome === String(columns.outcome)],
    ['requestId', isSaid(columns.requestId, requestOf(event))],
    ['personId', isPerson(columns.personId, entityOf(event, PERSON)?.what?.reference)],
    ['client', isSaid(columns.client, agentOf(event, APPLICATION))],
    ['agent', isSaid(columns.agent, agentOf(event, USER))],
    ['organisation', isSaid(columns.organisation, agentOf(event, ORGANISATION))],
    ['purpose', isSaid(columns.purpose, purposeOf(event))],
  ];
  return checks.find(([, agrees]) => !agrees)?.[0];
}

function parsed(body: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(body);
    return typeof event === 'object' && event !== null ? (event as AuditEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** A column that is blank has nothing in the body, where FHIR has no blank strings. */
function isSaid(column: string | undefined, said: string | undefined): boolean {
  if (said === undefined || said === 'unknown')
    return column === undefined || column === said || !/\S/.test(column);
  return column === said;
}

function isPerson(column: string | undefined, reference: string | undefined): boolean {
  return reference === (column === undefined ? undefined : `Patient/${column}`);
}

function isKind(kind: string, body: string, event: AuditEvent): boolean {
  const job = event.entity?.some(({ role }) => role?.code === JOB) === true;
  return isPatternOf(kind as OccurrenceKind, body) && job === (kind === 'load');
}

/** The entity of the request, or where a pattern has no room for one a detail. */
function requestOf(event: AuditEvent): string {
  const details = (event.entity ?? []).flatMap(({ detail = [] }) => detail);
  return (
    entityOf(event, REQUEST)?.what?.identifier?.value ??
    details.find(({ type }) => type === REQUEST_ID_DETAIL)?.valueString ??
    'unknown'
  );
}

function entityOf(event: AuditEvent, type: string): NonNullable<AuditEvent['entity']>[number] | undefined {
  return event.entity?.find((entity) => entity.type?.code === type);
}

function agentOf(event: AuditEvent, type: string): string | undefined {
  const isOf = (agent: AuditEventAgent): boolean => agent.type?.coding?.[0]?.code === type;
  return event.agent?.find(isOf)?.who?.identifier?.value;
}

function purposeOf(event: AuditEvent): string | undefined {
  const [purpose] = event.purposeOfEvent ?? [];
  return purpose?.coding?.[0]?.code ?? purpose?.text;
}

/** The code of a canonical Coding, or of a CodeableConcept with one. */
function codeOf(canonical: string): string {
  return /"code":"([^"]+)"/.exec(canonical)?.[1] ?? '';
}
