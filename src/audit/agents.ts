import type { Caller } from '../access/caller.ts';
import { AGENT_TYPE } from './codes.ts';
import type { Occurrence } from './occurrence.ts';
import { isFilled, quoted } from './text.ts';
import { identified, patientUser, showsTokenId, tokenAgents, tokenPolicy, workUser } from './users.ts';

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

/** Who is named: by the direction of the payload, or as the security patterns have it, whose agents are a closed list. */
export type AgentLayout = Direction | 'consent-decision' | 'token-issue';

/**
 * Agents of an event as a canonical JSON array: client and server, with their roles by the direction of the payload;
 * and, as the token says, the client application, the user and the user's organisation (facts 1.4, comprehensive).
 */
export function agentsOf(occurrence: Occurrence, service: ServiceIdentity, layout: AgentLayout): string {
  if (layout === 'consent-decision') return consentAgents(occurrence, service);
  if (layout === 'token-issue') return tokenIssueAgents(occurrence, service);
  const { caller, clientAddress } = occurrence;
  const roles = ROLES[layout];
  const server = serverWho(service);
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
  const holder = showsTokenId(caller)
    ? `,{${tokenPolicy(caller)}"requestor":true,"type":${AGENT_TYPE.tokenUser}}`
    : '';
  return `[${both}${application}${holder}${tokenAgents(caller, occurrence)}]`;
}

/** Facts 1.5: client, user, organisation, and this service as whoever decided. */
function consentAgents(occurrence: Occurrence, service: ServiceIdentity): string {
  const { caller } = occurrence;
  const authorizer = `{"requestor":false,"type":${AGENT_TYPE.authorizer},"who":${serverWho(service)}}`;
  if (caller === undefined) return `[${authorizer}]`;
  return `[${tokenClient(caller, occurrence, service, '')},${authorizer}${tokenAgents(caller, occurrence, false)}]`;
}

/** Facts 1.4: whom the token was made for, and who made it. A user has the token's id; a service's is its client's. */
function tokenIssueAgents(occurrence: Occurrence, service: ServiceIdentity): string {
  const { caller } = occurrence;
  if (caller === undefined) return consentAgents(occurrence, service);
  const issuer =
    `{"network":{"address":${quoted(isFilled(caller.issuer) ? caller.issuer : 'unknown')},"type":"5"},"requestor":false,` +
    `"type":${AGENT_TYPE.tokenIssuer},"who":${identified(caller.issuer)}}`;
  if (caller.kind === 'system')
    return `[${tokenClient(caller, occurrence, service, tokenPolicy(caller))},${issuer}]`;
  const user = caller.kind === 'patient' ? patientUser(caller, occurrence) : workUser(caller, false);
  return `[${tokenClient(caller, occurrence, service, '')},${issuer},${user}]`;
}

function tokenClient(
  caller: Caller,
  { clientAddress }: Occurrence,
  service: ServiceIdentity,
  policy: string,
): string {
  return (
    `{"network":${networkOf(clientAddress, service)},${policy}"requestor":false,` +
    `"type":${AGENT_TYPE.application},"who":${identified(caller.client)}}`
  );
}

/** The same as `AuditEvent.source.observer`: this service. */
function serverWho(service: ServiceIdentity): string {
  return `{"identifier":{"value":${quoted(service.observer)}}}`;
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
