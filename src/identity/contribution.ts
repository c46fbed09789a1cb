import { type Demographics, sameIdentity } from './demographics.ts';

/** Who a person is, as a source has established it (DESIGN 14, who establishes identity). */
export interface EstablishedIdentity {
  readonly demographics: Demographics;
  /** of the source that established it; 1 is highest */
  readonly precedence: number;
  /** the same source now speaks again: it may correct itself */
  readonly bySameSource: boolean;
}

export type ContributionVerdict =
  | { readonly state: 'accepted'; readonly establishes?: Demographics }
  | { readonly state: 'quarantined'; readonly reason: 'duplicate-number' | 'identity-conflict' };

/**
 * What becomes of what one source says about one NHS number. Several of its records may carry the number: where they
 * contradict each other, none of them is believed. The first source to arrive establishes the identity, a higher one
 * takes it over, the one that established it may correct it; any other must agree with it or is quarantined.
 *
 * @param candidates the source's records with the number, at least one, in an order that does not change by chance
 * @param precedence of the source; 1 is highest
 */
export function judgeContribution(
  candidates: readonly Demographics[],
  precedence: number,
  established: EstablishedIdentity | undefined,
): ContributionVerdict {
  if (candidates.some((one, i) => candidates.slice(i + 1).some((other) => !sameIdentity(one, other)))) {
    return { state: 'quarantined', reason: 'duplicate-number' };
  }
  const [first] = candidates;
  if (first === undefined) throw new Error('A contribution has at least one record.');
  if (established === undefined || established.bySameSource || precedence < established.precedence) {
    return { state: 'accepted', establishes: first };
  }
  return candidates.every((candidate) => sameIdentity(established.demographics, candidate))
    ? { state: 'accepted' }
    : { state: 'quarantined', reason: 'identity-conflict' };
}
