import type pg from 'pg';
import type {
  LogEntry,
  LogReader,
  StoredBatch,
  StoredCheckpoint,
  StoredTombstone,
} from '../audit/log-reader.ts';
import { HASH_LENGTH } from '../audit/merkle.ts';
import { readUuid } from '../audit/uuid.ts';
import { type BinaryRow, copyRows } from './copy-binary.ts';
import { type DatabaseAddress, newClient } from './database.ts';

const PAGE = 5_000;
/** Milliseconds from 1970 to 2000, where PostgreSQL's times and days begin. */
const POSTGRES_EPOCH = Date.UTC(2000, 0, 1);
const DAY = 86_400_000;
const FIRST_MONTH = '0001-01-01';

const EVENT_COLUMNS =
  'month, seq, recorded, event_id, person_id, outcome, kind, organisation, client, agent, purpose, request_id, salt, leaf, manifest, body';

/** The whole log of one moment: two connections with one snapshot, one for events and one for everything else. */
export class StoredLog implements LogReader {
  readonly #events: pg.Client;
  readonly #others: pg.Client;

  private constructor(events: pg.Client, others: pg.Client) {
    this.#events = events;
    this.#others = others;
  }

  /**
   * @param address a login that may act as `mcr_auditor`
   * @throws Error when the database cannot be reached or read
   */
  static async open(address: DatabaseAddress): Promise<StoredLog> {
    const clients = [newClient(address, 'mcr_auditor', false), newClient(address, 'mcr_auditor', false)];
    for (const client of clients) client.on('error', () => {});
    const [events, others] = clients as [pg.Client, pg.Client];
    try {
      for (const client of clients) await client.connect();
      await others.query('begin isolation level repeatable read read only');
      const { rows } = await others.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
      await events.query('begin isolation level repeatable read read only');
      await events.query(`set transaction snapshot '${rows[0]?.snapshot ?? ''}'`);
      return new StoredLog(events, others);
    } catch (error) {
      await Promise.allSettled(clients.map((client) => client.end()));
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#events.end(), this.#others.end()]);
  }

  async shards(): Promise<readonly number[]> {
    const { rows } = await this.#others.query<{ shard: number }>(
      `select shard from (select distinct shard from audit.batch union select distinct shard from audit.event
         union select distinct shard from audit.retired_leaves) s order by shard`,
    );
    return rows.map(({ shard }) => shard);
  }

  async *batches(shard: number, from: number): AsyncGenerator<readonly StoredBatch[]> {
    for (let next = from; ; ) {
      const { rows } = await this.#others.query<unknown[]>({
        text: `select batch, month::text, first_seq, n, root, prev_head, head, tree_size,
            extract(epoch from recorded) * 1000
          from audit.batch where shard = $1 and batch >= $2 order by batch limit $3`,
        values: [shard, next, PAGE],
        rowMode: 'array',
      });
      if (rows.length > 0) yield rows.map((row) => storedBatch(shard, row));
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      next = Number(last[0]) + 1;
    }
  }

  async *events(shard: number, fromSeq: number, fromMonth?: string): AsyncGenerator<readonly LogEntry[]> {
    for (const { month, retired } of await this.#months(shard, fromMonth ?? FIRST_MONTH)) {
      // the first place only counts in the first month: what lies in a later one is to be seen whatever its place
      const first = fromMonth === undefined || month === fromMonth ? fromSeq : 0;
      if (retired) yield* this.#retiredLeaves(shard, month, first);
      const query = `select ${EVENT_COLUMNS} from audit.event
        where month = '${month}' and shard = ${shard} and seq >= ${first} order by seq`;
      for await (const rows of copyRows(this.#events, query)) yield rows.map(loggedEvent);
    }
  }

  async *checkpoints(from: number): AsyncGenerator<readonly StoredCheckpoint[]> {
    for (let next = from; ; ) {
      const { rows } = await this.#others.query<unknown[]>({
        text: `select no, extract(epoch from recorded) * 1000, jws, frontiers
          from audit.checkpoint where no >= $1 order by no limit $2`,
        values: [next, PAGE],
        rowMode: 'array',
      });
      if (rows.length > 0) yield rows.map(storedCheckpoint);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      next = Number(last[0]) + 1;
    }
  }

  /** Number of the newest checkpoint; 0 where there is none. */
  async lastCheckpoint(): Promise<number> {
    const { rows } = await this.#others.query<{ no: string | null }>(
      'select max(no) as no from audit.checkpoint',
    );
    return Number(rows[0]?.no ?? 0);
  }

  async tombstones(): Promise<readonly StoredTombstone[]> {
    const { rows } = await this.#others.query<{ month: string; jws: string }>(
      'select month::text as month, jws from audit.tombstone order by audit.tombstone.month',
    );
    return rows;
  }

  /** Where an event is: what its proof is made of; undefined where there is none. */
  async place(eventId: string): Promise<EventPlace | undefined> {
    const { rows } = await this.#others.query<unknown[]>({
      text: 'select shard, seq, salt, manifest from audit.event where event_id = $1::uuid limit 1',
      values: [eventId],
      rowMode: 'array',
    });
    const [shard, seq, salt, manifest] = rows[0] ?? [];
    if (!Buffer.isBuffer(salt) || !Buffer.isBuffer(manifest)) return undefined;
    return { shard: Number(shard), seq: Number(seq), salt, manifest };
  }

  /** Leaf hashes of a shard from its first event on, each joined to the one before, in pieces. */
  async *leaves(shard: number): AsyncGenerator<Buffer> {
    for (const { month, retired } of await this.#months(shard, FIRST_MONTH)) {
      const query = retired
        ? `select leaves from audit.retired_leaves where month = '${month}' and shard = ${shard} order by first_seq`
        : `select leaf from audit.event where month = '${month}' and shard = ${shard} order by seq`;
      for await (const rows of copyRows(this.#events, query))
        yield Buffer.concat(rows.map(([leaves]) => leaves ?? Buffer.alloc(0)));
    }
  }

  /** Leaf hashes of a month that has not been retired, by shard, each joined to the one before. */
  async month(month: string): Promise<readonly MonthOfShard[]> {
    const { rows } = await this.#others.query<{ shard: number; first: string; n: string; leaves: Buffer }>(
      `select shard, min(seq) as first, count(*) as n, string_agg(leaf, ''::bytea order by seq) as leaves
       from audit.event where month = $1::date group by shard order by shard`,
      [month],
    );
    return rows.map(({ shard, first, n, leaves }) => ({
      shard,
      firstSeq: Number(first),
      n: Number(n),
      leaves,
    }));
  }

  async *#retiredLeaves(shard: number, month: string, first: number): AsyncGenerator<readonly LogEntry[]> {
    const query = `select first_seq, leaves from audit.retired_leaves
      where month = '${month}' and shard = ${shard} order by first_seq`;
    for await (const rows of copyRows(this.#events, query)) {
      for (const [firstSeq, leaves] of rows) {
        const from = countOf(firstSeq);
        const all = leaves ?? Buffer.alloc(0);
        const entries = Array.from({ length: all.length / HASH_LENGTH }, (_, i) => ({
          retired: true as const,
          month,
          seq: from + i,
          leaf: all.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
        }));
        yield entries.filter(({ seq }) => seq >= first);
      }
    }
  }

  async #months(shard: number, from: string): Promise<readonly { month: string; retired: boolean }[]> {
    const { rows } = await this.#others.query<{ month: string; retired: boolean }>(
      `select m.month::text as month, bool_or(m.retired) as retired from (
         select distinct month, true as retired from audit.retired_leaves where shard = $1
         union all select distinct month, false from audit.event where shard = $1) m
       where m.month >= $2::date group by m.month order by m.month`,
      [shard, from],
    );
    return rows;
  }
}

export interface MonthOfShard {
  readonly shard: number;
  readonly firstSeq: number;
  readonly n: number;
  readonly leaves: Buffer;
}

export interface EventPlace {
  readonly shard: number;
  readonly seq: number;
  readonly salt: Buffer;
  readonly manifest: Buffer;
}

export function storedBatch(shard: number, row: readonly unknown[]): StoredBatch {
  const [batch, month, firstSeq, n, root, prevHead, head, treeSize, recorded] = row;
  return {
    shard,
    batch: Number(batch),
    month: String(month),
    firstSeq: Number(firstSeq),
    n: Number(n),
    root: bytesOf(root),
    prevHead: bytesOf(prevHead),
    head: bytesOf(head),
    treeSize: Number(treeSize),
    recorded: Number(recorded),
  };
}

export function storedCheckpoint(row: readonly unknown[]): StoredCheckpoint {
  const [no, recorded, jws, frontiers] = row;
  return { no: Number(no), recorded: Number(recorded), jws: String(jws), frontiers: bytesOf(frontiers) };
}

function loggedEvent(row: BinaryRow): LogEntry {
  const [month, seq, recorded, eventId, personId, outcome, kind, organisation, client, agent] = row;
  const [purpose, requestId, salt, leaf, manifest, body] = row.slice(10);
  return {
    month: dayOf(month),
    seq: countOf(seq),
    // with a fraction where somebody wrote one: it is then not the event's time
    recorded: countOf(recorded) / 1000 + POSTGRES_EPOCH,
    eventId: readUuid(bytesOf(eventId), 0),
    outcome: bytesOf(outcome).readInt16BE(0),
    kind: textOf(kind) ?? '',
    requestId: textOf(requestId) ?? '',
    ...(personId ? { personId: readUuid(personId, 0) } : {}),
    ...said('organisation', organisation),
    ...said('client', client),
    ...said('agent', agent),
    ...said('purpose', purpose),
    salt: bytesOf(salt),
    leaf: bytesOf(leaf),
    manifest: bytesOf(manifest),
    body: bytesOf(body),
  };
}

function said<K extends string>(name: K, value: Buffer | null | undefined): { readonly [N in K]?: string } {
  const text = textOf(value);
  return (text === undefined ? {} : { [name]: text }) as { readonly [N in K]?: string };
}

function textOf(value: Buffer | null | undefined): string | undefined {
  return value?.toString('utf8');
}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new Error('The audit log was not read as it is written.');
  return value;
}

function countOf(value: Buffer | null | undefined): number {
  return Number(bytesOf(value).readBigInt64BE(0));
}

function dayOf(value: Buffer | null | undefined): string {
  const days = bytesOf(value).readInt32BE(0);
  return new Date(POSTGRES_EPOCH + days * DAY).toISOString().slice(0, 10);
}
