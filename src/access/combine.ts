import type { Noted, Refusal, Verdict, Withhold } from './rule.ts';

/** What several verdicts come to: a refusal, or leave with everything that is to be withheld. */
export type Combined =
  | { readonly refusal: Refusal }
  | { readonly refusal?: undefined; readonly withholds: readonly Withhold[] };

/**
 * Verdicts together: any denial wins and the first is the one given, withholds add up, and without an `allow` the
 * answer is no.
 *
 * @param verdicts in the policy's order
 */
export function combine(verdicts: readonly Verdict[]): Combined {
  const withholds: Withhold[] = [];
  let allowed = false;
  for (const verdict of verdicts) {
    if (verdict.verdict === 'deny') return { refusal: verdict.refusal };
    if (verdict.verdict === 'allow') allowed = true;
    if (verdict.verdict === 'withhold') withholds.push(verdict.withhold);
  }
  return allowed ? { withholds } : { refusal: NO_BASIS };
}

const NO_BASIS: Refusal = {
  rule: 'decide',
  kind: 'forbidden',
  reason: 'no-basis',
  message: 'Nothing allows this request. Ask your information governance lead.',
  aboutPerson: false,
};

/** All that rules note for the audit, together. */
export function notedIn(judgements: readonly { readonly noted?: Noted }[]): Noted {
  return Object.assign({}, ...judgements.map((judgement) => judgement.noted));
}
