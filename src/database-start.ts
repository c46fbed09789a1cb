import pg from 'pg';
import type { Configuration } from './config.ts';
import { makeDataFolder } from './secrets.ts';
import { checkAudit, loginRefusals } from './storage/audit-checks.ts';
import { Database, type DatabaseAddress, type DatabaseRole, newClient } from './storage/database.ts';
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
  makeDataFolder(dataFolder);
  if (database.url !== undefined) {
    const addresses = {
      record: { url: database.url },
      journal: { url: database.journalUrl ?? database.url },
      auditor: { url: database.auditorUrl ?? database.url },
    };
    const owner = await migrated(database.ownerUrl ?? database.url, say);
    if (mode === 'production') await requirePowerless(addresses, owner);
    const warnings = await checked(addresses.journal, mode === 'production');
    return { ...addresses, warnings, stop: async () => {} };
  }
  const cluster = await startEmbedded({ dataFolder, say, systemBinaries: database.systemBinaries });
  try {
    await createDatabase(cluster);
    const address = { url: cluster.url(DATABASE) };
    await migrated(address.url, say);
    const warnings = await checked(address, false);
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

/** Brings the schema up to date. @returns the owner's login */
async function migrated(ownerUrl: string, say: (sentence: string) => void): Promise<string> {
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
    return await loginOf(owner);
  } finally {
    await owner.end();
  }
}

async function checked(journal: DatabaseAddress, production: boolean): Promise<readonly string[]> {
  const { refusals, warnings } = await asked(journal, 'mcr_journal', 'journalUrl', (client) =>
    checkAudit(client, production),
  );
  if (refusals.length > 0)
    throw new Error(`The database is not safe for an audit log. ${refusals.join(' ')}`);
  return warnings;
}

/** Refuses logins that serve and could change what the audit log holds; all of them are named at once. */
async function requirePowerless(
  { record, journal, auditor }: Pick<StartedDatabase, 'record' | 'journal' | 'auditor'>,
  owner: string,
): Promise<void> {
  const refusals: string[] = [];
  for (const [address, role, member] of [
    [record, 'mcr_record', 'url'],
    [journal, 'mcr_journal', 'journalUrl'],
    [auditor, 'mcr_auditor', 'auditorUrl'],
  ] as const) {
    const found = await asked(address, role, member, async (client) => [
      ...((await loginOf(client)) === owner ? ['The login of the service is the owner’s.'] : []),
      ...(await loginRefusals(client)),
    ]);
    refusals.push(...found.map((sentence) => `database.${member}: ${sentence}`));
  }
  if (refusals.length > 0)
    throw new Error(`The database is not safe for an audit log. ${refusals.join(' ')}`);
}

/** One question over a connection of a login, acting in its role. */
async function asked<T>(
  address: DatabaseAddress,
  role: DatabaseRole,
  member: string,
  question: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = newClient(address, role, false);
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`The login of database.${member} cannot connect and act as ${role}.`, { cause: error });
  }
  try {
    return await question(client);
  } finally {
    await client.end();
  }
}

/** Who logged in, whatever role the connection acts in. */
async function loginOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<[string]>({ text: 'select session_user::text', rowMode: 'array' });
  return rows[0]?.[0] ?? '';
}

/** Connections for reading the record, as the role that serves. */
export function recordDatabase(started: StartedDatabase): Database {
  return new Database(started.record, 'mcr_record');
}

export function auditorDatabase(started: StartedDatabase): Database {
  return new Database(started.auditor, 'mcr_auditor', 1);
}
