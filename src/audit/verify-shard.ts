import { hash } from 'node:crypto';
import { batchHead, NO_HEAD } from './batch.ts';
import { hexHash, type ShardState } from './checkpoint.ts';
import type { Fault, Faults } from './fault.ts';
import { indexFault } from './index-columns.ts';
import type { LogEntry, LoggedEvent, RetiredEvent, StoredBatch } from './log-reader.ts';
import { merkleRoot } from './merkle.ts';
import { Frontier } from './tree.ts';

const LEAF = Buffer.of(0);

/** What a checkpoint says of a shard. */
export interface Assertion extends ShardState {
  readonly checkpoint: number;
}

/** Where verifying begins: at the beginning, or at a checkpoint that is believed. */
export interface ShardStart {
  readonly nextBatch: number;
  readonly head: Buffer;
  readonly frontier: Frontier;
}

export const FROM_THE_BEGINNING = (): ShardStart => ({
  nextBatch: 0,
  head: NO_HEAD,
  frontier: new Frontier(),
});

/** The log of one shard, followed from batch to batch. Nothing that is stored is believed: all of it is worked out again. */
export class ShardVerifier {
  readonly #shard: number;
  readonly #faults: Faults;
  /** by size, ascending */
  readonly #assertions: readonly Assertion[];
  readonly #retired: RetiredLeaves;
  readonly #frontier: Frontier;
  #nextBatch: number;
  #head: Buffer;
  #recorded = 0;
  #month = '';
  /** place of the next event */
  #seq: number;
  #next = 0;
  /** the tree is not the one that was signed: said once, since every later root differs too */
  #lost = false;
  /** batches that the last checkpoint agreed with */
  #agreed = 0;

  constructor(
    shard: number,
    start: ShardStart,
    assertions: readonly Assertion[],
    retired: RetiredLeaves,
    faults: Faults,
  ) {
    this.#shard = shard;
    this.#faults = faults;
    this.#assertions = assertions;
    this.#retired = retired;
    this.#frontier = start.frontier;
    this.#seq = start.frontier.size;
    this.#nextBatch = start.nextBatch;
    this.#head = start.head;
    this.#meetAssertions();
  }

  /** Place of the next event. */
  get size(): number {
    return this.#seq;
  }

  /** A batch, and the events that are stored from its first place up to its last. */
  batch(batch: StoredBatch, events: readonly LogEntry[]): void {
    const where = { batch: batch.batch };
    const { firstSeq, n } = batch;
    if (batch.batch !== this.#nextBatch) this.#fault('a batch is missing before this one', where);
    if (firstSeq !== this.#seq) this.#fault('the batch does not begin where the one before ended', where);
    if (batch.treeSize !== firstSeq + n) this.#fault('the size of the tree is not that of the batch', where);
    if (!batch.prevHead.equals(this.#head)) this.#fault('does not follow the head before', where);
    if (batch.month < this.#month) this.#fault('the month is before that of the batch before', where);
    const leaves = this.#leaves(batch, events);
    const root = leaves.length === 0 ? undefined : merkleRoot(leaves);
    if (root === undefined || !root.equals(batch.root))
      this.#fault('the root is not that of its events', where);
    // what is stored is followed here, so that one altered batch is one fault and not one for every later batch
    const head = batchHead({ ...batch, shard: this.#shard });
    if (!head.equals(batch.head)) this.#fault('the head is not that of the batch', where);
    for (const leaf of leaves) this.#frontier.add(leaf);
    this.#head = batch.head;
    this.#seq = firstSeq + n;
    this.#nextBatch = batch.batch + 1;
    this.#month = batch.month;
    this.#meetAssertions();
  }

  /** An event that no batch holds. */
  stray(event: LogEntry): void {
    this.#fault('the event belongs to no batch', { seq: event.seq });
  }

  /** After the last batch. */
  end(): void {
    const missed = this.#assertions[this.#next];
    if (missed === undefined) return;
    this.#fault(`the log ends at ${this.#seq} of ${missed.size} events: its end was cut off`, {
      checkpoint: missed.checkpoint,
      batch: this.#nextBatch,
    });
  }

  #leaves(batch: StoredBatch, events: readonly LogEntry[]): readonly Buffer[] {
    const leaves: Buffer[] = [];
    let expected = batch.firstSeq;
    for (const event of events) {
      const where = { batch: batch.batch, seq: event.seq };
      if (event.seq > expected)
        this.#fault(`${event.seq - expected} events are missing before this one`, where);
      if (event.seq < expected) this.#fault('the place is taken twice, or out of order', where);
      if (event.month !== batch.month) this.#fault('the event is not of the month of its batch', where);
      expected = event.seq + 1;
      leaves.push(
        event.retired === true ? this.#retiredLeaf(event, batch.batch) : this.#leaf(event, batch.batch),
      );
    }
    if (expected < batch.firstSeq + batch.n) {
      this.#fault(`${batch.firstSeq + batch.n - expected} events are missing at its end`, {
        batch: batch.batch,
        seq: expected,
      });
    }
    const last = events.at(-1);
    if (last !== undefined && last.retired !== true && last.recorded !== batch.recorded)
      this.#fault('the time is not that of its last event', { batch: batch.batch });
    if (batch.recorded < this.#recorded) this.#fault('time runs backwards', { batch: batch.batch });
    this.#recorded = Math.max(this.#recorded, batch.recorded);
    return leaves;
  }

  #leaf(event: LoggedEvent, batch: number): Buffer {
    const where = { batch, seq: event.seq };
    if (!leafOf(event).equals(event.leaf))
      this.#fault('body, manifest or salt is not what was hashed', where);
    const column = indexFault(event, event.body.toString('utf8'));
    if (column !== undefined) this.#fault(`${column} is not what the event says`, where);
    if (event.recorded < this.#recorded) this.#fault('time runs backwards', where);
    if (monthOf(event.recorded) !== event.month) this.#fault('the month is not that of the event', where);
    this.#recorded = Math.max(this.#recorded, event.recorded);
    // the tree is made of what is stored: an altered body is one fault, at its place
    return event.leaf;
  }

  #retiredLeaf(event: RetiredEvent, batch: number): Buffer {
    if (!this.#retired.holds(this.#shard, event.month))
      this.#fault('the event is gone, and no tombstone says so', { batch, seq: event.seq });
    return event.leaf;
  }

  #meetAssertions(): void {
    for (;;) {
      const assertion = this.#assertions[this.#next];
      if (assertion === undefined || assertion.size > this.#seq) return;
      this.#next += 1;
      this.#meet(assertion);
    }
  }

  #meet({ checkpoint, size, batches, root, head }: Assertion): void {
    if (this.#lost) return;
    const sound =
      size === this.#seq &&
      batches === this.#nextBatch &&
      root === hexHash(this.#frontier.root()) &&
      head === hexHash(this.#head);
    if (sound) {
      this.#agreed = this.#nextBatch;
      return;
    }
    this.#lost = true;
    this.#fault(`the batches from here to ${this.#nextBatch - 1} are not those that were signed`, {
      checkpoint,
      batch: this.#agreed,
    });
  }

  #fault(what: string, where: Omit<Fault, 'what' | 'shard'>): void {
    this.#faults.add(what, { shard: this.#shard, ...where });
  }
}

/** Which months of which shards a believed tombstone covers. */
export interface RetiredLeaves {
  holds(shard: number, month: string): boolean;
}

function monthOf(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 7)}-01`;
}

/** Hash of an event as it is stored (`merkle.ts`), whatever the length of its salt. */
function leafOf({ salt, body, manifest }: LoggedEvent): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(body.length);
  return hash('sha256', Buffer.concat([LEAF, salt, length, body, manifest]), 'buffer');
}
