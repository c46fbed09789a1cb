import type { Receipt } from '../audit/ports.ts';
import { Problem } from '../fhir/problem.ts';
import { accountFailure, accountFor } from './account.ts';
import { compose } from './answer.ts';
import { discloseAsSeen } from './as-seen.ts';
import { discloseAuditEvents } from './audit-events.ts';
import { changing, decideAndGather, MOST_ATTEMPTS, stillHolds } from './decide-and-gather.ts';
import { explainAccess } from './explain-access.ts';
import { findPatients } from './find-patients.ts';
import { gatherNothing } from './gather.ts';
import type { DisclosePorts } from './ports.ts';
import { redact } from './redact.ts';
import { refuse } from './refuse.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/**
 * The only way that personal data leaves, for every edge: decide, gather, redact, audit, release (DESIGN 4).
 *
 * @throws Problem for every refusal and failure, each already audited; `unavailable` when facts, sources or the audit
 *   log cannot be had. No receipt, no answer.
 */
export async function disclose(ports: DisclosePorts, request: DisclosureRequest): Promise<Released> {
  if (!ports.journal.hasRoom()) throw busy();
  try {
    if (request.ask.interaction === 'explain-access') return released(await explainAccess(ports, request));
    if (request.ask.interaction === 'as-seen') return released(await discloseAsSeen(ports, request));
    if (request.ask.type === 'AuditEvent') return released(await discloseAuditEvents(ports, request));
    if (request.ask.person.by === 'demographics') return released(await findPatients(ports, request));
    return released(await discloseOne(ports, request));
  } catch (error) {
    throw await accountFailure(ports, request, error);
  }
}

/** An answer about one person, or about nobody (directories). */
async function discloseOne(ports: DisclosePorts, request: DisclosureRequest): Promise<Accounted> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const decided = await decideAndGather(ports, request.caller, request.ask);
    const { facts } = decided;
    if (decided.outcome === 'refused') {
      if (decided.decision.refusal.kind === 'not-found') await gatherNothing(ports, request.ask);
      return refuse(ports, request, facts, decided.decision);
    }
    const { grant, gathered } = decided;
    const visible = redact(grant, facts, gathered.rows);
    const answer = await compose(ports, request, facts, grant, visible, gathered.failures);
    const waited = gathered.waited || answer.waited === true;
    if (waited && !(await stillHolds(ports, facts, grant))) continue;
    const asked = await countPerson(
      ports,
      request,
      answer.released.some(({ madeOf }) => madeOf.length > 0) ? grant.personIds[0] : undefined,
    );
    const receipt = await accountFor(ports, request, facts, grant, answer, asked);
    if (answer.problem !== undefined) throw answer.problem;
    const { body, lastModified } = answer;
    await answer.effect?.();
    return { body, receipt, ...(lastModified !== undefined && { lastModified }) };
  }
  throw changing();
}

/** An answer whose account is durable. */
export interface Accounted {
  readonly body: string;
  readonly receipt: Receipt;
  readonly lastModified?: number;
  readonly next?: string;
}

/** What an edge may send. Only `disclose` makes one, from an answer with a receipt; it can be sent once. */
class ReleasedAnswer {
  readonly #body: string;
  readonly #receipt: Receipt;
  /** when the one stored resource that was read last changed, milliseconds since the epoch; absent for any other answer */
  readonly lastModified: number | undefined;
  /** of an answer that is no Bundle: path and query of the next page */
  readonly next: string | undefined;

  constructor({ body, receipt, lastModified, next }: Accounted) {
    this.#body = body;
    this.#receipt = receipt;
    this.lastModified = lastModified;
    this.next = next;
  }

  /** Hash of the account of this answer: whoever keeps it can tell whether the account is still there. */
  get receipt(): string {
    return this.#receipt.leaf;
  }

  /** @throws Error the second time: one account, one answer */
  send(): string {
    if (!this.#receipt.spend()) throw new Error('This answer was sent already.');
    return this.#body;
  }
}

export type Released = ReleasedAnswer;

function released(answer: Accounted): Released {
  return new ReleasedAnswer(answer);
}

function busy(): Problem {
  return new Problem('unavailable', 'The service is busy. Try again shortly.', { retryAfter: 2 });
}
