import type { Client } from 'pg';
import type { ContributionVerdict } from '../identity/contribution.ts';
import type { Demographics } from '../identity/demographics.ts';
import type {
  HeldLoad,
  LastPublished,
  LoadResult,
  LoadSession,
  LoadSource,
  LoadStart,
  LoadStore,
  RowWriter,
} from '../loads/ports.ts';
import type { Contribution } from '../loads/records.ts';
import type { Database } from './database.ts';
import { StoredConsents } from './loads/consents.ts';
import { BinaryCopy } from './loads/copy.ts';
import { heldLoad, settleHeld } from './loads/held.ts';
import { StoredPatients } from './loads/patients.ts';
import { publishLoad } from './loads/publish.ts';
import { StoredResources } from './loads/resources.ts';
import { undoLoad } from './loads/undo.ts';
import { inTransaction, run, WORKING_TABLES, type Work } from './loads/work.ts';
import { SOURCE_LOCK } from './source-lock.ts';

/** Room for working tables; coarse statistics of them are enough, and fine ones cost more than what they save. */
const SESSION = `set temp_buffers = '64MB'; set work_mem = '64MB'; set default_statistics_target = 10;
  set client_min_messages = warning`;
const KEY_FACT = 'resource-id-key';

/** Loads into PostgreSQL, each on a connection of its own that holds its source's lock. */
export class PostgresLoadStore implements LoadStore {
  readonly #database: Database;
  readonly #patience: number;

  /** @param patience milliseconds to wait for another load of the same source */
  constructor(database: Database, patience = 30_000) {
    this.#database = database;
    this.#patience = patience;
  }

  async open(source: LoadSource, keyFingerprint: string): Promise<LoadSession> {
    const client = await this.#database.connect();
    try {
      await this.#lock(client, source);
      await register(client, source, keyFingerprint);
      const undone = await undoUnfinished(client, source);
      const [newest] = await run<{ p: string }>(
        { client },
        'select coalesce(max(p), 0) as p from record.publication',
      );
      const work: Work = { client, source, horizon: Number(newest?.p), loadNo: 0, kind: 'full' };
      return new PostgresLoadSession(work, undone, () => this.#reopen(source));
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  }

  async #reopen(source: LoadSource): Promise<Client> {
    const client = await this.#database.connect();
    try {
      await this.#lock(client, source);
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  }

  async #lock(client: Client, source: LoadSource): Promise<void> {
    // a killed process may leave a statement running: its lock goes with the statement's end
    await client.query(`set lock_timeout = ${this.#patience}`);
    await client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, source.number]);
    await client.query('set lock_timeout = 0');
    await client.query(SESSION);
  }
}

class PostgresLoadSession implements LoadSession {
  readonly undone: readonly number[];
  readonly horizon: number;
  readonly patients: StoredPatients;
  readonly consents: StoredConsents;
  readonly resources: StoredResources;
  readonly #work: Work;
  readonly #reopen: () => Promise<Client>;

  constructor(work: Work, undone: readonly number[], reopen: () => Promise<Client>) {
    this.#work = work;
    this.undone = undone;
    this.horizon = work.horizon;
    this.patients = new StoredPatients(work);
    this.consents = new StoredConsents(work);
    this.resources = new StoredResources(work);
    this.#reopen = reopen;
  }

  async lastPublished(): Promise<LastPublished | undefined> {
    const [row] = await run<LastRow>(
      this.#work,
      `select load_no, sequence, business_date::text, file_types from record.load
       where source = $1 and state = 'published' order by load_no desc limit 1`,
      [this.#work.source.number],
    );
    if (row === undefined) return undefined;
    const { load_no: loadNo, sequence, business_date: businessDate, file_types: fileTypes } = row;
    return { loadNo: Number(loadNo), sequence: Number(sequence), businessDate, fileTypes };
  }

  held(loadNo: number): Promise<HeldLoad | undefined> {
    return heldLoad(this.#work, loadNo);
  }

  async publishedAs(manifestHash: Buffer): Promise<number | undefined> {
    const [row] = await run<{ load_no: string }>(
      this.#work,
      `select load_no from record.load where source = $1 and manifest_hash = $2 and state = 'published'`,
      [this.#work.source.number, manifestHash],
    );
    return row === undefined ? undefined : Number(row.load_no);
  }

  async begin(start: LoadStart): Promise<number> {
    const [row] = await run<{ load_no: string }>(
      this.#work,
      `insert into record.load (source, business_date, sequence, kind, format, manifest_hash, state, started_at, file_types,
         releases)
       values ($1, $2, $3, $9, $4, $5, 'running', $6, $7, $8) returning load_no`,
      [
        this.#work.source.number,
        start.businessDate,
        start.sequence,
        start.format,
        start.manifestHash,
        new Date(start.startedAt).toISOString(),
        start.fileTypes,
        start.releases ?? null,
        start.kind,
      ],
    );
    this.#work.kind = start.kind;
    this.#work.loadNo = Number(row?.load_no);
    await this.#work.client.query(WORKING_TABLES);
    return this.#work.loadNo;
  }

  async rows(): Promise<RowWriter> {
    return new CopiedRows(new BinaryCopy(this.#work.client, 'load_row'));
  }

  publish(
    judge: (contribution: Contribution) => ContributionVerdict,
    agrees: (established: Demographics, candidate: Demographics) => boolean,
    certificate: (publication: number) => string,
  ): Promise<number> {
    return publishLoad(this.#work, judge, agrees, certificate);
  }

  async abandon(state: Exclude<LoadResult, 'published'>, certificate: string): Promise<number | undefined> {
    const { loadNo } = this.#work;
    // whatever happened to the connection, nothing of it is relied on: its working tables and lock go with it
    await this.close();
    const client = await this.#reopen();
    try {
      // published loads are not taken back, whatever else is left of them
      const [published] = await run<{ p: string }>(
        { client },
        'select p from record.publication where load_no = $1',
        [loadNo],
      );
      if (published !== undefined) return Number(published.p);
      await undoLoad({ client }, loadNo);
      await inTransaction({ client }, async () => {
        await run(
          { client },
          `update record.load set state = $2, finished_at = clock_timestamp(), certificate = $3
           where load_no = $1 and state = 'running'`,
          [loadNo, state, certificate],
        );
        await settleHeld({ client }, loadNo);
      });
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#work.client.end().catch(() => {});
  }
}

interface LastRow {
  readonly load_no: string;
  readonly sequence: string;
  readonly business_date: string;
  readonly file_types: readonly string[];
  readonly [column: string]: unknown;
}

class CopiedRows implements RowWriter {
  readonly #copy: BinaryCopy;

  constructor(copy: BinaryCopy) {
    this.#copy = copy;
  }

  write(file: number, line: number, start: number, length: number, hash: Buffer, localId?: string): void {
    this.#copy.row(6);
    this.#copy.int16(file);
    this.#copy.int32(line);
    this.#copy.int64(start);
    this.#copy.int32(length);
    this.#copy.bytes(hash);
    if (localId === undefined) this.#copy.null();
    else this.#copy.text(localId);
  }

  flush(): Promise<void> {
    return this.#copy.flush();
  }

  end(): Promise<void> {
    return this.#copy.end();
  }
}

/** @throws Error when the database was made with another key, or knows the source's number or code otherwise */
async function register(client: Client, source: LoadSource, keyFingerprint: string): Promise<void> {
  await run(
    { client },
    'insert into record.installation (name, value) values ($1, $2) on conflict do nothing',
    [KEY_FACT, keyFingerprint],
  );
  const [key] = await run<{ value: string }>(
    { client },
    'select value from record.installation where name = $1',
    [KEY_FACT],
  );
  if (key?.value !== keyFingerprint) {
    throw new Error(
      'This database was made with another key for resource ids: loading would double every resource.',
    );
  }
  const { number, code } = source;
  await run({ client }, 'insert into record.source (number, code) values ($1, $2) on conflict do nothing', [
    number,
    code,
  ]);
  const known = await run<{ number: number; code: string }>(
    { client },
    'select number, code from record.source where number = $1 or code = $2',
    [number, code],
  );
  if (known.length !== 1 || known[0]?.number !== number || known[0].code !== code) {
    throw new Error(`The database knows source number ${number} or code ${code} otherwise.`);
  }
}

/** Takes back what crashed loads of the source have left, and forgets the way back of published ones. */
async function undoUnfinished(client: Client, source: LoadSource): Promise<readonly number[]> {
  const rows = await run<{ load_no: string }>(
    { client },
    `select load_no from record.load where source = $1 and state = 'running' order by load_no desc`,
    [source.number],
  );
  const unfinished = rows.map((row) => Number(row.load_no));
  for (const loadNo of unfinished) {
    await undoLoad({ client }, loadNo);
    await run(
      { client },
      `update record.load set state = 'undone', finished_at = clock_timestamp() where load_no = $1`,
      [loadNo],
    );
  }
  await run(
    { client },
    `delete from record.load_change c using record.load l
     where l.load_no = c.load_no and l.source = $1 and l.state <> 'running'`,
    [source.number],
  );
  return unfinished;
}
