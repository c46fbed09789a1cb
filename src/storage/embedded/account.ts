import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { codeOf, EmbeddedError, USE_A_SERVER } from './error.ts';

/** Who runs the database's programs. `own` means the account that this process already has. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly own: boolean;
}

/** What a program answered. `code` is the exit status, or the system's reason why it could not be run. */
export interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The whole environment of every program that we start: nothing of ours is handed on, so that no PG* variable redirects
 * a program and no secret can be read from its process. The packaged programs find their libraries by themselves (their
 * run path is relative), so LD_LIBRARY_PATH is not needed either.
 */
export const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin:/usr/local/pgsql/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
} as const;

/** The part of spawn's options that changes the account; empty for our own. */
export function identity(account: Account): { uid?: number; gid?: number } {
  return account.own ? {} : { uid: account.uid, gid: account.gid };
}

/** Runs a program to its end as the account, from `/` (the folder we stand in may be closed to it). Never throws. */
export function runAs(
  account: Account,
  file: string,
  args: readonly string[],
  timeoutMs = 120_000,
): Promise<Ran> {
  const options = {
    ...identity(account),
    env: ENVIRONMENT,
    cwd: '/',
    timeout: timeoutMs,
    encoding: 'utf8' as const,
  };
  return new Promise((resolve) => {
    try {
      execFile(file, [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : (error.code ?? error.signal ?? error.message);
        resolve({ code, stdout, stderr });
      });
    } catch (error) {
      // A uid that this user namespace does not map is refused at once instead of through the callback.
      resolve({ code: codeOf(error), stdout: '', stderr: '' });
    }
  });
}

/**
 * The accounts to try, best first, for a root process: the owner of an existing cluster (PostgreSQL serves no other),
 * then `postgres`, then `nobody`. Root itself is never among them, and neither is a uid without an entry: initdb refuses
 * both. `passwd` is the text of /etc/passwd.
 */
export function accountsForRoot(passwd: string, owner: number | undefined): readonly Account[] {
  const entries = passwd.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = '/'] = line.split(':');
    const usable = /^-?\d+$/.test(uid) && /^-?\d+$/.test(gid) && Number(uid) !== 0;
    return usable ? [{ name, uid: Number(uid), gid: Number(gid), home, own: false }] : [];
  });
  const first = entries.find((entry) => entry.uid === owner);
  const named = ['postgres', 'nobody'].map((name) => entries.find((entry) => entry.name === name));
  return [first, ...named].filter((entry) => entry !== undefined);
}

/**
 * The account that runs the cluster: our own, or for root one that can really be taken on (a container may forbid it).
 * @param owner uid of an existing cluster's folder.
 * @throws EmbeddedError where there is no usable account.
 */
export async function usableAccount(owner: number | undefined): Promise<Account> {
  const self = process.geteuid?.();
  if (self === undefined) {
    throw new EmbeddedError(`The embedded PostgreSQL runs on Linux and macOS only: ${USE_A_SERVER}.`);
  }
  if (self !== 0) return ownAccount(self);
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const account of accountsForRoot(passwd, owner)) {
    if ((await runAs(account, '/bin/sh', ['-c', 'exit 0'])).code === 0) return account;
  }
  throw new EmbeddedError(
    `PostgreSQL refuses to run as root, and there is no account "postgres" or "nobody" here that this process may take on: start as an ordinary user, or ${USE_A_SERVER}.`,
  );
}

function ownAccount(self: number): Account {
  try {
    const { username, gid, homedir } = userInfo();
    return { name: username, uid: self, gid, home: homedir, own: true };
  } catch (error) {
    throw new EmbeddedError(
      `PostgreSQL needs a user that has an entry in /etc/passwd, and uid ${self} has none: add one, or ${USE_A_SERVER}.`,
      error,
    );
  }
}
