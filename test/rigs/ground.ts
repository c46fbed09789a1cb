import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedCluster, startEmbedded } from '../../src/storage/embedded.ts';
import { migrate } from '../../src/storage/migrate.ts';

/** A cluster and a folder of a rig's own, and databases that are copies of one that has been migrated. */
export class Ground {
  readonly folder: string;
  #cluster: EmbeddedCluster;

  private constructor(folder: string, cluster: EmbeddedCluster) {
    this.folder = folder;
    this.#cluster = cluster;
  }

  static async make(): Promise<Ground> {
    const folder = mkdtempSync(join(tmpdir(), 'mcr-rig-'));
    // open to the account of the database, or the cluster would be put elsewhere and left there
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'staging'));
    const ground = new Ground(folder, await started(folder));
    await ground.sql('postgres', 'create database migrated');
    const client = await ground.client('migrated');
    await migrate(client);
    await client.end();
    return ground;
  }

  url(database: string): string {
    return this.#cluster.url(database);
  }

  async client(database: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async sql(database: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const client = await this.client(database);
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async copy(database: string, of: string): Promise<void> {
    await this.sql('postgres', `create database ${database} template ${of}`);
    // of a copied sequence PostgreSQL logs the next value only when a checkpoint lies between: a crash would give it twice
    await this.sql('postgres', 'checkpoint');
  }

  async drop(database: string): Promise<void> {
    await this.sql('postgres', `drop database ${database} with (force)`);
  }

  async postmaster(): Promise<number> {
    const [row] = await this.sql(
      'postgres',
      "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid",
    );
    return Number(row?.['pid']);
  }

  /** After its server was killed: starts it again on the same folder, and it recovers. */
  async restart(): Promise<void> {
    this.#cluster = await started(this.folder);
  }

  async close(): Promise<void> {
    await this.#cluster.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function started(folder: string): Promise<EmbeddedCluster> {
  return startEmbedded({ dataFolder: folder, say: () => {}, settings: { max_connections: '60' } });
}

/** Kills a server and all its processes at once, as a power cut does: none of them writes anything more. */
export function killServer(postmaster: number): void {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === postmaster);
  process.kill(postmaster, 'SIGKILL');
  for (const child of children) {
    try {
      process.kill(Number(child), 'SIGKILL');
    } catch {
      // it ended by itself, for its postmaster is gone
    }
  }
}

function parentOf(pid: string): number {
  try {
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(parent);
  } catch {
    return -1;
  }
}
