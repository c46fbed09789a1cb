import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Account, runAs } from './account.ts';
import { codeOf, EmbeddedError, USE_A_SERVER } from './error.ts';

const OWNER_NOTE = 'belongs-to.txt';

/** Others may pass through, to what is theirs inside, but not look around. */
const PASSABLE = 0o711;

/**
 * Makes the data folder where it is missing and proves that it can be written.
 * @returns its canonical path. @throws EmbeddedError where it cannot be written.
 */
export async function openDataFolder(dataFolder: string): Promise<string> {
  const folder = path.resolve(dataFolder);
  try {
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined) await chmod(folder, PASSABLE);
    await rmdir(await mkdtemp(path.join(folder, '.try-')));
    return await realpath(folder);
  } catch (error) {
    throw new EmbeddedError(
      `The data folder ${folder} cannot be written (${codeOf(error)}): choose one that can, or ${USE_A_SERVER}.`,
      error,
    );
  }
}

/** Makes a folder that belongs to the account alone, as PostgreSQL demands of its data. */
export async function makePrivate(account: Account, folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await chmod(folder, 0o700);
  if (!account.own) await chown(folder, account.uid, account.gid);
}

/**
 * Whether the account can keep a cluster in this folder. It is tried, not computed: parents closed to it, file systems
 * that ignore owners or modes, access lists and security modules all show only in the doing.
 */
export async function canKeepDataIn(account: Account, folder: string): Promise<boolean> {
  const trial = path.join(folder, `.try-${randomBytes(6).toString('hex')}`);
  try {
    await makePrivate(account, trial);
    if (((await stat(trial)).mode & 0o077) !== 0) return false;
    const ran = await runAs(account, '/bin/sh', [
      '-c',
      'cd "$1" && : > it && test -O it && test -O .',
      'sh',
      trial,
    ]);
    return ran.code === 0;
  } catch {
    return false;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

/** Whether the account can enter this folder of its own, which lies below others' folders. */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  return (await runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder])).code === 0;
}

/**
 * The folder that holds the cluster: the data folder itself or, where the account cannot keep data there, a new one
 * under a random name, so that clearing the data folder really starts anew. The record in the data folder points to it.
 * Later choices are for machines whose /var/lib cannot be written; what lies under the temporary folder may be cleared.
 * @throws EmbeddedError where no place will do.
 */
export async function homeFor(
  account: Account,
  dataFolder: string,
  say: (sentence: string) => void,
): Promise<string> {
  if (await canKeepDataIn(account, dataFolder)) return dataFolder;
  const lasting = account.own ? path.join(account.home, '.local/share') : '/var/lib';
  for (const base of new Set([lasting, '/var/tmp', tmpdir(), '/tmp'])) {
    const home = await makeHome(account, base, dataFolder);
    if (home === undefined) continue;
    const mayVanish = base === lasting ? '' : ' (a temporary place, which this machine may clear)';
    say(
      `The account ${account.name} cannot keep data in ${dataFolder}, so the database lives in ${home}${mayVanish}; a small file in the data folder says so.`,
    );
    return home;
  }
  throw new EmbeddedError(
    `The account ${account.name} can keep data neither in ${dataFolder} nor in ${lasting} or /var/tmp: move the data folder to where that account can reach it, or ${USE_A_SERVER}.`,
  );
}

async function makeHome(account: Account, base: string, dataFolder: string): Promise<string | undefined> {
  const id = randomBytes(8).toString('hex');
  const parent = path.join(base, 'my-care-record');
  // A shared temporary folder gets one private folder: a common parent could be made, and owned, by somebody else.
  const home = base.endsWith('tmp') ? `${parent}-${id}` : path.join(parent, id);
  try {
    const made = home.startsWith(parent + path.sep) ? await mkdir(parent, { recursive: true }) : undefined;
    if (made !== undefined) await chmod(parent, PASSABLE);
    await mkdir(home);
  } catch {
    return undefined;
  }
  try {
    await chmod(home, PASSABLE);
    await writeFile(path.join(home, OWNER_NOTE), `${dataFolder}\n`);
    if (await canKeepDataIn(account, home)) return await realpath(home);
  } catch {
    // This base will not do; the caller tries the next one.
  }
  await rm(home, { recursive: true, force: true });
  return undefined;
}

/**
 * Guards a cluster outside the data folder against a copy of the data folder, whose record points to it as well. A
 * moved data folder takes its cluster along.
 * @param recordName name of the record in the data folder.
 * @throws EmbeddedError where the folder that the cluster was made for is still there.
 */
export async function claimHome(home: string, dataFolder: string, recordName: string): Promise<void> {
  if (home === dataFolder) return;
  const note = path.join(home, OWNER_NOTE);
  const owner = (await readFile(note, 'utf8').catch(() => '')).trim();
  if (owner === dataFolder) return;
  const record = path.join(owner, recordName);
  if (owner !== '' && (await readFile(record, 'utf8').catch(() => '')).includes(home)) {
    throw new EmbeddedError(
      `${path.join(dataFolder, recordName)} is a copy: the database it names belongs to ${owner}; remove it here to start with an empty database, or ${USE_A_SERVER}.`,
    );
  }
  await writeFile(note, `${dataFolder}\n`);
}
