import type { OperationOutcomeIssue, Patient } from '@medplum/fhirtypes';
import { decide } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { Receipt } from '../audit/ports.ts';
import { Problem } from '../fhir/problem.ts';
import { fold } from '../identity/demographics.ts';
import { accounted, accountFor, accountRefusal } from './account.ts';
import { composeRefused, emptyAnswer } from './answer.ts';
import { searchset } from './bundle.ts';
import { completeness } from './completeness.ts';
import type { Accounted } from './disclose.ts';
import { gather } from './gather.ts';
import type { DisclosePorts } from './ports.ts';
import { redact, type VisibleRow } from './redact.ts';
import type { DisclosureRequest } from './request.ts';

/** More than this and the demographics were not enough to mean one person. */
const MOST = 5;

/** What became of one candidate. */
type Judged =
  | {
      readonly kind: 'found';
      readonly row: VisibleRow & { readonly body: string };
      readonly receipt: Receipt;
    }
  | {
      readonly kind: 'withdrawn';
      readonly issues: readonly OperationOutcomeIssue[];
      readonly receipt: Receipt;
    }
  | { readonly kind: 'nothing' };

/**
 * Patient by family name, given name and birth date. Candidates come from what every source says; each is decided on
 * its own, and matched again on the Patient that this caller may see, so that a withheld name finds nobody. One event
 * per person found (BALP).
 */
export async function findPatients(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  const { ask, caller } = request;
  if (ask.person.by !== 'demographics') throw new Error('findPatients takes demographics.');
  const facts = await ports.store.facts(ask.person, caller);
  const general = decide(caller, ask, facts);
  if (general.outcome === 'refused' && general.refusal.kind !== 'not-found') {
    await accountRefusal(ports, request, facts, general.refusal);
    throw accounted(
      new Problem(general.refusal.kind, general.refusal.message, { reason: general.refusal.reason }),
    );
  }
  const { family, given, birthDate } = ask.person;
  const ids = await ports.store.candidates(fold(family), fold(given), birthDate, MOST);
  if (ids.length > MOST) {
    throw new Problem('too-costly', 'Too many people match. Search by NHS number instead.', {
      expression: ['family', 'given', 'birthdate'],
    });
  }
  const judged: Judged[] = [];
  for (const id of ids) judged.push(await judge(ports, request, id));
  return answerOf(ports, request, facts, judged);
}

async function judge(ports: DisclosePorts, request: DisclosureRequest, personId: string): Promise<Judged> {
  const ask = { ...request.ask, person: { by: 'person-id', id: personId } } as const;
  const one = { ...request, ask };
  const facts = await ports.store.facts(ask.person, request.caller);
  const decision = decide(request.caller, ask, facts);
  if (decision.outcome === 'refused') {
    const receipt = await accountRefusal(ports, one, facts, decision.refusal);
    const answer = composeRefused(ports, one, facts, decision.refusal);
    if (answer.problem !== undefined) throw accounted(answer.problem);
    if (decision.refusal.reason !== 'consent-withdrawn') return { kind: 'nothing' };
    return { kind: 'withdrawn', issues: outcomeOf(answer.body), receipt };
  }
  const gathered = await gather(ports, decision.grant, facts, ask);
  const [row] = redact(decision.grant, facts, gathered.rows).rows.filter((r) => r.type === 'Patient');
  if (row?.body === undefined || !matches(JSON.parse(row.body) as Patient, request.ask.person))
    return { kind: 'nothing' };
  const found = { ...row, body: row.body };
  const receipt = await accountFor(ports, one, facts, decision.grant, {
    body: row.body,
    released: row.madeOf,
  });
  return { kind: 'found', row: found, receipt };
}

function outcomeOf(body: string): readonly OperationOutcomeIssue[] {
  const bundle = JSON.parse(body) as { entry: { resource: { issue: OperationOutcomeIssue[] } }[] };
  return bundle.entry.flatMap((entry) => entry.resource.issue);
}

function matches(patient: Patient, asked: DisclosureRequest['ask']['person']): boolean {
  if (asked.by !== 'demographics' || patient.birthDate !== asked.birthDate) return false;
  return (patient.name ?? []).some(
    (name) =>
      fold(name.family ?? '') === fold(asked.family) &&
      (fold(name.given?.join(' ') ?? '') === fold(asked.given) ||
        fold(name.given?.[0] ?? '') === fold(asked.given)),
  );
}

async function answerOf(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  judged: readonly Judged[],
): Promise<Accounted> {
  const found = judged.filter((j) => j.kind === 'found');
  const withdrawn = judged.filter((j) => j.kind === 'withdrawn');
  const stale = completeness(facts, undefined, ['Patient'], [], false);
  // several opt-outs say no more than one does
  const issues = [
    ...(withdrawn[0]?.issues ?? []),
    ...(withdrawn.length > 0 && found.length === 0 ? [] : stale),
  ];
  const last = [...found, ...withdrawn].at(-1);
  if (last === undefined) {
    const answer = emptyAnswer(ports, request, facts, issues);
    if (answer.problem !== undefined) throw answer.problem;
    const refusal = {
      rule: 'identity',
      kind: 'not-found',
      reason: 'no-match',
      message: '',
      aboutPerson: false,
    } as const;
    return { body: answer.body, receipt: await accountRefusal(ports, request, facts, refusal) };
  }
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    total: found.length,
    entries: found.map((j) => ({ type: j.row.type, id: j.row.id, body: j.row.body })),
    issues,
    now: facts.now,
  });
  return { body, receipt: last.receipt };
}
