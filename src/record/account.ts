import type { Ask, Interaction } from '../access/ask.ts';
import type { Caller, GovernanceCaller, StaffCaller } from '../access/caller.ts';
import { notedIn } from '../access/combine.ts';
import type { Grant, Judgement, Refused } from '../access/decide.ts';
import { verdictsKept } from '../access/explain.ts';
import type { Facts } from '../access/facts.ts';
import { scopeText } from '../access/scopes.ts';
import type { ConsentDecided, Occurrence, Outcome } from '../audit/occurrence.ts';
import type { Receipt } from '../audit/ports.ts';
import { Problem } from '../fhir/problem.ts';
import { partText } from '../fhir/subset.ts';
import { accountWithAlert, alertFor } from './alerts.ts';
import type { Answer } from './composition.ts';
import { consentRefusing, consentsBehind } from './consents-decided.ts';
import type { DisclosePorts, Row } from './ports.ts';
import type { DisclosureRequest } from './request.ts';

/** Problems whose account is written: they are not accounted for twice. */
const ACCOUNTED = new WeakSet<Error>();

/** Marks a problem as accounted for, and returns it to be thrown. */
export function accounted(problem: Problem): Problem {
  ACCOUNTED.add(problem);
  return problem;
}

/** Whether the account of what went wrong is written. */
export function isAccounted(error: Error): boolean {
  return ACCOUNTED.has(error);
}

/**
 * Writes the account of an answer, durable before the answer may leave.
 *
 * @param asked who was counted anew (`sweeps.ts`)
 */
export async function accountFor(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  grant: Grant,
  answer: Answer,
  asked?: string,
): Promise<Receipt> {
  const outcome: Outcome =
    answer.problem === undefined
      ? { code: '0' }
      : {
          code: answer.problem.kind === 'unavailable' ? '12' : '4',
          reason: answer.problem.detail.reason ?? answer.problem.kind,
        };
  const personId = grant.personIds[0];
  const rows = answer.released.flatMap(({ madeOf }) => madeOf);
  const told = occurrence(ports, request, facts, outcome, personId, answer.released[0]?.madeOf);
  const consents = consentsBehind(request.caller, facts, grant.judgements, rows);
  const entry = {
    occurrence: withDetails(withConsents(told, consents), {
      ...decided(request, grant.judgements),
      ...answer.details,
    }),
    released: answer.released,
    publication: facts.publication,
    ...(asked === undefined ? {} : { asked }),
  };
  const receipt = await accountWithAlert(ports, entry, alertFor(grant.judgements));
  if (answer.problem !== undefined) accounted(answer.problem);
  return receipt;
}

/**
 * Writes the account of a refusal: as full as that of a read. Where a consent refused, its decision is an event of its
 * own beside it, in one commit with it (docs/decisions/0061-audit-patterns.md).
 */
export async function accountRefusal(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  { refusal, judgements = [] }: Pick<Refused, 'refusal'> & Partial<Pick<Refused, 'judgements'>>,
  asked?: string,
): Promise<Receipt> {
  const known = facts.person === 'absent' || facts.person === 'unknown' ? undefined : facts.person.personId;
  const told = occurrence(ports, request, facts, { code: '4', reason: refusal.reason }, known);
  const consents = consentRefusing(refusal);
  const nothing = { released: [], publication: facts.publication };
  const entry = {
    ...nothing,
    occurrence: withDetails(withConsents(told, consents), decided(request, judgements)),
    ...(asked === undefined ? {} : { asked }),
  };
  const refused = accountWithAlert(ports, entry, alertFor(judgements, refusal));
  if (consents.length === 0) return refused;
  const decision: Occurrence = { ...told, id: ports.randomUUID(), what: 'consent-decision', consents };
  const [receipt] = await Promise.all([refused, ports.journal.append({ ...nothing, occurrence: decision })]);
  return receipt;
}

function withConsents(told: Occurrence, consents: readonly ConsentDecided[]): Occurrence {
  return consents.length === 0 ? told : { ...told, consents };
}

/**
 * Turns whatever went wrong into a Problem with an account. Where the account itself cannot be written the answer is
 * the same 503: it holds nothing of the record.
 */
export async function accountFailure(
  ports: DisclosePorts,
  request: DisclosureRequest,
  error: unknown,
): Promise<Error> {
  if (!(error instanceof Problem)) {
    await tryAccount(ports, request, { code: '8', reason: 'defect' });
    return error instanceof Error ? error : new Error('Something that is not an error was thrown.');
  }
  if (isAccounted(error)) return error;
  const code = error.kind === 'unavailable' ? '12' : '4';
  await tryAccount(ports, request, { code, reason: error.detail.reason ?? error.kind });
  return accounted(error);
}

async function tryAccount(ports: DisclosePorts, request: DisclosureRequest, outcome: Outcome): Promise<void> {
  try {
    await ports.journal.append({
      occurrence: occurrence(ports, request, undefined, outcome, undefined),
      released: [],
      publication: 0,
    });
  } catch {
    // nothing is released, and the journal has reported its own failure
  }
}

/** Beside what an event tells of its question whatever comes of it: the instant of a record as it was. */
function withDetails(told: Occurrence, details: Readonly<Record<string, string>>): Occurrence {
  return { ...told, details: { ...told.details, ...details } };
}

/** What was decided, and on what beside the agents and grounds of the event: enough to explain it later. */
function decided(
  { caller, ask }: DisclosureRequest,
  judgements: readonly Judgement[],
): Readonly<Record<string, string>> {
  const asks = `${ask.interaction} ${ask.type}`;
  return {
    caller: caller.kind,
    asks: ask.looksInto === undefined ? asks : `${asks} ${ask.looksInto.join(' ')}`,
    ...partAsked(ask),
    scope: scopeText(caller.scopes),
    ...namedBy(caller),
    ...verdictsKept(judgements),
    ...notedIn(judgements),
  };
}

/** Which part of each resource was asked for: without it what was sent cannot be made again. */
function partAsked({ results }: Ask): Readonly<Record<string, string>> {
  const part = results === undefined ? undefined : partText(results);
  return part === undefined ? {} : { part };
}

/** What a user said of their relationship with whom they ask for: it is looked into afterwards. */
function declared({ reason, until }: NonNullable<StaffCaller['declares']>): Readonly<Record<string, string>> {
  return { 'declared-reason': reason, 'declared-until': new Date(until).toISOString() };
}

function namedBy(caller: Caller): Readonly<Record<string, string>> {
  if (caller.kind !== 'staff') return caller.kind === 'governance' ? meant(caller) : {};
  return {
    ...meant(caller),
    ...(caller.namedBy === 'system' ? { 'named-by': 'system' } : {}),
    ...(caller.assertionId === undefined ? {} : { 'user-assertion': caller.assertionId }),
    ...(caller.launchedFor === undefined ? {} : { 'launched-for': caller.launchedFor }),
    ...(caller.declares === undefined ? {} : declared(caller.declares)),
  };
}

/** That the token is for one person (whom, the rules note), and what it would pass over. */
function meant({ about, overrides }: StaffCaller | GovernanceCaller): Readonly<Record<string, string>> {
  return {
    ...(about === undefined ? {} : { 'names-person': 'true' }),
    ...(overrides === undefined
      ? {}
      : { 'override-claimed': overrides.rule, 'override-reason': overrides.reason }),
  };
}

/** A look into this log is told apart from a look into a record. */
export function kindOf({
  interaction,
  type,
}: Pick<Ask, 'interaction'> & { readonly type: string }): Interaction | 'audit-read' | 'audit-search' {
  if (type !== 'AuditEvent') return interaction;
  if (interaction === 'read') return 'audit-read';
  return interaction === 'search-type' ? 'audit-search' : interaction;
}

export function occurrence(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts | undefined,
  outcome: Outcome,
  personId: string | undefined,
  madeOf: readonly Row[] = [],
): Occurrence {
  const { caller, ask } = request;
  const organisation =
    'organisation' in caller ? facts?.policy.organisations.get(caller.organisation) : undefined;
  const [row] = madeOf;
  const target = ask.id === undefined ? undefined : `${ask.type}/${ask.id}`;
  const version = ask.type !== 'Patient' && row !== undefined ? `/_history/${row.version}` : '';
  const named = ask.interaction === 'history-instance' ? '' : version;
  return {
    id: ports.randomUUID(),
    at: ports.now(),
    requestId: request.requestId,
    ...(request.trace === undefined ? {} : { trace: request.trace }),
    what: request.as === undefined ? kindOf(ask) : 'export',
    caller,
    ...(organisation === undefined
      ? {}
      : { organisationName: organisation.name, organisationSystem: organisation.system }),
    clientAddress: request.clientAddress,
    ...(personId === undefined ? {} : { personId }),
    ...(target === undefined ? {} : { resource: `${target}${named}` }),
    rawRequest: request.rawRequest,
    outcome,
    ...(facts === undefined ? {} : { policyVersion: facts.policy.version }),
    ...(ask.asAt === undefined ? {} : { details: { 'as-at': new Date(ask.asAt).toISOString() } }),
  };
}
