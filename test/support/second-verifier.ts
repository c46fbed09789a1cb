import { createHash, type KeyObject } from 'node:crypto';
import { compactVerify } from 'jose';
import { leafOf, mth } from './audit-log.ts';

/**
 * A second verifier, that shares nothing with the first: written from the documents (docs/audit-log.md, RFC 6962, RFC
 * 7515), with the recursive definitions, another library for signatures, and everything in memory. It only says whether
 * the log is whole.
 */

export interface SecondBatch {
  readonly shard: number;
  readonly batch: number;
  readonly month: string;
  readonly firstSeq: number;
  readonly n: number;
  readonly root: Uint8Array;
  readonly prevHead: Uint8Array;
  readonly head: Uint8Array;
  readonly treeSize: number;
  readonly recorded: number;
}

export interface SecondEvent {
  readonly shard: number;
  readonly seq: number;
  readonly month: string;
  readonly recorded: number;
  readonly eventId: string;
  readonly kind: string;
  readonly outcome: number;
  readonly requestId: string;
  readonly personId?: string;
  readonly client?: string;
  readonly agent?: string;
  readonly organisation?: string;
  readonly purpose?: string;
  readonly salt: Uint8Array;
  readonly leaf: Uint8Array;
  readonly manifest: Uint8Array;
  readonly body: Uint8Array;
}

export interface SecondLog {
  readonly batches: readonly SecondBatch[];
  readonly events: readonly SecondEvent[];
  readonly checkpoints: readonly { readonly no: number; readonly recorded: number; readonly jws: string }[];
  readonly witnessed: readonly string[];
  readonly keys: readonly { readonly key: KeyObject; readonly from: number; readonly to?: number }[];
}

interface Payload {
  readonly log: string;
  readonly no: number;
  readonly time: string;
  readonly previous?: string;
  readonly shards: readonly {
    readonly shard: number;
    readonly batches: number;
    readonly size: number;
    readonly root: string;
    readonly head: string;
  }[];
}

export async function isWhole(log: SecondLog): Promise<boolean> {
  try {
    const payloads = await chainOf(log);
    const shards = new Set([...log.batches, ...log.events].map(({ shard }) => shard));
    for (const payload of payloads) for (const { shard } of payload.shards) shards.add(shard);
    for (const shard of shards) followShard(log, shard, payloads);
    const stored = new Set(log.checkpoints.map(({ jws }) => jws));
    must(log.witnessed.every((jws) => stored.has(jws)));
    return true;
  } catch {
    return false;
  }
}

function must(condition: boolean): void {
  if (!condition) throw new Error('The log is not whole.');
}

async function chainOf({ checkpoints, keys }: SecondLog): Promise<readonly Payload[]> {
  const payloads: Payload[] = [];
  let previous: string | undefined;
  for (const [index, { no, recorded, jws }] of [...checkpoints].sort((a, b) => a.no - b.no).entries()) {
    const payload = await signed(jws, keys);
    must(no === index + 1 && payload.no === no && payload.previous === previous);
    must(Date.parse(payload.time) === recorded);
    const before = payloads.at(-1);
    must(before === undefined || (before.log === payload.log && before.time <= payload.time));
    previous = createHash('sha256').update(jws).digest('base64url');
    payloads.push(payload);
  }
  return payloads;
}

async function signed(jws: string, keys: SecondLog['keys']): Promise<Payload> {
  must(jws.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part));
  for (const { key, from, to = Number.POSITIVE_INFINITY } of keys) {
    const opened = await compactVerify(jws, key, { algorithms: ['EdDSA'] }).catch(() => undefined);
    if (opened?.protectedHeader.typ !== 'mcr-audit-checkpoint+jws') continue;
    const payload = JSON.parse(Buffer.from(opened.payload).toString()) as Payload;
    const time = Date.parse(payload.time);
    if (time >= from && time < to) return payload;
  }
  throw new Error('No key of the history signed it.');
}

function followShard(log: SecondLog, shard: number, payloads: readonly Payload[]): void {
  const batches = log.batches.filter((one) => one.shard === shard).sort((a, b) => a.batch - b.batch);
  const events = log.events.filter((one) => one.shard === shard).sort((a, b) => a.seq - b.seq);
  must(events.every((event, i) => event.seq === i));
  must(events.length === batches.reduce((sum, { n }) => sum + n, 0));
  let head: Uint8Array = new Uint8Array(32);
  let size = 0;
  let time = 0;
  for (const [number, batch] of batches.entries()) {
    const own = events.slice(size, size + batch.n);
    must(
      batch.batch === number && batch.firstSeq === size && batch.n > 0 && batch.treeSize === size + batch.n,
    );
    must(bytes(batch.prevHead) === bytes(head));
    for (const event of own) {
      followEvent(event, batch.month);
      must(event.recorded >= time);
      time = event.recorded;
    }
    must(batch.recorded === time);
    must(bytes(mth(own.map(({ leaf }) => leaf))) === bytes(batch.root));
    const text = `${shard}:${number}:${size}:${batch.n}`;
    head = createHash('sha256').update('v1').update(head).update(batch.root).update(text).digest();
    must(bytes(head) === bytes(batch.head));
    size += batch.n;
  }
  for (const { shards } of payloads) {
    const state = shards.find((one) => one.shard === shard);
    if (state === undefined) continue;
    must(state.size <= size && state.batches <= batches.length);
    must(bytes(mth(events.slice(0, state.size).map(({ leaf }) => leaf))) === state.root);
    must(bytes(batches[state.batches - 1]?.head ?? new Uint8Array(32)) === state.head);
    const upTo = batches.slice(0, state.batches).reduce((sum, { n }) => sum + n, 0);
    must(upTo === state.size);
  }
}

/** Columns against the body, by the places that docs/audit-log.md names. */
function followEvent(event: SecondEvent, month: string): void {
  must(bytes(leafOf(event)) === bytes(event.leaf) && event.salt.length === 16);
  // biome-ignore lint/suspicious/noExplicitAny: a second reading, member by member
  const body: any = JSON.parse(Buffer.from(event.body).toString('utf8'));
  must(body.id === event.eventId && Date.parse(body.recorded) === event.recorded);
  must(event.month === month && `${body.recorded.slice(0, 7)}-01` === month);
  must(Number(body.outcome) === event.outcome);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const agent = (code: string): any =>
    // biome-ignore lint/suspicious/noExplicitAny: as above
    body.agent.find((one: any) => one.type?.coding?.[0]?.code === code)?.who?.identifier?.value;
  must(
    event.agent === agent('IRCP') && event.organisation === agent('PROV') && event.client === agent('110150'),
  );
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const entity = (code: string): any => body.entity.find((one: any) => one.type?.code === code)?.what;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const told = body.entity.flatMap((one: any) => one.detail ?? []);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const detail = told.find((one: any) => one.type === 'X-Request-Id')?.valueString;
  must(event.requestId === (entity('XrequestId')?.identifier?.value ?? detail));
  must((event.personId === undefined ? undefined : `Patient/${event.personId}`) === entity('1')?.reference);
  const purpose = body.purposeOfEvent?.[0];
  must(event.purpose === (purpose?.coding?.[0]?.code ?? purpose?.text));
  must(body.subtype[0].code === event.kind);
}

function bytes(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}
