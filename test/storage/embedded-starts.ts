import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import t, { type Test } from 'tap';
import { type Account, runAs, usableAccount } from '../../src/storage/embedded/account.ts';
import { findBinaries } from '../../src/storage/embedded/binaries.ts';
import { postmasterOf } from '../../src/storage/embedded/postmaster.ts';
import { type EmbeddedCluster, startEmbedded } from '../../src/storage/embedded.ts';

const root = process.geteuid?.() === 0;
/** Who runs clusters here. */
export const account: Account | undefined = await usableAccount(undefined).catch(() => undefined);
const folders: string[] = [];

/** Removes a folder when all tests have ended. */
export function toRemove(folder: string): void {
  folders.push(folder);
}
t.teardown(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await rmdir('/var/lib/my-care-record').catch(() => undefined);
});

/** A folder that any account may pass through. */
export async function place(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mcr-embedded-'));
  folders.push(folder);
  await chmod(folder, 0o755);
  return folder;
}

async function runs(useSystem: boolean): Promise<boolean> {
  if (account === undefined) return false;
  const wanted = { major: undefined, directory: undefined, home: await place(), useSystem };
  const found = await findBinaries(account, wanted, () => undefined).catch(() => undefined);
  return found?.origin === (useSystem ? 'system' : 'npm');
}

/** What this machine cannot do, as the reason why a test of it is skipped; false where it can. */
export const system = await runs(true);
const packaged = await runs(false);
export const noSystem = !system && 'this machine has no PostgreSQL of its own that can be run';
export const noPackage = !packaged && 'the platform package is not installed or does not run here';
export const nothing = !system && !packaged && 'there is no PostgreSQL to run on this machine';
export const notRoot = nothing || (!root && 'only root can take on another account');
export const notLinux = process.platform !== 'linux' && 'this looks at what only Linux has';
export const closed =
  notRoot || ((await isClosed()) && 'this checkout, or node, is closed to other accounts');

async function isClosed(): Promise<boolean> {
  if (account === undefined) return true;
  const module = fileURLToPath(import.meta.url);
  return (await runAs(account, process.execPath, ['--check', module])).code !== 0;
}

export interface Asked {
  readonly systemBinaries?: boolean;
  readonly settings?: Record<string, string>;
}

/** Starts, and stops at the test's end whatever happened. */
export async function start(
  test: Test,
  dataFolder: string,
  asked: Asked = {},
): Promise<EmbeddedCluster & { said: string[] }> {
  const said: string[] = [];
  const cluster = await startEmbedded({ dataFolder, say: (sentence) => said.push(sentence), ...asked });
  test.teardown(() => cluster.stop());
  return { ...cluster, said };
}

/** Rows of one statement. */
export async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The data directory that the record names. */
export async function folderOf(dataFolder: string, major: number): Promise<string> {
  const record = JSON.parse(await readFile(path.join(dataFolder, `pg${major}.json`), 'utf8'));
  return path.resolve(dataFolder, record.directory);
}

const PROGRAM = `
  const { startEmbedded } = await import(process.argv[1]);
  const cluster = await startEmbedded({ dataFolder: process.argv[2], say: () => {}, ...JSON.parse(process.argv[3]) });
  console.log(JSON.stringify({ port: cluster.port, uid: process.geteuid() }));
  if (process.argv[4] === 'stop') await cluster.stop(); else setInterval(() => {}, 1000);`;

/** Another process that starts the cluster. */
export function another(
  dataFolder: string,
  then: 'stop' | 'stay',
  asked: Asked = {},
  as: { uid?: number; gid?: number } = {},
) {
  const module = new URL('../../src/storage/embedded.js', import.meta.url).href;
  const args = ['--input-type=module', '-e', PROGRAM, module, dataFolder, JSON.stringify(asked), then];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], ...as });
}

/** Starts the cluster in another process and kills that one, so that its server is an orphan. */
export async function orphan(test: Test, dataFolder: string, asked: Asked = {}): Promise<number> {
  const child = another(dataFolder, 'stay', asked);
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (line) => resolve(JSON.parse(String(line)).port));
    child.once('exit', () => reject(new Error('the other process ended')));
  });
  await killed(child);
  test.teardown(async () => {
    const names = (await readdir(dataFolder).catch(() => [])).filter((name) => /^pg\d+$/.test(name));
    for (const name of names) {
      const left = await postmasterOf(path.join(dataFolder, name));
      if (left !== undefined) process.kill(left.pid, 'SIGQUIT');
    }
  });
  return port;
}

function killed(child: ChildProcess): Promise<void> {
  child.removeAllListeners('exit');
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
