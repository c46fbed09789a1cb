import fc from 'fast-check';
import { anyQuestion, NARROWINGS, seen } from '../access/questions.ts';

/*
 * G-3, monotonicity: whatever is taken from a question (a scope, a role, an agreement, a consent) or added to what denies,
 * never shows a row more; and each of them takes something somewhere, or it would not be looked at.
 */

/** @returns what is wrong with one that is taken away; nothing is right */
export function faultWithout(name: string, runs: number, seed?: number): string | undefined {
  const narrow = NARROWINGS[name];
  if (narrow === undefined) throw new Error(`There is nothing called ${name} to take away.`);
  let less = 0;
  const result = fc.check(
    fc.property(anyQuestion, (question) => {
      const before = seen(question);
      const after = seen(narrow(question));
      if (after.length < before.length) less += 1;
      return after.every((id) => before.includes(id));
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  );
  if (result.failed) return `without ${name} somebody sees more: ${fc.stringify(result.counterexample)}`;
  return less > 0 ? undefined : `without ${name} nobody sees less, in ${runs} questions`;
}

/** @returns what is wrong, of all that can be taken away */
export function notMonotonous(runs: number, seed?: number): readonly string[] {
  return Object.keys(NARROWINGS).flatMap((name) => faultWithout(name, runs, seed) ?? []);
}
