import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENVIRONMENT } from './account.ts';
import { codeOf, EmbeddedError } from './error.ts';

/** A server that runs on a data directory. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** PostgreSQL's own word: `starting`, `stopping`, `ready`, `standby`; empty in its first moment. */
  readonly status: string;
}

const FAST_STOP_MS = 60_000;
const IMMEDIATE_STOP_MS = 10_000;

/**
 * The server that runs on this data directory, or undefined. postmaster.pid may be left over, and its number may by now
 * be any process's; so the process itself must be a postgres on this directory. The file is read only: PostgreSQL alone
 * knows when it may go.
 */
export async function postmasterOf(directory: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(directory, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0] ?? '');
  if (!Number.isInteger(pid) || pid < 2 || !(await isServer(pid, directory))) return undefined;
  return { pid, port: Number(lines[3] ?? ''), status: lines[7] ?? '' };
}

/**
 * Whether this process is a server on the directory, told from its command line: unlike its folder or program file,
 * that may be read of another account's process without special rights. A finished process that nobody has collected
 * yet has none.
 */
async function isServer(pid: number, directory: string): Promise<boolean> {
  const words = await commandLine(pid);
  return path.basename(words[0] ?? '').startsWith('postgres') && words.includes(directory);
}

async function commandLine(pid: number): Promise<readonly string[]> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  }
  return new Promise((resolve) => {
    execFile('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { env: ENVIRONMENT }, (error, stdout) => {
      resolve(error === null ? wordsOf(stdout) : []);
    });
  });
}

/** `ps` joins the words by spaces: the folder is the word after -D, up to our next option. */
function wordsOf(line: string): readonly string[] {
  const found = /^(\S.*?) -D (.+?) -c /.exec(line.trim());
  return found === null ? [] : found.slice(1);
}

/** Whether a running server was started with exactly these `name=value` settings, which follow its port (postmaster.opts). */
export async function wasStartedWith(directory: string, settings: readonly string[]): Promise<boolean> {
  const options = await readFile(path.join(directory, 'postmaster.opts'), 'utf8').catch(() => '');
  const given = /"port=\d+"(.*)/s.exec(options)?.[1]?.trimEnd();
  return given === settings.map((setting) => ` "-c" "${setting}"`).join('');
}

/**
 * Stops a server: fast first (sessions are ended, everything is written), then at once, which costs a recovery at the
 * next start and no data. Only a process that still is that server is signalled.
 * @throws EmbeddedError where it does not end, or may not be signalled.
 */
export async function stopPostmaster(directory: string, pid: number): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
  ] as const) {
    if (!(await isServer(pid, directory))) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return;
      throw new EmbeddedError(
        `The PostgreSQL that runs on ${directory} (process ${pid}) cannot be stopped (${codeOf(error)}): stop it as the user who started it.`,
        error,
      );
    }
    const until = performance.now() + patience;
    while (performance.now() < until) {
      await sleep(20);
      if (!(await isServer(pid, directory))) return;
    }
  }
  throw new EmbeddedError(
    `The PostgreSQL that runs on ${directory} (process ${pid}) does not end: end it by hand.`,
  );
}
