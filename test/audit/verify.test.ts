import { createHash, generateKeyPairSync, hash, randomBytes } from 'node:crypto';
import { compactVerify } from 'jose';
import t from 'tap';
import { Random } from '../../demo/county/random.ts';
import { openCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { faultLine } from '../../src/audit/fault.ts';
import { openCompact, signCompact, thumbprint } from '../../src/audit/jws.ts';
import { historyEntry, keyAt, readKeyHistory } from '../../src/audit/key-history.ts';
import { AlteredLog, LogState } from '../../src/audit/log-state.ts';
import { checkProof, type Proof } from '../../src/audit/proof.ts';
import { Frontier, frontierLength, PathBuilder, rootFromPath } from '../../src/audit/tree.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { mth } from '../support/audit-log.ts';
import { held, RowsReader, type SealedLog, sealedLog, verified } from '../support/sealed-log.ts';
import { isWhole } from '../support/second-verifier.ts';
import { copyOf, isLocated, OPERATORS } from '../support/tampering.ts';

/** How often each way of altering a log is tried; more by `npm run rig:tamper`. */
const TRIES = 3;

/** Inputs and answers of the tests of Certificate Transparency's reference implementation, for RFC 6962. */
const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
/** leaf, size of the tree, path */
const PATHS: readonly (readonly [number, number, readonly string[]])[] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];
const LEAVES = INPUTS.map((input) => hash('sha256', Buffer.from(`00${input}`, 'hex'), 'buffer'));

t.test('roots and audit paths are those of RFC 6962', async (t) => {
  const tree = new Frontier();
  t.equal(tree.root().toString('hex'), createHash('sha256').digest('hex'), 'of nothing');
  for (const [i, leaf] of LEAVES.entries()) {
    tree.add(leaf);
    t.equal(tree.root().toString('hex'), ROOTS[i], `${i + 1} leaves`);
  }
  for (const [index, size, path] of PATHS) {
    const builder = new PathBuilder(index, size);
    for (const leaf of LEAVES.slice(0, size)) builder.add(leaf);
    t.strictSame(
      builder.path().map((one) => one.toString('hex')),
      path,
      `of leaf ${index} of ${size}`,
    );
  }
});

t.test('a path proves its own leaf, at its own place, in its own tree, and nothing else', async (t) => {
  const leaves = Array.from({ length: 40 }, () => randomBytes(32));
  let wrong = 0;
  for (let size = 1; size <= leaves.length; size += 1) {
    const root = mth(leaves.slice(0, size));
    for (let index = 0; index < size; index += 1) {
      const builder = new PathBuilder(index, size);
      for (const leaf of leaves) builder.add(leaf);
      const path = builder.path();
      const leaf = leaves[index] ?? Buffer.alloc(0);
      const proves = (at: number, of: number, siblings: readonly Buffer[], what = leaf): boolean =>
        rootFromPath(what, at, of, siblings)?.equals(root) === true;
      if (!proves(index, size, path)) wrong += 1;
      if (proves(index, size, path, randomBytes(32))) wrong += 1;
      if (size > 1 && proves(index === 0 ? 1 : index - 1, size, path)) wrong += 1;
      if (proves(index, size, path.slice(1)) && size > 1) wrong += 1;
      if (proves(index, size, [...path, leaf])) wrong += 1;
      if (path.length > 1 && proves(index, size, [...path].reverse())) wrong += 1;
    }
  }
  t.equal(wrong, 0);
  t.equal(rootFromPath(randomBytes(32), 3, 3, []), undefined, 'beyond the tree');
  t.equal(rootFromPath(randomBytes(32), -1, 3, []), undefined);
  t.equal(rootFromPath(randomBytes(32), 0.5, 3, []), undefined);
  t.equal(rootFromPath(randomBytes(32), 0, 2, [randomBytes(31)]), undefined, 'a sibling that is no hash');
  t.throws(() => new PathBuilder(3, 3), RangeError);
  t.throws(() => new PathBuilder(0, 2).path(), RangeError, 'leaves are missing');
});

t.test('a tree goes on from what is kept of it', async (t) => {
  const leaves = Array.from({ length: 130 }, () => randomBytes(32));
  const whole = new Frontier();
  for (const leaf of leaves) {
    whole.add(leaf);
    const again = Frontier.decode(whole.size, whole.encode());
    t.equal(whole.encode().length, frontierLength(whole.size));
    const next = randomBytes(32);
    const grown = Frontier.decode(whole.size, whole.encode());
    grown.add(next);
    if (!again.root().equals(mth(leaves.slice(0, whole.size)) as Buffer)) t.fail(`${whole.size}`);
    if (!grown.root().equals(mth([...leaves.slice(0, whole.size), next]) as Buffer))
      t.fail(`${whole.size}, grown`);
  }
  t.throws(() => Frontier.decode(3, Buffer.alloc(32)), RangeError);
  t.equal(frontierLength(2 ** 40 + 1), 64, 'beyond 32 bits');
});

t.test('signatures are of one kind, one spelling and a known key', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jws = signCompact('a+jws', '{"a":1}', privateKey);
  const keyOf = (kid: string) => (kid === thumbprint(publicKey) ? publicKey : undefined);
  t.strictSame(openCompact('a+jws', jws, keyOf), { payload: { a: 1 }, kid: thumbprint(publicKey) });
  t.match(
    await compactVerify(jws, publicKey),
    { protectedHeader: { alg: 'EdDSA', typ: 'a+jws' } },
    'and for jose',
  );
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const dressed = (head: object): string =>
    `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${payload}.${signature}`;
  const kid = thumbprint(publicKey);
  for (const [what, text] of [
    ['another type', signCompact('b+jws', '{"a":1}', privateKey)],
    ['another key', signCompact('a+jws', '{"a":1}', generateKeyPairSync('ed25519').privateKey)],
    ['another algorithm', dressed({ alg: 'none', kid, typ: 'a+jws' })],
    ['a member more', dressed({ alg: 'EdDSA', kid, typ: 'a+jws', crit: ['x'] })],
    ['no signature', `${header}.${payload}.`],
    ['a part more', `${jws}.`],
    ['another payload', `${header}.${Buffer.from('{"a":2}').toString('base64url')}.${signature}`],
    ['bits that are left over', `${jws.slice(0, -1)}${jws.endsWith('A') ? 'B' : 'A'}`],
    ['padding', `${jws}=`],
    ['what is no object', signCompact('a+jws', '[1]', privateKey)],
    ['a member twice', signCompact('a+jws', '{"a":1,"a":2}', privateKey)],
  ] as const)
    t.throws(() => openCompact('a+jws', text, keyOf), { name: 'SignatureError' }, what);
});

t.test('a key history says which key signed when, and holds no private key', async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const entry = historyEntry(privateKey, new Date('2031-01-01T00:00:00Z'));
  const history = (...keys: object[]) => readKeyHistory(JSON.stringify({ keys }));
  const kid = thumbprint(privateKey);
  const ended = history({ ...entry, to: '2031-02-01T00:00:00Z' });
  t.equal(keyAt(ended, kid, Date.UTC(2031, 0, 1) - 1), undefined, 'before');
  t.ok(keyAt(ended, kid, Date.UTC(2031, 0, 1)));
  t.ok(keyAt(ended, kid, Date.UTC(2031, 1, 1) - 1));
  t.equal(keyAt(ended, kid, Date.UTC(2031, 1, 1)), undefined, 'after');
  t.equal(keyAt(ended, 'another', Date.UTC(2031, 0, 5)), undefined);
  for (const [what, faulty] of [
    [/"keys"/, () => readKeyHistory('{}')],
    [/"keys"/, () => readKeyHistory('nonsense')],
    [/"keys"/, () => history()],
    [/not of a history: d/, () => history(privateKey.export({ format: 'jwk' }))],
    [/thumbprint/, () => history({ ...entry, kid: 'x' })],
    [/Ed25519/, () => history({ ...entry, crv: 'X25519' })],
    [/no Ed25519 key/, () => history({ ...entry, kid: undefined, x: 'AAAA' })],
    [/from must be an instant/, () => history({ ...entry, from: '2031' })],
    [/to must be an instant/, () => history({ ...entry, to: 5 })],
    [/is there twice/, () => history(entry, entry)],
  ] as const)
    t.throws(faulty, { message: what });
});

function secondOpinion(log: SealedLog, rows = log.rows): Promise<boolean> {
  return isWhole({ ...rows, witnessed: log.witnessed, keys: [...log.keys.values()] });
}

t.test('a log that nobody altered is whole, for both verifiers', async (t) => {
  const log = sealedLog();
  const report = await verified(log);
  t.strictSame(report.faults.map(faultLine), []);
  t.match(report, {
    result: 'whole',
    events: log.rows.events.length,
    batches: log.rows.batches.length,
    checkpoints: 4,
    witnessed: 4,
    lastCheckpoint: { no: 4 },
    faultCount: 0,
  });
  const last = openCheckpoint(log.witnessed.at(-1) ?? '', log.keys);
  const covered = last.shards.reduce((sum, { size }) => sum + size, 0);
  t.equal(report.uncovered, log.rows.events.length - covered, 'what came after the last checkpoint is told');
  t.equal(await secondOpinion(log), true);
});

t.test('whatever is altered is found, at its place, by both verifiers', async (t) => {
  const log = sealedLog();
  const names = Object.keys(OPERATORS);
  t.ok(names.length >= 20, `${names.length} ways`);
  for (const [number, name] of names.entries()) {
    const missed: string[] = [];
    for (let seed = 1; seed <= TRIES; seed += 1) {
      const rows = copyOf(log.rows);
      const altered = OPERATORS[name]?.(rows, new Random(seed, 'tamper', number), log);
      if (altered === undefined) continue;
      const { result, faults } = await verified(log, rows);
      const where = faults.slice(0, 3).map(faultLine).join('; ');
      if (result !== 'altered') missed.push(`seed ${seed}: not found`);
      else if (!isLocated(faults, altered))
        missed.push(`seed ${seed}: ${JSON.stringify(altered)} but ${where}`);
      // what is kept of the trees is only ours to begin from: it is no part of the documented log
      if (name !== 'damage what is kept of the trees' && (await secondOpinion(log, rows)))
        missed.push(`seed ${seed}: the second verifier found nothing`);
    }
    t.strictSame(missed, [], name);
  }
});

t.test(
  'without a witness the end can be cut off, and nothing without a checkpoint can be told',
  async (t) => {
    const log = sealedLog();
    const rows = copyOf(log.rows);
    OPERATORS['put an old backup back']?.(rows, new Random(1, 'tamper', 0), log);
    const alone = await verifyLog(new RowsReader(rows), { keys: log.keys, witnessed: held([]) });
    t.match(alone, { result: 'whole', witnessed: 0 }, 'an old backup is whole in itself');
    const unsealed = { ...copyOf(log.rows), checkpoints: [] };
    const untold = await verifyLog(new RowsReader(unsealed), { keys: log.keys, witnessed: held([]) });
    t.match(untold, { result: 'untold', checkpoints: 0, faultCount: 0 });
  },
);

t.test('what clients kept is looked for in the log', async (t) => {
  const log = sealedLog();
  const receipts = log.rows.events.map(({ leaf }) => leaf.toString('base64url'));
  const asked = { keys: log.keys, witnessed: held(log.witnessed) };
  t.match(await verifyLog(new RowsReader(log.rows), { ...asked, receipts }), {
    result: 'whole',
    receipts: receipts.length,
  });
  const rows = copyOf(log.rows);
  const last = rows.batches.at(-1);
  rows.batches = rows.batches.slice(0, -1);
  rows.events = rows.events.filter((one) => one.shard !== last?.shard || one.seq < last.firstSeq);
  t.match(
    await verifyLog(new RowsReader(rows), { ...asked, witnessed: held(log.witnessed) }),
    { result: 'whole' },
    'the end that no checkpoint covers yet can be cut off',
  );
  const told = await verifyLog(new RowsReader(rows), { ...asked, witnessed: held(log.witnessed), receipts });
  t.match(told, { result: 'altered', faultCount: last?.n });
  t.match(
    await verifyLog(new RowsReader(log.rows), {
      ...asked,
      witnessed: held(log.witnessed),
      receipts: ['0/1/x'],
    }),
    { result: 'altered', faults: [{ what: 'what was given as a receipt is none' }] },
  );
  await t.rejects(
    verifyLog(new RowsReader(rows), { ...asked, receipts, since: log.witnessed[0] ?? '' }),
    RangeError,
  );
});

t.test('verifying goes on from a checkpoint that is believed', async (t) => {
  const log = sealedLog();
  const since = log.witnessed[2] ?? '';
  const from = (rows = log.rows) =>
    verifyLog(new RowsReader(rows), { keys: log.keys, witnessed: held(log.witnessed), since });
  const report = await from();
  t.strictSame(report.faults.map(faultLine), []);
  const before = openCheckpoint(since, log.keys).shards.reduce((sum, { size }) => sum + size, 0);
  t.match(report, { result: 'whole', events: log.rows.events.length - before, checkpoints: 2 });
  for (const spoil of [
    (jws: string) => ({ jws }),
    () => ({ frontiers: Buffer.alloc(1) }),
    () => ({ frontiers: randomBytes(log.rows.checkpoints[2]?.frontiers.length ?? 0) }),
  ]) {
    const rows = copyOf(log.rows);
    const other = rows.checkpoints[1]?.jws ?? '';
    rows.checkpoints = rows.checkpoints.map((one) => (one.no === 3 ? { ...one, ...spoil(other) } : one));
    t.equal((await from(rows)).result, 'altered');
  }
  const rows = copyOf(log.rows);
  rows.checkpoints = rows.checkpoints.filter(({ no }) => no < 3);
  t.equal((await from(rows)).result, 'altered', 'it is not there any more');
  await t.rejects(
    verifyLog(new RowsReader(log.rows), { keys: log.keys, witnessed: held([]), since: 'nonsense' }),
    { name: 'SignatureError' },
  );
});

t.test('nothing is sealed that does not continue what was sealed', async (t) => {
  const log = sealedLog();
  const last = log.rows.checkpoints[1];
  if (last === undefined) throw new Error('There is no checkpoint.');
  const state = LogState.at(last, log.keys);
  const batch = log.rows.batches.find((one) => one.shard === 0 && one.batch === state.batchesOf(0));
  if (batch === undefined) throw new Error('There is no batch.');
  const leaves = Buffer.concat(
    log.rows.events
      .filter((one) => one.shard === 0 && one.seq >= batch.firstSeq && one.seq < batch.treeSize)
      .map(({ leaf }) => leaf),
  );
  for (const [what, spoilt, of] of [
    ['another number', { ...batch, batch: batch.batch + 1 }, leaves],
    ['another place', { ...batch, firstSeq: batch.firstSeq + 1 }, leaves],
    ['another head before', { ...batch, prevHead: randomBytes(32) }, leaves],
    ['another root', { ...batch, root: randomBytes(32) }, leaves],
    ['another head', { ...batch, head: randomBytes(32) }, leaves],
    ['fewer events', batch, leaves.subarray(32)],
    ['no events', { ...batch, n: 0 }, Buffer.alloc(0)],
    ['other events', batch, randomBytes(leaves.length)],
  ] as const)
    t.throws(() => LogState.at(last, log.keys).grow(spoilt, of), AlteredLog, what);
  state.grow(batch, leaves);
  t.equal(state.batchesOf(0), batch.batch + 1);
  t.throws(() => LogState.at({ ...last, frontiers: last.frontiers.subarray(32) }, log.keys), AlteredLog);
  t.throws(
    () => LogState.at({ ...last, frontiers: randomBytes(last.frontiers.length) }, log.keys),
    AlteredLog,
  );
  t.throws(() => LogState.at({ ...last, no: 7 }, log.keys), AlteredLog);
  const next = state.next('another', 0, 'p', 'v');
  t.match(next, { no: 3, log: openCheckpoint(last.jws, log.keys).log }, 'a log keeps its id');
  t.equal(next.time, openCheckpoint(last.jws, log.keys).time, 'and time never runs backwards');
});

function proofFrom(log: SealedLog, at: number): { proof: Proof; event: string; jws: string } {
  const jws = log.witnessed.at(-1) ?? '';
  const state = openCheckpoint(jws, log.keys).shards[0];
  const own = log.rows.events.filter(({ shard }) => shard === 0).sort((a, b) => a.seq - b.seq);
  const one = own[at];
  if (one === undefined || state === undefined) throw new Error('There is no such event.');
  const path = new PathBuilder(at, state.size);
  for (const { leaf } of own) path.add(leaf);
  return {
    jws,
    event: one.body.toString('utf8'),
    proof: {
      format: 'mcr-audit-proof/1',
      event: one.eventId,
      shard: 0,
      seq: at,
      salt: one.salt.toString('base64url'),
      manifest: one.manifest.toString('base64url'),
      checkpoint: 4,
      size: state.size,
      path: path.path().map((hashed) => hashed.toString('base64url')),
    },
  };
}

t.test('an event is proven offline, from the event, the proof, a checkpoint and the keys', async (t) => {
  const log = sealedLog();
  const size = openCheckpoint(log.witnessed.at(-1) ?? '', log.keys).shards[0]?.size ?? 0;
  for (let at = 0; at < size; at += 1) {
    const { proof, event, jws } = proofFrom(log, at);
    t.match(checkProof(JSON.stringify(proof), event, `${jws}\n`, log.keys), { no: 4 });
  }
  const { proof, event, jws } = proofFrom(log, 5);
  const text = JSON.stringify(proof);
  const body = JSON.parse(event);
  const otherWay = JSON.stringify(Object.fromEntries(Object.entries(body).reverse()), undefined, 3);
  t.ok(checkProof(text, otherWay, jws, log.keys), 'however the event is written');
  const not = (what: string, parts: Partial<Proof>, told = event, signed = jws): void => {
    t.throws(() => checkProof(JSON.stringify({ ...proof, ...parts }), told, signed, log.keys), what);
  };
  not('another event', {}, proofFrom(log, 6).event);
  not('an event that was changed', {}, JSON.stringify({ ...body, outcome: '8' }));
  not('an event that is none', {}, '[]');
  not('another place', { seq: 6 });
  not('another shard', { shard: 1 });
  not('another salt', { salt: randomBytes(16).toString('base64url') });
  not('no salt', { salt: '' });
  not('another manifest', { manifest: 'AAAA' });
  not('a shorter path', { path: proof.path.slice(1) });
  not('another size', { size: proof.size - 1 });
  not('another checkpoint', {}, event, log.witnessed[1]);
  not('another checkpoint, said so', { checkpoint: 2 }, event, log.witnessed[1]);
  not('another format', { format: 'x' as Proof['format'] });
  not('what is no number', { seq: '5' as unknown as number });
  const forged = signCheckpoint(openCheckpoint(jws, log.keys), log.signing.foreign);
  not('a checkpoint that somebody else signed', {}, event, forged);
  t.throws(() => checkProof('nonsense', event, jws, log.keys), { name: 'ProofError' });
});
