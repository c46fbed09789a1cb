import type { AuditEvent } from '@medplum/fhirtypes';
import type { ServiceIdentity } from './agents.ts';
import { agentsOf } from './agents.ts';
import { APPLICATION_SERVER, PROFILE } from './codes.ts';
import { consentsOf, entitiesOf } from './entities.ts';
import type { Occurrence, OccurrenceKind, Outcome } from './occurrence.ts';
import { PATTERNS, type Pattern } from './patterns.ts';
import { isFilled, quoted } from './text.ts';
import { purposeConcept, showsToken, showsTokenId } from './users.ts';

export type { ServiceIdentity } from './agents.ts';

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
    `{"action":"${pattern.action}","agent":${agentsOf(occurrence, service, pattern.agents)},` +
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

/** Every kind, with what its events have in common: action, type and subtype, as the JSON of an AuditEvent. */
export const PATTERN_OF_KIND: ReadonlyMap<string, string> = new Map(
  Object.entries(PATTERNS).map(([kind, { action, subtype, type }]) => [
    kind,
    `{"action":"${action}","resourceType":"AuditEvent","subtype":[${subtype}],"type":${type}}`,
  ]),
);

function metaOf(occurrence: Occurrence, pattern: Pattern): string {
  const claimed = occurrence.personId === undefined ? pattern.profile : pattern.patientProfile;
  const claims = claimed !== undefined && keepsPattern(occurrence) ? [claimed] : [];
  const { caller, what } = occurrence;
  // a token that is made is not used yet
  if (what !== 'token-issue') {
    if (showsToken(caller)) claims.push(PROFILE.token);
    if (what !== 'consent-decision' && showsTokenId(caller)) claims.push(PROFILE.tokenId);
  }
  return claims.length === 0 ? '' : `"meta":{"profile":[${claims.join(',')}]},`;
}

/** The REST patterns are of success alone; a consent decides either way, for somebody who works somewhere. */
function keepsPattern(occurrence: Occurrence): boolean {
  const { what, outcome, caller } = occurrence;
  if (what === 'consent-decision')
    return (caller?.kind === 'staff' || caller?.kind === 'governance') && consentsOf(occurrence).length > 0;
  if (what === 'token-issue' && caller === undefined) return false;
  return outcome.code === '0';
}
