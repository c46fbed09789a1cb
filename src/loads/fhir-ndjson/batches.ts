import { open } from 'node:fs/promises';
import type { RowPlace } from '../records.ts';
import type { StagedFile } from '../staging.ts';
import { readRows } from './lines.ts';

export interface PlacedRow<P extends RowPlace = RowPlace> {
  readonly place: P;
  readonly bytes: Buffer;
}

/** Rows handled together: enough that a question to the database costs little per row, few enough to hold in memory. */
const BATCH_ROWS = 500;
const BATCH_BYTES = 8 * 1024 * 1024;
const PLACES = 4_000;

/**
 * Reads the rows of a file that `next` names, page by page, in batches.
 *
 * @param next the places after a line, in order of lines; an empty page ends
 */
export async function* rowBatches<P extends RowPlace>(
  file: StagedFile,
  next: (afterLine: number, limit: number) => Promise<readonly P[]>,
): AsyncGenerator<readonly PlacedRow<P>[]> {
  const handle = await open(file.path);
  try {
    let batch: PlacedRow<P>[] = [];
    let bytes = 0;
    let after = 0;
    for (let places = await next(after, PLACES); places.length > 0; places = await next(after, PLACES)) {
      after = places.at(-1)?.line ?? after;
      for await (const rows of readRows(handle, places)) {
        for (const row of rows) {
          batch.push(row);
          bytes += row.bytes.length;
          if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
          yield batch;
          batch = [];
          bytes = 0;
        }
      }
      if (places.length < PLACES) break;
    }
    if (batch.length > 0) yield batch;
  } finally {
    await handle.close();
  }
}

/** Pages over places that are already in memory. */
export function pagesOf<P extends RowPlace>(
  places: readonly P[],
): (afterLine: number, limit: number) => Promise<readonly P[]> {
  let from = 0;
  return async (_afterLine, limit) => {
    const page = places.slice(from, from + limit);
    from += page.length;
    return page;
  };
}
