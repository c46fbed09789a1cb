import type { Caller, GovernanceCaller, PatientCaller, StaffCaller } from '../access/caller.ts';
import { AGENT_TYPE, PATIENT_REQUEST } from './codes.ts';
import type { Occurrence } from './occurrence.ts';
import { systemOfPurpose } from './purposes.ts';
import { fitText, isFilled, quoted, quotedUri } from './text.ts';

const UNKNOWN = '{"display":"unknown"}';

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

/** Whether the token is told by its id alone: nobody is the user, or they cannot be named. */
export function showsTokenId(caller: Caller | undefined): boolean {
  if (caller === undefined || !isFilled(caller.tokenId)) return false;
  return caller.kind === 'system' || !showsToken(caller);
}

/** User and organisation, each with a comma before it. */
export function tokenAgents(caller: Caller, occurrence: Occurrence, mayHaveAlternative = true): string {
  switch (caller.kind) {
    case 'patient':
      return `,${patientUser(caller, occurrence)}`;
    case 'system':
      return `,${organisation(caller.organisation, occurrence)}`;
    default:
      return `,${workUser(caller, mayHaveAlternative)},${organisation(caller.organisation, occurrence)}`;
  }
}

/** FHIR has no empty strings: a reference to somebody without an identifier says so. */
export function identified(value: string): string {
  return isFilled(value) ? `{"identifier":{"value":${quoted(value)}}}` : UNKNOWN;
}

/** @param mayHaveAlternative whether the pattern allows `altId` */
export function workUser(caller: StaffCaller | GovernanceCaller, mayHaveAlternative: boolean): string {
  const { id, name } = caller.user;
  let who = isFilled(name) ? `"display":${quoted(name)}` : '';
  if (isFilled(id)) who += `${who === '' ? '' : ','}${issuedIdentifier(caller.issuer, id)}`;
  // a partner's own token has the partner as its subject; the user comes from the assertion
  const alternative =
    mayHaveAlternative && isFilled(caller.subject) && caller.subject !== id
      ? `"altId":${quoted(caller.subject)},`
      : '';
  const named = isFilled(name) ? `"name":${quoted(name)},` : '';
  const role = isFilled(caller.role) ? `"role":[{"text":${quoted(caller.role)}}],` : '';
  return `{${alternative}${named}${userMembers(caller, role)}"who":${who === '' ? UNKNOWN : `{${who}}`}}`;
}

/**
 * The patient is the user. Only an answer given proves that the person of the event is this patient: a refused one may
 * be about somebody else, so there the token's subject stands alone.
 */
export function patientUser(caller: PatientCaller, occurrence: Occurrence): string {
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
  const policy = tokenPolicy(caller);
  const use = purpose === undefined ? '' : `"purposeOfUse":[${purpose}],`;
  return `${policy}${use}"requestor":true,${role}"type":${AGENT_TYPE.user},`;
}

/** The member `policy` with the token's id, with a comma after it; nothing where the token has none. */
export function tokenPolicy({ tokenId }: Caller): string {
  return isFilled(tokenId) ? `"policy":[${quotedUri(tokenUrn(tokenId))}],` : '';
}

/** A token's id as BALP writes it. */
export function tokenUrn(tokenId: string): string {
  return `urn:ietf:params:oauth:jti:${tokenId}`;
}

function organisation(code: string, occurrence: Occurrence): string {
  const { organisationName, organisationSystem } = occurrence;
  const display = isFilled(organisationName) ? `"display":${quoted(organisationName)}` : '';
  const identifier = isFilled(code) ? issuedIdentifier(organisationSystem ?? '', code) : '';
  const who = display !== '' && identifier !== '' ? `${display},${identifier}` : display + identifier;
  return `{"requestor":false,"type":${AGENT_TYPE.organisation},"who":${who === '' ? UNKNOWN : `{${who}}`}}`;
}
