import type { LoadHook } from 'node:module';
import type { Plant } from './plants.ts';

/* Changes modules as they are loaded: how a mistake is planted in a run of its own, and in nothing that is kept. */

let planted: Plant | undefined;

export function initialize(plant: Plant): void {
  planted = plant;
}

/** @throws Error where the text that a plant changes is not there exactly once: it must be written anew */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const edits = planted?.edits.filter(({ file }) => url.endsWith(`/dist/src/${file}`)) ?? [];
  if (edits.length === 0) return loaded;
  let source = String(loaded.source);
  for (const { file, find, put } of edits) {
    if (source.split(find).length !== 2)
      throw new Error(`The mistake "${planted?.name}" does not fit ${file} any more: ${find}`);
    source = source.replace(find, () => put);
  }
  return { ...loaded, source };
};
