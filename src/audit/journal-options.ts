import type { BatchWriter, Found } from './batch.ts';
import type { ServiceIdentity } from './event.ts';

/** What a journal is made of: everything that is not pure is given to it. */
export interface JournalOptions {
  readonly service: ServiceIdentity;
  readonly writer: BatchWriter;
  /** calls once after so many milliseconds, unless cancelled by what it returns */
  readonly later: (milliseconds: number, call: () => void) => () => void;
  /** so many unpredictable bytes */
  readonly random: (size: number) => Uint8Array;
  readonly limits?: Partial<JournalLimits>;
  /** for metrics and logs; must not throw */
  readonly observe?: (happening: JournalHappening) => void;
}

export interface JournalLimits {
  /** events and bytes that may be queued */
  readonly queueEvents: number;
  readonly queueBytes: number;
  /** events and bytes of one batch */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** milliseconds an entry waits for its commit */
  readonly wait: number;
}

export const JOURNAL_LIMITS: JournalLimits = {
  queueEvents: 10_000,
  queueBytes: 32 * 1024 * 1024,
  batchEvents: 500,
  batchBytes: 4 * 1024 * 1024,
  wait: 2000,
};

/** `defect`: a fault of the program itself; the journal has closed. */
export type JournalHappening =
  | { readonly what: 'committed'; readonly shard: number; readonly events: number }
  | { readonly what: 'not-written' | 'in-doubt' | 'away' | 'defect'; readonly cause: unknown }
  | { readonly what: 'resumed'; readonly shard: number; readonly found?: Found };
