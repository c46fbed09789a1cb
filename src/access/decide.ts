import { SERVED_NAMES, type ServedTypeName } from '../fhir/served.ts';
import type { Ask } from './ask.ts';
import type { Caller } from './caller.ts';
import { combine } from './combine.ts';
import type { Facts, RowFacts, SourceState } from './facts.ts';
import { personAsked } from './person-asked.ts';
import type { Noted, Refusal, Rule, Verdict, Withhold } from './rule.ts';
import { RULES } from './rules.ts';
import { Visibility } from './visibility.ts';

export type { Refusal } from './rule.ts';

/** The answer to "may this caller ask this?", with what every rule made of it. */
export type Decision = Granted | Refused;

export interface Granted {
  readonly outcome: 'granted';
  readonly judgements: readonly Judgement[];
  readonly grant: Grant;
}

export interface Refused {
  readonly outcome: 'refused';
  readonly judgements: readonly Judgement[];
  readonly refusal: Refusal;
}

/** What one rule made of the question; for the audit and for explaining, never for the caller. */
export interface Judgement {
  readonly rule: string;
  readonly verdict: Verdict['verdict'] | 'does-not-apply';
  /** of a denial */
  readonly reason?: string;
  /** for the audit */
  readonly noted?: Noted;
}

/** Interactions that ask for all of a record. */
const WHOLE_RECORD: readonly Ask['interaction'][] = ['everything', 'summary', 'as-at'];

/**
 * Proof that the rules were asked, and what they left. Only `decide` makes one: the class does not leave this file,
 * and its private members keep look-alikes from passing for it.
 */
class GrantOfDecision {
  readonly caller: Caller;
  readonly ask: Ask;
  /** the person's ids, the one asked for first; none for directories and audit searches across people */
  readonly personIds: readonly string[];
  /** everybody whose facts were decided on: those, and of a record as it was whoever they are linked with today */
  readonly decidedOn: readonly string[];
  /** publication that everything is to be read at */
  readonly publication: number;
  /** consent epoch the decision was made at; absent where no person was decided on */
  readonly epoch: number | undefined;
  readonly policyVersion: string;
  /** what each rule made of the question, for the audit */
  readonly judgements: readonly Judgement[];
  readonly #facts: Facts;
  readonly #visibility: Visibility;
  #types: readonly ServedTypeName[] | undefined;
  #horizon: readonly SourceState[] | undefined;

  constructor(
    caller: Caller,
    ask: Ask,
    facts: Facts,
    withholds: readonly Withhold[],
    judgements: readonly Judgement[],
  ) {
    const person = personAsked(ask, facts);
    this.caller = caller;
    this.ask = ask;
    this.personIds =
      person === undefined ? [] : [person.personId, ...person.cluster.filter((id) => id !== person.personId)];
    this.decidedOn = person?.decidedOn ?? this.personIds;
    this.publication = facts.publication;
    this.epoch = person?.epoch;
    this.policyVersion = facts.policy.version;
    this.judgements = judgements;
    this.#facts = facts;
    this.#visibility = new Visibility(withholds);
  }

  /** Types that can be shown at all: the one asked for, or of a whole record those that any source may show. */
  get permittedTypes(): readonly ServedTypeName[] {
    this.#types ??= WHOLE_RECORD.includes(this.ask.interaction) ? this.#shownTypes() : [this.ask.type];
    return this.#types;
  }

  /** The sources to read, each as of its last load: those from which anything can be shown, of any type. */
  get horizon(): readonly SourceState[] {
    this.#horizon ??= this.#facts.sources.filter(({ source }) => this.#contributes(source));
    return this.#horizon;
  }

  /** Whether the row may be shown. Everything else does not exist for this caller. */
  permits(row: RowFacts): boolean {
    return this.#visibility.shows(row);
  }

  /** Whether some source's rows of the type are shown without elements that the source itself has. */
  hidesElements(type: ServedTypeName): boolean {
    return this.horizon.some(({ source }) => this.#visibility.elementsHidden(source, type).length > 0);
  }

  /** Elements to be removed from a permitted row before anything else is made of it. */
  hiddenElements(row: RowFacts): readonly string[] {
    return this.#visibility.hiddenElements(row);
  }

  /**
   * Whether the state of the source (live, as of when, late, down) may be told to this caller. Where not, it is "not
   * shared" for everybody alike, whether or not the source knows the person.
   */
  mayState(source: string): boolean {
    return !this.#visibility.silences(source);
  }

  /** For social care: whether an agreement in force lets this caller see what the source has. */
  agreed(source: string): boolean {
    return this.mayState(source);
  }

  #contributes(source: string): boolean {
    // the type asked for first: nearly always the answer
    return (
      !this.#visibility.hidesAll(source, this.ask.type) ||
      SERVED_NAMES.some((type) => !this.#visibility.hidesAll(source, type))
    );
  }

  #shownTypes(): readonly ServedTypeName[] {
    const sources = [...this.#facts.policy.sources.keys()];
    return SERVED_NAMES.filter((type) => sources.some((source) => !this.#visibility.hidesAll(source, type)));
  }
}

export type Grant = GrantOfDecision;

/**
 * Puts a question to every rule. Pure, total and synchronous: any denial wins, the first in the policy's order gives
 * the refusal; withholds add up; without an `allow` the answer is no. A rule that fails is a denial.
 */
export function decide(caller: Caller, ask: Ask, facts: Facts): Decision {
  const judgements: Judgement[] = [];
  const verdicts: Verdict[] = [];
  for (const rule of RULES) {
    const verdict = judged(rule, caller, ask, facts);
    if (verdict !== 'does-not-apply') verdicts.push(verdict);
    judgements.push(judgement(rule, verdict));
  }
  const combined = combine(verdicts);
  if (combined.refusal !== undefined) return { outcome: 'refused', judgements, refusal: combined.refusal };
  try {
    return {
      outcome: 'granted',
      judgements,
      grant: new GrantOfDecision(caller, ask, facts, combined.withholds, judgements),
    };
  } catch {
    return { outcome: 'refused', judgements, refusal: failed('decide') };
  }
}

function judgement(rule: Rule, verdict: Verdict | 'does-not-apply'): Judgement {
  if (verdict === 'does-not-apply') return { rule: rule.name, verdict };
  if ((verdict.verdict === 'no-opinion' || verdict.verdict === 'withhold') && verdict.noted !== undefined)
    return { rule: rule.name, verdict: verdict.verdict, noted: verdict.noted };
  if (verdict.verdict !== 'deny') return { rule: rule.name, verdict: verdict.verdict };
  return { rule: rule.name, verdict: 'deny', reason: verdict.refusal.reason };
}

function judged(rule: Rule, caller: Caller, ask: Ask, facts: Facts): Verdict | 'does-not-apply' {
  try {
    return rule.applies[caller.kind].judges ? rule.judge(caller, ask, facts) : 'does-not-apply';
  } catch {
    return { verdict: 'deny', refusal: failed(rule.name) };
  }
}

function failed(rule: string): Refusal {
  return {
    rule,
    kind: 'unavailable',
    reason: 'decision-failed',
    message: 'Whether this may be shown could not be decided. Try again shortly.',
    aboutPerson: false,
  };
}
