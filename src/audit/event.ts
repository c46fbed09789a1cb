import type { AuditEvent } from '@medplum/fhirtypes';
import type { Direction, ServiceIdentity } from './agents.ts';
import { agentsOf, purposeConcept, showsToken } from './agents.ts';
import { APPLICATION_SERVER, EVENT_TYPE, PROFILE, SUBTYPE } from './codes.ts';
import { entitiesOf } from './entities.ts';
import type { Occurrence, OccurrenceKind, Outcome } from './occurrence.ts';
import { isFilled, quoted } from './text.ts';

export type { ServiceIdentity } from './agents.ts';

/** How a kind of occurrence looks as an event: facts 1.3. Codes are canonical JSON. */
interface Pattern {
  readonly type: string;
  readonly subtype: string;
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  readonly direction: Direction;
  /** the BALP profile that a success claims, without and with a patient; none where BALP has no such pattern */
  readonly profile?: string;
  readonly patientProfile?: string;
}

const QUERY = {
  type: EVENT_TYPE.rest,
  action: 'E',
  direction: 'to-server',
  profile: PROFILE.query,
  patientProfile: PROFILE.patientQuery,
} as const;

const CREATE = {
  type: EVENT_TYPE.rest,
  subtype: SUBTYPE.create,
  action: 'C',
  direction: 'to-server',
  profile: PROFILE.create,
  patientProfile: PROFILE.patientCreate,
} as const;

const UPDATE = {
  type: EVENT_TYPE.rest,
  action: 'U',
  direction: 'to-server',
  profile: PROFILE.update,
  patientProfile: PROFILE.patientUpdate,
} as const;

const READ = {
  type: EVENT_TYPE.rest,
  action: 'R',
  direction: 'to-client',
  profile: PROFILE.read,
  patientProfile: PROFILE.patientRead,
} as const;

const OPERATION = { ...QUERY, subtype: `${SUBTYPE.search},${SUBTYPE.operation}` } as const;

const ALERT = { type: EVENT_TYPE.securityAlert, action: 'E', direction: 'to-server' } as const;

const PATTERNS: { readonly [K in OccurrenceKind]: Pattern } = {
  read: { ...READ, subtype: SUBTYPE.read },
  vread: { ...READ, subtype: SUBTYPE.vread },
  // BALP has no pattern for a history: it has the shape of a read and claims no profile
  'history-instance': {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.history,
    action: 'R',
    direction: 'to-client',
  },
  'search-type': { ...QUERY, subtype: SUBTYPE.searchType },
  everything: OPERATION,
  match: OPERATION,
  summary: OPERATION,
  'as-at': OPERATION,
  'explain-access': OPERATION,
  // not queries of the record: no profile
  'declare-relationship': {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.operation,
    action: 'C',
    direction: 'to-server',
  },
  batch: { type: EVENT_TYPE.rest, subtype: SUBTYPE.batch, action: 'E', direction: 'to-server' },
  validate: { type: EVENT_TYPE.rest, subtype: SUBTYPE.operation, action: 'E', direction: 'to-server' },
  create: CREATE,
  update: { ...UPDATE, subtype: SUBTYPE.update },
  patch: { ...UPDATE, subtype: SUBTYPE.patch },
  delete: {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.delete,
    action: 'D',
    direction: 'no-payload',
    profile: PROFILE.delete,
    patientProfile: PROFILE.patientDelete,
  },
  load: CREATE,
  unauthenticated: {
    type: EVENT_TYPE.userAuthentication,
    subtype: SUBTYPE.login,
    action: 'E',
    direction: 'to-server',
  },
  configuration: {
    type: EVENT_TYPE.securityAlert,
    subtype: SUBTYPE.securityConfiguration,
    action: 'U',
    direction: 'to-server',
  },
  sweep: {
    type: EVENT_TYPE.securityAlert,
    subtype: SUBTYPE.restrictedFunction,
    action: 'E',
    direction: 'to-server',
  },
  'alert-override': { ...ALERT, subtype: `${SUBTYPE.emergencyOverride},${SUBTYPE.alertOverride}` },
  'alert-own-record': { ...ALERT, subtype: SUBTYPE.alertOwnRecord },
};

/** Where an outcome other than success gives no reason of its own. */
const UNEXPLAINED: { readonly [C in Exclude<Outcome['code'], '0'>]: string } = {
  '4': 'refused',
  '8': 'failed',
  '12': 'unavailable',
};

/**
 * An occurrence as an IHE BALP AuditEvent. What was refused or failed has the same shape with outcome 4, 8 or 12, and
 * claims no success profile. Nothing of the answer (contents, counts, ids of results) and no credential is in it.
 *
 * @param recorded milliseconds since the epoch; the journal may have moved it later than the occurrence, never earlier
 */
export function auditEvent(
  occurrence: Occurrence,
  service: ServiceIdentity,
  recorded: number = occurrence.at,
): AuditEvent {
  return JSON.parse(canonicalEvent(occurrence, service, recorded)) as AuditEvent;
}

/**
 * {@link auditEvent} as its canonical JSON (RFC 8785), the very text that is hashed and stored. Every request waits for
 * it, and writing an object first costs five times as much; so each part is written in canonical order, and a test
 * holds the result against `canonicalise`.
 */
export function canonicalEvent(occurrence: Occurrence, service: ServiceIdentity, recorded: number): string {
  const pattern = PATTERNS[occurrence.what];
  const { outcome } = occurrence;
  const purpose = purposeConcept(occurrence.caller);
  const outcomeDesc =
    outcome.code === '0'
      ? ''
      : `"outcomeDesc":${quoted(isFilled(outcome.reason) ? outcome.reason : UNEXPLAINED[outcome.code])},`;
  return (
    `{"action":"${pattern.action}","agent":${agentsOf(occurrence, service, pattern.direction)},` +
    `"entity":${entitiesOf(occurrence)},"id":${quoted(occurrence.id)},${metaOf(occurrence, pattern)}` +
    `"outcome":"${outcome.code}",${outcomeDesc}` +
    `${purpose === undefined ? '' : `"purposeOfEvent":[${purpose}],`}` +
    `"recorded":"${new Date(recorded).toISOString()}","resourceType":"AuditEvent",` +
    `"source":{"observer":{"identifier":{"value":${quoted(service.observer)}}},"site":${quoted(service.site)},` +
    `"type":[${APPLICATION_SERVER}]},"subtype":[${pattern.subtype}],"type":${pattern.type}}`
  );
}

/** Whether a canonical event has the action, type and subtype of a kind. */
export function isPatternOf(kind: OccurrenceKind, body: string): boolean {
  if (!Object.hasOwn(PATTERNS, kind)) return false;
  const { action, subtype, type } = PATTERNS[kind];
  return body.startsWith(`{"action":"${action}",`) && body.endsWith(`"subtype":[${subtype}],"type":${type}}`);
}

function metaOf(occurrence: Occurrence, pattern: Pattern): string {
  const claimed = occurrence.personId === undefined ? pattern.profile : pattern.patientProfile;
  const profile = occurrence.outcome.code === '0' ? claimed : undefined;
  const token = showsToken(occurrence.caller) ? PROFILE.token : undefined;
  if (profile === undefined && token === undefined) return '';
  const both = profile !== undefined && token !== undefined;
  return `"meta":{"profile":[${both ? `${profile},${token}` : `${profile ?? token}`}]},`;
}
