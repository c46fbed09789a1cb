import type { IndexColumns } from './index-columns.ts';

/**
 * The log as it lies in the database, whole, of one moment. Implemented by `storage/`. What comes is not believed:
 * order is promised, everything else is for the verifier to find out.
 */
export interface LogReader {
  /** shards that have a batch or an event, ascending */
  shards(): Promise<readonly number[]>;
  /** batches of a shard from this number on, ascending, in pieces */
  batches(shard: number, from: number): AsyncIterable<readonly StoredBatch[]>;
  /**
   * Events of a shard by month and place, in pieces; retired ones as their leaf alone. Those from a place on, or, with
   * a month, those from that place of that month on and all of later months.
   */
  events(shard: number, fromSeq: number, fromMonth?: string): AsyncIterable<readonly LogEntry[]>;
  /** from this number on, ascending, in pieces */
  checkpoints(from: number): AsyncIterable<readonly StoredCheckpoint[]>;
  /** signed tombstones of retired months, by month */
  tombstones(): Promise<readonly StoredTombstone[]>;
}

export interface StoredBatch {
  readonly shard: number;
  readonly batch: number;
  /** first day, `YYYY-MM-DD` */
  readonly month: string;
  readonly firstSeq: number;
  readonly n: number;
  readonly root: Buffer;
  readonly prevHead: Buffer;
  readonly head: Buffer;
  readonly treeSize: number;
  /** milliseconds since the epoch */
  readonly recorded: number;
}

export type LogEntry = LoggedEvent | RetiredEvent;

export interface LoggedEvent extends IndexColumns {
  readonly retired?: undefined;
  readonly month: string;
  readonly seq: number;
  readonly salt: Buffer;
  readonly leaf: Buffer;
  readonly manifest: Buffer;
  readonly body: Buffer;
}

/** An event of a month that has been retired: its leaf is kept, so that the tree can still be checked. */
export interface RetiredEvent {
  readonly retired: true;
  readonly month: string;
  readonly seq: number;
  readonly leaf: Buffer;
}

export interface StoredCheckpoint {
  readonly no: number;
  /** milliseconds since the epoch */
  readonly recorded: number;
  readonly jws: string;
  /** peaks of every shard, in the order of the checkpoint's shards */
  readonly frontiers: Buffer;
}

export interface StoredTombstone {
  readonly month: string;
  readonly jws: string;
}
