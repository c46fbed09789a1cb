import { ENTITY_TYPES, REQUEST_ID_DETAIL, ROLE } from './codes.ts';
import type { ConsentDecided, Occurrence, OccurrenceKind } from './occurrence.ts';
import { isFilled, quoted } from './text.ts';
import { tokenUrn } from './users.ts';

/** Characters of a raw request that are kept: more than any header block or form body that the server accepts. */
const LONGEST_REQUEST = 65_536;

/** About one resource, which is named. */
const OF_ONE: ReadonlySet<OccurrenceKind> = new Set([
  'read',
  'vread',
  'history-instance',
  'audit-read',
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
  'audit-search',
  'export',
]);

/** Entities of an event as a canonical JSON array: facts 1.3. */
export function entitiesOf(occurrence: Occurrence): string {
  const { what, personId, rawRequest } = occurrence;
  if (what === 'consent-decision') return consentDecisionEntities(occurrence);
  if (what === 'token-issue') return `[${tokenRequestEntity(occurrence)}]`;
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
  for (const consent of consentsOf(occurrence)) entities += `,${consentEntity(consent, '')}`;
  const decision = decisionEntity(occurrence, what !== 'load');
  return decision === undefined ? `[${entities}]` : `[${entities},${decision}]`;
}

/** `X-Request-Id`: joins the events of one request. */
function requestEntity(requestId: string): string {
  return `{"type":${ENTITY_TYPES.requestId},"what":{"identifier":{"value":${quoted(isFilled(requestId) ? requestId : 'unknown')}}}}`;
}

/** Facts 1.5: patient, consents and token, and nothing else; so request and policy are told with the consent. */
function consentDecisionEntities(occurrence: Occurrence): string {
  const { personId, caller, requestId, policyVersion } = occurrence;
  const consents = consentsOf(occurrence);
  const told = joined(detailOf('policy-version', policyVersion), detailOf(REQUEST_ID_DETAIL, requestId));
  const entities = consents.map((consent) => consentEntity(consent, told));
  if (consents.length === 0) entities.push(requestEntity(requestId));
  if (personId !== undefined) entities.unshift(patientEntity(personId));
  if (isFilled(caller?.tokenId)) {
    const value = quoted(tokenUrn(caller.tokenId));
    entities.push(`{"type":${ENTITY_TYPES.token},"what":{"identifier":{"value":${value}}}}`);
  }
  return `[${entities.join(',')}]`;
}

export function consentsOf({ consents = [] }: Occurrence): readonly ConsentDecided[] {
  return consents.filter(({ policy }) => isFilled(policy));
}

/** Named by its kind, not by id: whose it is stands beside it, and a person has one of each kind and source. */
function consentEntity({ policy, decision }: ConsentDecided, told: string): string {
  const details = joined(detailOf('decision', decision), told);
  const what = `{"identifier":{"system":"urn:ietf:rfc:3986","value":${quoted(policy)}}}`;
  return `{"detail":[${details}],"type":${ENTITY_TYPES.consent},"what":${what}}`;
}

/** Facts 1.4: the request alone, so whatever else is known of the token is told with it. */
function tokenRequestEntity(occurrence: Occurrence): string {
  const details = joined(ownDetails(occurrence), detailOf(REQUEST_ID_DETAIL, occurrence.requestId));
  const detail = details === '' ? '' : `"detail":[${details}],`;
  return `{${descriptionOf(occurrence)}${detail}${queryMembers(occurrence)}}`;
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
  return `{${descriptionOf(occurrence)}${queryMembers(occurrence)}}`;
}

function queryMembers({ rawRequest, description, requestId }: Occurrence): string {
  const query = base64(rawRequest || description || requestId || 'unknown');
  return `"query":"${query}","role":${ROLE.query},"type":${ENTITY_TYPES.system}`;
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
