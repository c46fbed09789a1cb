import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { Refusal } from '../../src/loads/refusal.ts';
import { UNPACK_LIMITS, unpack } from '../../src/loads/unpack.ts';
import { NUMBERS, observation, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, loader, TODAY, writeExtract } from './world.ts';

const [ADA] = NUMBERS;
const files: Readonly<Record<string, readonly Row[]>> = {
  Patient: [patient('p1', ADA)],
  Observation: [observation('o1', 'p1', 1), observation('o2', 'p1', 7.1), observation('o3', 'p1', 3)],
};

function packed(pack: (bytes: Buffer) => Buffer, more: Partial<ExtractSpec> = {}): ExtractSpec {
  return { source: 'gp', files, packed: { Observation: pack }, ...more };
}

/** Two members that meet in the middle of a row. */
const inMembers = (bytes: Buffer): Buffer =>
  Buffer.concat([gzipSync(bytes.subarray(0, 50)), gzipSync(bytes.subarray(50))]);

t.test('a packed file is loaded as its plain twin is', async (t) => {
  const plain = await loader(t);
  await plain.load({ source: 'gp', files });
  const expected = await visible(plain);
  const world = await loader(t);
  t.match(await world.load(packed(gzipSync)), {
    result: 'published',
    files: [{}, { name: 'Observation.ndjson.gz', rows: 3 }],
    types: { Observation: { new: 3, rejected: {} } },
  });
  t.same(await visible(world), expected);
  t.match(
    await world.load(packed(inMembers, { sequence: 2 })),
    { result: 'published', types: { Observation: { unchanged: 3 } } },
    'members that follow each other are one file',
  );
  t.same(readdirSync(join(world.root, 'staging', 'gp')), [], 'no copy is left');
});

t.test('a packed file that is not whole, or not gzip, is refused and changes nothing', async (t) => {
  const world = await loader(t);
  await world.load(packed(gzipSync));
  const before = await visible(world);
  const cases: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'no gzip': (bytes) => bytes,
    'another compression': deflateSync,
    empty: () => Buffer.alloc(0),
    'a stream that ends too soon': (bytes) => gzipSync(bytes).subarray(0, -12),
    'a second member that ends too soon': (bytes) => inMembers(bytes).subarray(0, -12),
    'a checksum that does not fit': (bytes) => {
      const gzip = gzipSync(bytes);
      gzip[gzip.length - 7] = (gzip[gzip.length - 7] ?? 0) ^ 1;
      return gzip;
    },
    'zeros behind its end': (bytes) => Buffer.concat([gzipSync(bytes), Buffer.alloc(600_000)]),
    'text behind its end': (bytes) => Buffer.concat([gzipSync(bytes), Buffer.from('{}\n')]),
  };
  for (const [what, pack] of Object.entries(cases)) {
    t.match(
      await world.load(packed(pack, { sequence: 2 })),
      { result: 'refused', reason: { rule: 'gzip', sentence: /Observation\.ndjson\.gz/ } },
      what,
    );
    t.same(await visible(world), before, what);
  }
  const folder = writeExtract(world.root, packed(gzipSync, { sequence: 2 }));
  const path = join(folder, 'Observation.ndjson.gz');
  writeFileSync(path, readFileSync(path).subarray(0, -1));
  t.match(
    await world.loadFolder(folder, 'gp'),
    { reason: { rule: 'file-changed' } },
    'what is not as the manifest says is not even unpacked',
  );
});

t.test('a file that unpacks to far more than it is, is refused before it fills the disk', async (t) => {
  const world = await loader(t);
  const bomb = (): Buffer => gzipSync(Buffer.alloc(40 * 1024 * 1024, 0x20));
  t.match(await world.load(packed(bomb)), { result: 'refused', reason: { rule: 'unpacked-size' } });
  t.same(readdirSync(join(world.root, 'staging', 'gp')), [], 'what was unpacked of it is gone');

  const root = mkdtempSync(join(tmpdir(), 'mcr-unpack-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  let made = 0;
  const unpacked = async (bytes: Buffer, room: number, ratio = UNPACK_LIMITS.ratio): Promise<Buffer> => {
    made += 1;
    const [from, to] = [join(root, `${made}.gz`), join(root, `${made}`)];
    writeFileSync(from, bytes);
    const length = await unpack('x.gz', from, to, room, ratio);
    const found = readFileSync(to);
    t.equal(found.length, length);
    return found;
  };
  t.equal((await unpacked(gzipSync(Buffer.alloc(1_000)), 1_000)).length, 1_000, 'just fits');
  await t.rejects(
    unpacked(gzipSync(Buffer.alloc(1_001)), 1_000),
    Refusal,
    'one byte more than there is room for',
  );
  const large = Buffer.alloc(17 * 1024 * 1024);
  await t.rejects(unpacked(gzipSync(large), UNPACK_LIMITS.bytes, 2), Refusal, 'beyond the ratio');
  t.equal((await unpacked(gzipSync(large, { level: 0 }), UNPACK_LIMITS.bytes, 2)).length, large.length);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1 }), async (members) => {
      const found = await unpacked(Buffer.concat(members.map((each) => gzipSync(each))), UNPACK_LIMITS.bytes);
      return found.equals(Buffer.concat(members));
    }),
    { numRuns: 30 },
  );
});

t.test('a row of 50 MB is rejected by its line, packed or not, and its neighbours are taken', async (t) => {
  const world = await loader(t);
  const long = `"${'x'.repeat(50 * 1024 * 1024)}"`;
  const [first, second] = [observation('o1', 'p1'), observation('o2', 'p1')].map((row) =>
    JSON.stringify(row),
  );
  const text = `${first}\n${long}\n${second}\n`;
  const store = (bytes: Buffer): Buffer => gzipSync(bytes, { level: 0 });
  const spec = { source: 'gp', businessDate: TODAY, files: { ...files, Observation: text } };
  for (const [sequence, more] of [{}, { packed: { Observation: store } }].entries()) {
    t.match(await world.load({ ...spec, ...more, sequence: sequence + 1 }), {
      result: 'published',
      types: { Observation: { rejected: { 'too-long': 1 } } },
    });
  }
  t.same(await world.rows('select load_no::int, line::int, rule from record.reject order by 1'), [
    { load_no: 1, line: 2, rule: 'too-long' },
    { load_no: 2, line: 2, rule: 'too-long' },
  ]);
});
