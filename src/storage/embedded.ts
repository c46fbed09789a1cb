import path from 'node:path';
import { type Account, usableAccount } from './embedded/account.ts';
import { type Binaries, findBinaries } from './embedded/binaries.ts';
import { type Cluster, findCluster, identifierOf } from './embedded/cluster.ts';
import { codeOf, EmbeddedError, USE_A_SERVER } from './embedded/error.ts';
import { makeCluster, type Start } from './embedded/first-start.ts';
import { canEnter, claimHome, openDataFolder } from './embedded/folder.ts';
import { stopPostmaster } from './embedded/postmaster.ts';
import { type ClusterRecord, type Origin, replaceRecord } from './embedded/record.ts';
import { freePort, launch, PORT_TAKEN, type Running, takeOver } from './embedded/server.ts';
import { settingsOf } from './embedded/settings.ts';

/** Where the private cluster lives, and how it reports. */
export interface EmbeddedOptions {
  /** For example `<root>/data`; the cluster lives in `pg<major>` below it, its record in `pg<major>.json` beside. */
  readonly dataFolder: string;
  /** Told, in sentences for the person who starts the service, what is being done. */
  readonly say: (sentence: string) => void;
  /** False: as if this machine had no PostgreSQL of its own. Default true. */
  readonly systemBinaries?: boolean;
  /** PostgreSQL's settings by name, beside and above ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running private cluster. */
export interface EmbeddedCluster {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** A superuser of this cluster. */
  readonly user: string;
  readonly password: string;
  readonly major: number;
  readonly origin: Origin;
  /** Connection URL of one of its databases; `postgres` exists from the beginning. */
  url(database: string): string;
  /** Ends the server, unless another process uses it still: then that one will. May be called more than once. */
  stop(): Promise<void>;
}

const ATTEMPTS = 25;

/**
 * Starts the private PostgreSQL cluster of one machine, making it at the first start, or takes over the one that a
 * killed process left running (DESIGN 9). For demonstration and development, never for production.
 * @throws EmbeddedError, one sentence that says what is missing and what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const settings = settingsOf(options.settings ?? {});
  const { say, systemBinaries: useSystem = true } = options;
  const start = { dataFolder: await openDataFolder(options.dataFolder), useSystem, settings, say };
  let log: string | undefined;
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const cluster = (await findCluster(start.dataFolder)) ?? (await makeCluster(start));
      const answer = await serve(cluster, start, log);
      if (!('again' in answer)) return answer;
      log = answer.again;
    }
  } catch (error) {
    if (error instanceof EmbeddedError) throw error;
    throw new EmbeddedError(
      `The embedded PostgreSQL could not be set up in ${start.dataFolder} (${codeOf(error)}): ${USE_A_SERVER}.`,
      error,
    );
  }
  throw new EmbeddedError(
    `The embedded PostgreSQL in ${start.dataFolder} did not start in ${ATTEMPTS} tries; its log ends: ${log || '(empty)'}`,
  );
}

/** One try to have the cluster's server: the one that runs, or a new one. `before` is the log of the try before. */
async function serve(
  cluster: Cluster,
  start: Start,
  before: string | undefined,
): Promise<EmbeddedCluster | { readonly again: string }> {
  const { dataFolder, say, settings } = start;
  const recordFile = path.join(dataFolder, cluster.recordName);
  const files = { settings, recordFile, logFile: recordFile.replace(/json$/, 'log'), say };
  if (cluster.record !== undefined) {
    await claimHome(path.dirname(cluster.directory), dataFolder, cluster.recordName);
    const running = await takeOver({ ...files, record: cluster.record });
    if (running !== undefined) return embedded(cluster, cluster.record, running, start);
  }
  const { account, binaries } = await programsFor(cluster, start);
  if (cluster.record === undefined) {
    throw new EmbeddedError(
      `${recordFile}, which holds the password of the database in ${cluster.directory}, is missing: put it back, or move that folder away to start with an empty database.`,
    );
  }
  if (before === undefined) say(`Starting PostgreSQL ${binaries.major} on ${cluster.directory}.`);
  const port = await freePort(PORT_TAKEN.test(before ?? '') ? 0 : cluster.record.port);
  const running = await launch(account, binaries, port, { ...files, record: cluster.record });
  if ('again' in running) return running;
  const system = cluster.record.system || (await identifierOf(cluster.directory));
  const now: ClusterRecord = { ...cluster.record, port, origin: binaries.origin, initialised: true, system };
  await replaceRecord(dataFolder, cluster.recordName, now);
  return embedded(cluster, now, running, start);
}

/** The programs for an existing cluster and the account to run them: its owner, who must still be able to reach it. */
async function programsFor(
  { directory, major, owner }: Cluster,
  { useSystem, say }: Start,
): Promise<{ readonly account: Account; readonly binaries: Binaries }> {
  const account = await usableAccount(owner);
  const wanted = { major, directory, home: path.dirname(directory), useSystem };
  const binaries = await findBinaries(account, wanted, say);
  // Both as unsigned numbers: some systems write the uid of nobody as -2.
  if (account.uid >>> 0 !== owner >>> 0) {
    throw new EmbeddedError(
      `The database in ${directory} belongs to uid ${owner}, and ${account.name} would have to run it: start as its owner, give it to ${account.name} (chown -R), or ${USE_A_SERVER}.`,
    );
  }
  if (!(await canEnter(account, directory))) {
    throw new EmbeddedError(
      `The account ${account.name}, whose database it is, cannot reach ${directory}: open the folders above it to others (chmod o+x), or ${USE_A_SERVER}.`,
    );
  }
  return { account, binaries };
}

function embedded(
  cluster: Cluster,
  record: ClusterRecord,
  running: Running,
  { say }: Start,
): EmbeddedCluster {
  const { port, pid, session } = running;
  const { user, password, origin } = record;
  say(`PostgreSQL ${cluster.major} is ready on 127.0.0.1:${port}.`);
  const stop = async () => {
    if (await session.leave()) await stopPostmaster(cluster.directory, pid);
    else say('Another process still uses the embedded PostgreSQL: it stays until that one ends.');
    await session.end();
  };
  let stopped: Promise<void> | undefined;
  return {
    ...{ host: '127.0.0.1', port, user, password, major: cluster.major, origin },
    url: (database) => `postgres://${user}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
