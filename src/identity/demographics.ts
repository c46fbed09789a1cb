import { plainLetters } from '../fhir/search/fold.ts';

/** What a source says of who a person is, folded for comparison, and when two of them are the same person. */

export interface Demographics {
  /** `YYYY-MM-DD`, or as much of it as is known; empty: not given */
  readonly birthDate: string;
  /** folded; empty: not given */
  readonly family: string;
  /** first given name, folded; empty: not given */
  readonly given: string;
}

const WHOLE_DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * A name as it is compared: lower case, without accents, letters only, so that `O'Neill-Løvås` and `ONEILL LOVAS` are
 * one name. Folding what is folded changes nothing.
 */
export function fold(name: string): string {
  return plainLetters(name).replace(/[^\p{L}]/gu, '');
}

/** Whether there is enough to tell one person from another: two of birth date (whole), family and given name. */
export function isComparable(demographics: Demographics): boolean {
  const known = [
    WHOLE_DAY.test(demographics.birthDate),
    demographics.family !== '',
    demographics.given !== '',
  ];
  return known.filter(Boolean).length >= 2;
}

/**
 * Whether two records with the same NHS number can be the same person. They conflict when the birth dates differ, or
 * when neither family nor given name agrees. What is missing agrees with nothing: where a whole birth date is missing
 * on either side, both names must agree.
 */
export function sameIdentity(established: Demographics, candidate: Demographics): boolean {
  const family = established.family !== '' && established.family === candidate.family;
  const given = established.given !== '' && established.given === candidate.given;
  if (WHOLE_DAY.test(established.birthDate) && WHOLE_DAY.test(candidate.birthDate)) {
    return established.birthDate === candidate.birthDate && (family || given);
  }
  return partsAgree(established.birthDate, candidate.birthDate) && family && given;
}

/** A birth date known in part (`1980`, `1980-05`, empty) does not contradict one that begins with it. */
function partsAgree(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
