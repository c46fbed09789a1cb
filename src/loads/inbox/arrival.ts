import { createHash } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_NAME, type Manifest, parseManifest } from '../manifest.ts';
import { Refusal } from '../refusal.ts';
import { fileHash, readManifestBytes } from '../staging.ts';
import { isTemporaryName } from '../temporary-names.ts';

/** What lies in a folder that is being delivered. */
export interface Arrival {
  /** changes whenever a file is added, written to or taken away */
  readonly fingerprint: string;
  /** absent where it is not there, or not whole */
  readonly manifest?: Manifest;
  /** files that the manifest lists and the folder lacks; of no use without a manifest */
  readonly missing: number;
}

/**
 * Looks at a folder without reading its files: names, sizes and times. Dot files and temporary names are passed over.
 *
 * @throws Error where the folder is gone meanwhile
 */
export async function lookAt(folder: string): Promise<Arrival> {
  const names = (await readdir(folder)).filter((name) => !isTemporaryName(name)).sort();
  const hash = createHash('sha256');
  for (const name of names) {
    const { size, mtimeNs, ctimeNs, ino, mode } = await lstat(join(folder, name), { bigint: true });
    hash.update(JSON.stringify([name, ...[size, mtimeNs, ctimeNs, ino, mode].map(String)]));
  }
  const fingerprint = hash.digest('hex');
  const manifest = names.includes(MANIFEST_NAME) ? await manifestOf(folder) : undefined;
  if (manifest === undefined) return { fingerprint, missing: 0 };
  const missing = manifest.files.filter(({ name }) => !names.includes(name)).length;
  return { fingerprint, manifest, missing };
}

/** A manifest that cannot be read may be half of one: whether it is refused is decided when it has had its time. */
async function manifestOf(folder: string): Promise<Manifest | undefined> {
  try {
    return parseManifest(await readManifestBytes(folder));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Whether every file is, to the byte, the one that the manifest describes: an upload that stalled is not. */
export async function isWhole(folder: string, manifest: Manifest): Promise<boolean> {
  for (const file of manifest.files) {
    try {
      if ((await fileHash(folder, file.name)) !== file.sha256) return false;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }
  return true;
}
