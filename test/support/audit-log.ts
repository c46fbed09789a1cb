import { createHash } from 'node:crypto';
import { canonicalise } from '../../src/audit/canonical.ts';

/** A batch as it lies in a log, wherever that is. */
export interface LoggedBatch {
  readonly shard: number;
  readonly batch: number;
  readonly uuid: string;
  readonly month: string;
  readonly firstSeq: number;
  readonly root: Uint8Array;
  readonly prevHead: Uint8Array;
  readonly head: Uint8Array;
  readonly recorded: number;
  readonly events: readonly LoggedEvent[];
}

export interface LoggedEvent {
  readonly eventId: string;
  readonly recorded: number;
  readonly salt: Uint8Array;
  readonly leaf: Uint8Array;
  readonly body: Uint8Array;
  readonly manifest: Uint8Array;
}

/**
 * Faults of a log, by a second implementation that shares nothing with the first: the recursive definition of RFC 6962
 * section 2.1, and the written layout of leaves and heads.
 */
export function logFaults(batches: readonly LoggedBatch[]): string[] {
  const faults: string[] = [];
  const uuids = new Set(batches.map(({ uuid }) => uuid));
  if (uuids.size !== batches.length) faults.push('a batch is there twice');
  const ids = batches.flatMap(({ events }) => events.map(({ eventId }) => eventId));
  if (new Set(ids).size !== ids.length) faults.push('an event is there twice');
  const shards = new Set(batches.map(({ shard }) => shard));
  for (const shard of shards) {
    const own = batches.filter((one) => one.shard === shard).sort((a, b) => a.batch - b.batch);
    let [head, size, recorded]: [Uint8Array, number, number] = [Buffer.alloc(32), 0, 0];
    for (const [number, batch] of own.entries()) {
      const place = `${shard}:${number}`;
      const fault = (what: string): number => faults.push(`${place}: ${what}`);
      if (batch.batch !== number) fault('a batch is missing');
      if (batch.firstSeq !== size) fault('a gap in seq');
      if (!same(batch.prevHead, head)) fault('does not follow the head before');
      if (batch.events.length === 0) fault('is empty');
      for (const event of batch.events) {
        if (!same(event.leaf, leafOf(event))) fault('leaf');
        const text = Buffer.from(event.body).toString('utf8');
        const body = JSON.parse(text);
        if (canonicalise(body) !== text) fault('body is not canonical');
        if (body.id !== event.eventId || Date.parse(body.recorded) !== event.recorded)
          fault('body is of another event');
        if (event.recorded < recorded) fault('time runs backwards');
        if (`${body.recorded.slice(0, 7)}-01` !== batch.month) fault('is of another month');
        recorded = event.recorded;
      }
      if (batch.recorded !== recorded) fault('recorded is not that of the last event');
      if (!same(batch.root, mth(batch.events.map(({ leaf }) => leaf)))) fault('root');
      const text = `${shard}:${number}:${size}:${batch.events.length}`;
      head = sha256(Buffer.from('v1'), head, batch.root, Buffer.from(text));
      if (!same(batch.head, head)) fault('head');
      size += batch.events.length;
    }
  }
  return faults;
}

/** Merkle Tree Hash as RFC 6962 defines it: split at the largest power of two smaller than the number of leaves. */
export function mth(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

export function leafOf(event: Pick<LoggedEvent, 'salt' | 'body' | 'manifest'>): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.body.length);
  return sha256(Buffer.of(0), event.salt, length, event.body, event.manifest);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
