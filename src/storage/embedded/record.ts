import { randomBytes } from 'node:crypto';
import { chown, link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, EmbeddedError } from './error.ts';

/** Where the programs come from: the machine's PostgreSQL, or the platform package. */
export type Origin = 'system' | 'npm';

/**
 * What must be known of a cluster beside its data: kept as `pg<major>.json`, mode 0600, in the data folder. It is also
 * the pointer to a cluster that could not live there.
 */
export interface ClusterRecord {
  /** Absolute path of PostgreSQL's data directory (written relative where it lies in the data folder). */
  readonly directory: string;
  readonly user: string;
  readonly password: string;
  /** The port last served on; 0 before the first start. */
  readonly port: number;
  readonly origin: Origin;
  /** False until the data directory is complete. */
  readonly initialised: boolean;
  /** Its system identifier, by which a server proves that it is this cluster's; empty until it is initialised. */
  readonly system: string;
}

function read(text: string, folder: string): ClusterRecord | undefined {
  const found: unknown = JSON.parse(text);
  if (typeof found !== 'object' || found === null) return undefined;
  const field: Record<string, unknown> = { ...found };
  const { directory, user, password, port, origin, initialised, system } = field;
  if (typeof directory !== 'string' || typeof user !== 'string' || typeof password !== 'string')
    return undefined;
  if (directory === '' || user === '' || password === '') return undefined;
  return {
    directory: path.resolve(folder, directory),
    user,
    password,
    port: typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0,
    origin: origin === 'npm' ? 'npm' : 'system',
    initialised: initialised === true,
    system: typeof system === 'string' ? system : '',
  };
}

function written(record: ClusterRecord, folder: string): string {
  const inside = path.dirname(record.directory) === folder;
  const directory = inside ? path.basename(record.directory) : record.directory;
  return `${JSON.stringify({ ...record, directory }, undefined, 2)}\n`;
}

/** @returns undefined where there is none. @throws EmbeddedError where it cannot be read or makes no sense. */
export async function readRecord(folder: string, name: string): Promise<ClusterRecord | undefined> {
  const file = path.join(folder, name);
  try {
    const record = read(await readFile(file, 'utf8'), folder);
    if (record !== undefined) return record;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) {
      throw new EmbeddedError(
        `${file} cannot be read (${codeOf(error)}): start as the user who made it.`,
        error,
      );
    }
  }
  throw new EmbeddedError(
    `${file} is damaged, and the database's password with it: put it back, or remove it and the folder of the same name to start with an empty database.`,
  );
}

/** Writes the record unless there is one. @returns the one that is there now: of two processes the first one's. */
export async function keepRecord(
  folder: string,
  name: string,
  record: ClusterRecord,
): Promise<ClusterRecord> {
  const file = path.join(folder, name);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, written(record, folder), { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, file);
  } catch (error) {
    // A file system without hard links: then two first starts at the same moment are not told apart.
    if (codeOf(error) !== 'EEXIST') await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  return (await readRecord(folder, name)) ?? record;
}

/** Replaces the record in one step, and leaves it to the user whose it was. */
export async function replaceRecord(folder: string, name: string, record: ClusterRecord): Promise<void> {
  const file = path.join(folder, name);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const { uid, gid } = await stat(file);
  await writeFile(draft, written(record, folder), { mode: 0o600, flag: 'wx', flush: true });
  if (process.geteuid?.() === 0) await chown(draft, uid, gid);
  await rename(draft, file);
}
