import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { Refusal } from './refusal.ts';

/** Gzipped files (RFC 1952) are unpacked into staging: rows are read by their offset, some of them more than once. */

export interface UnpackLimits {
  /** of all files of an extract together, unpacked */
  readonly bytes: number;
  /** unpacked to packed; FHIR in JSON packs 10 to 40 times, and gzip can pack no more than 1,032 times */
  readonly ratio: number;
}

export const UNPACK_LIMITS: UnpackLimits = { bytes: 32 * 1024 ** 3, ratio: 100 };

/** What is unpacked from a small file whatever its ratio: a few rows that are much alike are no attack. */
const SMALL = 16 * 1024 * 1024;
const BLOCK = 256 * 1024;

/** By its name, whatever is in it. */
export function isPacked(name: string): boolean {
  return name.endsWith('.gz');
}

/**
 * Unpacks a file of our own, a block at a time. Members that follow each other are one file, as `gzip` has it.
 *
 * @param name of the file as sent
 * @param room bytes that may still be unpacked for this extract
 * @returns bytes unpacked
 * @throws Refusal where the file is no gzip, ends too soon, has anything behind its end, or unpacks beyond the limits
 */
export async function unpack(
  name: string,
  from: string,
  to: string,
  room: number,
  ratio: number,
): Promise<number> {
  const { size } = await stat(from);
  const most = Math.min(room, Math.max(SMALL, size * ratio));
  const target = await open(to, 'wx', 0o600);
  const source = createReadStream(from, { highWaterMark: BLOCK });
  const gunzip = createGunzip({ chunkSize: BLOCK });
  // a fault may come between two blocks, while nobody reads: it is thrown to whoever reads next, and nowhere else
  gunzip.on('error', () => {});
  // not a pipeline: to that, an end with something behind it is a reading broken off
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  let bytes = 0;
  try {
    for await (const block of gunzip as AsyncIterable<Buffer>) {
      bytes += block.length;
      if (bytes > most) throw tooLarge(name, room, ratio);
      await target.writeFile(block);
    }
  } catch (error) {
    if (isFaultOfData(error)) {
      throw new Refusal('gzip', `The file ${name} is not gzip, or not all of it: it cannot be unpacked.`);
    }
    throw error;
  } finally {
    source.destroy();
    await target.close();
  }
  // zeros behind the end are passed over in silence
  if (gunzip.bytesWritten !== size) {
    throw new Refusal('gzip', `The file ${name} has something behind the end of its gzip data.`);
  }
  return bytes;
}

function tooLarge(name: string, room: number, ratio: number): Refusal {
  return new Refusal(
    'unpacked-size',
    `The file ${name} unpacks to more than ${ratio} times its size, or than the ${room} bytes that are left for it.`,
  );
}

function isFaultOfData(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
