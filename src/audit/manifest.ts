import type { ReleasedItem } from './occurrence.ts';
import { readUuid, writeUuid } from './uuid.ts';

/** First byte of every manifest of this layout. */
const VERSION = 1;
const HEADER_LENGTH = 1 + 8;
const ITEM_LENGTH = 16 + 8;

/** What was returned, and at which publication: kept beside the event, never inside it (facts 1.3). */
export interface Manifest {
  readonly publication: number;
  readonly released: readonly ReleasedItem[];
}

/**
 * Binary layout: version byte, publication (64 bits), then 16 bytes of id and 64 bits of version for each item, all
 * big-endian, in the order of the answer.
 *
 * @throws RangeError when an id is not a UUID, or a number is negative or not a safe integer
 */
export function encodeManifest(manifest: Manifest): Buffer {
  const { publication, released } = manifest;
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + released.length * ITEM_LENGTH);
  bytes[0] = VERSION;
  writeCount(publication, bytes, 1);
  let offset = HEADER_LENGTH;
  for (const item of released) {
    writeUuid(item.id, bytes, offset);
    writeCount(item.version, bytes, offset + 16);
    offset += ITEM_LENGTH;
  }
  return bytes;
}

/** @throws RangeError when the bytes are not a manifest of a layout that this program knows */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const items = (view.length - HEADER_LENGTH) / ITEM_LENGTH;
  if (view[0] !== VERSION || items < 0 || !Number.isInteger(items)) throw new RangeError('Not a manifest.');
  const released = Array.from({ length: items }, (_, i): ReleasedItem => {
    const offset = HEADER_LENGTH + i * ITEM_LENGTH;
    return { id: readUuid(view, offset), version: readCount(view, offset + 16) };
  });
  return { publication: readCount(view, 1), released };
}

/** Two halves of 32 bits: several times faster than a BigInt for every item of a record. */
function writeCount(count: number, target: Buffer, offset: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError('Not a count.');
  target.writeUInt32BE(Math.floor(count / 0x1_0000_0000), offset);
  target.writeUInt32BE(count % 0x1_0000_0000, offset + 4);
}

function readCount(source: Buffer, offset: number): number {
  const count = source.readUInt32BE(offset) * 0x1_0000_0000 + source.readUInt32BE(offset + 4);
  if (!Number.isSafeInteger(count)) throw new RangeError('Not a manifest.');
  return count;
}
