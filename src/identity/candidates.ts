import { type Demographics, sameIdentity } from './demographics.ts';

/** Somebody whom the record knows, by one of the names that a source gives. */
export interface KnownPerson {
  readonly personId: string;
  readonly demographics: Demographics;
}

const WHOLE_DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The people whom somebody waiting to be matched may be: born on the same, whole day, with the same family or given
 * name. Only a person decides whether one of them is.
 *
 * @param names the waiting one under every name
 * @returns person ids, each once, in their order
 */
export function candidatesOf(
  names: readonly Demographics[],
  known: readonly KnownPerson[],
): readonly string[] {
  const ids = known
    .filter(({ demographics }) => names.some((name) => isCandidate(name, demographics)))
    .map(({ personId }) => personId);
  return [...new Set(ids)].sort();
}

function isCandidate(one: Demographics, other: Demographics): boolean {
  return WHOLE_DAY.test(one.birthDate) && one.birthDate === other.birthDate && sameIdentity(one, other);
}
