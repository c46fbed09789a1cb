import { realpath } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { codeOf } from './error.ts';
import { type Postmaster, postmasterOf } from './postmaster.ts';
import type { ClusterRecord } from './record.ts';

/**
 * Our session with the cluster. While it lives it holds a shared lock, by which every process of ours that uses the
 * cluster sees the others: the last one stops the server, and a killed process's lock goes with its connection.
 */
export interface Session {
  /** True when no other process uses the cluster; from then on none can begin to, until the session ends. */
  alone(): Promise<boolean>;
  /**
   * Gives up our use, then asks whether we are alone: of processes that leave at the same moment exactly one is told so,
   * where by `alone` each could take the other for one that stays.
   */
  leave(): Promise<boolean>;
  end(): Promise<void>;
}

/**
 * What waiting for a login came to: in; the server is gone; it is not the one that the record describes; or it is full.
 */
export type Login = { readonly session: Session } | 'gone' | 'refused' | 'full';

/** A server to wait for. */
export interface Awaited {
  readonly record: ClusterRecord;
  readonly pid: number;
  readonly hasEnded: (server: Postmaster | undefined) => boolean;
  readonly say: (sentence: string) => void;
}

const LOCK = 5_063_506;

const WHO_ARE_YOU = `
  select (select system_identifier::text from pg_control_system()) as system,
         current_setting('data_directory') as directory,
         pg_try_advisory_lock_shared(${LOCK}) as admitted,
         set_config('idle_session_timeout', '0', false) as patience`;

/** A server that says it is ready and yet lets nobody in for this long is not waited for any more. */
const READY_PATIENCE_MS = 30_000;
const ANSWER_PATIENCE_MS = 10_000;
const REMARK_EVERY_MS = 10_000;

/**
 * Tries once to log in with the record's password and compares system identifier and data directory.
 * @param lost is told when the connection breaks later.
 */
async function logIn(
  record: ClusterRecord,
  port: number,
  lost: () => void,
): Promise<Session | 'later' | 'refused' | 'full'> {
  const socket = new Socket();
  const client = new Client({
    ...{ host: '127.0.0.1', port, user: record.user, password: record.password, database: 'postgres' },
    ...{
      ssl: false,
      connectionTimeoutMillis: ANSWER_PATIENCE_MS,
      query_timeout: ANSWER_PATIENCE_MS,
      application_name: 'my-care-record',
      stream: () => socket,
    },
  });
  let state: 'opening' | 'open' | 'broken' = 'opening';
  const broken = () => state === 'broken';
  client.on('error', () => {
    if (state === 'open') lost();
    state = 'broken';
  });
  const end = async () => {
    state = 'broken';
    // Not by the client's own farewell, which waits for an answer that a stopped server does not give.
    socket.destroy();
  };
  try {
    await client.connect();
    const { rows } = await client.query<{ system: string; directory: string; admitted: boolean }>(
      WHO_ARE_YOU,
    );
    const [answer] = rows;
    const same =
      answer !== undefined &&
      (record.system === '' || answer.system === record.system) &&
      (await realpath(answer.directory)) === (await realpath(record.directory));
    if (same && answer.admitted && !broken()) {
      state = 'open';
      // An idle session keeps no process alive.
      socket.unref();
      const ask = (sql: string) => holds(client, socket, sql);
      const alone = () => ask(`select pg_try_advisory_lock(${LOCK}) as held`);
      const leave = () => ask(`select pg_advisory_unlock_shared(${LOCK}) as held`).then(alone);
      return { end, alone, leave };
    }
    await end();
    // Not admitted: the last process that used the server is about to stop it.
    return same ? 'later' : 'refused';
  } catch (error) {
    await end();
    const code = codeOf(error);
    if (code === '53300') return 'full';
    return code.startsWith('28') ? 'refused' : 'later';
  }
}

async function holds(client: Client, socket: Socket, sql: string): Promise<boolean> {
  socket.ref();
  try {
    const { rows } = await client.query<{ held: boolean }>(sql);
    return rows[0]?.held === true;
  } catch {
    // The connection broke, and with it everybody's: the server went down.
    return true;
  } finally {
    socket.unref();
  }
}

/** As long as the server lives it is waited for, since recovery may take long, with a remark now and then. */
async function waitForLogin({ record, pid, hasEnded, say }: Awaited, lost: () => void): Promise<Login> {
  let readySince: number | undefined;
  let remarkAt = performance.now() + REMARK_EVERY_MS;
  for (;;) {
    const server = await postmasterOf(record.directory);
    if (hasEnded(server) || (server !== undefined && server.pid !== pid)) return 'gone';
    if (server?.status === 'ready') {
      const answer = await logIn(record, server.port, lost);
      if (answer === 'refused') return answer;
      if (typeof answer !== 'string') return { session: answer };
      readySince ??= performance.now();
      if (performance.now() - readySince > READY_PATIENCE_MS) return answer === 'full' ? 'full' : 'refused';
    }
    if (performance.now() > remarkAt) {
      remarkAt += REMARK_EVERY_MS;
      say(`Still waiting for PostgreSQL, which is ${server?.status || 'starting'}.`);
    }
    await sleep(20);
  }
}

/**
 * Waits until the server lets us in, and stays in: after a crash of one of its processes PostgreSQL ends every session
 * and recovers, and then we log in again.
 */
export async function openSession(awaited: Awaited): Promise<Login> {
  const { say } = awaited;
  let closing = false;
  let current: Promise<Login>;
  const lost = () => {
    if (closing) return;
    say('The embedded PostgreSQL broke off its sessions; waiting for it to recover.');
    const again = { ...awaited, hasEnded: (server: Postmaster | undefined) => server === undefined };
    current = waitForLogin(again, lost).then((login) => {
      if (!closing && typeof login === 'string') say('The embedded PostgreSQL has ended; its log says why.');
      return login;
    });
  };
  current = waitForLogin(awaited, lost);
  const first = await current;
  if (typeof first === 'string') return first;
  const asked = (question: (session: Session) => Promise<boolean>) => async () => {
    const login = await current;
    const answer = typeof login === 'string' || (await question(login.session));
    closing ||= answer;
    return answer;
  };
  const alone = asked((session) => session.alone());
  const leave = asked((session) => session.leave());
  const end = async () => {
    closing = true;
    const login = await current;
    if (typeof login !== 'string') await login.session.end();
  };
  return { session: { alone, leave, end } };
}
