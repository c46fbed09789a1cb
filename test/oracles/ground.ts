import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/storage/embedded.ts';
import { serviceOver, type TestService, testService } from '../support/service.ts';
import { type County, countyOf, plantCounty } from './scenarios.ts';

/*
 * What the oracles stand on: one county, loaded once, and a copy of its database for every run, since a run changes what
 * is stored.
 */

/** Where the county is, for runs of their own. */
export interface Ground {
  readonly folder: string;
  /** the database that copies are made of: nobody may be connected to it */
  readonly template: string;
  /** a superuser's URL of the server */
  readonly server: string;
}

/** What is to be taken down at the end, last made first. */
export class Ends {
  readonly #ends: (() => unknown)[] = [];

  teardown(end: () => unknown): void {
    this.#ends.unshift(end);
  }

  /** All of them, whatever becomes of one. @throws what the first that failed threw */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (const end of this.#ends.splice(0)) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** A superuser's URL of the server that is given, or of one of its own. */
export async function serverOf(ends: Ends): Promise<string> {
  const external = process.env['MCR_TEST_DATABASE_URL'];
  if (external !== undefined) return external;
  const folder = mkdtempSync(join(tmpdir(), 'mcr-oracles-'));
  // open to the account of the database, or the cluster would be put elsewhere and left there
  chmodSync(folder, 0o755);
  const settings = { max_connections: '200' };
  const cluster = await startEmbedded({ dataFolder: folder, say: () => {}, settings });
  ends.teardown(() => rmSync(folder, { recursive: true, force: true }));
  ends.teardown(() => cluster.stop());
  return cluster.url('postgres');
}

/** as many questions as there are */
const QUICK = (configuration: Record<string, unknown>): void => {
  configuration['limits'] = { requestsPerMinute: 1_000_000, peoplePerUserHour: 1_000_000 };
};

/** A county of its own, loaded by the real loader, with what the oracles plant in it. */
export async function loadedCounty(ends: Ends): Promise<County> {
  const service = await testService(ends, { people: 60 }, QUICK);
  const county = await connectedCounty(ends, service);
  await plantCounty(county);
  return county;
}

/** A county laid out once, as a template for the databases of many runs. */
export async function layGround(ends: Ends, server: string): Promise<Ground> {
  const own = new Ends();
  const { service } = await loadedCounty(own);
  const template = `mcr_oracles_${process.pid}`;
  // the folder stays with its keys and its configuration, the connections end, or nothing can be copied
  const { folder, databaseUrl } = service;
  await service.service.close();
  const name = new URL(databaseUrl).pathname.slice(1);
  await onServer(server, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  await onServer(server, `create database ${template} template ${name}`);
  ends.teardown(() => own.end().catch(() => {}));
  ends.teardown(() => onServer(server, `drop database ${template} with (force)`));
  if (!existsSync(folder)) throw new Error('The folder of the county is gone.');
  return { folder, template, server };
}

/** The service over a copy of the ground. */
export async function countyOn(ends: Ends, { folder, template, server }: Ground): Promise<County> {
  const name = `${template}_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await onServer(server, `create database ${name} template ${template}`);
  ends.teardown(() => onServer(server, `drop database ${name} with (force)`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return connectedCounty(ends, await serviceOver(ends, folder, url.href));
}

async function connectedCounty(ends: Ends, service: TestService): Promise<County> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  client.on('error', () => {});
  await client.connect();
  ends.teardown(() => client.end());
  return countyOf(service, client);
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
