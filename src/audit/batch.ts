import { hash } from 'node:crypto';
import type { IndexColumns } from './index-columns.ts';
import { HASH_LENGTH, merkleRoot } from './merkle.ts';
import type { OccurrenceKind } from './occurrence.ts';

/** An event as it is stored: exact bytes, their leaf, and the values it is found by. */
export interface SealedEvent extends IndexColumns {
  readonly kind: OccurrenceKind;
  /** UUID: who was counted anew against the limits of people asked for */
  readonly asked?: string;
  /** canonical JSON, UTF-8 */
  readonly body: Buffer;
  readonly salt: Buffer;
  readonly leaf: Buffer;
  readonly manifest: Buffer;
}

/** Where the log of a shard stands: what the next batch continues. */
export interface Position {
  readonly shard: number;
  readonly nextBatch: number;
  /** also the number of events so far */
  readonly nextSeq: number;
  readonly head: Buffer;
  /** of the last event, milliseconds since the epoch; 0 where there is none */
  readonly recorded: number;
}

/** One group commit: all of it is written, or nothing. Its events lie in one month (UTC). */
export interface Batch {
  readonly shard: number;
  readonly batch: number;
  /** UUID: whether a batch in doubt was written is looked up by it */
  readonly uuid: string;
  /** first day of the month, `YYYY-MM-DD` */
  readonly month: string;
  readonly firstSeq: number;
  readonly events: readonly SealedEvent[];
  readonly root: Buffer;
  readonly prevHead: Buffer;
  readonly head: Buffer;
  readonly recorded: number;
}

/** Head of a shard that has no batch yet. */
export const NO_HEAD = Buffer.alloc(HASH_LENGTH);

/** The batch that continues a shard's log with these events, oldest first, at least one. */
export function chain(position: Position, uuid: string, events: readonly SealedEvent[]): Batch {
  const last = events[events.length - 1];
  if (last === undefined) throw new RangeError('A batch has at least one event.');
  const root = merkleRoot(events.map((event) => event.leaf));
  const link = { shard: position.shard, batch: position.nextBatch, firstSeq: position.nextSeq };
  return {
    ...link,
    uuid,
    month: `${new Date(last.recorded).toISOString().slice(0, 7)}-01`,
    events,
    root,
    prevHead: position.head,
    head: batchHead({ ...link, n: events.length, root, prevHead: position.head }),
    recorded: last.recorded,
  };
}

/** Where the log stands after a batch. */
export function after(batch: Batch): Position {
  return {
    shard: batch.shard,
    nextBatch: batch.batch + 1,
    nextSeq: batch.firstSeq + batch.events.length,
    head: batch.head,
    recorded: batch.recorded,
  };
}

/** What the head of a batch covers beside all batches before it. */
export interface Link {
  readonly shard: number;
  readonly batch: number;
  readonly firstSeq: number;
  readonly n: number;
  readonly root: Uint8Array;
  readonly prevHead: Uint8Array;
}

/** SHA-256(`v1` ‖ head before ‖ root ‖ `shard:batch:firstSeq:n`), the texts in ASCII, the numbers decimal. */
export function batchHead(link: Link): Buffer {
  const place = `${link.shard}:${link.batch}:${link.firstSeq}:${link.n}`;
  return hash(
    'sha256',
    Buffer.concat([Buffer.from('v1'), link.prevHead, link.root, Buffer.from(place)]),
    'buffer',
  );
}

/**
 * What became of a batch. `unknown` whenever it cannot be told: only an answer to the statement itself, with durable
 * settings and without a warning, is `committed`; only a batch that was surely never part of the log is `not-written`.
 */
export type BatchOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'not-written' | 'unknown'; readonly cause: unknown };

/** A batch in doubt, and what was found of it once the session that sent it was gone. */
export interface InDoubt {
  readonly shard: number;
  readonly uuid: string;
}
export type Found = 'written' | 'not-written' | 'undetermined';

export interface Resumed {
  readonly position: Position;
  /** present when a batch in doubt was asked about */
  readonly found?: Found;
}

/** Durable storage of batches, implemented by `storage/`. */
export interface BatchWriter {
  /**
   * Drops the connection there may be, takes a free shard (the one in doubt if it can be had soon) and reads where its
   * log stands.
   *
   * @throws Error when the database is away, does not keep what it commits, or has no free shard
   */
  resume(inDoubt?: InDoubt): Promise<Resumed>;
  /** One statement. Settles within a bound of its own and never rejects. After anything but `committed`: resume. */
  write(batch: Batch): Promise<BatchOutcome>;
  /** Gives the shard back and closes the connection. */
  release(): Promise<void>;
}
