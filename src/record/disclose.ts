import { type Decision, decide, type Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { Receipt } from '../audit/ports.ts';
import { Problem } from '../fhir/problem.ts';
import { accounted, accountFailure, accountFor, accountRefusal } from './account.ts';
import { type Answer, compose, composeRefused } from './answer.ts';
import { discloseAuditEvents } from './audit-events.ts';
import { findPatients } from './find-patients.ts';
import { gather } from './gather.ts';
import type { DisclosePorts } from './ports.ts';
import { redact } from './redact.ts';
import type { DisclosureRequest } from './request.ts';

/**
 * The only way that personal data leaves, for every edge: decide, gather, redact, audit, release (DESIGN 4).
 *
 * @throws Problem for every refusal and failure, each already audited; `unavailable` when facts, sources or the audit
 *   log cannot be had. No receipt, no answer.
 */
export async function disclose(ports: DisclosePorts, request: DisclosureRequest): Promise<Released> {
  if (!ports.journal.hasRoom()) throw busy();
  try {
    if (request.ask.type === 'AuditEvent') return released(await discloseAuditEvents(ports, request));
    if (request.ask.person.by === 'demographics') return released(await findPatients(ports, request));
    return released(await discloseOne(ports, request));
  } catch (error) {
    throw await accountFailure(ports, request, error);
  }
}

/** An answer about one person, or about nobody (directories). */
async function discloseOne(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  const { caller, ask } = request;
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const facts = await ports.store.facts(ask.person, caller, ask.after?.publication);
    const decision = decide(caller, ask, facts);
    if (decision.outcome === 'refused') return refuse(ports, request, facts, decision);
    const answer = await answerWithin(ports, request, facts, decision.grant);
    // consent changed while the answer was made: what was decided is no longer so
    if (answer === 'decide-again') continue;
    const receipt = await accountFor(ports, request, facts, decision.grant, answer);
    if (answer.problem !== undefined) throw answer.problem;
    return { body: answer.body, receipt };
  }
  throw new Problem('unavailable', 'The record is changing just now. Try again shortly.', { retryAfter: 1 });
}

async function answerWithin(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  grant: Grant,
): Promise<Answer | 'decide-again'> {
  const gathered = await gather(ports, grant, facts, request.ask);
  if (facts.person !== 'absent' && facts.person !== 'unknown' && gathered.epoch !== facts.person.epoch) {
    return 'decide-again';
  }
  return compose(ports, request, facts, grant, redact(grant, facts, gathered.rows), gathered.failures);
}

/** A refusal is audited as fully as a read. Some are answers: a search for nobody is empty, not an error. */
async function refuse(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  decision: Extract<Decision, { outcome: 'refused' }>,
): Promise<Accounted> {
  const receipt = await accountRefusal(ports, request, facts, decision.refusal);
  const answer = composeRefused(ports, request, facts, decision.refusal);
  if (answer.problem !== undefined) throw accounted(answer.problem);
  return { body: answer.body, receipt };
}

/** An answer whose account is durable. */
export interface Accounted {
  readonly body: string;
  readonly receipt: Receipt;
}

/** What an edge may send. Only `disclose` makes one, from an answer with a receipt; it can be sent once. */
class ReleasedAnswer {
  readonly #body: string;
  readonly #receipt: Receipt;

  constructor(body: string, receipt: Receipt) {
    this.#body = body;
    this.#receipt = receipt;
  }

  /** @throws Error the second time: one account, one answer */
  send(): string {
    if (!this.#receipt.spend()) throw new Error('This answer was sent already.');
    return this.#body;
  }
}

export type Released = ReleasedAnswer;

function released(answer: Accounted): Released {
  return new ReleasedAnswer(answer.body, answer.receipt);
}

function busy(): Problem {
  return new Problem('unavailable', 'The service is busy. Try again shortly.', { retryAfter: 2 });
}
