import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { DatabaseAddress } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { repositoryRoot } from './root.ts';

/** What has an end, at which what was made for it is taken down: a test, or a check of its own. */
export interface Ending {
  teardown(end: () => unknown): void;
}

/** A migrated database of a test's own, and a connection to it that may do everything. */
export interface TestDatabase {
  /** a superuser's login */
  readonly address: DatabaseAddress;
  readonly admin: pg.Client;
}

/** Any number: test files that start together make the template one after the other. */
const TEMPLATE_LOCK = 7_236_916;

/**
 * A fresh, migrated database, dropped when the test ends. The server is the one at `MCR_TEST_DATABASE_URL` (a
 * superuser's URL, set by the test runner). Migrations run once for each version of them, into a template.
 *
 * @param from the database it is a copy of; absent: of an empty one
 */
export async function testDatabase(t: Ending, from?: string): Promise<TestDatabase> {
  const server = process.env['MCR_TEST_DATABASE_URL'];
  if (!server) throw new Error('MCR_TEST_DATABASE_URL is not set: run the tests through `npm test`.');
  const maintenance = await connected(server);
  const name = `mcr_test_${randomBytes(6).toString('hex')}`;
  try {
    const template = from ?? (await madeTemplate(maintenance, server));
    await maintenance.query(`create database ${name} template ${template}`);
  } finally {
    await maintenance.end();
  }
  const url = urlOf(server, name);
  const admin = await connected(url);
  t.teardown(async () => {
    await admin.end();
    const last = await connected(server);
    await last.query(`drop database ${name} with (force)`);
    await last.end();
  });
  return { address: { url }, admin };
}

/** Ends whatever connections there still are: only what nobody is connected to can be copied. */
export async function closeConnections(database: string): Promise<void> {
  const client = await connected(process.env['MCR_TEST_DATABASE_URL'] ?? '');
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  await client.end();
}

async function madeTemplate(maintenance: pg.Client, server: string): Promise<string> {
  const template = `mcr_template_${hashOfMigrations()}`;
  await maintenance.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const known = await maintenance.query('select from pg_database where datname = $1', [template]);
    if (known.rowCount === 1) return template;
    // under another name until it is complete, so that an aborted run leaves no half-made template
    const draft = `${template}_draft`;
    await maintenance.query(`drop database if exists ${draft} with (force)`);
    await maintenance.query(`create database ${draft} template template0`);
    const client = await connected(urlOf(server, draft));
    await migrate(client);
    await client.end();
    await maintenance.query(`alter database ${draft} rename to ${template}`);
    return template;
  } finally {
    await maintenance.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

function hashOfMigrations(): string {
  const folder = join(repositoryRoot(), 'src', 'storage', 'migrations');
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}
