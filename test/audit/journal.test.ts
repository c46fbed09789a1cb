import { createHash, hash, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { Journal } from '../../src/audit/journal.ts';
import type { JournalHappening, JournalLimits } from '../../src/audit/journal-options.ts';
import { decodeManifest, encodeManifest, textDigest } from '../../src/audit/manifest.ts';
import { leafHash, merkleRoot } from '../../src/audit/merkle.ts';
import type { ReleasedItem, ReleasedResource } from '../../src/audit/occurrence.ts';
import type { Receipt } from '../../src/audit/ports.ts';
import { Problem } from '../../src/fhir/problem.ts';
import { leafOf, logFaults, mth } from '../support/audit-log.ts';
import type { Fate } from '../support/memory-log.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { entry, later, random, SERVICE } from '../support/occurrences.ts';

/** Waits of the journal never end, pauses between its attempts end at once: nothing depends on the machine's speed. */
const NEVER = 1_000_000_007;
const untimed = (milliseconds: number, call: () => void): (() => void) => {
  if (milliseconds !== NEVER) setImmediate(call);
  return () => {};
};

interface Kept {
  readonly log: MemoryLog;
  readonly journal: Journal;
  readonly happened: JournalHappening[];
}

async function started(
  limits: Partial<JournalLimits> = {},
  log = new MemoryLog(),
  timer = untimed,
): Promise<Kept> {
  const happened: JournalHappening[] = [];
  const journal = new Journal({
    service: SERVICE,
    writer: log,
    later: timer,
    random,
    limits: { wait: NEVER, ...limits },
    observe: (happening) => happened.push(happening),
  });
  await journal.start();
  return { log, journal, happened };
}

/** Receipts, and problems in their place. */
async function settled(promises: readonly Promise<Receipt>[]): Promise<(Receipt | Problem)[]> {
  const all = await Promise.allSettled(promises);
  return all.map((one) => (one.status === 'fulfilled' ? one.value : one.reason));
}

function held(log: MemoryLog): () => void {
  let open: () => void = () => {};
  log.gate = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

const unavailable = { name: 'Problem', kind: 'unavailable', detail: { retryAfter: 2 } };

t.test('the Merkle root is the one RFC 6962 defines', async (t) => {
  for (let n = 1; n <= 70; n += 1) {
    const leaves = Array.from({ length: n }, () => randomBytes(32));
    t.strictSame(merkleRoot(leaves), mth(leaves), `${n} leaves`);
  }
  t.throws(() => merkleRoot([]), RangeError);
  // roots over the first n of these inputs, as Certificate Transparency's own tests give them
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const leaves = inputs.map((input) => hash('sha256', Buffer.from(`00${input}`, 'hex'), 'buffer'));
  const roots: readonly (readonly [number, string])[] = [
    [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
    [5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
    [7, 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
    [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ];
  for (const [n, root] of roots) t.equal(merkleRoot(leaves.slice(0, n)).toString('hex'), root);
});

t.test('a leaf covers salt, body and manifest, each in its place', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.string({ unit: 'binary' }),
      bytes,
      (salt, text, manifest) => {
        const leaf = leafHash(salt, text, manifest);
        const moved = leafHash(salt, `${text}x`, manifest);
        return (
          leaf.equals(leafOf({ salt, body: Buffer.from(text, 'utf8'), manifest })) && !leaf.equals(moved)
        );
      },
    ),
  );
  const salt = randomBytes(16);
  t.notSame(
    leafHash(salt, 'ab', Buffer.from('c')),
    leafHash(salt, 'a', Buffer.from('bc')),
    'nothing runs over',
  );
  t.throws(() => leafHash(randomBytes(15), '', Buffer.alloc(0)), RangeError);
});

t.test('a manifest reads back what was released, with a digest of what was sent', async (t) => {
  const salt = randomBytes(16);
  const count = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER));
  const item = fc.record({ id: fc.uuid(), version: count }, { noNullPrototype: true });
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  const resource = fc.record(
    { madeOf: fc.array(item, { maxLength: 4 }), text },
    { requiredKeys: ['madeOf'], noNullPrototype: true },
  );
  const manifest = fc.record({ publication: count, released: fc.array(resource) }, { noNullPrototype: true });
  const named = (released: readonly ReleasedResource[]) => released.flatMap(({ madeOf }) => madeOf);
  fc.assert(
    fc.property(manifest, ({ publication, released }) => {
      const bytes = encodeManifest({ publication, released }, salt);
      t.equal(bytes.length, 9 + 24 * named(released).length + 18 * released.length);
      const resources = released.map(({ madeOf, text }) =>
        // by docs/audit-log.md, another way
        text === undefined ? { madeOf } : { madeOf, digest: documentedDigest(salt, text) },
      );
      t.strictSame(decodeManifest(bytes), { publication, released: named(released), resources });
    }),
  );
  const long = 'é'.repeat(100_000);
  t.strictSame(textDigest(salt, long), documentedDigest(salt, long), 'longer than what is kept for it');
  const one = { id: '00112233-4455-6677-8899-AABBCCDDEEFF', version: 1 };
  t.strictSame(
    encodeManifest({ publication: 258, released: [{ madeOf: [one] }] }, salt).toString('hex'),
    `020000000000000102000100112233445566778899aabbccddeeff0000000000000001${'00'.repeat(16)}`,
  );
  const before = '01000000000000010200112233445566778899aabbccddeeff0000000000000001';
  const lower = { ...one, id: one.id.toLowerCase() };
  t.strictSame(
    decodeManifest(Buffer.from(before, 'hex')),
    { publication: 258, released: [lower], resources: [{ madeOf: [lower] }] },
    'one of before there were digests',
  );
  const encode = (item: ReleasedItem) =>
    encodeManifest({ publication: 1, released: [{ madeOf: [item] }] }, salt);
  for (const id of [
    '',
    'x',
    '00112233-4455-6677-8899-aabbccddeefg',
    '00112233+4455-6677-8899-aabbccddeeff',
    '00112233-4455-6677-8899-aabbccddeefé',
    `${randomUUID()}0`,
  ]) {
    t.throws(() => encode({ id, version: 1 }), RangeError, id);
  }
  for (const version of [-1, 0.5, Number.NaN, 2 ** 53])
    t.throws(() => encode({ id: randomUUID(), version }), RangeError);
  t.throws(
    () => encodeManifest({ publication: 1, released: [{ madeOf: Array(65_536).fill(one) }] }, salt),
    RangeError,
    'more rows than are counted',
  );
  const header = `02${'00'.repeat(8)}`;
  for (const bytes of [
    '',
    '02',
    `03${'00'.repeat(8)}`,
    `${header}00`,
    `${header}0001`,
    `${header}0000${'00'.repeat(15)}`,
    `${header}0001${'00'.repeat(39)}`,
    '010000000000000001aa',
    `01${'ff'.repeat(8)}`,
  ]) {
    t.throws(() => decodeManifest(Buffer.from(bytes, 'hex')), RangeError, bytes);
  }
});

function documentedDigest(salt: Buffer, text: string): Buffer {
  return createHash('sha256').update(Buffer.of(2)).update(salt).update(text).digest().subarray(0, 16);
}

t.test('an entry is answered only after its commit, with a receipt good for one release', async (t) => {
  const { log, journal } = await started();
  const open = held(log);
  let answered = false;
  const promised = journal.append(entry()).then((receipt) => {
    answered = true;
    return receipt;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.notOk(answered, 'not before');
  open();
  const receipt = await promised;
  const [batch] = log.batches;
  t.equal(receipt.eventId, batch?.events[0]?.eventId);
  t.equal(receipt.toString(), `0/0/${batch?.head.toString('hex').slice(0, 16)}`);
  t.ok(receipt.spend());
  t.notOk(receipt.spend(), 'never twice');
  const forge: unknown = Reflect.get(receipt, 'constructor');
  t.throws(() => Reflect.construct(forge as new () => Receipt, [Symbol('mine'), batch, 0, 'x']), TypeError);
});

t.test('what arrives during a commit is the next batch, in order and within bounds', async (t) => {
  const { log, journal } = await started({ batchEvents: 5 });
  const open = held(log);
  const all = Array.from({ length: 12 }, () => journal.append(entry()));
  await Promise.resolve();
  const more = Array.from({ length: 3 }, () => journal.append(entry()));
  t.equal(journal.queued, 10, 'five are with the writer');
  open();
  const receipts = await Promise.all([...all, ...more]);
  t.strictSame(
    log.batches.map(({ events }) => events.length),
    [5, 5, 5],
  );
  t.strictSame(
    receipts.map(({ seq }) => seq),
    receipts.map((_, i) => i),
  );
  t.strictSame(logFaults(log.batches), []);

  const large = await started({ batchBytes: 10_000 });
  const opened = held(large.log);
  const events = Array.from({ length: 4 }, () => large.journal.append(entry({}, 300)));
  opened();
  await Promise.all(events);
  t.strictSame(
    large.log.batches.map(({ events }) => events.length),
    [1, 1, 1, 1],
    'bounded in bytes, never empty',
  );
});

t.test('a batch lies in one month, and time never runs backwards', async (t) => {
  const { log, journal } = await started(
    {},
    Object.assign(new MemoryLog(), { floor: Date.UTC(2031, 0, 31, 12) }),
  );
  const times = [
    Date.UTC(2031, 0, 31, 11), // before the log's last event
    Date.UTC(2031, 0, 31, 23, 59, 59, 999),
    Date.UTC(2031, 0, 31, 20), // the clock stepped back
    Date.UTC(2031, 1, 1),
    Date.UTC(2031, 1, 1, 0, 0, 1),
    Date.UTC(2031, 0, 31, 23), // and again
  ];
  await Promise.all(times.map((at) => journal.append(entry({ at }))));
  t.strictSame(
    log.batches.map(({ month, events }) => [month, events.length]),
    [
      ['2031-01-01', 3],
      ['2031-02-01', 3],
    ],
  );
  t.equal(log.batches[0]?.events[0]?.recorded, Date.UTC(2031, 0, 31, 12));
  t.strictSame(logFaults(log.batches), []);
});

t.test('a shard that is ahead of the queue is joined at its own time', async (t) => {
  const { log, journal } = await started();
  log.fates = ['not-written'];
  const open = held(log);
  const at = Date.UTC(2031, 4, 31, 23, 59);
  const promised = [journal.append(entry({ at })), journal.append(entry({ at: Date.UTC(2031, 5, 2) }))];
  log.shard = 7;
  log.floor = Date.UTC(2031, 5, 1);
  open();
  const receipts = await Promise.all(promised);
  t.strictSame(
    receipts.map(({ shard, seq }) => [shard, seq]),
    [
      [7, 0],
      [7, 1],
    ],
  );
  t.strictSame(
    log.batches.map(({ month }) => month),
    ['2031-06-01'],
  );
  t.strictSame(logFaults(log.batches), []);
});

t.test('a clock that was far ahead and failed does not stay ahead', async (t) => {
  const { log, journal } = await started();
  log.fates = ['lost'];
  await t.rejects(journal.append(entry({ at: Date.UTC(2090, 0, 1) })), unavailable);
  const at = Date.UTC(2031, 0, 1);
  await journal.append(entry({ at }));
  t.equal(log.batches[0]?.recorded, at);
});

t.test('in doubt everyone is refused and nothing is written twice', async (t) => {
  for (const [fate, found] of [
    ['answer-lost', 'written'],
    ['lost', 'not-written'],
    ['throws', 'not-written'],
  ] as const) {
    const { log, journal, happened } = await started();
    log.fates = [fate];
    const first = await settled([journal.append(entry()), journal.append(entry())]);
    t.match(first, [unavailable, unavailable], fate);
    const second = await journal.append(entry());
    t.equal(second.seq, fate === 'answer-lost' ? 2 : 0);
    t.match(happened, [{ what: 'in-doubt' }, { what: 'resumed', found }, { what: 'committed', events: 1 }]);
    t.strictSame(logFaults(log.batches), []);
  }
});

t.test('a batch that was surely not written is tried again, but not for ever', async (t) => {
  const { log, journal } = await started();
  log.fates = ['not-written', 'not-written'];
  const receipts = await Promise.all([journal.append(entry()), journal.append(entry())]);
  t.strictSame(
    receipts.map(({ seq }) => seq),
    [0, 1],
  );
  t.equal(log.resumptions, 3);
  log.fates = Array.from({ length: 9 }, () => 'not-written' as const);
  await t.rejects(journal.append(entry()), unavailable);
  log.fates = [];
  await journal.append(entry());
  t.strictSame(logFaults(log.batches), []);
});

t.test('while the database is away there is no room, and afterwards there is', async (t) => {
  const { log, journal, happened } = await started();
  log.fates = ['lost'];
  log.unreachable = 3;
  await t.rejects(journal.append(entry()), unavailable);
  while (!happened.some(({ what }) => what === 'away')) await new Promise(setImmediate);
  t.notOk(journal.hasRoom());
  await t.rejects(journal.append(entry()), unavailable);
  while (!journal.hasRoom()) await new Promise(setImmediate);
  t.equal((await journal.append(entry())).seq, 0);
});

t.test('a full queue refuses, in events and in bytes', async (t) => {
  for (const [limits, released] of [
    [{ queueEvents: 3 }, 1],
    [{ queueBytes: 30_000 }, 240],
  ] as const) {
    const { log, journal } = await started({ ...limits, batchEvents: 1 });
    const open = held(log);
    const first = journal.append(entry({}, released));
    await Promise.resolve();
    const waiting = Array.from({ length: 3 }, () => journal.append(entry({}, released)));
    t.notOk(journal.hasRoom());
    await t.rejects(journal.append(entry({}, released)), unavailable);
    open();
    await Promise.all([first, ...waiting]);
    t.ok(journal.hasRoom());
    t.equal(log.batches.length, 4, 'what was refused was not written');
  }
});

t.test('who has waited too long is refused, though the event may be written', async (t) => {
  const { log, journal } = await started({ wait: 5 }, new MemoryLog(), later);
  const open = held(log);
  await t.rejects(journal.append(entry()), unavailable);
  open();
  while (log.batches.length === 0) await new Promise(setImmediate);
  t.equal(log.batches[0]?.events.length, 1);
});

t.test('an entry that cannot be sealed is refused alone', async (t) => {
  const { log, journal } = await started();
  const promises = [
    journal.append(entry()),
    journal.append(entry({ id: 'not a uuid' })),
    journal.append(entry({ personId: "'; drop" })),
    journal.append({ ...entry(), released: [{ madeOf: [{ id: 'x', version: 1 }] }] }),
    journal.append({ ...entry(), publication: -1 }),
    journal.append(entry()),
  ];
  const defect = { kind: 'defect' };
  t.match(await settled(promises), [{ seq: 0 }, defect, defect, defect, defect, { seq: 1 }]);
  t.strictSame(logFaults(log.batches), []);
});

t.test('draining writes what is queued, and nothing else', async (t) => {
  const { log, journal } = await started({ batchEvents: 2 });
  const open = held(log);
  const promises = Array.from({ length: 5 }, () => journal.append(entry()));
  const drained = journal.drain();
  t.notOk(journal.hasRoom());
  await t.rejects(journal.append(entry()), unavailable);
  t.notOk(log.released);
  open();
  await drained;
  t.equal((await Promise.all(promises)).length, 5);
  t.ok(log.released);

  const away = await started();
  away.log.fates = ['lost'];
  away.log.unreachable = 100;
  const lost = settled([away.journal.append(entry())]);
  await away.journal.drain();
  t.match(await lost, [unavailable], 'and gives up when the database is away');
  await t.rejects(
    new Journal({ service: SERVICE, writer: log, later, random }).append(entry()),
    unavailable,
    'not started',
  );
});

t.test('a defect closes the journal instead of letting answers go unaudited', async (t) => {
  const log = new MemoryLog();
  let draws = 0;
  const broken = new Journal({
    service: SERVICE,
    writer: log,
    later: untimed,
    limits: { wait: NEVER },
    random: (size) => {
      draws += 1;
      if (draws > 1) throw new Error('no entropy');
      return random(size);
    },
    observe: () => {
      throw new Error('an observer that is broken too');
    },
  });
  await broken.start();
  const results = await settled(Array.from({ length: 256 }, () => broken.append(entry())));
  t.match(results[0], unavailable);
  t.notOk(broken.hasRoom());
  t.strictSame(log.batches, []);
});

t.test('whatever fails: acknowledged is stored, once, without a gap', async (t) => {
  const fates = fc.array(
    fc.constantFrom<Fate>('commit', 'commit', 'answer-lost', 'lost', 'not-written', 'throws'),
    { maxLength: 12 },
  );
  const clock = fc.array(fc.integer({ min: -40_000_000, max: 40_000_000 }), { minLength: 30, maxLength: 60 });
  const midnight = Date.UTC(2031, 5, 1);
  await fc.assert(
    fc.asyncProperty(
      fates,
      clock,
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.nat(30)),
      async (fates, clock, callers, absences) => {
        const { log, journal } = await started({ batchEvents: 4 });
        log.fates = [...fates];
        const acknowledged: string[] = [];
        const refused: unknown[] = [];
        const caller = async (first: number): Promise<void> => {
          for (let i = first; i < clock.length; i += callers) {
            if (absences.includes(i)) log.unreachable += 1;
            const one = entry({ at: midnight + (clock[i] ?? 0) });
            try {
              acknowledged.push((await journal.append(one)).eventId);
            } catch (problem) {
              refused.push(problem);
            }
            await new Promise(setImmediate);
          }
        };
        await Promise.all(Array.from({ length: callers }, (_, i) => caller(i)));
        await journal.drain();
        const stored = log.batches.flatMap(({ events }) => events.map(({ eventId }) => eventId));
        t.equal(acknowledged.length + refused.length, clock.length);
        t.ok(refused.every((problem) => problem instanceof Problem && problem.kind === 'unavailable'));
        t.ok(
          acknowledged.every((id) => stored.includes(id)),
          'acknowledged is stored',
        );
        t.strictSame(logFaults(log.batches), []);
      },
    ),
    { numRuns: 150 },
  );
});
