import { hash, type KeyObject } from 'node:crypto';
import { isObject, type JsonObject } from '../access/strict-json.ts';
import { canonicalise } from './canonical.ts';
import { openCompact, SignatureError, signCompact } from './jws.ts';
import { type KeyHistory, keyAt } from './key-history.ts';

/** What stands in the place of a month whose events have been retired: signed, and itself told in the log (4.7). */
export interface Tombstone {
  /** UUID of the log */
  readonly log: string;
  /** first day, `YYYY-MM-DD` */
  readonly month: string;
  /** RFC 3339, UTC */
  readonly time: string;
  readonly shards: readonly RetiredShard[];
  /** two people, neither of them twice */
  readonly approvers: readonly string[];
  readonly reason: string;
}

export interface RetiredShard {
  readonly shard: number;
  readonly firstSeq: number;
  /** events */
  readonly n: number;
  /** SHA-256 of their leaf hashes in order, hex: the leaves themselves stay */
  readonly leaves: string;
}

const TYPE = 'mcr-audit-tombstone+jws';

/** @param key private, Ed25519 */
export function signTombstone(tombstone: Tombstone, key: KeyObject): string {
  return signCompact(TYPE, canonicalise(tombstone), key);
}

/** @throws SignatureError with a sentence where it cannot be believed */
export function openTombstone(jws: string, keys: KeyHistory): Tombstone {
  const { payload, kid } = openCompact(TYPE, jws, (named) => keys.get(named)?.key);
  const tombstone = tombstoneOf(payload);
  if (keyAt(keys, kid, Date.parse(tombstone.time)) === undefined)
    throw new SignatureError('Its key was not in use at that time.');
  return tombstone;
}

/** What a tombstone says of the leaves of one shard: each joined to the one before. */
export function leavesHash(leaves: Uint8Array): string {
  return hash('sha256', leaves, 'hex');
}

function tombstoneOf(payload: JsonObject): Tombstone {
  const { log, month, time, shards, approvers, reason } = payload;
  if (
    typeof log === 'string' &&
    typeof month === 'string' &&
    typeof time === 'string' &&
    !Number.isNaN(Date.parse(time)) &&
    Array.isArray(shards) &&
    Array.isArray(approvers) &&
    typeof reason === 'string'
  ) {
    return { log, month, time, shards: shards.map(retiredShard), approvers: approvers.map(String), reason };
  }
  throw new SignatureError('What is signed is no tombstone.');
}

function retiredShard(value: unknown): RetiredShard {
  const { shard, firstSeq, n, leaves } = isObject(value) ? value : {};
  if (
    typeof shard === 'number' &&
    typeof firstSeq === 'number' &&
    typeof n === 'number' &&
    typeof leaves === 'string'
  )
    return { shard, firstSeq, n, leaves };
  throw new SignatureError('What is signed is no tombstone.');
}
