import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { thumbprint } from '../src/audit/jws.ts';
import { certificateKey } from '../src/certificate-key.ts';
import { type Configuration, ConfigurationError, readConfiguration } from '../src/config.ts';
import { heldRoot, loadExtract, tidyLoads } from '../src/load.ts';
import {
  recentLoads,
  refuseLoad,
  rejectedRows,
  releaseLoad,
  rememberedLoad,
  signedCertificate,
} from '../src/load-desk.ts';
import { guardLimits } from '../src/loads/guards.ts';
import { verifyCertificate } from '../src/loads/signature.ts';
import { repositoryRoot } from './support/root.ts';
import { type TestService, testService } from './support/service.ts';

const DECISION = { operator: 'Jo Operator', reason: 'Confirmed with the practice by telephone' };

/** Tomorrow's extract of the practices, with all but so many of its observations lost on the way. */
function shrunk({ extracts, folder }: TestService, sequence: number, kept: number): string {
  const to = join(folder, `gp-${sequence}`);
  cpSync(join(extracts, 'gp'), to, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8'));
  manifest.sequence = sequence;
  const file = manifest.files.find((one: { type: string }) => one.type === 'Observation');
  const lines = readFileSync(join(to, file.name), 'utf8').split('\n').slice(0, kept);
  const text = lines.map((line) => `${line}\n`).join('');
  writeFileSync(join(to, file.name), text);
  Object.assign(file, { rows: kept, sha256: createHash('sha256').update(text).digest('hex') });
  writeFileSync(join(to, 'manifest.json'), JSON.stringify(manifest));
  return to;
}

t.test('held loads are decided by people, and the audit log knows who and why', async (t) => {
  const world = await testService(t, { people: 60 });
  const { service, configuration } = world;
  const admin = new pg.Client({ connectionString: world.databaseUrl });
  await admin.connect();
  t.teardown(() => admin.end());
  const kept = (): readonly string[] => readdirSync(heldRoot(configuration)).sort();
  const sequence = async (): Promise<number> => (await recentLoads(service, 'gp', 1))[0]?.sequence ?? 0;
  const first = await sequence();

  const held = await loadExtract(service, 'gp', shrunk(world, first + 1, 3));
  t.equal(held.result, 'held', JSON.stringify(held.reason));
  const loadNo = Number(held.loadNumber);

  await t.test('it is listed, newest first, with its certificate', async (t) => {
    const [newest, ...others] = await recentLoads(service, undefined, 100);
    t.match(newest, { number: loadNo, source: 'gp', state: 'held', certificate: { result: 'held' } });
    t.equal(others.length, configuration.policy.sources.size);
    t.equal((await recentLoads(service, 'acute', 100)).length, 1);
    t.same((await rememberedLoad(service, loadNo)).certificate?.guards, held.guards);
    await t.rejects(rememberedLoad(service, 4711), /There is no load 4711/);
    t.same(kept(), [String(loadNo)]);
  });

  await t.test('a decision that is nobody’s changes nothing', async (t) => {
    await t.rejects(refuseLoad(service, loadNo, { ...DECISION, reason: 'no' }), /reason/);
    await t.rejects(releaseLoad(service, loadNo, { ...DECISION, operator: '' }), /operator/);
    await t.rejects(releaseLoad(service, 1, DECISION), /not held: it is published/);
    t.equal((await rememberedLoad(service, loadNo)).state, 'held');
  });

  await t.test('refused, nothing of it is published and its copy goes', async (t) => {
    await refuseLoad(service, loadNo, DECISION);
    t.match(await rememberedLoad(service, loadNo), { state: 'refused', decision: DECISION });
    t.same(kept(), []);
    await t.rejects(releaseLoad(service, loadNo, DECISION), /not held: it is refused/);
  });

  await t.test('released, the same bytes are loaded again', async (t) => {
    const again = await loadExtract(service, 'gp', shrunk(world, first + 2, 3));
    t.equal(again.result, 'held');
    const released = await releaseLoad(service, Number(again.loadNumber), DECISION);
    t.match(released, { result: 'published', releases: again.loadNumber, manifest: again.manifest });
    t.match(await rememberedLoad(service, Number(again.loadNumber)), {
      state: 'released',
      decision: DECISION,
    });
    t.same(kept(), []);
    t.notOk(existsSync(join(heldRoot(configuration), String(again.loadNumber))));
  });

  await t.test('an extract that is kept too long goes, and is released from where it came', async (t) => {
    const folder = shrunk(world, first + 3, 0);
    // three observations are too few to be judged
    const whole = await loadExtract(service, 'gp', restored(world, first + 3));
    t.equal(whole.result, 'published', JSON.stringify(whole.reason));
    const late = await loadExtract(service, 'gp', resequenced(folder, first + 4));
    t.equal(late.result, 'held');
    const number = Number(late.loadNumber);
    await admin.query(
      `update record.load set finished_at = finished_at - interval '13 days' where load_no = $1`,
      [number],
    );
    await tidyLoads(service);
    t.same(kept(), [String(number)], 'kept for fourteen days');
    await admin.query(
      `update record.load set finished_at = finished_at - interval '2 days' where load_no = $1`,
      [number],
    );
    await t.rejects(releaseLoad(service, number, DECISION), /not kept any more/);
    t.same(kept(), []);
    t.match(await releaseLoad(service, number, DECISION, folder), { result: 'published', releases: number });
  });

  await t.test('rejected rows are there to be sent back, and are forgotten in time', async (t) => {
    const rows = [];
    for await (const page of rejectedRows(service, loadNo)) rows.push(...page);
    const counted = Object.values(held.types).flatMap(({ rejected }) => Object.values(rejected));
    t.equal(
      rows.length,
      counted.reduce((sum, count) => sum + count, 0),
    );
    t.ok(rows.every(({ file, line, rule, hint }) => file !== '' && line > 0 && rule !== '' && hint !== ''));
    await admin.query(
      `update record.load set finished_at = finished_at - interval '91 days' where load_no = $1`,
      [loadNo],
    );
    await tidyLoads(service);
    const { rows: left } = await admin.query(
      'select distinct load_no from record.reject where load_no = $1',
      [loadNo],
    );
    t.same(left, []);
  });

  await t.test(
    'the certificate is signed with a key of the demonstration’s own, and checked offline',
    async (t) => {
      const signed = await signedCertificate(service, loadNo);
      const pem = join(world.folder, 'public.pem');
      const key = createPublicKey(certificateKey(configuration));
      writeFileSync(pem, key.export({ type: 'spki', format: 'pem' }));
      const file = join(world.folder, 'certificate.json');
      writeFileSync(file, JSON.stringify(signed));
      t.same(verifyCertificate(readFileSync(file, 'utf8'), key), held);
      const mcr = [join(repositoryRoot(), 'dist', 'src', 'cli', 'mcr.js'), 'loads'];
      const page = execFileSync(process.execPath, [...mcr, 'verify', file, '--key', pem], {
        encoding: 'utf8',
      });
      t.match(page, /# Load certificate: gp\n\nHeld[\s\S]*The signature is right\./);
      writeFileSync(file, JSON.stringify({ ...signed, payload: signed.payload.slice(0, -4) }));
      const changed = spawnSync(process.execPath, [...mcr, 'verify', file, '--key', pem], {
        encoding: 'utf8',
      });
      t.match([changed.status, changed.stderr], [1, /signature is wrong/]);
      for (const words of [
        ['release', '1'],
        ['refuse', '1', '--operator', 'Jo'],
        ['verify', file],
        ['show', 'x'],
        ['lose', '1'],
      ]) {
        t.equal(spawnSync(process.execPath, [...mcr, ...words]).status, 2, words.join(' '));
      }
    },
  );

  await t.test(
    'every decision is in the audit log, with who, why and which guards; nothing of a person is',
    async (t) => {
      const { rows } = await admin.query<{ event: string }>(
        'select to_jsonb(e)::text as event from audit.event e',
      );
      const events = rows.map(({ event }) => event).filter((event) => /by an operator/.test(event));
      t.equal(events.length, 3);
      for (const event of events) {
        t.match(event, DECISION.operator);
        t.match(event, DECISION.reason);
        t.match(event, /shrink type Observation/);
      }
      t.notMatch(JSON.stringify([held, await recentLoads(service, undefined, 100)]), /\b9\d{9}\b/);
    },
  );
});

function restored({ extracts, folder }: TestService, sequence: number): string {
  const to = join(folder, `gp-whole-${sequence}`);
  cpSync(join(extracts, 'gp'), to, { recursive: true });
  return resequenced(to, sequence);
}

function resequenced(folder: string, sequence: number): string {
  const file = join(folder, 'manifest.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), sequence }));
  return folder;
}

t.test('faults of guards and of the key of certificates are named with their path', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-guards-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const demo = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  const read = (guards: unknown, loads: unknown): Configuration => {
    const [first, ...others] = demo.sources;
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...demo, sources: [{ ...first, guards }, ...others], loads }));
    return readConfiguration({ MCR_CONFIG: file }, repositoryRoot());
  };
  const faults = (guards: unknown, loads: unknown): readonly string[] => {
    try {
      read(guards, loads);
      return [];
    } catch (error) {
      return error instanceof ConfigurationError ? error.faults : [String(error)];
    }
  };
  const shrink = (total: unknown): unknown => ({ shrink: { total } });
  for (const [guards, loads, expected] of [
    [shrink(101), {}, '/sources/0/guards/shrink/total must be <= 100'],
    [shrink(-0.1), {}, '/sources/0/guards/shrink/total must be >= 0'],
    [shrink('30'), {}, '/sources/0/guards/shrink/total must be number'],
    [{ shrunk: {} }, {}, '/sources/0/guards must NOT have additional properties: "shrunk"'],
    [
      { rejected: { practice: 5 } },
      {},
      '/sources/0/guards/rejected must NOT have additional properties: "practice"',
    ],
    [{ least: 0 }, {}, '/sources/0/guards/least must be >= 1'],
    [{}, { heldDays: 0 }, '/loads/heldDays must be >= 1'],
    [{}, { heldFor: 3 }, '/loads must NOT have additional properties: "heldFor"'],
  ] as const) {
    t.same(faults(guards, loads), [expected]);
  }
  writeFileSync(
    join(folder, 'rsa.pem'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  t.match(faults({}, { certificateKey: 'rsa.pem' }), [
    /^\/loads\/certificateKey: the key in .*rsa\.pem must be Ed25519$/,
  ]);
  t.match(faults({}, { certificateKey: 'none.pem' }), [
    /^\/loads\/certificateKey: there is no such key to be read in /,
  ]);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  t.match(faults({}, { certificateKey: 'public.pem' }), [/no such key/], 'a public key signs nothing');
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const good = read({ shrink: { type: 12.5 } }, { certificateKey: 'key.pem', heldDays: 3 });
  t.equal(thumbprint(certificateKey(good)), thumbprint(publicKey));
  t.match(good.loads, { heldDays: 3, rejectDays: 90 });
  t.same(good.loads.guards.get(demo.sources[0].code), guardLimits({ shrink: { type: 12.5 } }));
  t.same(good.loads.guards.get(demo.sources[1].code), guardLimits());
  t.equal(
    good.policy.version,
    read({}, {}).policy.version,
    'guards are no part of what decides who sees what',
  );
  t.throws(
    () => certificateKey({ ...read({}, {}), mode: 'production' }),
    /name its file in \/loads\/certificateKey/,
  );
});
