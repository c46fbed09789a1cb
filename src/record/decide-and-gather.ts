import type { Ask } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import { type Decision, decide, type Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { Problem } from '../fhir/problem.ts';
import { type Gathered, gather } from './gather.ts';
import type { DisclosePorts } from './ports.ts';
import { momentOf } from './view.ts';

/** A decision, and where it was a grant what was gathered under it, all of one consent epoch. */
export type Decided =
  | {
      readonly outcome: 'refused';
      readonly facts: Facts;
      readonly decision: Extract<Decision, { outcome: 'refused' }>;
    }
  | {
      readonly outcome: 'gathered';
      readonly facts: Facts;
      readonly grant: Grant;
      readonly gathered: Gathered;
    };

/** Times that an answer is begun anew because the person's consent changed while it was made. */
export const MOST_ATTEMPTS = 3;

/**
 * Decides and gathers; where the person's consent, restriction or identity changed meanwhile, what was decided is no
 * longer so, and all is done again (DESIGN 4).
 *
 * @throws Problem `unavailable` when it keeps changing, or when facts or sources cannot be had
 */
export async function decideAndGather(ports: DisclosePorts, caller: Caller, ask: Ask): Promise<Decided> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const facts = await ports.store.facts(ask.person, caller, momentOf(ask));
    const decision = decide(caller, ask, facts);
    if (decision.outcome === 'refused') return { outcome: 'refused', facts, decision };
    const { grant } = decision;
    const gathered = await gather(ports, grant, facts, ask);
    const { person } = facts;
    if (person === 'absent' || person === 'unknown' || gathered.epoch === person.epoch)
      return { outcome: 'gathered', facts, grant, gathered };
  }
  throw changing();
}

/**
 * Whether consent is still what was decided on: asked again just before the account is written, where anything was
 * waited for after the rows (DESIGN 5). Rows that came last came with their epoch.
 */
export async function stillHolds(ports: DisclosePorts, facts: Facts, grant: Grant): Promise<boolean> {
  const { person } = facts;
  if (person === 'absent' || person === 'unknown') return true;
  return (await ports.store.epoch(grant.decidedOn)) === person.epoch;
}

/** Consent, restriction or identity kept changing while an answer was made. */
export function changing(): Problem {
  return new Problem('unavailable', 'The record is changing just now. Try again shortly.', { retryAfter: 1 });
}
