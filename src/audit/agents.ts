import type { Caller, GovernanceCaller, PatientCaller, StaffCaller } from '../access/caller.ts';
import { AGENT_TYPE, PATIENT_REQUEST } from './codes.ts';
import type { Occurrence } from './occurrence.ts';
import { systemOfPurpose } from './purposes.ts';
import { fitText, isFilled, quoted, quotedUri } from './text.ts';

/** How this service names itself in every event: identifier value of the observer and of the server. */
export const OBSERVER = 'my-care-record';

/** This service, as its own audit events name it. */
export interface ServiceIdentity {
  /** host name, `AuditEvent.source.site` */
  readonly site: string;
  /** identifier value of the observer, which is the server itself */
  readonly observer: string;
  /** base URL of the FHIR API */
  readonly baseUrl: string;
}

/** Which way the payload goes: to the client on a read, to the server on a query or a write, nowhere on a delete (facts 1.3). */
export type Direction = 'to-client' | 'to-server' | 'no-payload';

const ROLES: { readonly [D in Direction]: { readonly client: string; readonly server: string } } = {
  'to-client': { client: AGENT_TYPE.destination, server: AGENT_TYPE.source },
  'to-server': { client: AGENT_TYPE.source, server: AGENT_TYPE.destination },
  'no-payload': { client: AGENT_TYPE.application, server: AGENT_TYPE.custodian },
};

const IP_ADDRESS = /^[\d.]+$|:/;
const UNKNOWN = '{"display":"unknown"}';

/**
 * Agents of an event as a canonical JSON array: client and server, with their roles by the direction of the payload;
 * and, as the token says, the client application, the user and the user's organisation (facts 1.4, comprehensive).
 */
export function agentsOf(occurrence: Occurrence, service: ServiceIdentity, direction: Direction): string {
  const { caller, clientAddress } = occurrence;
  const roles = ROLES[direction];
  const server = `{"identifier":{"value":${quoted(service.observer)}}}`;
  const client =
    `{"network":${networkOf(clientAddress, service)},"requestor":false,` +
    `"type":${roles.client},"who":${clientWho(occurrence, server)}}`;
  const both =
    `${client},{"network":{"address":${quoted(service.baseUrl)},"type":"5"},"requestor":false,` +
    `"type":${roles.server},"who":${server}}`;
  if (caller === undefined) return `[${both}]`;
  // the patterns allow one application: on a delete it is the client already
  const application =
    roles.client === AGENT_TYPE.application
      ? ''
      : `,{"requestor":false,"type":${AGENT_TYPE.application},"who":${identified(caller.client)}}`;
  return `[${both}${application}${tokenAgents(caller, occurrence)}]`;
}

/** Purpose as a canonical CodeableConcept: a code of the system that has it, or text where a token claims what is none. */
export function purposeConcept(caller: Caller | undefined): string | undefined {
  const purpose = purposeOf(caller);
  if (purpose === undefined) return undefined;
  const system = systemOfPurpose(purpose);
  return system === undefined
    ? `{"text":${quoted(purpose)}}`
    : `{"coding":[{"code":${quoted(purpose)},"system":"${system}"}]}`;
}

/** Purpose of use as claimed: absent for a system, and where nothing was claimed. */
export function purposeOf(caller: Caller | undefined): string | undefined {
  if (caller === undefined || caller.kind === 'system') return undefined;
  const purpose = caller.kind === 'patient' ? PATIENT_REQUEST : fitText(caller.purpose);
  return isFilled(purpose) ? purpose : undefined;
}

/** Who the person behind the caller is, at the caller's issuer; absent for a system. */
export function userIdOf(caller: Caller | undefined): string | undefined {
  if (caller === undefined || caller.kind === 'system') return undefined;
  const id = caller.kind === 'patient' ? caller.subject : caller.user.id;
  return isFilled(id) ? fitText(id) : undefined;
}

/** Whether the agents are enough for the comprehensive token pattern: its user has an identifier and one token id. */
export function showsToken(caller: Caller | undefined): boolean {
  if (caller === undefined || !isFilled(caller.client)) return false;
  return caller.kind === 'system' || (isFilled(caller.tokenId) && userIdOf(caller) !== undefined);
}

/** User and organisation, each with a comma before it. */
function tokenAgents(caller: Caller, occurrence: Occurrence): string {
  switch (caller.kind) {
    case 'patient':
      return `,${patientUser(caller, occurrence)}`;
    case 'system':
      return `,${organisation(caller.organisation, occurrence)}`;
    default:
      return `,${workUser(caller)},${organisation(caller.organisation, occurrence)}`;
  }
}

function networkOf(address: string, service: ServiceIdentity): string {
  // the service acting for itself has no connection to show
  if (!isFilled(address)) return `{"address":${quoted(service.site)},"type":"1"}`;
  return `{"address":${quoted(address)},"type":"${IP_ADDRESS.test(address) ? '2' : '1'}"}`;
}

function clientWho(occurrence: Occurrence, server: string): string {
  if (occurrence.caller !== undefined) return identified(occurrence.caller.client);
  return isFilled(occurrence.clientAddress) ? `{"display":${quoted(occurrence.clientAddress)}}` : server;
}

/** FHIR has no empty strings: a reference to somebody without an identifier says so. */
function identified(value: string): string {
  return isFilled(value) ? `{"identifier":{"value":${quoted(value)}}}` : UNKNOWN;
}

function workUser(caller: StaffCaller | GovernanceCaller): string {
  const { id, name } = caller.user;
  let who = isFilled(name) ? `"display":${quoted(name)}` : '';
  if (isFilled(id)) who += `${who === '' ? '' : ','}${issuedIdentifier(caller.issuer, id)}`;
  // a partner's own token has the partner as its subject; the user comes from the assertion
  const alternative =
    isFilled(caller.subject) && caller.subject !== id ? `"altId":${quoted(caller.subject)},` : '';
  const named = isFilled(name) ? `"name":${quoted(name)},` : '';
  const role = isFilled(caller.role) ? `"role":[{"text":${quoted(caller.role)}}],` : '';
  return `{${alternative}${named}${userMembers(caller, role)}"who":${who === '' ? UNKNOWN : `{${who}}`}}`;
}

/**
 * The patient is the user. Only an answer given proves that the person of the event is this patient: a refused one may
 * be about somebody else, so there the token's subject stands alone.
 */
function patientUser(caller: PatientCaller, occurrence: Occurrence): string {
  const { personId } = occurrence;
  const proven = occurrence.outcome.code === '0' && personId !== undefined;
  const identifier = isFilled(caller.subject) ? `${issuedIdentifier(caller.issuer, caller.subject)},` : '';
  const reference = proven ? `"reference":${quoted(`Patient/${personId}`)},` : '';
  const display = identifier === '' && reference === '' ? '"display":"unknown",' : '';
  return `{${userMembers(caller, '')}"who":{${display}${identifier}${reference}"type":"Patient"}}`;
}

function issuedIdentifier(from: string, value: string): string {
  const system = isFilled(from) ? `"system":${quotedUri(from)},` : '';
  return `"identifier":{${system}"value":${quoted(value)}}`;
}

/** Members of a user agent from `policy` to `type`, in order, each with a comma after it. */
function userMembers(caller: Caller, role: string): string {
  const purpose = purposeConcept(caller);
  const policy = isFilled(caller.tokenId)
    ? `"policy":[${quotedUri(`urn:ietf:params:oauth:jti:${caller.tokenId}`)}],`
    : '';
  const use = purpose === undefined ? '' : `"purposeOfUse":[${purpose}],`;
  return `${policy}${use}"requestor":true,${role}"type":${AGENT_TYPE.user},`;
}

function organisation(code: string, occurrence: Occurrence): string {
  const { organisationName, organisationSystem } = occurrence;
  const display = isFilled(organisationName) ? `"display":${quoted(organisationName)}` : '';
  const identifier = isFilled(code) ? issuedIdentifier(organisationSystem ?? '', code) : '';
  const who = display !== '' && identifier !== '' ? `${display},${identifier}` : display + identifier;
  return `{"requestor":false,"type":${AGENT_TYPE.organisation},"who":${who === '' ? UNKNOWN : `{${who}}`}}`;
}
