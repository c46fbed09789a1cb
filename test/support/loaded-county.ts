import { createHash } from 'node:crypto';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** A county that was loaded once: its configuration, keys and extracts, and the database that copies are made of. */
export interface LoadedCounty {
  readonly folder: string;
  readonly template: string;
}

/** Any number: test files that want the same county load it one after the other. */
const COUNTY_LOCK = 7_236_917;

/**
 * Test files that want the same county share one load: what each gets is a copy of its database and of its folder. Counties
 * are kept for one run of the tests in the folder `MCR_TEST_COUNTIES`, set by the test runner where the server is its own; without
 * it nothing is kept.
 *
 * @param wanted all that the county depends on
 * @param load loads it into a folder; resolves to the name of its database, to which nobody is connected any more
 */
export async function loadedOnce(
  wanted: unknown,
  load: (folder: string) => Promise<string>,
): Promise<LoadedCounty | undefined> {
  const kept = process.env['MCR_TEST_COUNTIES'];
  if (kept === undefined) return undefined;
  const key = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16);
  const [folder, template] = [join(kept, key), `mcr_county_${key}`];
  const client = new pg.Client({ connectionString: process.env['MCR_TEST_DATABASE_URL'] });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [COUNTY_LOCK]);
    const known = await client.query('select from pg_database where datname = $1', [template]);
    if (known.rowCount === 0) {
      mkdirSync(folder, { recursive: true });
      await client.query(`alter database ${await load(folder)} rename to ${template}`);
    }
    return { folder, template };
  } finally {
    await client.end();
  }
}

/** What a test changes is its own: configuration, keys and extracts are copied. */
export function copyOf({ folder }: LoadedCounty, to: string): void {
  cpSync(folder, to, { recursive: true });
}
