import { hash } from 'node:crypto';
import type { ReleasedItem, ReleasedResource } from './occurrence.ts';
import { readUuid, writeUuid } from './uuid.ts';

/** First byte of a manifest: of those that are written, and of those of before, which name rows without digests. */
const VERSION = 2;
const WITHOUT_DIGESTS = 1;
const HEADER_LENGTH = 1 + 8;
const ITEM_LENGTH = 16 + 8;
const COUNT_LENGTH = 2;
export const DIGEST_LENGTH = 16;

/** Domain separation from leaves (0) and nodes (1). */
const TEXT = 0x02;
const NO_DIGEST = Buffer.alloc(DIGEST_LENGTH);

/** What was returned, and at which publication: kept beside the event, never inside it (facts 1.3). */
export interface Manifest {
  readonly publication: number;
  /** every row that something was made of, in the order of the answer */
  readonly released: readonly ReleasedItem[];
  /** the same, by resource of the answer */
  readonly resources: readonly SealedResource[];
}

/** One resource of an answer. */
export interface SealedResource {
  /** stored rows it was made of: itself, or the contributions of a Patient; none where it is made of nothing stored */
  readonly madeOf: readonly ReleasedItem[];
  /** of its text, {@link textDigest}; absent where none was sealed */
  readonly digest?: Buffer;
}

/**
 * Binary layout: version byte, publication (64 bits); then for each resource, in the order of the answer, how many rows it
 * was made of (16 bits), 16 bytes of id and 64 bits of version for each of them, and 16 bytes of digest, or zeros. All
 * big-endian.
 *
 * @param salt of the event
 * @throws RangeError when an id is not a UUID, a number is negative or not a safe integer, or rows are too many
 */
export function encodeManifest(
  { publication, released }: { readonly publication: number; readonly released: readonly ReleasedResource[] },
  salt: Uint8Array,
): Buffer {
  const items = released.reduce((sum, { madeOf }) => sum + madeOf.length, 0);
  const bytes = Buffer.allocUnsafe(
    HEADER_LENGTH + items * ITEM_LENGTH + released.length * (COUNT_LENGTH + DIGEST_LENGTH),
  );
  bytes[0] = VERSION;
  writeCount(publication, bytes, 1);
  let offset = HEADER_LENGTH;
  for (const { madeOf, text } of released) {
    offset = bytes.writeUInt16BE(madeOf.length, offset);
    for (const { id, version } of madeOf) {
      writeUuid(id, bytes, offset);
      writeCount(version, bytes, offset + 16);
      offset += ITEM_LENGTH;
    }
    if (text === undefined) bytes.set(NO_DIGEST, offset);
    // as text: handing out a buffer for each would cost more than the hash
    else bytes.write(digested(salt, text), offset, DIGEST_LENGTH, 'hex');
    offset += DIGEST_LENGTH;
  }
  return bytes;
}

/** @throws RangeError when the bytes are not a manifest of a layout that this program knows */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < HEADER_LENGTH) throw new RangeError('Not a manifest.');
  const resources =
    view[0] === VERSION ? sealed(view) : view[0] === WITHOUT_DIGESTS ? unsealed(view) : undefined;
  if (resources === undefined) throw new RangeError('Not a manifest.');
  return {
    publication: readCount(view, 1),
    released: resources.flatMap(({ madeOf }) => madeOf),
    resources,
  };
}

/**
 * Digest of a resource's text as it was sent (UTF-8, before any indentation or content coding): the first 16 bytes of
 * SHA-256(`0x02 ‖ salt ‖ text`). The salt is drawn after the text is there, so that nobody can prepare two texts with
 * one digest; and the same text has another digest in every event.
 */
export function textDigest(salt: Uint8Array, text: string): Buffer {
  return Buffer.from(digested(salt, text), 'hex').subarray(0, DIGEST_LENGTH);
}

function sealed(view: Buffer): readonly SealedResource[] | undefined {
  const resources: SealedResource[] = [];
  let offset = HEADER_LENGTH;
  while (offset < view.length) {
    if (offset + COUNT_LENGTH > view.length) return undefined;
    const count = view.readUInt16BE(offset);
    const digestAt = offset + COUNT_LENGTH + count * ITEM_LENGTH;
    if (digestAt + DIGEST_LENGTH > view.length) return undefined;
    const madeOf = itemsIn(view, offset + COUNT_LENGTH, count);
    const digest = view.subarray(digestAt, digestAt + DIGEST_LENGTH);
    resources.push(digest.equals(NO_DIGEST) ? { madeOf } : { madeOf, digest });
    offset = digestAt + DIGEST_LENGTH;
  }
  return resources;
}

/** Rows of a Patient were not told from others: each stands for itself. */
function unsealed(view: Buffer): readonly SealedResource[] | undefined {
  const count = (view.length - HEADER_LENGTH) / ITEM_LENGTH;
  if (!Number.isInteger(count)) return undefined;
  return itemsIn(view, HEADER_LENGTH, count).map((item) => ({ madeOf: [item] }));
}

function itemsIn(view: Buffer, start: number, count: number): readonly ReleasedItem[] {
  return Array.from({ length: count }, (_, i): ReleasedItem => {
    const offset = start + i * ITEM_LENGTH;
    return { id: readUuid(view, offset), version: readCount(view, offset + 16) };
  });
}

/** Texts are written into it one after the other; a longer one gets bytes of its own. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

function digested(salt: Uint8Array, text: string): string {
  const start = 1 + salt.length;
  // a character of a string is three bytes of UTF-8 at most
  const most = start + text.length * 3;
  const bytes = most <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(most);
  bytes[0] = TEXT;
  bytes.set(salt, 1);
  const end = start + bytes.write(text, start, 'utf8');
  return hash('sha256', bytes.subarray(0, end), 'hex');
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
