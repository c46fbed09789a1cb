import type { Ask } from '../access/ask.ts';
import type { SourceState } from '../access/facts.ts';

/**
 * The moment that a record is read at. Publications only ever grow, so that what was published at a moment is the same
 * for ever; a moment that an audit event tells (its publication, and when it was written) leads back to what was read.
 */
export interface Moment {
  /** publication that is read; absent: the newest one at the instant */
  readonly publication?: number;
  /** milliseconds since the epoch: who was shown as one person then, and what was published; absent: now */
  readonly at?: number;
}

/** Where to look for what each source had published: at one publication, or source by source. */
export type Horizon =
  | { readonly publication: number }
  /** newest publication of each source, by its code; a source that is not named is not read */
  | { readonly publications: ReadonlyMap<string, number> };

/** What each source had published by then: with it a grant's rows are gathered. */
export type View = readonly SourceState[];

/** The moment that a question is about: further pages keep the publication of the first. */
export function momentOf({ asAt, after }: Ask): Moment {
  return {
    ...(after === undefined ? {} : { publication: after.publication }),
    ...(asAt === undefined ? {} : { at: asAt }),
  };
}
