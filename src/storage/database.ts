import pg from 'pg';

/** A statement with a name is prepared once a connection, then only bound; one without is planned for its values. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** Where the database is, and as which of our roles a connection acts (see the migrations). */
export interface DatabaseAddress {
  /** `postgres://` URL of the login */
  readonly url: string;
}

export type DatabaseRole = 'mcr_record' | 'mcr_journal' | 'mcr_auditor' | 'mcr_retention';

/** Reads over a few pipelined connections: statements are sent without waiting for the answers before them. */
export class Database {
  readonly #address: DatabaseAddress;
  readonly #role: DatabaseRole;
  readonly #lanes: Lane[];
  #closed = false;

  constructor(address: DatabaseAddress, role: DatabaseRole, connections = 3) {
    this.#address = address;
    this.#role = role;
    this.#lanes = Array.from({ length: connections }, () => ({ waiting: 0 }));
  }

  /**
   * One statement outside any transaction. Rows come as arrays in the order of the select list.
   * A lost connection fails the statements on it; the next statement connects again.
   */
  async read(statement: Statement, values: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
    if (this.#closed) throw new Error('The database is closed.');
    const lane = this.#lanes.reduce((a, b) => (b.waiting < a.waiting ? b : a));
    lane.waiting += 1;
    try {
      const client = await this.#connected(lane);
      together(client);
      const result = await client.query({ ...statement, values: values as unknown[], rowMode: 'array' });
      return result.rows;
    } finally {
      lane.waiting -= 1;
    }
  }

  /** One statement that changes something, outside any transaction. */
  async write(statement: Statement, values: readonly unknown[]): Promise<void> {
    await this.read(statement, values);
  }

  /** A connection of one's own (COPY, transactions, locks). The caller ends it. */
  async connect(): Promise<pg.Client> {
    const client = newClient(this.#address, this.#role, false);
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      this.#lanes.map(async (lane) => {
        const client = await lane.client?.catch(() => undefined);
        await client?.end();
      }),
    );
  }

  #connected(lane: Lane): Promise<pg.Client> {
    lane.client ??= this.#open(lane);
    return lane.client;
  }

  async #open(lane: Lane): Promise<pg.Client> {
    const client = newClient(this.#address, this.#role, true);
    const forget = (): void => {
      delete lane.client;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/**
 * What is asked in one turn of the event loop goes to the server in one write: on a busy service a system call a
 * statement costs more than the statement's own work here. Nothing waits longer than the turn.
 */
function together(client: pg.Client): void {
  const { stream } = client.connection;
  if (stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}

interface Lane {
  client?: Promise<pg.Client>;
  waiting: number;
}

/** A client that acts as one of our roles, with a bound on every statement. bigint and dates stay text. */
export function newClient(address: DatabaseAddress, role: DatabaseRole, pipeline: boolean): pg.Client {
  // the statements read are few and find by key: planning each anew would cost more than running it; searches of the
  // audit log are rare and large, and how they are read follows from what they ask
  const generic = pipeline && role !== 'mcr_auditor';
  const plans = generic ? ' -c plan_cache_mode=force_generic_plan' : '';
  return new pg.Client({
    connectionString: address.url,
    options: `-c role=${role} -c timezone=UTC -c jit=off${plans}`,
    application_name: `my-care-record ${role}`,
    connectionTimeoutMillis: 3000,
    ...(pipeline ? { statement_timeout: 10_000, query_timeout: 12_000 } : {}),
    pipeline,
  });
}
