import type pg from 'pg';
import type { Batch, BatchOutcome, BatchWriter, Found, InDoubt, Position, Resumed } from '../audit/batch.ts';
import { NO_HEAD } from '../audit/batch.ts';
import type { DatabaseAddress } from './database.ts';
import { newClient } from './database.ts';
import { batchValues, WRITE_BATCH } from './write-audit-batch.ts';

/** Writers there can be at a time, each with a shard of its own. */
export const SHARDS = 64;
/** First key of the advisory locks on shards; the second is the shard. */
const SHARD_LOCKS = 7_236_915;

/** The server gives up a batch after this many milliseconds, this side a little later. */
const SERVER_WAIT = 2000;
const CLIENT_WAIT = 2500;
/** Milliseconds to wait for the shard whose batch is in doubt: its old session may still be ending. */
const DOUBT_WAIT = 1000;
/** Milliseconds for everything that resuming asks the database. */
const RESUME_WAIT = 5000;

const UNIQUE_VIOLATION = '23505';
const LOCK_NOT_AVAILABLE = '55P03';

/** Settings under which an answer to COMMIT means that the data is on disk. */
const DURABLE_COMMITS: ReadonlySet<unknown> = new Set(['on', 'remote_apply']);

/** The audit log's own connection: one statement per batch, fenced by the primary key of `audit.batch`. */
export class AuditWriter implements BatchWriter {
  readonly #address: DatabaseAddress;
  #session: Session | undefined;
  /** shards that somebody else wrote to while we held their lock: the lock means nothing there (a pooler, a failover) */
  readonly #contested = new Set<number>();

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  async resume(inDoubt?: InDoubt): Promise<Resumed> {
    this.#drop();
    const session = await openSession(this.#address);
    this.#session = session;
    try {
      return await within(RESUME_WAIT, this.#join(session.client, inDoubt));
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  async write(batch: Batch): Promise<BatchOutcome> {
    const session = this.#session;
    if (session === undefined || session.lost) {
      return { outcome: 'not-written', cause: new Error('There was no connection to send it on.') };
    }
    try {
      session.notices.length = 0;
      const query = { ...WRITE_BATCH, values: batchValues(batch), rowMode: 'array' as const };
      const { rows } = await within(CLIENT_WAIT, session.client.query<unknown[]>(query));
      const [batches, events, commits, fsync] = rows[0] ?? [];
      // a cancelled wait for a standby is told by a warning only, and answers success
      const [notice] = session.notices;
      if (notice !== undefined) throw new Error(`The database warned: ${notice}`);
      if (Number(batches) === 0) return this.#fenced(batch, new Error('The shard has moved on.'));
      if (Number(events) !== batch.events.length) throw new Error('Not all events were written.');
      if (!isDurable(commits, fsync)) throw new Error(NOT_DURABLE);
      return { outcome: 'committed' };
    } catch (cause) {
      return codeOf(cause) === UNIQUE_VIOLATION ? this.#fenced(batch, cause) : { outcome: 'unknown', cause };
    }
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined && !session.lost) {
      await within(CLIENT_WAIT, session.client.end()).catch(() => {});
    }
  }

  async #join(client: pg.Client, inDoubt: InDoubt | undefined): Promise<Resumed> {
    await client.query(`set statement_timeout = ${SERVER_WAIT}`);
    const settings = `select current_setting('synchronous_commit'), current_setting('fsync')`;
    const [commits, fsync] = await one(client, settings);
    if (!isDurable(commits, fsync)) throw new Error(NOT_DURABLE);
    const shard = await this.#takeShard(client, inDoubt);
    const position = await readPosition(client, shard);
    if (inDoubt === undefined) return { position };
    return { position, found: await find(client, inDoubt, shard) };
  }

  #fenced(batch: Batch, cause: unknown): BatchOutcome {
    this.#contested.add(batch.shard);
    return { outcome: 'not-written', cause };
  }

  /** Ends the old session without waiting: a dead network would never answer. */
  #drop(): void {
    this.#session?.client.end().catch(() => {});
    this.#session = undefined;
  }

  async #takeShard(client: pg.Client, inDoubt: InDoubt | undefined): Promise<number> {
    if (inDoubt !== undefined && !this.#contested.has(inDoubt.shard)) {
      if (await waitForShard(client, inDoubt.shard)) return inDoubt.shard;
    }
    const all = Array.from({ length: SHARDS }, (_, shard) => shard);
    const calm = all.filter((shard) => !this.#contested.has(shard));
    for (const shard of [...calm, ...this.#contested]) {
      const [taken] = await one(client, `select pg_try_advisory_lock(${SHARD_LOCKS}, ${shard})`);
      if (taken === true) return shard;
    }
    throw new Error('Every shard of the audit log is taken.');
  }
}

interface Session {
  readonly client: pg.Client;
  readonly notices: string[];
  lost: boolean;
}

const NOT_DURABLE =
  'The database may lose what it commits: synchronous_commit must be on or remote_apply, and fsync on.';

async function openSession(address: DatabaseAddress): Promise<Session> {
  const client = newClient(address, 'mcr_journal', false);
  const session: Session = { client, notices: [], lost: false };
  const lose = (): void => {
    session.lost = true;
  };
  client.on('error', lose);
  client.on('end', lose);
  client.on('notice', (notice) => session.notices.push(notice.message ?? 'something'));
  await client.connect();
  return session;
}

/** The session that sent the batch in doubt must be gone before its shard can be had again. */
async function waitForShard(client: pg.Client, shard: number): Promise<boolean> {
  await client.query(`set lock_timeout = ${DOUBT_WAIT}`);
  try {
    await client.query(`select pg_advisory_lock(${SHARD_LOCKS}, ${shard})`);
    return true;
  } catch (error) {
    if (codeOf(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  } finally {
    await client.query('set lock_timeout = 0').catch(() => {});
  }
}

async function readPosition(client: pg.Client, shard: number): Promise<Position> {
  const [batch, head, size, recorded] = await one(
    client,
    `select batch, head, tree_size, (extract(epoch from recorded) * 1000)::bigint
     from audit.batch where shard = ${shard} order by batch desc limit 1`,
  );
  if (!Buffer.isBuffer(head)) return { shard, nextBatch: 0, nextSeq: 0, head: NO_HEAD, recorded: 0 };
  return { shard, nextBatch: Number(batch) + 1, nextSeq: Number(size), head, recorded: Number(recorded) };
}

async function find(client: pg.Client, inDoubt: InDoubt, shardHeld: number): Promise<Found> {
  const [written] = await one(client, 'select true from audit.batch where batch_uuid = $1', [inDoubt.uuid]);
  if (written === true) return 'written';
  return shardHeld === inDoubt.shard ? 'not-written' : 'undetermined';
}

function isDurable(commits: unknown, fsync: unknown): boolean {
  return DURABLE_COMMITS.has(commits) && fsync === 'on';
}

/** The first row, or an empty one. */
async function one(client: pg.Client, text: string, values: unknown[] = []): Promise<readonly unknown[]> {
  const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
  return rows[0] ?? [];
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The database did not answer in time.')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
