import { type KeyObject, randomUUID } from 'node:crypto';
import type { Random } from '../../demo/county/random.ts';
import { batchHead, NO_HEAD } from '../../src/audit/batch.ts';
import { type Checkpoint, signCheckpoint } from '../../src/audit/checkpoint.ts';
import type { Fault } from '../../src/audit/fault.ts';
import type { StoredBatch } from '../../src/audit/log-reader.ts';
import { leafHash, merkleRoot } from '../../src/audit/merkle.ts';
import { addCheckpoint, type Rows, type SealedLog } from './sealed-log.ts';

/** Where a log was altered: what the verifier has to find. */
export interface Altered {
  readonly shard?: number;
  readonly batch?: number;
  readonly checkpoint?: number;
  /** at this place, or after it */
  readonly seq?: number;
  /** only what is held outside can tell */
  readonly byWitness?: true;
  /** only a checkpoint can tell, which covers several batches: found from this batch at the latest */
  readonly bySignature?: true;
}

/** Alters rows in one way, somewhere. Undefined where the place does not allow it. */
export type Operator = (rows: Rows, random: Random, log: SealedLog) => Altered | undefined;

type Event = Rows['events'][number];

/** A copy that can be altered without touching the first. */
export function copyOf({ batches, events, checkpoints }: Rows): Rows {
  return { batches: [...batches], events: [...events], checkpoints: [...checkpoints] };
}

/** Whether one of the faults says where: the batch or the one beside it; the checkpoint or the next. */
export function isLocated(faults: readonly Fault[], altered: Altered): boolean {
  const { shard, batch = 0, seq, checkpoint, byWitness, bySignature } = altered;
  if (byWitness) return faults.some(({ what }) => what.startsWith('the witness holds'));
  if (checkpoint !== undefined)
    return faults.some((one) => one.checkpoint !== undefined && Math.abs(one.checkpoint - checkpoint) <= 1);
  const own = faults.filter((one) => one.shard === shard);
  if (seq !== undefined) return own.some((one) => (one.seq ?? -1) >= seq);
  if (bySignature)
    return own.some((one) => /not those that were signed/.test(one.what) && (one.batch ?? Infinity) <= batch);
  return own.some((one) => one.batch !== undefined && Math.abs(one.batch - batch) <= 1);
}

function placeOf({ shard, batch }: StoredBatch): Altered {
  return { shard, batch };
}

/** Rows under the last checkpoint: what came after it may still be altered unseen, for a minute. */
function sealedBatches(rows: Rows, log: SealedLog): readonly StoredBatch[] {
  const last = payloadOf(log.rows.checkpoints.at(-1)?.jws ?? '');
  return rows.batches.filter(
    ({ shard, batch }) => batch < (last.shards.find((one) => one.shard === shard)?.batches ?? 0),
  );
}

function sealedEvent(rows: Rows, random: Random, log: SealedLog): { event: Event; batch: StoredBatch } {
  const batch = random.pick(sealedBatches(rows, log));
  return { event: random.pick(eventsOf(rows, batch)), batch };
}

function eventsOf(rows: Rows, { shard, firstSeq, n }: StoredBatch): Event[] {
  const own = rows.events.filter(
    (one) => one.shard === shard && one.seq >= firstSeq && one.seq < firstSeq + n,
  );
  return own.sort((a, b) => a.seq - b.seq);
}

function replaceEvent(rows: Rows, old: Event, parts: Partial<Event>): Event {
  const changed = { ...old, ...parts };
  rows.events[rows.events.indexOf(old)] = changed;
  return changed;
}

function replaceBatch(rows: Rows, old: StoredBatch, parts: Partial<StoredBatch>): StoredBatch {
  const changed = { ...old, ...parts };
  rows.batches[rows.batches.indexOf(old)] = changed;
  return changed;
}

function flipped(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.whole(0, copy.length - 1);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.whole(0, 7));
  return copy;
}

function withLeaf(event: Event): Event {
  return { ...event, leaf: leafHash(event.salt, event.body.toString('utf8'), event.manifest) };
}

/** The same event about somebody else, whole by its own hash and findable as what it says. */
function retold(event: Event): Event {
  const body = Buffer.from(event.body.toString('utf8').replaceAll(event.personId ?? 'nobody', randomUUID()));
  const person = /"Patient\/([0-9a-f-]{36})"/.exec(body.toString('utf8'))?.[1];
  return withLeaf({ ...event, body, ...(person === undefined ? {} : { personId: person }) });
}

/** Works roots, heads, places and sizes out again from a batch to the end of its shard: a forger without the key. */
function rechain(rows: Rows, shard: number): void {
  let head: Buffer = NO_HEAD;
  let seq = 0;
  const own = rows.batches.filter((one) => one.shard === shard).sort((a, b) => a.batch - b.batch);
  let number = 0;
  for (const batch of own) {
    const events = eventsOf(rows, batch);
    const n = events.length;
    const moved = events.map((event, i) => ({ event, seq: seq + i }));
    if (n === 0) {
      rows.batches.splice(rows.batches.indexOf(batch), 1);
      continue;
    }
    const link = {
      shard,
      batch: number,
      firstSeq: seq,
      n,
      root: merkleRoot(events.map(({ leaf }) => leaf)),
      prevHead: head,
    };
    const recorded = events.at(-1)?.recorded ?? 0;
    head = batchHead(link);
    replaceBatch(rows, batch, { ...link, head, treeSize: seq + n, recorded });
    for (const one of moved) replaceEvent(rows, one.event, { seq: one.seq });
    seq += n;
    number += 1;
  }
}

/** Works every checkpoint out again, over what is there now, and signs it. */
function signAgain(rows: Rows, key: KeyObject): void {
  const old = rows.checkpoints;
  const all = { batches: rows.batches, events: rows.events };
  rows.checkpoints = [];
  for (const { jws, recorded } of old) {
    const { shards } = payloadOf(jws);
    const batches = all.batches.filter(
      ({ shard, batch }) => batch < (shards.find((one) => one.shard === shard)?.batches ?? 0),
    );
    const part: Rows = { batches, events: all.events, checkpoints: rows.checkpoints };
    addCheckpoint(part, key, recorded);
  }
}
function payloadOf(jws: string): Checkpoint {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
}

const inEvent =
  (change: (event: Event, random: Random) => Partial<Event>): Operator =>
  (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    replaceEvent(rows, event, change(event, random));
    return placeOf(batch);
  };

const inBatch =
  (change: (batch: StoredBatch, random: Random) => Partial<StoredBatch>): Operator =>
  (rows, random, log) => {
    const batch = random.pick(sealedBatches(rows, log));
    replaceBatch(rows, batch, change(batch, random));
    return placeOf(batch);
  };

/** An event is altered, and what covers it is worked out again so far. */
function forged(rows: Rows, random: Random, log: SealedLog): { event: Event; batch: StoredBatch } {
  const { event, batch } = sealedEvent(rows, random, log);
  return { event: replaceEvent(rows, event, retold(event)), batch };
}

function cutAt(rows: Rows, no: number): void {
  const kept = payloadOf(rows.checkpoints.find((one) => one.no === no)?.jws ?? '').shards;
  const sizeOf = (shard: number): number => kept.find((one) => one.shard === shard)?.size ?? 0;
  rows.checkpoints = rows.checkpoints.filter((one) => one.no <= no);
  rows.batches = rows.batches.filter((one) => one.firstSeq < sizeOf(one.shard));
  rows.events = rows.events.filter((one) => one.seq < sizeOf(one.shard));
}

/** A log lies in two months. */
function otherMonth(rows: Rows, month: string): string {
  return rows.events.find((one) => one.month !== month)?.month ?? month;
}

const swapped: Operator = (rows, random, log) => {
  const batch = random.pick(sealedBatches(rows, log).filter(({ n }) => n > 1));
  const [a, b] = eventsOf(rows, batch);
  if (a === undefined || b === undefined) return undefined;
  replaceEvent(rows, a, { seq: b.seq });
  replaceEvent(rows, b, { seq: a.seq });
  return placeOf(batch);
};

const changedColumn: Operator = (rows, random, log) => {
  const { event, batch } = sealedEvent(rows, random, log);
  const column = random.pick([
    'eventId',
    'personId',
    'organisation',
    'agent',
    'client',
    'purpose',
    'requestId',
    'outcome',
    'kind',
  ] as const);
  const { [column]: value, ...rest } = event;
  const other =
    column === 'outcome'
      ? 12
      : column === 'kind'
        ? 'read'
        : column.endsWith('Id')
          ? randomUUID()
          : 'somebody';
  const gone =
    value !== undefined && ['personId', 'organisation', 'agent', 'client', 'purpose'].includes(column);
  const without: Event = { ...(rest as Event) };
  rows.events[rows.events.indexOf(event)] =
    gone && random.chance(0.5) ? without : ({ ...event, [column]: other } as Event);
  return placeOf(batch);
};

/** What may be done to a log, by name. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  'flip a bit of a body': inEvent((event, random) => ({ body: flipped(event.body, random) })),
  'flip a bit of a manifest': inEvent((event, random) => ({ manifest: flipped(event.manifest, random) })),
  'flip a bit of a salt': inEvent((event, random) => ({ salt: flipped(event.salt, random) })),
  'lengthen a salt': inEvent((event) => ({ salt: Buffer.concat([event.salt, Buffer.of(0)]) })),
  'flip a bit of a leaf': inEvent((event, random) => ({ leaf: flipped(event.leaf, random) })),
  'retell an event with its leaf': (rows, random, log) => placeOf(forged(rows, random, log).batch),
  'retell an event with leaf and root': (rows, random, log) => {
    const { batch } = forged(rows, random, log);
    replaceBatch(rows, batch, { root: merkleRoot(eventsOf(rows, batch).map(({ leaf }) => leaf)) });
    return placeOf(batch);
  },
  'retell an event with leaf, root and head': (rows, random, log) => {
    const { batch } = forged(rows, random, log);
    const root = merkleRoot(eventsOf(rows, batch).map(({ leaf }) => leaf));
    replaceBatch(rows, batch, { root, head: batchHead({ ...batch, root }) });
    return placeOf(batch);
  },
  'retell an event and chain all later batches': (rows, random, log) => {
    const { batch } = forged(rows, random, log);
    rechain(rows, batch.shard);
    return { ...placeOf(batch), bySignature: true };
  },
  'swap two events': swapped,
  'drop an event': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    rows.events.splice(rows.events.indexOf(event), 1);
    return placeOf(batch);
  },
  'drop an event and close the gap': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    rows.events.splice(rows.events.indexOf(event), 1);
    rechain(rows, batch.shard);
    return { ...placeOf(batch), bySignature: true };
  },
  'drop a batch': (rows, random, log) => {
    const batch = random.pick(sealedBatches(rows, log));
    const gone = new Set(eventsOf(rows, batch));
    rows.events = rows.events.filter((event) => !gone.has(event));
    rows.batches = rows.batches.filter((one) => one !== batch);
    return placeOf(batch);
  },
  'drop a row of a batch alone': (rows, random, log) => {
    const batch = random.pick(sealedBatches(rows, log));
    rows.batches = rows.batches.filter((one) => one !== batch);
    return placeOf(batch);
  },
  'cut off the end of a shard': (rows, random, log) => {
    const { shard, batch, firstSeq } = random.pick(sealedBatches(rows, log));
    rows.batches = rows.batches.filter((one) => one.shard !== shard || one.batch < batch);
    rows.events = rows.events.filter((one) => one.shard !== shard || one.seq < firstSeq);
    return { shard, batch };
  },
  'write an event twice': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    rows.events.push({ ...event, eventId: randomUUID() });
    return placeOf(batch);
  },
  'slip an event in': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    const later = rows.events.filter((one) => one.shard === batch.shard && one.seq > event.seq);
    for (const one of later) replaceEvent(rows, one, { seq: one.seq + 1 });
    for (const one of rows.batches.filter((b) => b.shard === batch.shard && b.batch > batch.batch))
      replaceBatch(rows, one, { firstSeq: one.firstSeq + 1 });
    replaceBatch(rows, batch, { n: batch.n + 1 });
    rows.events.push(retold({ ...event, seq: event.seq + 1 }));
    rechain(rows, batch.shard);
    return { ...placeOf(batch), bySignature: true };
  },
  'leave an event that no batch holds': (rows, random) => {
    const last = rows.events.at(-1);
    if (last === undefined) return undefined;
    const end = Math.max(...rows.events.filter((one) => one.shard === last.shard).map(({ seq }) => seq));
    rows.events.push({ ...last, seq: end + random.whole(1, 5) });
    return { shard: last.shard, seq: end + 1 };
  },
  'move an event to another shard': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    replaceEvent(rows, event, { shard: 1 - event.shard });
    return placeOf(batch);
  },
  'move a batch to another shard': (rows, random, log) => {
    const batch = random.pick(sealedBatches(rows, log));
    for (const event of eventsOf(rows, batch)) replaceEvent(rows, event, { shard: 7 });
    replaceBatch(rows, batch, { shard: 7 });
    return placeOf(batch);
  },
  'back-date an event': inEvent((event, random) => ({ recorded: event.recorded - random.whole(1, 100_000) })),
  'move an event to another month': (rows, random, log) => {
    const { event, batch } = sealedEvent(rows, random, log);
    replaceEvent(rows, event, { month: otherMonth(rows, event.month) });
    return placeOf(batch);
  },
  'change what an event is found by': changedColumn,
  'change a number of a batch': (rows, random, log) => {
    const batch = random.pick(sealedBatches(rows, log));
    const parts: readonly Partial<StoredBatch>[] = [
      { n: batch.n + random.whole(1, 3) },
      { firstSeq: batch.firstSeq + random.whole(1, 3) },
      { treeSize: batch.treeSize - 1 },
      { recorded: batch.recorded - random.whole(1, 100_000) },
      { month: otherMonth(rows, batch.month) },
    ];
    replaceBatch(rows, batch, random.pick(parts));
    return placeOf(batch);
  },
  'flip a bit of a batch’s root': inBatch((batch, random) => ({ root: flipped(batch.root, random) })),
  'flip a bit of a batch’s head': inBatch((batch, random) => ({ head: flipped(batch.head, random) })),
  'flip a bit of the head before': inBatch((batch, random) => ({
    prevHead: flipped(batch.prevHead, random),
  })),
  'change a character of a checkpoint': (rows, random) => {
    const one = random.pick(rows.checkpoints);
    const at = random.whole(0, one.jws.length - 1);
    const other = one.jws[at] === 'A' ? 'B' : 'A';
    const jws = one.jws.slice(0, at) + other + one.jws.slice(at + 1);
    rows.checkpoints[rows.checkpoints.indexOf(one)] = { ...one, jws };
    return { checkpoint: one.no };
  },
  'change the time of a checkpoint': (rows, random) => {
    const one = random.pick(rows.checkpoints);
    rows.checkpoints[rows.checkpoints.indexOf(one)] = { ...one, recorded: one.recorded + 1 };
    return { checkpoint: one.no };
  },
  'damage what is kept of the trees': (rows, random) => {
    const one = random.pick(rows.checkpoints);
    const frontiers = flipped(one.frontiers, random);
    rows.checkpoints[rows.checkpoints.indexOf(one)] = { ...one, frontiers };
    return { checkpoint: one.no };
  },
  'drop a checkpoint': (rows, random) => {
    const one = random.pick(rows.checkpoints.slice(0, -1));
    rows.checkpoints = rows.checkpoints.filter((other) => other !== one);
    return { checkpoint: one.no };
  },
  'sign a checkpoint with a key that is nobody’s': (rows, random, log) => {
    const one = random.pick(rows.checkpoints);
    const jws = signCheckpoint(payloadOf(one.jws), log.signing.foreign);
    rows.checkpoints[rows.checkpoints.indexOf(one)] = { ...one, jws };
    return { checkpoint: one.no };
  },
  'rewrite the log and sign it with a retired key': (rows, random, log) => {
    const { batch } = forged(rows, random, log);
    rechain(rows, batch.shard);
    signAgain(rows, log.signing.old);
    return { checkpoint: 1 };
  },
  'rewrite the log and sign it with the right key': (rows, random, log) => {
    const { batch } = forged(rows, random, log);
    rechain(rows, batch.shard);
    signAgain(rows, log.signing.own);
    return { byWitness: true };
  },
  'put an old backup back': (rows, random) => {
    cutAt(rows, random.whole(1, (rows.checkpoints.at(-1)?.no ?? 2) - 1));
    return { byWitness: true };
  },
  'put an old backup back and go on': (rows, random, log) => {
    cutAt(rows, random.whole(1, (rows.checkpoints.at(-1)?.no ?? 2) - 1));
    addCheckpoint(rows, log.signing.own, (rows.checkpoints.at(-1)?.recorded ?? 0) + 60_000);
    return { byWitness: true };
  },
  'begin the chain of checkpoints anew': (rows, _random, log) => {
    const last = rows.checkpoints.at(-1);
    if (last === undefined) return undefined;
    const { previous: _gone, ...payload } = payloadOf(last.jws);
    const jws = signCheckpoint({ ...payload, no: 1 }, log.signing.own);
    rows.checkpoints = [{ ...last, no: 1, jws }];
    return { byWitness: true };
  },
};
