import pg from 'pg';
import type { Configuration } from './config.ts';
import { checkAudit } from './storage/audit-checks.ts';
import { Database, type DatabaseAddress, newClient } from './storage/database.ts';
import { type EmbeddedCluster, startEmbedded } from './storage/embedded.ts';
import { migrate } from './storage/migrate.ts';

/** The database, started where it is ours to start, migrated and checked. */
export interface StartedDatabase {
  readonly record: DatabaseAddress;
  readonly journal: DatabaseAddress;
  readonly auditor: DatabaseAddress;
  /** sentences for the log */
  readonly warnings: readonly string[];
  stop(): Promise<void>;
}

/** The name of the database inside the embedded cluster. */
const DATABASE = 'mcr';

/**
 * @throws Error with one clear sentence where the database cannot be reached, started, migrated, or is not safe for
 *   an audit log
 */
export async function startDatabase(
  configuration: Configuration,
  say: (sentence: string) => void,
): Promise<StartedDatabase> {
  const { database, dataFolder, mode } = configuration;
  if (database.url !== undefined) {
    const addresses = {
      record: { url: database.url },
      journal: { url: database.journalUrl ?? database.url },
      auditor: { url: database.auditorUrl ?? database.url },
    };
    const warnings = await prepare(
      database.ownerUrl ?? database.url,
      addresses.journal,
      mode === 'production',
      say,
    );
    return { ...addresses, warnings, stop: async () => {} };
  }
  const cluster = await startEmbedded({ dataFolder, say, systemBinaries: database.systemBinaries });
  try {
    await createDatabase(cluster);
    const address = { url: cluster.url(DATABASE) };
    const warnings = await prepare(address.url, address, false, say);
    return { record: address, journal: address, auditor: address, warnings, stop: () => cluster.stop() };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function createDatabase(cluster: EmbeddedCluster): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url('postgres') });
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function prepare(
  ownerUrl: string,
  journal: DatabaseAddress,
  production: boolean,
  say: (sentence: string) => void,
): Promise<readonly string[]> {
  const owner = new pg.Client({ connectionString: ownerUrl, application_name: 'my-care-record migrations' });
  try {
    await owner.connect();
  } catch (error) {
    throw new Error('The database cannot be reached. Check database.url in the configuration.', {
      cause: error,
    });
  }
  try {
    const applied = await migrate(owner);
    if (applied.length > 0) say(`The database schema was brought up to date (${applied.join(', ')}).`);
    await owner.query(`select audit.make_partitions((current_date + interval '18 months')::date)`);
  } finally {
    await owner.end();
  }
  const client = newClient(journal, 'mcr_journal', false);
  await client.connect();
  try {
    const { refusals, warnings } = await checkAudit(client, production);
    if (refusals.length > 0)
      throw new Error(`The database is not safe for an audit log. ${refusals.join(' ')}`);
    return warnings;
  } finally {
    await client.end();
  }
}

/** Connections for reading the record, as the role that serves. */
export function recordDatabase(started: StartedDatabase): Database {
  return new Database(started.record, 'mcr_record');
}

export function auditorDatabase(started: StartedDatabase): Database {
  return new Database(started.auditor, 'mcr_auditor', 1);
}
