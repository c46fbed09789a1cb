import { spawn } from 'node:child_process';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, ENVIRONMENT, identity } from './account.ts';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedError, USE_A_SERVER } from './error.ts';
import { postmasterOf, stopPostmaster, wasStartedWith } from './postmaster.ts';
import type { ClusterRecord } from './record.ts';
import { openSession, type Session } from './session.ts';

/** A server that let us in. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  readonly session: Session;
}

/** What both ways to a running server need. */
export interface Launch {
  readonly record: ClusterRecord;
  /** `name=value`, all of them. */
  readonly settings: readonly string[];
  readonly recordFile: string;
  readonly logFile: string;
  readonly say: (sentence: string) => void;
}

const LOG_LIMIT_BYTES = 1_000_000;

/** How a server ends whose port was taken between our look at it and its start. */
export const PORT_TAKEN = /could not bind|could not create any TCP/;

/** How a server ends while the last one, or one that another process of ours starts just now, is in its way. */
const IN_THE_WAY = /pre-existing shared memory|lock file "[^"]*postmaster\.pid"/;

/**
 * Takes over a server that already runs on the data directory (its starter was killed) or joins it (another process of
 * ours uses it): only if password, system identifier and data directory match; otherwise it is stopped.
 * @returns undefined where there is none (any more).
 */
export async function takeOver({ record, settings, say }: Launch): Promise<Running | undefined> {
  const found = await postmasterOf(record.directory);
  if (found === undefined) return undefined;
  say(`A PostgreSQL already runs on ${record.directory} (process ${found.pid}): checking that it is ours.`);
  const login = await openSession({
    record,
    say,
    pid: found.pid,
    hasEnded: (server) => server === undefined,
  });
  if (login === 'gone') return undefined;
  if (login === 'full') {
    throw new EmbeddedError(
      `The PostgreSQL on ${record.directory} has no session left for us: try again later.`,
    );
  }
  if (login === 'refused') {
    say('It does not answer as the database that was left here: stopping it.');
    await stopPostmaster(record.directory, found.pid);
    return undefined;
  }
  const { session } = login;
  if (!(await wasStartedWith(record.directory, settings)) && (await session.alone())) {
    say('It is ours but runs with other settings: starting it anew.');
    await stopPostmaster(record.directory, found.pid);
    await session.end();
    return undefined;
  }
  const port = (await postmasterOf(record.directory))?.port ?? found.port;
  return { pid: found.pid, port, session };
}

/**
 * Starts a server on the data directory, in a session of its own so that Ctrl-C on our terminal does not reach it, and
 * waits until it lets us in.
 * @returns the log's reason where another try may succeed. @throws EmbeddedError with the last lines of the server's log.
 */
export async function launch(
  account: Account,
  binaries: Binaries,
  port: number,
  { record, settings, recordFile, logFile, say }: Launch,
): Promise<Running | { readonly again: string }> {
  const log = await open(logFile, 'a+', 0o600);
  try {
    if ((await log.stat()).size > LOG_LIMIT_BYTES) await log.truncate();
    const { uid, gid } = await stat(recordFile);
    // A start by root must not take the log from the user whose data folder it is.
    if (process.geteuid?.() === 0) await log.chown(uid, gid);
    const from = (await log.stat()).size;
    const child = spawnServer(account, binaries, log, record, [`port=${port}`, ...settings]);
    const login =
      child.pid === undefined
        ? 'gone'
        : await openSession({ record, say, pid: child.pid, hasEnded: () => child.ended() !== undefined });
    if (typeof login !== 'string' && child.pid !== undefined)
      return { pid: child.pid, port, session: login.session };
    if (login !== 'gone' && child.pid !== undefined) {
      await stopPostmaster(record.directory, child.pid);
      throw new EmbeddedError(
        `The database in ${record.directory} is not the one that ${recordFile} describes (its password or its system identifier differs): put the right file back, move that folder away to start with an empty database, or ${USE_A_SERVER}.`,
      );
    }
    const code = await child.exit;
    const written = await writtenSince(log, from);
    // An orderly end: somebody else stopped it between its start and our login.
    if (code === 0 || PORT_TAKEN.test(written) || IN_THE_WAY.test(written)) {
      await sleep(200);
      return { again: reasonIn(written) };
    }
    throw new EmbeddedError(
      `PostgreSQL ${binaries.major} did not start on ${record.directory} (${code}); its log ${logFile} ends: ${reasonIn(written) || '(empty)'}`,
    );
  } finally {
    await log.close();
  }
}

interface Child {
  readonly pid: number | undefined;
  ended(): number | string | undefined;
  readonly exit: Promise<number | string>;
  /** From now on it keeps this process no longer alive. */
  letGo(): void;
}

function spawnServer(
  account: Account,
  binaries: Binaries,
  log: FileHandle,
  record: ClusterRecord,
  settings: readonly string[],
): Child {
  const options = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings];
  const child = spawn(
    path.join(binaries.bin, 'postgres'),
    ['-D', record.directory, ...options.flatMap((option) => ['-c', option])],
    { ...identity(account), env: ENVIRONMENT, cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] },
  );
  let outcome: number | string | undefined;
  const exit = new Promise<number | string>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'ended'));
    child.on('error', (error) => resolve(codeOf(error)));
  });
  void exit.then((code) => {
    outcome = code;
  });
  return { pid: child.pid, exit, ended: () => outcome, letGo: () => child.unref() };
}

/** What this start wrote to the log; of two starts at the same moment also what the other one did. */
async function writtenSince(log: FileHandle, from: number): Promise<string> {
  const size = (await log.stat()).size;
  const start = Math.max(from, size - 8_000);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.subarray(0, bytesRead).toString('utf8').trim();
}

/** The last few lines without their times, in one: those that name the reason, if any do. */
function reasonIn(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/^\S+ \S+ \S+ \[\d+\] /, ''));
  const reasons = lines.filter((line) => /^(FATAL|PANIC|ERROR)|could not/.test(line));
  return (reasons.length > 0 ? reasons : lines).slice(-4).join(' ');
}

/** A loopback port that is free now: the one of last time if possible, else any. */
export async function freePort(last: number): Promise<number> {
  return (await probe(last)) ?? (await probe(0)) ?? 0;
}

function probe(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
