import type { Faults } from './fault.ts';
import type { LogEntry, StoredBatch } from './log-reader.ts';
import { leavesHash, type RetiredShard } from './tombstone.ts';

/** Events of one shard in the order of the log, taken batch by batch. */
export class EventQueue {
  readonly #pieces: AsyncIterator<readonly LogEntry[]>;
  #piece: readonly LogEntry[] = [];
  #at = 0;

  constructor(events: AsyncIterable<readonly LogEntry[]>) {
    this.#pieces = events[Symbol.asyncIterator]();
  }

  /** Everything that is stored before the end of a batch. */
  async upTo({ firstSeq, n, month }: StoredBatch): Promise<readonly LogEntry[]> {
    const taken: LogEntry[] = [];
    for (let next = await this.#peek(); next !== undefined; next = await this.#peek()) {
      if (next.month > month || (next.month === month && next.seq >= firstSeq + n)) break;
      taken.push(next);
      this.#at += 1;
    }
    return taken;
  }

  async rest(): Promise<readonly LogEntry[]> {
    const left: LogEntry[] = [];
    for (let next = await this.#peek(); next !== undefined && left.length < 1000; next = await this.#peek()) {
      left.push(next);
      this.#at += 1;
    }
    return left;
  }

  async #peek(): Promise<LogEntry | undefined> {
    while (this.#at >= this.#piece.length) {
      const { done, value } = await this.#pieces.next();
      if (done === true) return undefined;
      this.#piece = value;
      this.#at = 0;
    }
    return this.#piece[this.#at];
  }
}

/** Leaves of retired months, month by month, against what their tombstone says of them. */
export class RetiredRuns {
  readonly #shard: number;
  readonly #tombstones: ReadonlyMap<string, RetiredShard>;
  readonly #faults: Faults;
  #month: string | undefined;
  #firstSeq = 0;
  #leaves: Buffer[] = [];

  constructor(shard: number, tombstones: ReadonlyMap<string, RetiredShard>, faults: Faults) {
    this.#shard = shard;
    this.#tombstones = tombstones;
    this.#faults = faults;
  }

  add(events: readonly LogEntry[]): void {
    for (const event of events) {
      if (event.retired !== true) {
        if (this.#month === event.month)
          this.#faults.add('an event of a retired month is still there', {
            shard: this.#shard,
            seq: event.seq,
          });
        continue;
      }
      if (event.month !== this.#month) this.end();
      if (this.#leaves.length === 0) this.#firstSeq = event.seq;
      this.#month = event.month;
      this.#leaves.push(event.leaf);
    }
  }

  end(): void {
    if (this.#month === undefined || this.#leaves.length === 0) return;
    const said = this.#tombstones.get(`${this.#shard} ${this.#month}`);
    const sound =
      said?.firstSeq === this.#firstSeq &&
      said.n === this.#leaves.length &&
      said.leaves === leavesHash(Buffer.concat(this.#leaves));
    if (!sound)
      this.#faults.add(`what is left of ${this.#month} is not what its tombstone says`, {
        shard: this.#shard,
      });
    this.#leaves = [];
  }
}

/** A leaf hash, base64url. */
const RECEIPT = /^[A-Za-z0-9_-]{43}$/;

/** What clients were told (`X-Audit-Receipt`), against the leaves that are there. */
export class Receipts {
  readonly asked: number;
  readonly #faults: Faults;
  readonly #missing: Set<string>;

  constructor(receipts: readonly string[], faults: Faults) {
    this.#faults = faults;
    this.asked = receipts.length;
    this.#missing = new Set(receipts);
  }

  add(events: readonly LogEntry[]): void {
    if (this.#missing.size === 0) return;
    for (const { leaf } of events) this.#missing.delete(leaf.toString('base64url'));
  }

  end(): void {
    for (const receipt of this.#missing) {
      if (RECEIPT.test(receipt)) this.#faults.add(`the event of receipt ${receipt} is not in the log`);
      else this.#faults.add('what was given as a receipt is none');
    }
  }
}
