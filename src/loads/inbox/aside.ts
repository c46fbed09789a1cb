import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from '../certificate.ts';

/** Where extracts go once they are loaded, each with its certificate beside it. */
export const ASIDE = ['done', 'refused', 'held'] as const;
export type Aside = (typeof ASIDE)[number];

/** `undefined`: the load failed for a reason of ours, and is tried again. */
export function asideOf({ result }: Pick<Certificate, 'result'>): Aside | undefined {
  if (result === 'published' || result === 'duplicate') return 'done';
  return result === 'failed' ? undefined : result;
}

/**
 * Moves an extract aside and puts what became of it beside it, the certificate first: after a crash in between the
 * extract is still there, and is loaded again as the duplicate that it is. A name that is taken gets a number.
 *
 * @param folder of the source, in which the extract lies
 * @param said certificate, or why there is none
 * @param now milliseconds since the epoch: it is kept from then on
 * @returns the name it has there
 * @throws Error where the place is a link, or is no folder
 */
export async function moveAside(
  folder: string,
  name: string,
  aside: Aside,
  said: object,
  now: number,
): Promise<string> {
  const place = join(folder, aside);
  await ownFolder(place);
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${name}.${number}`;
    if (await exists(join(place, free))) continue;
    try {
      const certificate = await open(join(place, `${free}.json`), 'wx', 0o640);
      try {
        await certificate.writeFile(`${JSON.stringify(said, undefined, 2)}\n`);
        await certificate.utimes(now / 1000, now / 1000);
        await certificate.sync();
      } finally {
        await certificate.close();
      }
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      throw error;
    }
    await rename(join(folder, name), join(place, free));
    return free;
  }
}

/** Removes what was moved aside longer ago, with its certificate. @param before milliseconds since the epoch */
export async function forgetAside(folder: string, before: number): Promise<number> {
  let forgotten = 0;
  for (const aside of ASIDE) {
    const place = join(folder, aside);
    if (!(await isFolder(place))) continue;
    for (const certificate of (await readdir(place)).filter((name) => name.endsWith('.json'))) {
      const path = join(place, certificate);
      const { mtimeMs } = await lstat(path);
      if (mtimeMs >= before) continue;
      await rm(path.slice(0, -'.json'.length), { recursive: true, force: true });
      await rm(path, { force: true });
      forgotten += 1;
    }
  }
  return forgotten;
}

async function ownFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o750 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (!(await isFolder(path))) {
      throw new Error('A folder of the inbox is a link or a file: remove it, and see who made it.');
    }
  }
}

/** A folder, and no link to one. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
