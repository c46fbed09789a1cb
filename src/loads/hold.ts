import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadContext } from './context.ts';
import { type GuardFinding, type GuardLimits, guardedNumbers, judgeGuards, released } from './guards.ts';
import { MANIFEST_NAME } from './manifest.ts';
import type { LoadSession } from './ports.ts';
import { Refusal } from './refusal.ts';
import type { StagedFile } from './staging.ts';

/**
 * Judges the guards of a load that has been applied and is seen by nobody yet.
 *
 * @param follows something of the source is published: without that only the share of rejected rows is judged
 * @param release what held the load that a human released
 * @returns whether the load is held
 */
export async function guardLoad(
  context: LoadContext,
  limits: GuardLimits,
  follows: boolean,
  release: readonly GuardFinding[],
): Promise<boolean> {
  const { policy, session, tally, files } = context;
  const practices = follows ? await session.resources.practices() : undefined;
  // what a source writes where a practice's code should be is not repeated
  const known = practices?.filter(({ name }) => policy.organisations.has(name));
  const numbers = guardedNumbers(tally, files, await session.resources.stored(), known);
  tally.guards = released(judgeGuards(numbers, limits), release);
  return tally.guards.some((finding) => finding.outcome === 'exceeded');
}

/**
 * What held the load that is released. The extract must be the same to the byte: the manifest's hash, and by it the
 * hashes of all files.
 *
 * @throws Refusal when the load is not held any more, or this is another extract
 */
export async function findingsToRelease(
  session: LoadSession,
  releases: number | undefined,
  manifestHash: Buffer,
): Promise<readonly GuardFinding[]> {
  if (releases === undefined) return [];
  const held = await session.held(releases);
  if (held === undefined) {
    throw new Refusal(
      'not-held',
      `Load ${releases} is not held: it was decided or superseded, or never held.`,
    );
  }
  if (!held.manifestHash.equals(manifestHash)) {
    throw new Refusal('not-held', `The folder holds another extract than load ${releases}: load it as such.`);
  }
  return held.guards;
}

/** Where the extract of a held load is kept. */
export function heldFolder(heldRoot: string, loadNo: number): string {
  return join(heldRoot, String(loadNo));
}

/** Keeps our own copy of the extract, as a folder that can be loaded. */
export async function keepHeld(
  heldRoot: string,
  loadNo: number,
  manifest: Uint8Array,
  files: readonly StagedFile[],
): Promise<void> {
  const folder = heldFolder(heldRoot, loadNo);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { sent, name } of files) await rename(sent, join(folder, name));
  await writeFile(join(folder, MANIFEST_NAME), manifest, { flag: 'wx', mode: 0o600 });
}
