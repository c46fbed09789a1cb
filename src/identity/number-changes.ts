import { type Demographics, sameIdentity } from './demographics.ts';

/** NHS numbers that gave way to others, and which numbers are one person's because of it (DESIGN 5, 14). */

/**
 * `superseded`: a second number was issued and the first is used no more; `merged`: two records with a number each were
 * found to be one person's. What follows is the same.
 */
export type ChangeKind = 'superseded' | 'merged';

export interface NumberChange {
  readonly oldNumber: string;
  readonly newNumber: string;
  readonly kind: ChangeKind;
  /** `YYYY-MM-DD` */
  readonly changedOn: string;
}

/** Two numbers, in no order. */
export type NumberPair = readonly [one: string, other: string];

/** Numbers of one person. */
export interface NumberCluster {
  /** the number that the person goes by: no change leads away from it */
  readonly current: string;
  /** all of them, the current one among them */
  readonly numbers: readonly string[];
}

/** What decides whether numbers may become one person's. */
export interface LinkGuards {
  /** pairs that are never linked, by whatever way */
  readonly keptApart: readonly NumberPair[];
  /** what is established of the person of a number */
  readonly identities: ReadonlyMap<string, Demographics>;
  /** numbers that are linked already: their identities were compared then */
  readonly linked: (one: string, other: string) => boolean;
}

/**
 * Which numbers are one person's. Changes that link already come first, then the others in order of their days, each
 * whole or not at all: one that would put together what is kept apart, even by way of others, or two established
 * identities that contradict each other, is left out, and so is one that leads back.
 *
 * @param changes at most one of each old number
 * @returns clusters of two numbers and more, and how many changes were left out
 */
export function clustersOf(
  changes: readonly NumberChange[],
  guards: LinkGuards,
): { readonly clusters: readonly NumberCluster[]; readonly leftOut: number } {
  const apart = apartFrom(guards.keptApart);
  const clusters = new Map<string, NumberCluster>();
  const clusterOf = (number: string): NumberCluster =>
    clusters.get(number) ?? { current: number, numbers: [number] };
  let leftOut = 0;
  const isLinked = ({ oldNumber, newNumber }: NumberChange): boolean => guards.linked(oldNumber, newNumber);
  const inTurn = [...changes].sort((a, b) => Number(isLinked(b)) - Number(isLinked(a)) || inOrder(a, b));
  for (const { oldNumber, newNumber } of inTurn) {
    const [from, to] = [clusterOf(oldNumber), clusterOf(newNumber)];
    const agree = from.numbers.every((one) =>
      to.numbers.every((other) => !apart.get(one)?.has(other) && mayBeOne(one, other, guards)),
    );
    if (from.current === to.current || !agree) {
      leftOut += 1;
      continue;
    }
    const joined = { current: to.current, numbers: [...to.numbers, ...from.numbers] };
    for (const number of joined.numbers) clusters.set(number, joined);
  }
  return { clusters: [...new Set(clusters.values())], leftOut };
}

function inOrder(a: NumberChange, b: NumberChange): number {
  const [one, other] = [a, b].map((each) => `${each.changedOn} ${each.oldNumber} ${each.newNumber}`);
  return String(one) < String(other) ? -1 : 1;
}

function mayBeOne(one: string, other: string, { identities, linked }: LinkGuards): boolean {
  const [a, b] = [identities.get(one), identities.get(other)];
  return a === undefined || b === undefined || linked(one, other) || sameIdentity(a, b);
}

function apartFrom(pairs: readonly NumberPair[]): ReadonlyMap<string, ReadonlySet<string>> {
  const apart = new Map<string, Set<string>>();
  for (const [one, other] of pairs) {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const known = apart.get(from) ?? new Set();
      apart.set(from, known.add(to));
    }
  }
  return apart;
}
