import type { Certificate } from './certificate.ts';
import type { LoadResult } from './ports.ts';
import type { RejectedRow } from './records.ts';

/** Loads as they are remembered, and what a human says about one that is held. */

export type LoadState = LoadResult | 'running' | 'undone' | 'released' | 'superseded';

export interface LoadEntry {
  readonly number: number;
  readonly source: string;
  readonly businessDate: string;
  readonly sequence: number;
  readonly state: LoadState;
  /** instants, `YYYY-MM-DDThh:mm:ssZ` */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly decision?: Decision & { readonly at: string };
  /** absent while it runs, and of a load that crashed */
  readonly certificate?: Certificate;
}

export interface Decision {
  /** who decides, as the operator names themselves */
  readonly operator: string;
  readonly reason: string;
}

/** A rejected row as it is remembered. */
export interface RememberedReject extends Omit<RejectedRow, 'hash'> {
  /** an earlier extract had it too, and it was rejected then */
  readonly before: boolean;
}

export interface LoadHistory {
  /** Newest first. @param source its code; absent: of all */
  list(source: string | undefined, limit: number): Promise<readonly LoadEntry[]>;
  entry(loadNo: number): Promise<LoadEntry | undefined>;
  /** In order of files and lines, from after the one given. */
  rejects(
    loadNo: number,
    after: RememberedReject | undefined,
    limit: number,
  ): Promise<readonly RememberedReject[]>;
  /**
   * Notes who released a load and why; refuses it where that is what they say.
   *
   * @returns false where the load is not held any more: nothing is noted then
   */
  decide(loadNo: number, decision: Decision, what: 'release' | 'refuse'): Promise<boolean>;
  /** Of these loads those whose extract is not kept any more: decided, superseded, or held longer than so many days. */
  expired(loadNumbers: readonly number[], days: number): Promise<readonly number[]>;
  /** Forgets the rejected rows of loads that ended longer ago. */
  forgetRejects(days: number): Promise<void>;
}

const OPERATOR = /^[\p{L}\p{N}][\p{L}\p{N} .,@_'’()-]{1,99}$/u;
const LEAST_REASON = 5;
const MOST_REASON = 500;

/**
 * What is wrong with a decision as it was given: it is kept in the audit log for good, and read by others.
 *
 * @returns a sentence for the operator; undefined: nothing
 */
export function decisionFault({ operator, reason }: Decision): string | undefined {
  if (!OPERATOR.test(operator)) {
    return 'The operator is a name or login of 2 to 100 letters, digits, blanks and . , @ _ - signs.';
  }
  if (reason.trim().length < LEAST_REASON || reason.length > MOST_REASON || /\p{Cc}/u.test(reason)) {
    return `The reason is one line of ${LEAST_REASON} to ${MOST_REASON} characters.`;
  }
  if (/(?:\d[ -]?){9}\d/.test(reason)) {
    return 'The reason holds a number of ten digits or more: it must name no patient.';
  }
  return undefined;
}
