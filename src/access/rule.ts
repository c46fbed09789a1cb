import type { ProblemKind } from '../fhir/problem.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type { Ask } from './ask.ts';
import type { Caller } from './caller.ts';
import type { Facts, RowFacts } from './facts.ts';

/** One rule of access: a file each in `rules/`, put in order in `rules.ts` (DESIGN 4). */
export interface Rule {
  readonly name: string;
  /** its number in the table of DESIGN 4; 0 for what stands before the table: who is asked about */
  readonly number: number;
  /** one sentence that a Caldicott Guardian understands */
  readonly says: string;
  /** where the rule comes from */
  readonly cites: string;
  /** for every kind of caller: that it judges, or that it does not apply, and what that means */
  readonly applies: Readonly<Record<CallerKind, Application>>;
  /** Pure and synchronous. Called only for kinds that the table above says it judges. */
  judge(caller: Caller, ask: Ask, facts: Facts): Verdict;
}

export type CallerKind = Caller['kind'];

export interface Application {
  readonly judges: boolean;
  /** how it judges, or what it means that it does not */
  readonly meaning: string;
}

/** A table entry: the rule judges callers of this kind. */
export function judges(meaning: string): Application {
  return { judges: true, meaning };
}

/** A table entry: the rule has nothing to say about callers of this kind. */
export function doesNotApply(meaning: string): Application {
  return { judges: false, meaning };
}

/** What a rule makes of a question. Any `deny` wins, every `withhold` counts, without an `allow` the answer is no. */
export type Verdict =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'deny'; readonly refusal: Refusal }
  | { readonly verdict: 'withhold'; readonly withhold: Withhold; readonly noted?: Noted }
  | { readonly verdict: 'no-opinion'; readonly noted?: Noted };

/** What an audit event is to say of how it was decided, by name: for governance alone, never for the caller. */
export type Noted = Readonly<Record<string, string>>;

export const ALLOW: Verdict = { verdict: 'allow' };
export const NO_OPINION: Verdict = { verdict: 'no-opinion' };

/** Why the answer is no. `rule` is for the audit alone: it would tell a restricted record from an unknown one. */
export interface Refusal {
  readonly rule: string;
  readonly kind: ProblemKind;
  /** our outcome code, as `ProblemDetail.reason` */
  readonly reason: string;
  /** a sentence for the reader of the answer: what to do; never personal data, never a scope */
  readonly message: string;
  /** whether it was decided on facts about the person */
  readonly aboutPerson: boolean;
}

/** What is left out of an otherwise given answer, without a trace. */
export interface Withhold {
  /** which rows of the type from the source are hidden; asked once per pair, so that a test per row stays short */
  hides(source: string, type: ServedTypeName): 'all' | 'none' | RowTest;
  /** elements removed from those rows of the type from the source that are shown */
  hiddenElements?(source: string, type: ServedTypeName): readonly string[];
  /**
   * whether nothing at all may be said of the source's state: it must read the same whether or not the source knows
   * the person (DESIGN 4, inference)
   */
  silences?(source: string): boolean;
}

/** True: the row is hidden. */
export type RowTest = (row: RowFacts) => boolean;

/** No opinion, but something that the audit is to keep. */
export function noted(what: Noted): Verdict {
  return { verdict: 'no-opinion', noted: what };
}

export function withhold(what: Withhold): Verdict {
  return { verdict: 'withhold', withhold: what };
}

/** A refusal that says nothing about the person: rules 1 to 4. */
export function forbid(rule: string, message: string): Verdict {
  return { verdict: 'deny', refusal: { rule, kind: 'forbidden', reason: rule, message, aboutPerson: false } };
}

/** A refusal that follows from facts about the person, and says so. */
export function forbidAboutPerson(rule: string, reason: string, message: string): Verdict {
  return { verdict: 'deny', refusal: { rule, kind: 'forbidden', reason, message, aboutPerson: true } };
}

/** As if unknown: the same kind, reason and words whatever lies behind it. */
export function asUnknown(rule: string): Verdict {
  return {
    verdict: 'deny',
    refusal: {
      rule,
      kind: 'not-found',
      reason: 'not-found',
      message: 'There is no such resource.',
      aboutPerson: true,
    },
  };
}
