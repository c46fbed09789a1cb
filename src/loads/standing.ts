import type { AgreementStatement, OptOutStatement } from './consent-statement.ts';

/** What follows from all that a source has recorded about one person's sharing. Pure. */

/**
 * The agreement in force on a day: that of the latest statement, if it was given and its dates hold the day. Of two
 * statements of the same moment the refusal is the later one.
 *
 * @param day `YYYY-MM-DD`
 */
export function agreementInForce(
  statements: readonly AgreementStatement[],
  day: string,
): (AgreementStatement & { readonly startDate: string }) | undefined {
  const [last] = [...statements].sort(
    (a, b) =>
      b.recordedAt - a.recordedAt || Number(a.given) - Number(b.given) || (a.sourceId < b.sourceId ? -1 : 1),
  );
  if (last?.given !== true) return undefined;
  const { startDate, endDate } = last;
  if (startDate === undefined || !covers(startDate, endDate, day)) return undefined;
  return { ...last, startDate };
}

/** Whether a day lies within a span of whole days, both ends included. */
export function covers(start: string, end: string | undefined, day: string): boolean {
  return start <= day && (end === undefined || end >= day);
}

/** Of two statements about one number the one that counts: the later; of the same moment the opt-out. */
export function laterOptOut<T extends Pick<OptOutStatement, 'optedOut' | 'enteredAt'>>(a: T, b: T): T {
  if (a.enteredAt !== b.enteredAt) return a.enteredAt > b.enteredAt ? a : b;
  return a.optedOut ? a : b;
}
