import { ENTITY_TYPES, ROLE } from './codes.ts';
import type { Occurrence, OccurrenceKind } from './occurrence.ts';
import { isFilled, quoted } from './text.ts';

/** Characters of a raw request that are kept: more than any header block or form body that the server accepts. */
const LONGEST_REQUEST = 65_536;

/** About one resource, which is named. */
const OF_ONE: ReadonlySet<OccurrenceKind> = new Set([
  'read',
  'vread',
  'history-instance',
  'create',
  'update',
  'patch',
  'delete',
]);

/** Asked in words, which are kept. */
const QUERIES: ReadonlySet<OccurrenceKind> = new Set([
  'search-type',
  'everything',
  'match',
  'summary',
  'as-at',
  'explain-access',
  'as-seen',
  'declare-relationship',
  'validate',
]);

/** Entities of an event as a canonical JSON array: facts 1.3. */
export function entitiesOf(occurrence: Occurrence): string {
  const { what, personId, rawRequest } = occurrence;
  let entities = requestEntity(occurrence.requestId);
  if (isFilled(occurrence.trace)) entities += `,${traceEntity(occurrence.trace)}`;
  if (OF_ONE.has(what)) {
    entities += `,${resourceEntity(occurrence)}`;
    if (occurrence.outcome.code !== '0' && isFilled(rawRequest))
      entities += `,${rawRequestEntity(rawRequest)}`;
  } else if (QUERIES.has(what)) {
    entities += `,${queryEntity(occurrence)}`;
  } else if (what === 'load') {
    entities += `,${jobEntity(occurrence)}`;
  }
  if (personId !== undefined) entities += `,${patientEntity(personId)}`;
  const decision = decisionEntity(occurrence, what !== 'load');
  return decision === undefined ? `[${entities}]` : `[${entities},${decision}]`;
}

/** `X-Request-Id`: joins the events of one request. */
function requestEntity(requestId: string): string {
  return `{"type":${ENTITY_TYPES.requestId},"what":{"identifier":{"value":${quoted(isFilled(requestId) ? requestId : 'unknown')}}}}`;
}

/** `traceparent` (W3C Trace Context), in the shape that the Swiss national profile gave it: facts 1.8. */
function traceEntity(trace: string): string {
  return `{"role":${ROLE.processingElement},"type":${ENTITY_TYPES.other},"what":{"identifier":{"value":${quoted(trace)}}}}`;
}

function patientEntity(personId: string): string {
  return `{"role":${ROLE.patient},"type":${ENTITY_TYPES.person},"what":{"reference":${quoted(`Patient/${personId}`)}}}`;
}

/** What a read or write was of: a version where one was released. */
function resourceEntity(occurrence: Occurrence): string {
  const { resource } = occurrence;
  const what = isFilled(resource) ? `{"reference":${quoted(resource)}}` : '{"display":"unknown"}';
  return `{${descriptionOf(occurrence)}"role":${ROLE.domainResource},"type":${ENTITY_TYPES.system},"what":${what}}`;
}

/** The query as it was received; never what it found. */
function queryEntity(occurrence: Occurrence): string {
  const { rawRequest, description, requestId } = occurrence;
  const query = base64(rawRequest || description || requestId || 'unknown');
  return `{${descriptionOf(occurrence)}"query":"${query}","role":${ROLE.query},"type":${ENTITY_TYPES.system}}`;
}

/**
 * A read or write that failed, as it was received: it may be malformed or hostile. Not of the type that the Read pattern keeps
 * for its one data entity; and a read that succeeded is told by that entity alone.
 */
function rawRequestEntity(rawRequest: string): string {
  return `{"query":"${base64(rawRequest)}","role":${ROLE.query},"type":${ENTITY_TYPES.other}}`;
}

/** A job of ours (a load), with what it says of itself. */
function jobEntity(occurrence: Occurrence): string {
  const details = ownDetails(occurrence);
  const detail = details === '' ? '' : `"detail":[${details}],`;
  const what = `{"display":${quoted(isFilled(occurrence.description) ? occurrence.description : 'load')}}`;
  return `{${detail}"role":${ROLE.job},"type":${ENTITY_TYPES.system},"what":${what}}`;
}

/**
 * What decided, and what the caller gave as grounds: policy version, reason, case number, declarations. None of these
 * has an element in AuditEvent, and `agent` has no details; so they are an entity of type 4 (other) and role 13
 * (security resource), which no pattern's slice covers.
 */
function decisionEntity(occurrence: Occurrence, withDetails: boolean): string | undefined {
  const { caller, policyVersion } = occurrence;
  let details = detailOf('policy-version', policyVersion);
  if (caller?.kind === 'staff') details = joined(details, detailOf('reason', caller.reason));
  if (caller?.kind === 'governance') details = joined(details, detailOf('case-number', caller.caseNumber));
  if ((caller?.kind === 'staff' || caller?.kind === 'governance') && caller.attestsNotOwn) {
    details = joined(details, detailOf('attests-not-own', 'true'));
  }
  if (withDetails) details = joined(details, ownDetails(occurrence));
  if (details === '') return undefined;
  return `{"detail":[${details}],"role":${ROLE.securityResource},"type":${ENTITY_TYPES.other}}`;
}

function ownDetails(occurrence: Occurrence): string {
  let details = '';
  for (const [type, value] of Object.entries(occurrence.details ?? {})) {
    details = joined(details, detailOf(type, value));
  }
  return details;
}

function detailOf(type: string, value: string | undefined): string {
  return isFilled(type) && isFilled(value) ? `{"type":${quoted(type)},"valueString":${quoted(value)}}` : '';
}

function joined(before: string, after: string): string {
  return before === '' || after === '' ? before + after : `${before},${after}`;
}

function descriptionOf(occurrence: Occurrence): string {
  return isFilled(occurrence.description) ? `"description":${quoted(occurrence.description)},` : '';
}

function base64(request: string): string {
  return Buffer.from(request.slice(0, LONGEST_REQUEST), 'utf8').toString('base64');
}
