import { hash, type KeyObject } from 'node:crypto';
import { isObject, type JsonObject } from '../access/strict-json.ts';
import { canonicalise } from './canonical.ts';
import { openCompact, SignatureError, signCompact } from './jws.ts';
import { type KeyHistory, keyAt } from './key-history.ts';
import { HASH_LENGTH } from './merkle.ts';

/** Where the log stood at a moment, signed, and given to witnesses outside of our reach (audit log design 4.3). */
export interface Checkpoint {
  /** UUID of the log, made with its first checkpoint: another database's checkpoints are of another log */
  readonly log: string;
  /** 1, 2, 3 ... */
  readonly no: number;
  /** RFC 3339, UTC */
  readonly time: string;
  /** SHA-256 of the checkpoint before as it was signed, base64url; absent in the first, which seals what was there */
  readonly previous?: string;
  /** every shard that has a batch, by number */
  readonly shards: readonly ShardState[];
  readonly policyVersion: string;
  /** of this program */
  readonly version: string;
}

export interface ShardState {
  readonly shard: number;
  readonly batches: number;
  /** events */
  readonly size: number;
  /** of the shard's tree (RFC 6962) and of its last batch; hex */
  readonly root: string;
  readonly head: string;
}

const TYPE = 'mcr-audit-checkpoint+jws';
const HEX_HASH = /^[0-9a-f]{64}$/;

/** @param key private, Ed25519 */
export function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): string {
  return signCompact(TYPE, canonicalise(checkpoint), key);
}

/** What the next checkpoint calls this one. */
export function checkpointHash(jws: string): string {
  return hash('sha256', jws, 'buffer').toString('base64url');
}

/**
 * A checkpoint that can be believed: signed by a key of the history, at a time when that key was in use.
 *
 * @throws SignatureError with a sentence
 */
export function openCheckpoint(jws: string, keys: KeyHistory): Checkpoint {
  const { payload, kid } = openCompact(TYPE, jws, (named) => keys.get(named)?.key);
  const checkpoint = checkpointOf(payload);
  if (keyAt(keys, kid, Date.parse(checkpoint.time)) === undefined) {
    throw new SignatureError('Its key was not in use at that time.');
  }
  return checkpoint;
}

function checkpointOf(payload: JsonObject): Checkpoint {
  const { log, no, time, previous, shards, policyVersion, version } = payload;
  if (
    typeof log === 'string' &&
    isCount(no) &&
    typeof time === 'string' &&
    !Number.isNaN(Date.parse(time)) &&
    (previous === undefined || typeof previous === 'string') &&
    Array.isArray(shards) &&
    typeof policyVersion === 'string' &&
    typeof version === 'string'
  ) {
    const before = previous === undefined ? {} : { previous };
    return { log, no, time, ...before, shards: shards.map(shardState), policyVersion, version };
  }
  throw noCheckpoint();
}

function shardState(value: unknown): ShardState {
  const { shard, batches, size, root, head } = isObject(value) ? value : {};
  if (isCount(shard) && isCount(batches) && isCount(size) && isHash(root) && isHash(head)) {
    return { shard, batches, size, root, head };
  }
  throw noCheckpoint();
}

function noCheckpoint(): SignatureError {
  return new SignatureError('What is signed is no checkpoint.');
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HEX_HASH.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A hash as a checkpoint writes it. */
export function hexHash(bytes: Uint8Array): string {
  if (bytes.length !== HASH_LENGTH) throw new RangeError('A hash has 32 bytes.');
  return Buffer.from(bytes).toString('hex');
}
