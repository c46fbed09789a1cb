import { hash } from 'node:crypto';

/** Lengths in bytes. */
export const HASH_LENGTH = 32;
export const SALT_LENGTH = 16;

/** Domain separation of RFC 6962 section 2.1: no leaf can be passed off as a node. */
const LEAF = 0x00;
const NODE = 0x01;

/**
 * What the leaf hash covers: `0x00 ‖ salt ‖ length of the body (32 bits, big-endian) ‖ body ‖ manifest`. The salt keeps
 * a retired body from being guessed from its leaf; the length keeps body and manifest from running into each other.
 *
 * @returns the bytes, and where the body lies within them, so that it is encoded only once
 * @throws RangeError when the salt has not 16 bytes
 */
export function leafInput(salt: Uint8Array, body: string, manifest: Uint8Array): LeafInput {
  if (salt.length !== SALT_LENGTH) throw new RangeError('A salt has 16 bytes.');
  const length = Buffer.byteLength(body, 'utf8');
  const bodyStart = 1 + SALT_LENGTH + 4;
  const bytes = Buffer.allocUnsafe(bodyStart + length + manifest.length);
  bytes[0] = LEAF;
  bytes.set(salt, 1);
  bytes.writeUInt32BE(length, 1 + SALT_LENGTH);
  bytes.write(body, bodyStart, 'utf8');
  bytes.set(manifest, bodyStart + length);
  return { bytes, body: bytes.subarray(bodyStart, bodyStart + length) };
}

export interface LeafInput {
  readonly bytes: Buffer;
  /** UTF-8 of the body: a view of `bytes` */
  readonly body: Buffer;
}

/** Hash of one event: SHA-256 of its {@link leafInput}. */
export function leafHash(salt: Uint8Array, body: string, manifest: Uint8Array): Buffer {
  return hash('sha256', leafInput(salt, body, manifest).bytes, 'buffer');
}

/** Hash of two hashes: SHA-256(`0x01 ‖ left ‖ right`). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + HASH_LENGTH + HASH_LENGTH);
  bytes[0] = NODE;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_LENGTH);
  return hash('sha256', bytes, 'buffer');
}

/**
 * Merkle Tree Hash of RFC 6962 section 2.1 over leaf hashes, level by level: the last of an odd level goes up as it is,
 * which gives the same root as splitting at the largest power of two.
 *
 * @throws RangeError when there are no leaves: an empty batch is never written
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      above.push(nodeHash(level[i] as Uint8Array, level[i + 1] as Uint8Array));
    }
    if (level.length % 2 === 1) above.push(level[level.length - 1] as Uint8Array);
    level = above;
  }
  const root = level[0];
  if (root === undefined) throw new RangeError('A tree has at least one leaf.');
  return Buffer.from(root);
}
