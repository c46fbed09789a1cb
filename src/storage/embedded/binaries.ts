import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type Account, runAs } from './account.ts';
import { EmbeddedError, USE_A_SERVER } from './error.ts';
import { packagedBinaries } from './package.ts';
import { tryBinaries } from './programs.ts';
import type { Origin } from './record.ts';

/** A folder with initdb and postgres that the account has really run. */
export interface Binaries {
  readonly origin: Origin;
  readonly major: number;
  readonly bin: string;
}

/** Older majors lack what the schema uses. */
const OLDEST_MAJOR = 15;

/** Where Debian and its kin keep one folder per major. */
const SYSTEM_FOLDER = '/usr/lib/postgresql';

/** The machine's own PostgreSQLs, highest major first. */
async function systemBinaries(account: Account): Promise<readonly Binaries[]> {
  const names = (await readdir(SYSTEM_FOLDER).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const folders = names.map((name) => path.join(SYSTEM_FOLDER, name, 'bin'));
  const configured = (await runAs(account, 'pg_config', ['--bindir'], 20_000)).stdout.trim();
  if (path.isAbsolute(configured)) folders.push(await realpath(configured).catch(() => configured));
  const found: Binaries[] = [];
  for (const bin of new Set(folders)) {
    const major = await tryBinaries(account, bin);
    if (typeof major === 'number') found.push({ origin: 'system', major, bin });
  }
  return found.sort((a, b) => b.major - a.major);
}

/** What to look for. */
export interface Wanted {
  /** The major of an existing cluster; undefined for a new one. */
  readonly major: number | undefined;
  /** The existing cluster's folder, for the sentence. */
  readonly directory: string | undefined;
  /** Where a copy of the packaged programs may be kept. */
  readonly home: string;
  readonly useSystem: boolean;
}

/**
 * The programs for this cluster: an existing one decides by its major (no other can read it); for a new one the
 * machine's highest major, else the platform package.
 * @throws EmbeddedError naming what is missing and what there is.
 */
export async function findBinaries(
  account: Account,
  wanted: Wanted,
  say: (sentence: string) => void,
): Promise<Binaries> {
  const system = wanted.useSystem ? await systemBinaries(account) : [];
  const fits = ({ major }: Binaries) =>
    wanted.major === undefined ? major >= OLDEST_MAJOR : major === wanted.major;
  const first = system.find(fits);
  if (first !== undefined) return first;
  const packaged = await packagedBinaries(account, wanted.home, wanted.major, say);
  if ('bin' in packaged) return { origin: 'npm', ...packaged };
  const seen = [...system.map(({ major }) => `PostgreSQL ${major} in the system`), packaged.why].join('; ');
  if (wanted.major === undefined) {
    throw new EmbeddedError(
      `There is no PostgreSQL to run here (${seen}): install PostgreSQL ${OLDEST_MAJOR} or later, or ${USE_A_SERVER}.`,
    );
  }
  throw new EmbeddedError(
    `The database in ${wanted.directory ?? wanted.home} was made by PostgreSQL ${wanted.major}, and there is none of that major here (${seen}): install PostgreSQL ${wanted.major}, move that folder away to start with an empty database, or ${USE_A_SERVER}.`,
  );
}
