import type { AuditEvent } from '@medplum/fhirtypes';
import type { Interaction } from '../access/ask.ts';
import type { Caller, StaffCaller } from '../access/caller.ts';
import { parseScopes } from '../access/scopes.ts';
import { isServed, type ServedTypeName } from '../fhir/served.ts';
import { type Part, readPartText } from '../fhir/subset.ts';

/** A past request as its event recorded it. */
export interface RecordedRequest {
  /** FHIR AuditEvent outcome */
  readonly outcome: string;
  /** our reason code, of what was refused or failed */
  readonly reason?: string;
  readonly policyVersion?: string;
  /** the rule that was passed over, and why; absent: none was */
  readonly override?: { readonly rule: string; readonly reason: string };
  /** of an alert: what it is about, and the event that it names */
  readonly alert?: { readonly kind: string; readonly event: string };
  /** names of rules; absent where nothing was decided: a request that was malformed, or an event of another kind */
  readonly verdicts?: { readonly allow: string; readonly withhold: string; readonly deny: string };
  readonly asks?: {
    readonly interaction: Interaction;
    readonly type: ServedTypeName;
    readonly looksInto?: readonly ServedTypeName[];
  };
  /** of a read or a version: `Type/id` or `Type/id/_history/version` */
  readonly resource?: string;
  /** which part of each resource was asked for; absent: the whole */
  readonly part?: Part;
  /** `$as-at`: the instant, milliseconds since the epoch */
  readonly asAt?: number;
  /** absent for people with a token of their own, whose number the log does not hold */
  readonly caller?: Caller;
}

type Agent = AuditEvent['agent'][number];

/** @param body the stored AuditEvent */
export function recordedRequest(body: string): RecordedRequest {
  const event = JSON.parse(body) as AuditEvent;
  const details = detailsOf(event);
  const [reason, version] = [event.outcomeDesc, details.get('policy-version')];
  const asks = asksOf(details.get('asks'));
  const caller = callerOf(event, details);
  const resource = event.entity?.find(({ role }) => role?.code === DOMAIN_RESOURCE)?.what?.reference;
  const part = readPartText(details.get('part') ?? '');
  const asAt = Date.parse(details.get('as-at') ?? '');
  return {
    outcome: event.outcome ?? '',
    ...(reason === undefined ? {} : { reason }),
    ...(version === undefined ? {} : { policyVersion: version }),
    ...(asks === undefined ? {} : { asks }),
    ...(['allow', 'withhold', 'deny'].some((name) => details.has(name))
      ? { verdicts: verdictsOf(details) }
      : {}),
    ...(resource === undefined ? {} : { resource }),
    ...(part === undefined ? {} : { part }),
    ...(Number.isNaN(asAt) ? {} : { asAt }),
    ...overrideOf(details),
    ...alertOf(details),
    ...(caller === undefined ? {} : { caller }),
  };
}

/** Object role of what a read was of (specification facts 1.3). */
const DOMAIN_RESOURCE = '4';

function overrideOf(details: ReadonlyMap<string, string>): Pick<RecordedRequest, 'override'> {
  const rule = details.get('override');
  return rule === undefined ? {} : { override: { rule, reason: details.get('override-reason') ?? '' } };
}

function alertOf(details: ReadonlyMap<string, string>): Pick<RecordedRequest, 'alert'> {
  const [kind, event] = [details.get('alert'), details.get('event')];
  return kind === undefined || event === undefined ? {} : { alert: { kind, event } };
}

function verdictsOf(details: ReadonlyMap<string, string>): NonNullable<RecordedRequest['verdicts']> {
  const named = (name: string): string => details.get(name) ?? '';
  return { allow: named('allow'), withhold: named('withhold'), deny: named('deny') };
}

function detailsOf({ entity = [] }: AuditEvent): ReadonlyMap<string, string> {
  const details = entity.flatMap(({ detail = [] }) => detail);
  return new Map(details.map(({ type, valueString }) => [type ?? '', valueString ?? '']));
}

function asksOf(text: string | undefined): RecordedRequest['asks'] {
  const [interaction, type, ...looksInto] = text?.split(' ') ?? [];
  if (interaction === undefined || type === undefined || !isServed(type)) return undefined;
  const into = looksInto.filter(isServed);
  return { interaction: interaction as Interaction, type, ...(into.length === 0 ? {} : { looksInto: into }) };
}

function callerOf({ agent }: AuditEvent, details: ReadonlyMap<string, string>): Caller | undefined {
  const [user, organisation, application] = ['IRCP', 'PROV', '110150'].map((code) => agentOf(agent, code));
  const code = organisation?.who?.identifier?.value;
  const kind = details.get('caller');
  const proven = {
    issuer: user?.who?.identifier?.system ?? '',
    subject: user?.altId ?? user?.who?.identifier?.value ?? '',
    client: application?.who?.identifier?.value ?? '',
    tokenId: '',
    scopes: parseScopes(details.get('scope') ?? ''),
  };
  if (code === undefined) return undefined;
  if (kind === 'system') return { kind, ...proven, organisation: code };
  const [purpose] = user?.purposeOfUse ?? [];
  const work = {
    ...proven,
    user: { id: user?.who?.identifier?.value ?? '', name: user?.name ?? '' },
    organisation: code,
    role: user?.role?.[0]?.text ?? '',
    purpose: purpose?.coding?.[0]?.code ?? purpose?.text ?? '',
    attestsNotOwn: details.get('attests-not-own') === 'true',
    ...meant(details),
  };
  if (kind === 'governance') return { kind, ...work, caseNumber: details.get('case-number') ?? '' };
  if (kind !== 'staff') return undefined;
  const launchedFor = details.get('launched-for');
  const [declares, until] = [details.get('declared-reason'), Date.parse(details.get('declared-until') ?? '')];
  return {
    kind,
    ...work,
    reason: details.get('reason') ?? '',
    namedBy: details.get('named-by') === 'system' ? 'system' : 'login',
    ...(launchedFor === undefined ? {} : { launchedFor }),
    ...(declares === undefined || Number.isNaN(until) ? {} : { declares: { reason: declares, until } }),
  };
}

/** Whom a token was for is kept where it was the person of the event; else it was for somebody else. */
function meant(details: ReadonlyMap<string, string>): Pick<StaffCaller, 'about' | 'overrides'> {
  const rule = details.get('override-claimed');
  return {
    ...(details.get('names-person') === 'true' ? { about: details.get('for-person') ?? 'another' } : {}),
    ...(rule === undefined ? {} : { overrides: { rule, reason: details.get('override-reason') ?? '' } }),
  };
}

function agentOf(agents: readonly Agent[], code: string): Agent | undefined {
  return agents.find(({ type }) => type?.coding?.some((coding) => coding.code === code) === true);
}
