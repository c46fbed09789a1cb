import type { Ask } from './ask.ts';
import type { Caller } from './caller.ts';
import { decide, type Judgement } from './decide.ts';
import { type ExplainedFact, FACTS_OF, type MayKnow } from './explained-facts.ts';
import type { Facts } from './facts.ts';
import { RULES } from './rules.ts';

/** What the rules make of a question, rule by rule. */
export interface Explanation {
  readonly outcome: 'granted' | 'refused';
  /** of a refusal: the rule whose refusal is given, and its reason */
  readonly refusal?: { readonly rule: string; readonly reason: string };
  readonly rules: readonly ExplainedRule[];
  readonly policyVersion: string;
  readonly publication: number;
  /** consent epoch of the person; absent where no person is known */
  readonly epoch?: number;
}

export interface ExplainedRule extends Judgement {
  /** of the policy document */
  readonly number: number;
  readonly says: string;
  readonly cites: string;
  readonly facts: readonly ExplainedFact[];
}

/**
 * Puts a question to the rules and keeps what each made of it. There is no second policy here: the verdicts are those
 * of `decide`.
 */
export function explain(caller: Caller, ask: Ask, facts: Facts, mayKnow: MayKnow): Explanation {
  const decision = decide(caller, ask, facts);
  const { person } = facts;
  return {
    outcome: decision.outcome,
    ...(decision.outcome === 'refused' && {
      refusal: { rule: decision.refusal.rule, reason: decision.refusal.reason },
    }),
    rules: decision.judgements.map((judgement) => {
      const rule = RULES.find(({ name }) => name === judgement.rule);
      const { number = 0, says = '', cites = '' } = rule ?? {};
      const looked = judgement.verdict === 'does-not-apply' ? undefined : FACTS_OF[judgement.rule];
      return { ...judgement, number, says, cites, facts: looked?.(caller, ask, facts, mayKnow) ?? [] };
    }),
    policyVersion: facts.policy.version,
    publication: facts.publication,
    ...(person === 'absent' || person === 'unknown' ? {} : { epoch: person.epoch }),
  };
}

/** Verdicts as the audit log keeps them: names of rules. Rules that are in no list had no opinion. */
export interface VerdictsKept {
  readonly allow: string;
  readonly withhold: string;
  /** without those that answer as unknown: a log must not tell whom a rule protects */
  readonly deny: string;
}

export function verdictsKept(judgements: readonly Judgement[]): VerdictsKept {
  const named = (verdict: Judgement['verdict']): string =>
    judgements
      .filter((one) => one.verdict === verdict && one.reason !== 'not-found')
      .map(({ rule }) => rule)
      .join(' ');
  return { allow: named('allow'), withhold: named('withhold'), deny: named('deny') };
}
