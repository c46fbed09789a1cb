import { randomBytes } from 'node:crypto';
import { chown, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import path from 'node:path';
import { type Account, runAs } from './account.ts';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedError, USE_A_SERVER } from './error.ts';
import { makePrivate } from './folder.ts';
import { type ClusterRecord, readRecord } from './record.ts';

/** A cluster that has been initialised: its data directory, and its record's name in the data folder. */
export interface Cluster {
  readonly directory: string;
  readonly major: number;
  readonly recordName: string;
  /** Absent where the record was lost. */
  readonly record: ClusterRecord | undefined;
  /** uid of the account whose data directory it is. */
  readonly owner: number;
}

const SLOT = /^(pg(\d+))(\.json)?$/;

export function recordNameFor(major: number): string {
  return `pg${major}.json`;
}

/**
 * The cluster of the data folder, or undefined where none was made yet. Of several the highest is taken: two exist only
 * where somebody moved the data from one major to the next.
 * @throws EmbeddedError where a cluster should be here and is not whole.
 */
export async function findCluster(dataFolder: string): Promise<Cluster | undefined> {
  const majors = (await readdir(dataFolder)).flatMap((name) => SLOT.exec(name)?.[2] ?? []);
  for (const major of [...new Set(majors)].sort((a, b) => Number(b) - Number(a))) {
    const recordName = `pg${major}.json`;
    const record = await readRecord(dataFolder, recordName);
    const directory = record?.directory ?? path.join(dataFolder, `pg${major}`);
    const version = await versionOf(directory);
    if (version !== undefined) {
      return { directory, major: version, recordName, record, owner: (await stat(directory)).uid };
    }
    if (record?.initialised === true && path.dirname(directory) !== dataFolder) {
      throw new EmbeddedError(
        `${path.join(dataFolder, recordName)} says that the database is in ${directory}, and it is not there: put it back, or remove that file to start with an empty database.`,
      );
    }
  }
  return undefined;
}

/** The major that made a data directory (PG_VERSION); undefined where there is none, or an empty folder. */
async function versionOf(directory: string): Promise<number | undefined> {
  try {
    const text = (await readFile(path.join(directory, 'PG_VERSION'), 'utf8')).trim();
    if (/^\d+$/.test(text)) return Number(text);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      throw new EmbeddedError(
        `The database in ${directory} cannot be read (${code}): start as the user who made it, or ${USE_A_SERVER}.`,
        error,
      );
    }
    if (code === 'ENOENT' && (await readdir(directory).catch(() => [])).length === 0) return undefined;
  }
  throw new EmbeddedError(
    `${directory} is not a PostgreSQL data directory: move it away to start with an empty database, or ${USE_A_SERVER}.`,
  );
}

/** The cluster's identity as its own files have it: the first eight bytes of its control file. */
export async function identifierOf(directory: string): Promise<string> {
  const file = await open(path.join(directory, 'global', 'pg_control'));
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return String(endianness() === 'LE' ? buffer.readBigUInt64LE() : buffer.readBigUInt64BE());
  } finally {
    await file.close();
  }
}

/** A record for a cluster that is about to be made in `home`. */
export function newRecord(home: string, binaries: Binaries): ClusterRecord {
  return {
    directory: path.join(home, `pg${binaries.major}`),
    user: 'postgres',
    password: randomBytes(24).toString('hex'),
    port: 0,
    origin: binaries.origin,
    initialised: false,
    system: '',
  };
}

/**
 * Makes the cluster aside and moves it into place in one step, so that an interrupted start leaves no half of one; where
 * another process was quicker, its cluster stays (both use the record's password). Checksums, UTF-8, the C locale and
 * SCRAM for every connection.
 * @throws EmbeddedError with the last lines of initdb.
 */
export async function initialise(account: Account, binaries: Binaries, record: ClusterRecord): Promise<void> {
  const aside = `${record.directory}.new-${randomBytes(6).toString('hex')}`;
  const passwordFile = `${aside}.password`;
  try {
    await makePrivate(account, aside);
    await writeFile(passwordFile, `${record.password}\n`, { mode: 0o600, flag: 'wx' });
    if (!account.own) await chown(passwordFile, account.uid, account.gid);
    const ran = await runAs(account, path.join(binaries.bin, 'initdb'), [
      ...['-D', aside, '-U', record.user, `--pwfile=${passwordFile}`],
      ...['-k', '-E', 'UTF8', '--no-locale', '--no-instructions'],
      ...['--auth-host=scram-sha-256', '--auth-local=scram-sha-256'],
    ]);
    if (ran.code !== 0) {
      const lines = ran.stderr.trim().split('\n').slice(-4).join(' ');
      throw new EmbeddedError(
        `PostgreSQL ${binaries.major} could not make its data folder (${ran.code}): ${lines}`,
      );
    }
    await rename(aside, record.directory).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(aside, { recursive: true, force: true });
  }
}
