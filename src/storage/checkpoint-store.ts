import type pg from 'pg';
import type { StoredBatch, StoredCheckpoint } from '../audit/log-reader.ts';
import { HASH_LENGTH } from '../audit/merkle.ts';
import { storedBatch, storedCheckpoint } from './audit-log-reader.ts';
import { type DatabaseAddress, newClient } from './database.ts';

/** As in `audit-writer.ts`; the second key is no shard's. */
const AUDIT_LOCKS = 7_236_915;
const CHECKPOINT_LOCK = -2;
/** Milliseconds that another process may take for its turn. */
const TURN_WAIT = 20_000;
/** Milliseconds for a turn: the first one seals whatever there is. A line that fell silent ends with it. */
const TURN_LIMIT = 600_000;
/** Batches and events that are read at a time: hashing them holds nobody up for more than a few milliseconds. */
const BATCHES = 200;
const EVENTS = 2_000;
const CHECKPOINTS = 1_000;

export interface SealedBatch {
  readonly batch: StoredBatch;
  /** hashes of its events, each joined to the one before */
  readonly leaves: Buffer;
}

/** Checkpoints as the journal's login reads and writes them; one process at a time has its turn. */
export class CheckpointStore {
  readonly #address: DatabaseAddress;

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  /** @throws Error when the database is away, or another process does not end its turn */
  async turn<T>(work: (session: CheckpointSession) => Promise<T>): Promise<T> {
    const client = newClient(this.#address, 'mcr_journal', false);
    client.on('error', () => {});
    await client.connect();
    const late = setTimeout(() => client.connection.stream.destroy(), TURN_LIMIT);
    try {
      await client.query(`set lock_timeout = ${TURN_WAIT}`);
      await client.query(`select pg_advisory_lock(${AUDIT_LOCKS}, ${CHECKPOINT_LOCK})`);
      return await work(new CheckpointSession(client));
    } finally {
      clearTimeout(late);
      await client.end().catch(() => {});
    }
  }
}

export class CheckpointSession {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async last(): Promise<StoredCheckpoint | undefined> {
    const [row] = await this.#rows(`${CHECKPOINT} order by no desc limit 1`);
    return row === undefined ? undefined : storedCheckpoint(row);
  }

  async one(no: number): Promise<StoredCheckpoint | undefined> {
    const [row] = await this.#rows(`${CHECKPOINT} where no = $1`, [no]);
    return row === undefined ? undefined : storedCheckpoint(row);
  }

  /** Those after a number, ascending, in pieces. */
  async *after(no: number): AsyncGenerator<readonly StoredCheckpoint[]> {
    for (let next = no; ; ) {
      const rows = await this.#rows(`${CHECKPOINT} where no > $1 order by no limit ${CHECKPOINTS}`, [next]);
      const found = rows.map(storedCheckpoint);
      if (found.length > 0) yield found;
      const last = found.at(-1);
      if (last === undefined || found.length < CHECKPOINTS) return;
      next = last.no;
    }
  }

  /** The key of the table is the fence: of two that were signed, one is. */
  async add(no: number, time: number, jws: string, frontiers: Buffer): Promise<void> {
    await this.#rows('insert into audit.checkpoint (no, recorded, jws, frontiers) values ($1, $2, $3, $4)', [
      no,
      new Date(time).toISOString(),
      jws,
      frontiers,
    ]);
  }

  /** Shards, each with the number of its batches. */
  async shards(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#rows('select shard, max(batch) + 1 from audit.batch group by shard');
    return new Map(rows.map(([shard, batches]) => [Number(shard), Number(batches)]));
  }

  /** Batches of a shard from a number on, with the hashes of their events, in pieces. */
  async *batches(shard: number, from: number): AsyncGenerator<readonly SealedBatch[]> {
    for (let next = from; ; ) {
      const rows = await this.#rows(
        `${BATCH} where shard = $1 and batch >= $2 order by batch limit ${BATCHES}`,
        [shard, next],
      );
      const found = rows.map((row) => storedBatch(shard, row));
      for (const run of runs(found)) yield await this.#withLeaves(run);
      const last = found.at(-1);
      if (last === undefined || found.length < BATCHES) return;
      next = last.batch + 1;
    }
  }

  /** @param run batches of one shard and month that follow each other */
  async #withLeaves(run: readonly StoredBatch[]): Promise<readonly SealedBatch[]> {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return [];
    const [row] = await this.#rows(
      `select string_agg(leaf, ''::bytea order by seq) from audit.event
       where month = $1::date and shard = $2 and seq >= $3 and seq < $4`,
      [first.month, first.shard, first.firstSeq, last.firstSeq + last.n],
    );
    const all = Buffer.isBuffer(row?.[0]) ? row[0] : Buffer.alloc(0);
    let offset = 0;
    return run.map((batch) => {
      const leaves = all.subarray(offset, offset + batch.n * HASH_LENGTH);
      offset += batch.n * HASH_LENGTH;
      return { batch, leaves };
    });
  }

  async #rows(text: string, values: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> {
    const { rows } = await this.#client.query<unknown[]>({ text, values: [...values], rowMode: 'array' });
    return rows;
  }
}

const CHECKPOINT = 'select no, extract(epoch from recorded) * 1000, jws, frontiers from audit.checkpoint';
const BATCH = `select batch, month::text, first_seq, n, root, prev_head, head, tree_size,
  extract(epoch from recorded) * 1000 from audit.batch`;

/** Batches one after the other, of one month, and of so many events that they can be taken together. */
function runs(batches: readonly StoredBatch[]): readonly (readonly StoredBatch[])[] {
  const found: StoredBatch[][] = [];
  let [events, month] = [0, ''];
  for (const batch of batches) {
    const run = found.at(-1);
    if (run === undefined || month !== batch.month || events + batch.n > EVENTS) {
      found.push([batch]);
      events = 0;
    } else run.push(batch);
    events += batch.n;
    month = batch.month;
  }
  return found;
}
