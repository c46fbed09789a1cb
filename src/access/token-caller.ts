import type {
  Caller,
  GovernanceCaller,
  PatientCaller,
  StaffCaller,
  SystemCaller,
  WorkUser,
} from './caller.ts';
import { Claims, claimPointers, pointerOf } from './claims.ts';
import { type ClientBinding, type IssuerConfiguration, TOKEN_KINDS, type TokenKind } from './issuers.ts';
import { valueAt } from './json-pointer.ts';
import { refuseToken } from './refuse-token.ts';
import { commonScopes, parseScopes, type Scope } from './scopes.ts';
import type { JsonObject } from './strict-json.ts';

/** Reads the caller out of verified claims, by one issuer's configuration. */
export type CallerReader = (claims: JsonObject) => Caller;

const ODS: readonly string[] = [
  'https://fhir.nhs.uk/Id/ods-organization-code',
  'https://fhir.nhs.uk/Id/ods-organisation-code',
];
const PURPOSE_SYSTEMS: readonly string[] = [
  'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  'https://mycarerecord.example/fhir/CodeSystem/purpose',
];
const ORGANISATION_CODE = /^[A-Za-z0-9][A-Za-z0-9-]{0,29}$/;

/**
 * @returns a reader that throws Problem `unauthenticated`, reason `token-claims`, where a claim is missing that must be
 *   there, is of the wrong type, or speaks for an organisation that it may not speak for
 */
export function callerReader(issuer: IssuerConfiguration): CallerReader {
  const pointers = claimPointers(issuer.claims);
  const kindOf = kindReader(issuer);
  const assured = assurance(issuer);
  const registered = registeredScopes(issuer);
  return (payload) => {
    if (!assured(payload)) throw refuseToken('token-claims');
    const claims = new Claims(payload, pointers);
    const kind = kindOf(payload);
    if (!isThemselves(payload, kind)) throw refuseToken('token-claims');
    const proven = within(registered, kind, provenBy(issuer, claims));
    switch (kind) {
      case 'patient':
        return patient(proven, claims);
      case 'system':
        return system(issuer, proven, claims);
      case 'staff':
        return staff(proven, workOrRefuse(issuer, proven, claims), claims, 'login');
      case 'governance':
        return governance(proven, workOrRefuse(issuer, proven, claims), claims);
    }
  };
}

function kindReader(issuer: IssuerConfiguration): (payload: JsonObject) => TokenKind {
  const { callers } = issuer;
  if ('fixed' in callers) return () => callers.fixed;
  const pointer = pointerOf(callers.claim);
  return (payload) => {
    const value = valueAt(payload, pointer);
    const kind = (callers.kinds ?? TOKEN_KINDS).find((one) => one === value);
    if (kind === undefined) throw refuseToken('token-claims');
    return kind;
  };
}

/** What `fhirUser` may be of each kind of caller (SMART App Launch 2.2, 2.0.8): nobody who stands for another person. */
const FHIR_USERS: { readonly [Kind in TokenKind]: readonly string[] } = {
  patient: ['Patient'],
  staff: ['Practitioner', 'PractitionerRole'],
  governance: ['Practitioner', 'PractitionerRole'],
  system: ['Practitioner', 'PractitionerRole'],
};
const FHIR_USER = /^(?:https?:\/\/[^\s?#]+\/)?([A-Z][A-Za-z]{0,63})\/[A-Za-z0-9\-.]{1,64}$/;

/** Proxies and delegates are out until they are granted (DESIGN 8): a token of one would show another person's record. */
function isThemselves(payload: JsonObject, kind: TokenKind): boolean {
  if (Object.hasOwn(payload, 'act') || Object.hasOwn(payload, 'may_act')) return false;
  const { fhirUser } = payload;
  if (fhirUser === undefined) return true;
  const type = typeof fhirUser === 'string' ? FHIR_USER.exec(fhirUser)?.[1] : undefined;
  return type !== undefined && FHIR_USERS[kind].includes(type);
}

function assurance(issuer: IssuerConfiguration): (payload: JsonObject) => boolean {
  const required = Object.entries(issuer.requires ?? {}).map(([text, values]) => ({
    at: pointerOf(text),
    values,
  }));
  return (payload) =>
    required.every(({ at, values }) => {
      const value = valueAt(payload, at);
      return typeof value === 'string' && values.includes(value);
    });
}

interface Proven {
  readonly issuer: string;
  readonly subject: string;
  readonly client: string;
  readonly tokenId: string;
  readonly scopes: readonly Scope[];
}

function provenBy(issuer: IssuerConfiguration, claims: Claims): Proven {
  return {
    issuer: issuer.issuer,
    subject: claims.registered('sub'),
    client: claims.required('client'),
    tokenId: claims.registered('jti'),
    scopes: parseScopes(claims.text('scope', 8000)),
  };
}

/** By client id; only clients that are registered with scopes. */
type RegisteredScopes = ReadonlyMap<string, readonly Scope[]>;

function registeredScopes({ clients = {} }: IssuerConfiguration): RegisteredScopes {
  const limited = Object.entries(clients).flatMap(([id, { scopes }]) =>
    scopes === undefined ? [] : [[id, parseScopes(scopes.join(' '))] as const],
  );
  return new Map(limited);
}

/** Token and registration must both allow: a service, for which nobody logs in, is allowed nothing without the second. */
function within(registered: RegisteredScopes, kind: TokenKind, proven: Proven): Proven {
  const most = registered.get(proven.client);
  if (most === undefined) return kind === 'system' ? { ...proven, scopes: [] } : proven;
  return { ...proven, scopes: commonScopes(proven.scopes, most) };
}

function patient(proven: Proven, claims: Claims): PatientCaller {
  const nhsNumber = claims.text('nhsNumber');
  if (!/^\d{10}$/.test(nhsNumber)) throw refuseToken('token-claims');
  const launchedFor = claims.text('patient', 64);
  // by the number itself, or by a person id, which the rules compare
  const other = launchedFor !== '' && launchedFor !== nhsNumber;
  return { kind: 'patient', ...proven, nhsNumber, ...(other ? { launchedFor } : {}) };
}

/** A registered partner; or, where the signed claims name user, organisation, role, purpose and reason, that user. */
function system(issuer: IssuerConfiguration, proven: Proven, claims: Claims): SystemCaller | StaffCaller {
  const client = clientOf(issuer, proven.client);
  if (client === undefined) throw refuseToken('token-claims');
  return (
    namedUser(issuer, proven, claims, proven.subject) ?? {
      kind: 'system',
      ...proven,
      organisation: client.organisation,
    }
  );
}

/** Reads the user out of the verified claims of a client's assertion; undefined where they do not name all. */
export type AssertionReader = (caller: SystemCaller, claims: JsonObject) => StaffCaller | undefined;

/**
 * For assertions that a client sends beside its token: their claims are where DEFAULT_CLAIMS say, `sub` the user. Scopes
 * are the token's.
 *
 * @returns a reader that throws as `callerReader` does
 */
export function assertionReader(issuer: IssuerConfiguration): AssertionReader {
  const pointers = claimPointers(undefined);
  return ({ kind, organisation, ...proven }, payload) => {
    const claims = new Claims(payload, pointers);
    if (!isThemselves(payload, 'staff')) throw refuseToken('token-claims');
    const user = namedUser(issuer, proven, claims, claims.registered('sub'));
    return user && { ...user, assertionId: claims.registered('jti') };
  };
}

/** @param subject who is meant where no user id is given; a client itself is no user */
function namedUser(
  issuer: IssuerConfiguration,
  proven: Proven,
  claims: Claims,
  subject: string,
): StaffCaller | undefined {
  const work = workOf(issuer, proven, claims, subject === proven.client ? '' : subject);
  const purpose = claims.code('purpose', PURPOSE_SYSTEMS);
  if (work === undefined || purpose === '' || claims.prose('reason').trim() === '') return undefined;
  return staff(proven, work, claims, 'system');
}

function staff(proven: Proven, work: Work, claims: Claims, namedBy: StaffCaller['namedBy']): StaffCaller {
  const launchedFor = claims.text('patient', 64);
  const relationship = claims.text('relationship', 500);
  return {
    kind: 'staff',
    ...proven,
    ...work,
    purpose: claims.code('purpose', PURPOSE_SYSTEMS),
    reason: claims.prose('reason'),
    attestsNotOwn: claims.flag('notOwnRecord'),
    namedBy,
    ...meant(claims),
    ...(relationship === '' ? {} : { declares: { reason: relationship, until: claims.expires() } }),
    ...(launchedFor === '' ? {} : { launchedFor }),
  };
}

function governance(proven: Proven, work: Work, claims: Claims): GovernanceCaller {
  return {
    kind: 'governance',
    ...proven,
    ...work,
    purpose: claims.code('purpose', PURPOSE_SYSTEMS),
    caseNumber: claims.text('caseNumber'),
    attestsNotOwn: claims.flag('notOwnRecord'),
    ...meant(claims),
  };
}

/** NHS numbers as IUA writes identifiers (CX), or as FHIR does. */
const NHS_NUMBER = /^(?:https:\/\/fhir\.nhs\.uk\/Id\/nhs-number\|)?(\d{10})$/;
const NHS_NUMBER_CX = /^(\d{10})\^\^\^[^&^]*&2\.16\.840\.1\.113883\.2\.1\.4\.1&ISO$/;
const PERSON_ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** A person in an identifier that is not known here cannot be compared with whom is asked for: the token is refused. */
function meant(claims: Claims): Pick<StaffCaller, 'about' | 'overrides'> {
  const named = claims.text('about');
  const about = (NHS_NUMBER.exec(named) ?? NHS_NUMBER_CX.exec(named))?.[1] ?? named;
  if (named !== '' && !PERSON_ID.test(about)) throw refuseToken('token-claims');
  const rule = claims.code('override');
  return {
    ...(about === '' ? {} : { about }),
    ...(rule === '' ? {} : { overrides: { rule, reason: claims.prose('overrideReason') } }),
  };
}

/** What every work login must say. */
interface Work {
  readonly user: WorkUser;
  readonly organisation: string;
  readonly role: string;
}

function workOrRefuse(issuer: IssuerConfiguration, proven: Proven, claims: Claims): Work {
  const work = workOf(issuer, proven, claims, proven.subject);
  if (work === undefined) throw refuseToken('token-claims');
  return work;
}

/** @param subject who is meant where no user id is given; empty: nobody */
function workOf(
  issuer: IssuerConfiguration,
  proven: Proven,
  claims: Claims,
  subject: string,
): Work | undefined {
  const id = claims.text('user') || subject;
  const name = claims.text('userName');
  const organisation = organisationOf(issuer, proven.client, claims);
  const role = claims.code('role');
  if (id.trim() === '' || name.trim() === '' || organisation === '' || role.trim() === '') return undefined;
  return { user: { id, name }, organisation, role };
}

/** The organisation's code, once issuer and client are known to speak for it; empty where none is claimed. */
function organisationOf(issuer: IssuerConfiguration, client: string, claims: Claims): string {
  const claim = claims.text('organisation');
  if (claim === '') return '';
  const bar = claim.lastIndexOf('|');
  const system = bar < 0 ? undefined : claim.slice(0, bar);
  const code = claim.slice(bar + 1);
  const known =
    system === undefined || ODS.includes(system) || issuer.organisationSystems?.includes(system) === true;
  if (!known || !ORGANISATION_CODE.test(code) || !speaksFor(issuer, client, code))
    throw refuseToken('token-claims');
  return code;
}

function speaksFor(issuer: IssuerConfiguration, clientId: string, organisation: string): boolean {
  const { organisations } = issuer;
  if (organisations === undefined) return false;
  if (!('all' in organisations) && !organisations.includes(organisation)) return false;
  const client = clientOf(issuer, clientId);
  return (
    client === undefined ||
    client.organisation === organisation ||
    client.speaksFor?.includes(organisation) === true
  );
}

function clientOf(issuer: IssuerConfiguration, id: string): ClientBinding | undefined {
  const { clients } = issuer;
  return clients !== undefined && Object.hasOwn(clients, id) ? clients[id] : undefined;
}
