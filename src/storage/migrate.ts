import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';

/** Any number, the same in every copy of this program: two that start together migrate one after the other. */
const MIGRATION_LOCK = 7_236_914;

/**
 * Brings the database to the newest schema: every numbered file of `migrations/` once, in order, each in its own
 * transaction. `client` must own the schemas or be allowed to create them.
 *
 * @throws Error when the database was migrated by a newer program than this one
 */
export async function migrate(client: Client): Promise<readonly string[]> {
  const files = (await readdir(migrationsFolder()))
    .filter((name) => /^\d{4}_[a-z_]+\.sql$/.test(name))
    .sort();
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
  try {
    await client.query('create schema if not exists migration');
    await client.query(
      'create table if not exists migration.done (name text primary key, done_at timestamptz not null default now())',
    );
    const done = new Set(
      (await client.query<{ name: string }>('select name from migration.done')).rows.map((r) => r.name),
    );
    const newer = [...done].filter((name) => !files.includes(name));
    if (newer.length > 0) {
      throw new Error(`The database was migrated by a newer version of this program (${newer.join(', ')}).`);
    }
    const applied: string[] = [];
    for (const name of files) {
      if (done.has(name)) continue;
      await applyOne(client, name);
      applied.push(name);
    }
    return applied;
  } finally {
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  }
}

async function applyOne(client: Client, name: string): Promise<void> {
  const sql = await readFile(join(migrationsFolder(), name), 'utf8');
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into migration.done (name) values ($1)', [name]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** The SQL files are read where they are written, whether this runs from the sources or compiled. */
function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readFileSync(file, 'utf8').includes('"name": "my-care-record"')) {
      return join(folder, 'src', 'storage', 'migrations');
    }
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The migrations were not found beside the program.');
    folder = parent;
  }
}
