import type { OperationOutcomeIssue, Patient } from '@medplum/fhirtypes';
import type { Ask } from '../access/ask.ts';
import { decide } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { Receipt } from '../audit/ports.ts';
import { Problem } from '../fhir/problem.ts';
import { fold } from '../identity/demographics.ts';
import { accounted, accountFor, accountRefusal } from './account.ts';
import { composeRefused, emptyAnswer, refusedIncomplete } from './answer.ts';
import { type EntryText, searchset } from './bundle.ts';
import { isCertainly } from './certain-match.ts';
import { completeness } from './completeness.ts';
import { isCounted, partOf } from './composition.ts';
import { changing, decideAndGather, stillHolds } from './decide-and-gather.ts';
import type { Accounted } from './disclose.ts';
import { askedTypes } from './gather.ts';
import { matchesOf } from './matches.ts';
import { inOrder } from './order.ts';
import type { DisclosePorts } from './ports.ts';
import { redact, type VisibleRow } from './redact.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/** More visible matches than this and the demographics were not enough to mean one person. */
const MOST = 5;

/**
 * Candidates judged at most. A name and birth date that more people than this share is refused whoever they are: that
 * says something of how common the name is in the whole register, and nothing of any one hidden person.
 */
const MOST_CANDIDATES = 50;

/** What became of one candidate. */
type Judged =
  | {
      readonly kind: 'found';
      readonly row: VisibleRow & { readonly body: string };
      readonly issues: readonly OperationOutcomeIssue[];
      readonly personId: string | undefined;
      readonly account: (asked: string | undefined) => Promise<Receipt>;
    }
  | {
      readonly kind: 'withdrawn';
      readonly issues: readonly OperationOutcomeIssue[];
      readonly account: (asked: string | undefined) => Promise<Receipt>;
    }
  | { readonly kind: 'nothing' };

/**
 * Patient by family name, given name and birth date. Candidates come from what every source says; each is decided on
 * its own, and matched again on the Patient that this caller may see, so that a withheld name finds nobody. Only what
 * is visible is counted: who is hidden changes no answer. One event per person found (BALP).
 *
 * @throws Problem `too-costly` where too many match; `unavailable` where a complete answer was required and a source
 *   that shares Patient is stale or missing
 */
export async function findPatients(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  const { ask, caller } = request;
  if (ask.person.by !== 'demographics') throw new Error('findPatients takes demographics.');
  const facts = await ports.store.facts(ask.person, caller);
  const general = decide(caller, ask, facts);
  if (general.outcome === 'refused' && general.refusal.kind !== 'not-found') {
    await accountRefusal(ports, request, facts, general);
    throw accounted(
      new Problem(general.refusal.kind, general.refusal.message, { reason: general.refusal.reason }),
    );
  }
  const stale = completeness(facts, undefined, askedTypes(ask), [], false);
  requireNoWarning(request, stale);
  const { family, given, birthDate } = ask.person;
  const wanted = { family: fold(family), ...(given === undefined ? {} : { given: fold(given) }), birthDate };
  const ids = await ports.store.candidates(wanted, MOST_CANDIDATES);
  if (ids.length > MOST_CANDIDATES) throw tooMany();
  const judged: Judged[] = [];
  for (const id of ids) judged.push(await judge(ports, request, id));
  const found = judged.filter((j) => j.kind === 'found');
  if (found.length > MOST) throw tooMany();
  for (const { issues } of found) requireNoWarning(request, issues);
  // two people are no certain match, and `$match` is no list to browse
  const certain =
    ask.interaction === 'match' && found.length > 1 ? judged.filter((j) => j.kind !== 'found') : judged;
  return answerOf(ports, request, facts, certain, stale);
}

function tooMany(): Problem {
  return new Problem('too-costly', 'Too many people match. Search by NHS number instead.', {
    expression: ['family', 'given', 'birthdate'],
  });
}

/** `Prefer: completeness=required`: as for any other search, rather no answer than one that lacks a source. */
function requireNoWarning(request: DisclosureRequest, issues: readonly OperationOutcomeIssue[]): void {
  const lacking = issues.some((issue) => issue.severity === 'warning');
  const { problem } = request.requireComplete && lacking ? refusedIncomplete() : {};
  if (problem !== undefined) throw problem;
}

async function judge(ports: DisclosePorts, request: DisclosureRequest, personId: string): Promise<Judged> {
  const ask = { ...request.ask, person: { by: 'person-id', id: personId } } as const;
  const one = { ...request, ask };
  const decided = await decideAndGather(ports, request.caller, ask);
  const { facts } = decided;
  if (decided.outcome === 'refused') {
    const { refusal } = decided.decision;
    const account = (asked?: string): Promise<Receipt> =>
      accountRefusal(ports, one, facts, decided.decision, asked);
    const answer = composeRefused(ports, one, facts, refusal);
    if (refusal.reason === 'consent-withdrawn' && answer.body !== undefined)
      return { kind: 'withdrawn', issues: outcomeOf(answer.body), account };
    // a candidate who is hidden is counted no more than one who is not there
    await account();
    if (refusal.kind !== 'not-found' && answer.problem !== undefined) throw accounted(answer.problem);
    return { kind: 'nothing' };
  }
  const { grant, gathered } = decided;
  const visible = redact(grant, facts, gathered.rows).rows;
  const row = visible.find((r) => r.type === 'Patient');
  if (row?.body === undefined || !matches(JSON.parse(row.body) as Patient, request.ask.person))
    return { kind: 'nothing' };
  if (request.ask.certain !== undefined && !isCertainly(JSON.parse(row.body), request.ask.certain))
    return { kind: 'nothing' };
  const met = await matchesOf(ports, grant, ask, [row], visible, facts.now);
  if (met.rows.length === 0) return { kind: 'nothing' };
  const { body, madeOf } = row;
  return {
    kind: 'found',
    row: { ...row, body },
    issues: completeness(facts, grant, askedTypes(ask), gathered.failures, false),
    // other candidates were judged meanwhile
    personId: grant.personIds[0],
    account: async (asked) => {
      if (!(await stillHolds(ports, facts, grant))) throw changing();
      const text =
        request.ask.results?.summary === 'count' ? {} : { text: partOf(body, request.ask.results) };
      return accountFor(ports, one, facts, grant, { body, released: [{ madeOf, ...text }] }, asked);
    },
  };
}

function outcomeOf(body: string): readonly OperationOutcomeIssue[] {
  const bundle = JSON.parse(body) as { entry: { resource: { issue: OperationOutcomeIssue[] } }[] };
  return bundle.entry.flatMap((entry) => entry.resource.issue);
}

function matches(patient: Patient, asked: DisclosureRequest['ask']['person']): boolean {
  if (asked.by !== 'demographics' || patient.birthDate !== asked.birthDate) return false;
  const { family, given } = asked;
  return (patient.name ?? []).some(
    (name) =>
      fold(name.family ?? '') === fold(family) &&
      (given === undefined ||
        fold(name.given?.join(' ') ?? '') === fold(given) ||
        fold(name.given?.[0] ?? '') === fold(given)),
  );
}

async function answerOf(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  judged: readonly Judged[],
  stale: readonly OperationOutcomeIssue[],
): Promise<Accounted> {
  const found = judged.filter((j) => j.kind === 'found');
  const withdrawn = judged.filter((j) => j.kind === 'withdrawn');
  const lacking = found.length === 0 ? stale : distinct(found.flatMap((j) => j.issues));
  // several opt-outs say no more than one does
  const issues = [
    ...(withdrawn[0]?.issues ?? []),
    ...(withdrawn.length > 0 && found.length === 0 ? [] : lacking),
  ];
  if (found.length === 0 && withdrawn.length === 0) {
    const answer = emptyAnswer(ports, request, facts, issues);
    if (answer.problem !== undefined) throw answer.problem;
    const refusal = {
      rule: 'identity',
      kind: 'not-found',
      reason: 'no-match',
      message: '',
      aboutPerson: false,
    } as const;
    const asked = await countPerson(ports, request);
    return { body: answer.body, receipt: await accountRefusal(ports, request, facts, { refusal }, asked) };
  }
  const { results } = request.ask;
  const receipts: Receipt[] = [];
  // who is shown is counted, and where nobody is the name that was asked by
  let named = found.length > 0 ? undefined : await countPerson(ports, request);
  const shown: (string | undefined)[] = [];
  for (const { personId } of found) shown.push(await countPerson(ports, request, personId));
  for (const one of withdrawn) {
    receipts.push(await one.account(named));
    named = undefined;
  }
  for (const [place, one] of found.entries()) receipts.push(await one.account(shown[place]));
  const receipt = receipts.at(-1);
  if (receipt === undefined) throw new Error('Somebody was found without an account.');
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    ...(isCounted(request) ? { total: found.length } : {}),
    entries:
      results?.summary === 'count'
        ? []
        : inOrder(found.map((j) => j.row)).map((row) => entryOf(request.ask, row)),
    issues,
    now: facts.now,
  });
  return { body, receipt };
}

/** Of `$match` only what is certain is ever an answer. */
function entryOf({ interaction, results }: Ask, row: VisibleRow & { readonly body: string }): EntryText {
  const { type, id, body } = row;
  return { type, id, body: partOf(body, results), ...(interaction === 'match' ? { certain: true } : {}) };
}

/** People found share their sources: each source is stated once. */
function distinct(issues: readonly OperationOutcomeIssue[]): readonly OperationOutcomeIssue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}
