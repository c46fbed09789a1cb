import { Problem } from '../fhir/problem.ts';
import type { SealedEvent } from './batch.ts';
import type { JournalLimits } from './journal-options.ts';
import type { AuditEntry } from './ports.ts';

/** An entry on its way into the log, and who waits for it. */
export interface Waiting<Receipt> {
  readonly entry: AuditEntry;
  readonly sealed: SealedEvent;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (problem: Problem) => void;
  /** stops the clock of its wait */
  readonly forget: () => void;
}

/** Entries in the order they will have in the log, bounded in number and bytes. */
export class WaitingQueue<Receipt> {
  readonly #limits: JournalLimits;
  #entries: Waiting<Receipt>[] = [];
  #bytes = 0;

  constructor(limits: JournalLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** `recorded` of the last entry; 0 where there is none */
  get newest(): number {
    return this.#entries.at(-1)?.sealed.recorded ?? 0;
  }

  hasRoom(): boolean {
    return this.#entries.length < this.#limits.queueEvents && this.#bytes < this.#limits.queueBytes;
  }

  push(waiting: Waiting<Receipt>): void {
    this.#entries.push(waiting);
    this.#bytes += sizeOf(waiting);
  }

  /** Entries of the next batch, oldest first: of one month (UTC), within the bounds of a batch, at least one if any. */
  takeBatch(): Waiting<Receipt>[] {
    const { batchEvents, batchBytes } = this.#limits;
    const monthEnd = startOfNextMonth(this.#entries[0]?.sealed.recorded ?? 0);
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#entries) {
      const size = sizeOf(waiting);
      const fits = count < batchEvents && bytes + size <= batchBytes && waiting.sealed.recorded < monthEnd;
      if (count > 0 && !fits) break;
      count += 1;
      bytes += size;
    }
    this.#bytes -= bytes;
    return this.#entries.splice(0, count);
  }

  /** Entries of a batch that was not written: they are first again. */
  putBack(taken: readonly Waiting<Receipt>[]): void {
    this.#replace([...taken, ...this.#entries]);
  }

  /** Every entry that is older than `recorded`, sealed again: a log's time never runs backwards. */
  noOlderThan(recorded: number, sealAgain: (entry: AuditEntry) => SealedEvent): void {
    if ((this.#entries[0]?.sealed.recorded ?? recorded) >= recorded) return;
    this.#replace(
      this.#entries.map((waiting) =>
        waiting.sealed.recorded < recorded ? { ...waiting, sealed: sealAgain(waiting.entry) } : waiting,
      ),
    );
  }

  refuseAll(): void {
    refuse(this.#entries);
    this.#replace([]);
  }

  #replace(entries: Waiting<Receipt>[]): void {
    this.#entries = entries;
    this.#bytes = entries.reduce((sum, waiting) => sum + sizeOf(waiting), 0);
  }
}

export function refuse(waiting: readonly Waiting<never>[]): void {
  for (const { forget, reject } of waiting) {
    forget();
    reject(notAudited('The batch was not written, or it is not known whether it was.'));
  }
}

/** @param cause for the log: the answer does not say which it was */
export function notAudited(cause: string): Problem {
  return new Problem(
    'unavailable',
    'The request could not be audited, so nothing was released. Try again.',
    { retryAfter: 2 },
    cause,
  );
}

function sizeOf(waiting: Waiting<never>): number {
  return waiting.sealed.body.length + waiting.sealed.manifest.length;
}

function startOfNextMonth(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
