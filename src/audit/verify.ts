import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { type Fault, Faults } from './fault.ts';
import { SignatureError } from './jws.ts';
import type { KeyHistory } from './key-history.ts';
import type { LogReader, StoredCheckpoint } from './log-reader.ts';
import { frontiersOf } from './log-state.ts';
import { openTombstone, type RetiredShard } from './tombstone.ts';
import { CheckpointVerifier, type Witnessed } from './verify-checkpoints.ts';
import { EventQueue, Receipts, RetiredRuns } from './verify-parts.ts';
import { type Assertion, FROM_THE_BEGINNING, type ShardStart, ShardVerifier } from './verify-shard.ts';

/** Events. */
const PROGRESS_EVERY = 10_000;

/** What is verified, and what it is held against: all of it from outside the database. */
export interface Verification {
  readonly keys: KeyHistory;
  readonly witnessed: AsyncIterable<Witnessed>;
  /** `X-Audit-Receipt` headers that clients kept; not together with `since`, for all of the log is searched */
  readonly receipts?: readonly string[];
  /** a signed checkpoint up to which the log was verified before */
  readonly since?: string;
  /** told how many events have been followed */
  readonly progress?: (events: number) => void;
}

export interface VerifyReport {
  /** `altered`: something is not as it was written. `untold`: nothing outside the log says what it should be */
  readonly result: 'whole' | 'altered' | 'untold';
  readonly events: number;
  readonly batches: number;
  readonly checkpoints: number;
  readonly witnessed: number;
  readonly receipts: number;
  /** events that no checkpoint covers yet */
  readonly uncovered: number;
  readonly lastCheckpoint?: { readonly no: number; readonly time: string };
  /** the first hundred, in the order of the log */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
}

/**
 * Follows the whole log and works all of it out again: order and completeness of events, their leaves and what they are
 * found by, roots and heads of batches, the tree of every shard at every checkpoint, the checkpoints' signatures and
 * chain, and what witnesses and clients hold (audit log design 4.8).
 *
 * @throws Error when the log cannot be read: then nothing can be told. SignatureError where `since` cannot be believed
 */
export async function verifyLog(reader: LogReader, asked: Verification): Promise<VerifyReport> {
  return new LogVerifier(reader, asked).run();
}

class LogVerifier {
  readonly #reader: LogReader;
  readonly #asked: Verification;
  readonly #faults = new Faults();
  readonly #since: Checkpoint | undefined;
  readonly #assertions = new Map<number, Assertion[]>();
  #tombstones: ReadonlyMap<string, RetiredShard> = new Map();
  #start: StoredCheckpoint | undefined;
  #checkpoints = 0;
  #events = 0;
  #batches = 0;
  #covered = 0;
  #told = 0;
  readonly #receipts: Receipts;

  constructor(reader: LogReader, asked: Verification) {
    this.#reader = reader;
    this.#asked = asked;
    if (asked.since !== undefined && (asked.receipts ?? []).length > 0)
      throw new RangeError('Receipts are looked for in the whole log.');
    this.#since = asked.since === undefined ? undefined : openCheckpoint(asked.since.trim(), asked.keys);
    this.#receipts = new Receipts(asked.receipts ?? [], this.#faults);
  }

  async run(): Promise<VerifyReport> {
    const chain = await this.#checkpointChain();
    this.#tombstones = await this.#believedTombstones(chain.last?.log);
    const shards = new Set([...(await this.#reader.shards()), ...this.#assertions.keys()]);
    for (const shard of [...shards].sort((a, b) => a - b)) await this.#shard(shard);
    const witnessed = await chain.compare(this.#asked.witnessed, this.#since?.no);
    this.#receipts.end();
    const { found, count } = this.#faults;
    const untold = chain.last === undefined && this.#events > 0;
    return {
      result: count > 0 ? 'altered' : untold ? 'untold' : 'whole',
      events: this.#events,
      batches: this.#batches,
      checkpoints: this.#checkpoints,
      witnessed,
      receipts: this.#receipts.asked,
      uncovered: this.#events - this.#covered,
      ...(chain.last === undefined ? {} : { lastCheckpoint: { no: chain.last.no, time: chain.last.time } }),
      faults: found,
      faultCount: count,
    };
  }

  async #checkpointChain(): Promise<CheckpointVerifier> {
    const since = this.#since;
    const chain = new CheckpointVerifier(this.#asked.keys, this.#faults, since);
    for await (const stored of this.#reader.checkpoints(since?.no ?? 1)) {
      for (const one of stored) {
        this.#checkpoints += 1;
        if (one.no === since?.no) this.#start = one;
        const checkpoint = chain.add(one);
        for (const state of checkpoint?.shards ?? []) {
          const known = this.#assertions.get(state.shard) ?? [];
          // a shard that nobody wrote to says the same again
          if (known.at(-1)?.size !== state.size) known.push({ ...state, checkpoint: one.no });
          this.#assertions.set(state.shard, known);
        }
      }
    }
    if (since !== undefined && this.#start?.jws !== this.#asked.since?.trim())
      this.#faults.add('it is not in the log as it was given', { checkpoint: since.no });
    return chain;
  }

  async #believedTombstones(log: string | undefined): Promise<ReadonlyMap<string, RetiredShard>> {
    const believed = new Map<string, RetiredShard>();
    for (const { month, jws } of await this.#reader.tombstones()) {
      try {
        const tombstone = openTombstone(jws, this.#asked.keys);
        if (tombstone.month !== month || (log !== undefined && tombstone.log !== log))
          throw new SignatureError('It is of another month or log.');
        for (const shard of tombstone.shards) believed.set(`${shard.shard} ${month}`, shard);
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
        this.#faults.add(`the tombstone of ${month} cannot be believed. ${error.message}`);
      }
    }
    return believed;
  }

  async #shard(shard: number): Promise<void> {
    const start = this.#startOf(shard);
    const assertions = this.#assertions.get(shard) ?? [];
    const retired = { holds: (of: number, month: string) => this.#tombstones.has(`${of} ${month}`) };
    const verifier = new ShardVerifier(shard, start, assertions, retired, this.#faults);
    const leaves = new RetiredRuns(shard, this.#tombstones, this.#faults);
    const began = verifier.size;
    let events: EventQueue | undefined;
    for await (const batches of this.#reader.batches(shard, start.nextBatch)) {
      for (const batch of batches) {
        events ??= new EventQueue(this.#reader.events(shard, batch.firstSeq, batch.month));
        const own = await events.upTo(batch);
        leaves.add(own);
        verifier.batch(batch, own);
        this.#receipts.add(own);
        this.#batches += 1;
        this.#events += own.length;
        this.#tell();
      }
    }
    events ??= new EventQueue(this.#reader.events(shard, began));
    for (const stray of await events.rest()) {
      this.#events += 1;
      verifier.stray(stray);
    }
    verifier.end();
    leaves.end();
    this.#covered += Math.max(0, Math.min(assertions.at(-1)?.size ?? 0, verifier.size) - began);
  }

  #tell(): void {
    if (this.#events - this.#told < PROGRESS_EVERY) return;
    this.#told = this.#events;
    this.#asked.progress?.(this.#events);
  }

  #startOf(shard: number): ShardStart {
    const since = this.#since;
    if (since === undefined || this.#start === undefined) return FROM_THE_BEGINNING();
    const state = since.shards.find((one) => one.shard === shard);
    const frontier = frontiersOf(since, this.#start.frontiers)?.get(shard);
    if (state !== undefined && frontier !== undefined)
      return { nextBatch: state.batches, head: Buffer.from(state.head, 'hex'), frontier };
    return FROM_THE_BEGINNING();
  }
}
