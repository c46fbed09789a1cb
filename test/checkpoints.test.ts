import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { openCheckpoint } from '../src/audit/checkpoint.ts';
import { faultLine } from '../src/audit/fault.ts';
import { Journal } from '../src/audit/journal.ts';
import { historyEntry, type KeyHistory, readKeyHistory } from '../src/audit/key-history.ts';
import { checkProof } from '../src/audit/proof.ts';
import { type VerifyReport, verifyLog } from '../src/audit/verify.ts';
import { proofOf } from '../src/audit-desk.ts';
import { auditKeyFaults, demoAuditKeys, readAuditKeys } from '../src/audit-keys.ts';
import { type CheckpointHappening, type CheckpointOptions, Checkpoints } from '../src/checkpoints.ts';
import { StoredLog } from '../src/storage/audit-log-reader.ts';
import { AuditWriter } from '../src/storage/audit-writer.ts';
import { CheckpointStore } from '../src/storage/checkpoint-store.ts';
import { makeWitness, type Witness, witnessAt } from '../src/witness.ts';
import { testDatabase } from './support/database.ts';
import { entry, later, random, SERVICE } from './support/occurrences.ts';
import { repositoryRoot } from './support/root.ts';
import { testService } from './support/service.ts';

// child processes and a loaded county take their time on a busy machine
t.setTimeout(300_000);

interface World {
  readonly url: string;
  readonly admin: pg.Client;
  readonly folder: string;
  readonly journal: Journal;
  readonly key: KeyObject;
  readonly keys: KeyHistory;
  readonly witnesses: readonly Witness[];
  readonly happened: CheckpointHappening[];
  checkpoints(parts?: Partial<CheckpointOptions>): Checkpoints;
  append(events: number): Promise<void>;
  verified(since?: string): Promise<VerifyReport>;
}

async function world(t: Test): Promise<World> {
  const { address, admin } = await testDatabase(t);
  const folder = mkdtempSync(join(tmpdir(), 'mcr-checkpoints-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const journal = new Journal({ service: SERVICE, writer: new AuditWriter(address), later, random });
  await journal.start();
  t.teardown(() => journal.drain());
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const keys = readKeyHistory(JSON.stringify({ keys: [historyEntry(key, new Date(0))] }));
  const places = [{ file: join(folder, 'w', 'checkpoints.jws') }, { folder: join(folder, 'worm') }];
  for (const place of places) await makeWitness(place);
  const witnesses = places.map(witnessAt);
  const happened: CheckpointHappening[] = [];
  const options: CheckpointOptions = {
    store: new CheckpointStore(address),
    key,
    keys,
    witnesses,
    policyVersion: 'policy-7',
    version: '1.0.0',
    now: Date.now,
    everySeconds: 60,
    observe: (happening) => void happened.push(happening),
  };
  const verified = async (since?: string): Promise<VerifyReport> => {
    const log = await StoredLog.open(address);
    try {
      const asked = { keys, witnessed: everything(witnesses), ...(since === undefined ? {} : { since }) };
      return await verifyLog(log, asked);
    } finally {
      await log.close();
    }
  };
  return {
    url: address.url,
    admin,
    folder,
    journal,
    key,
    keys,
    witnesses,
    happened,
    checkpoints: (parts = {}) => new Checkpoints({ ...options, ...parts }),
    append: async (events) => {
      await Promise.all(Array.from({ length: events }, () => journal.append(entry())));
    },
    verified,
  };
}

async function* everything(witnesses: readonly Witness[]): AsyncGenerator<{ witness: string; jws: string }> {
  for (const witness of witnesses)
    for await (const jws of witness.all()) yield { witness: witness.name, jws };
}

async function holds(witness: Witness | undefined): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const jws of witness?.all() ?? []) all.push(jws);
  return all;
}

/** As an attacker would who owns the database. */
async function tamper(admin: pg.Client, statement: string): Promise<void> {
  await admin.query('begin');
  for (const table of ['event', 'batch', 'checkpoint'])
    await admin.query(`alter table audit.${table} disable trigger refuse_change`);
  await admin.query(statement);
  for (const table of ['event', 'batch', 'checkpoint'])
    await admin.query(`alter table audit.${table} enable always trigger refuse_change`);
  await admin.query('commit');
}

t.test('the log is sealed, given to every witness, and verified as it lies in the database', async (t) => {
  const w = await world(t);
  // the first checkpoint is the genesis: it seals whatever is there
  await w.append(700);
  const checkpoints = w.checkpoints();
  await checkpoints.make();
  t.match(w.happened, [{ what: 'made', no: 1 }]);
  await checkpoints.make();
  t.equal(w.happened.length, 1, 'the newest is young');
  await w.append(1);
  await checkpoints.make(true);
  await w.append(3);
  await checkpoints.make(true);
  t.match(w.happened, [{ no: 1 }, { no: 2 }, { no: 3 }]);
  await checkpoints.make(true);
  t.equal(w.happened.length, 3, 'nobody has written since');
  await w.checkpoints({ now: () => Date.now() + 3_700_000 }).make();
  t.match(w.happened.at(-1), { no: 4 }, 'an hour later it is sealed all the same');
  const stored = (await w.admin.query('select jws from audit.checkpoint order by no')).rows.map(
    ({ jws }) => jws,
  );
  t.strictSame(await holds(w.witnesses[0]), stored, 'the file');
  t.strictSame(await holds(w.witnesses[1]), stored, 'the folder');
  t.match(openCheckpoint(stored[2], w.keys), { no: 3, shards: [{ shard: 0, size: 704 }] });
  await w.append(2);
  const report = await w.verified();
  t.strictSame(report.faults.map(faultLine), []);
  t.match(report, { result: 'whole', events: 706, checkpoints: 4, witnessed: 8, uncovered: 2 });
  t.match(
    await w.verified(stored[1]),
    { result: 'whole', events: 5, checkpoints: 3 },
    'from a checkpoint on',
  );
  t.match(await w.verified(stored[3]), { result: 'whole', events: 2, checkpoints: 1 });
});

t.test('several processes take turns, and there is one chain', async (t) => {
  const w = await world(t);
  const other = new Journal({ service: SERVICE, writer: new AuditWriter({ url: w.url }), later, random });
  await other.start();
  t.teardown(() => other.drain());
  const processes = [w.checkpoints(), w.checkpoints(), w.checkpoints()];
  for (let round = 0; round < 4; round += 1) {
    await Promise.all([w.append(20), ...Array.from({ length: 20 }, () => other.append(entry()))]);
    await Promise.all(processes.map((one) => one.make(true)));
  }
  t.match(w.happened, [{ no: 1 }, { no: 2 }, { no: 3 }, { no: 4 }], 'the second of a turn finds nothing new');
  const all = await holds(w.witnesses[0]);
  t.equal(all.length, 4, 'each was given once');
  t.match(openCheckpoint(all[3] ?? '', w.keys), { shards: [{ size: 80 }, { size: 80 }] });
  t.match(await w.verified(), { result: 'whole', events: 160 });
});

t.test('a witness that was away gets what it missed; half a line is no checkpoint', async (t) => {
  const w = await world(t);
  const place = join(w.folder, 'w');
  renameSync(place, `${place}-away`);
  await w.append(2);
  await w.checkpoints().make();
  await w.append(2);
  await w.checkpoints().make(true);
  t.match(w.happened, [
    { what: 'witness-away' },
    { what: 'made' },
    { what: 'witness-away' },
    { what: 'made' },
  ]);
  t.equal((await holds(w.witnesses[1])).length, 2);
  renameSync(`${place}-away`, place);
  appendFileSync(join(place, 'checkpoints.jws'), 'eyJhbGciOiJFZERTQS');
  await w.checkpoints().make();
  t.strictSame(await holds(w.witnesses[0]), await holds(w.witnesses[1]));
  t.match(await w.verified(), { result: 'whole', witnessed: 4 });
});

t.test('a log that is not what was signed is told of, and never signed again', async (t) => {
  const cut = `delete from audit.event where seq >= 3; delete from audit.batch where first_seq >= 3;`;
  const cases: readonly (readonly [string, string])[] = [
    ['an event is gone', 'delete from audit.event where seq = 4'],
    ['a leaf is another', `update audit.event set leaf = sha256(leaf) where seq = 4`],
    ['a root is another', `update audit.batch set root = sha256(root) where first_seq >= 3`],
    ['the end was cut off', `${cut} delete from audit.checkpoint where no = 2`],
    ['the end was cut off, not the checkpoint', cut],
    ['a checkpoint was rewritten', `update audit.checkpoint set jws = replace(jws, '.', '.A') where no = 2`],
    ['what is kept of the tree', `update audit.checkpoint set frontiers = sha256(frontiers) where no = 2`],
  ];
  for (const [what, statement] of cases) {
    await t.test(what, async (t) => {
      const w = await world(t);
      await w.append(3);
      await w.checkpoints().make();
      await w.append(3);
      // an event that is not sealed yet is compared with its batch; the others with what was signed
      if (/end|checkpoint|tree/.test(what)) await w.checkpoints().make(true);
      const before = w.happened.length;
      await tamper(w.admin, statement);
      await w.checkpoints().make(true);
      t.match(w.happened.slice(before), [{ what: 'altered' }]);
      const { rows } = await w.admin.query('select count(*)::integer as n from audit.checkpoint');
      t.ok(rows[0].n <= before, 'nothing was signed');
      const report = await w.verified();
      t.match(report, { result: 'altered' });
      t.comment(report.faults.slice(0, 2).map(faultLine).join('; '));
    });
  }
});

t.test('the key must be in the history, and in use', async (t) => {
  const w = await world(t);
  await w.append(1);
  await w.checkpoints({ key: generateKeyPairSync('ed25519').privateKey }).make();
  t.match(w.happened, [{ what: 'altered', sentence: /not in the key history/ }]);
  const ended = readKeyHistory(
    JSON.stringify({ keys: [{ ...historyEntry(w.key, new Date(0)), to: '2020-01-01T00:00:00Z' }] }),
  );
  await w.checkpoints({ keys: ended }).make();
  t.match(w.happened[1], { what: 'altered', sentence: /not in use/ });
  t.equal((await w.admin.query('select from audit.checkpoint')).rowCount, 0);
  const files = demoAuditKeys(w.folder, Date.now());
  t.strictSame(demoAuditKeys(w.folder, Date.now()), files);
  t.ok(readAuditKeys(files, Date.now()), 'the demonstration makes its own, once');
  const faults = (parts: object, now = Date.now()): string => auditKeyFaults(parts, w.folder, now).join();
  t.equal(faults(files), '');
  t.match(faults({ keys: files.keys }), /belong together/);
  t.match(faults(files, 0), /not in use now/);
  t.match(faults({ ...files, keys: 'nowhere.json' }), /cannot be read/);
  t.match(faults({ ...files, checkpointKey: files.keys }), /no private key/);
  writeFileSync(
    join(w.folder, 'rsa.pem'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  t.match(faults({ ...files, checkpointKey: 'rsa.pem' }), /must be Ed25519/);
});

t.test('an event is proven from the database, and the proof needs it no more', async (t) => {
  const w = await world(t);
  const first = entry();
  await Promise.all([w.journal.append(first), w.append(40)]);
  const log = await StoredLog.open({ url: w.url });
  t.teardown(() => log.close());
  await t.rejects(proofOf(log, first.occurrence.id, w.keys), /No checkpoint covers/);
  await w.checkpoints().make();
  const sealed = await StoredLog.open({ url: w.url });
  t.teardown(() => sealed.close());
  await t.rejects(proofOf(sealed, randomUUID(), w.keys), /no such event/);
  const [jws = ''] = await holds(w.witnesses[0]);
  const { rows } = await w.admin.query('select event_id, body from audit.event');
  for (const { event_id, body } of rows) {
    const proof = JSON.stringify(await proofOf(sealed, event_id, w.keys));
    t.match(checkProof(proof, body, jws, w.keys), { no: 1 });
    t.ok(proof.length < 1500, 'a proof is small');
  }
});

interface Answered {
  readonly code: number;
  readonly out: string;
}

t.test('people verify, prove and check from the command line, and clients keep receipts', async (t) => {
  const county = await testService(t, { people: 60 });
  const { service, configuration, folder } = county;
  const env = {
    ...process.env,
    MCR_CONFIG: join(folder, 'config.json'),
    MCR_DATA: configuration.dataFolder,
    MCR_DATABASE_URL: county.databaseUrl,
  };
  const program = join(repositoryRoot(), 'dist', 'src', 'cli', 'mcr.js');
  const mcr = (...words: string[]): Promise<Answered> =>
    new Promise((resolve) => {
      execFile(process.execPath, [program, 'audit', ...words], { env, cwd: folder }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: `${out}${err}` });
      });
    });
  const token = await county.token({
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  });
  const answer = await county.get('/fhir/Organization?_count=1', token);
  t.equal(answer.status, 200);
  const receipt = String(answer.headers['x-audit-receipt']);
  t.match(receipt, /^[\w-]{43}$/);
  const batch = await service.app.inject({
    method: 'POST',
    url: '/fhir',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    payload: {
      resourceType: 'Bundle',
      type: 'batch',
      entry: ['Organization?_count=1', 'Organization/nowhere', 'Organization?_count=1'].map((url) => ({
        request: { method: 'GET', url },
      })),
    },
  });
  t.match(batch.headers['x-audit-receipt'], /^[\w-]{43}, [\w-]{43}$/, 'one for each answer of a batch');
  writeFileSync(join(folder, 'receipts.txt'), `${receipt}\n${batch.headers['x-audit-receipt']}\n`);

  t.match(await mcr('verify'), { code: 2, out: /cannot be told/ }, 'nothing has been sealed yet');
  await service.checkpoints.make();
  t.match(await mcr('verify', '--receipts', 'receipts.txt'), {
    code: 0,
    out: /3 receipts.*The log is whole/s,
  });
  const admin = await connectedTo(t, county.databaseUrl);
  const { rows } = await admin.query('select event_id, body from audit.event order by recorded desc limit 1');
  const [{ event_id: event, body }] = rows;
  writeFileSync(join(folder, 'event.json'), JSON.stringify(JSON.parse(body), undefined, 2));
  const proof = await mcr('prove', event);
  t.equal(proof.code, 0, proof.out);
  writeFileSync(join(folder, 'proof.json'), proof.out);
  t.notMatch(proof.out, /Patient/, 'nothing of the event itself');
  writeFileSync(join(folder, 'c.jws'), (await mcr('checkpoint')).out);
  t.equal(
    readFileSync(join(folder, 'c.jws'), 'utf8').trim(),
    readFileSync(join(configuration.dataFolder, 'witness', 'checkpoints.jws'), 'utf8').trim(),
    'the witness of the demonstration holds the same',
  );
  const keys = join(configuration.dataFolder, 'keys', 'audit-keys.json');
  const offline = ['--event', 'event.json', '--checkpoint', 'c.jws', '--keys', keys];
  const away = { ...env, MCR_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  Object.assign(env, away);
  t.match(
    await mcr('check', 'proof.json', ...offline),
    { code: 0, out: /is in the log/ },
    'without a database',
  );
  writeFileSync(join(folder, 'event.json'), body.replace('"outcome":"0"', '"outcome":"4"'));
  t.match(await mcr('check', 'proof.json', ...offline), { code: 1, out: /not in the log/ });
  t.match(await mcr('verify'), { code: 2, out: /cannot be told/ }, 'nor can it be told without one');
  const outside = ['--database', county.databaseUrl, '--keys', keys, '--witness', 'c.jws'];
  t.match(await mcr('verify', ...outside), { code: 0, out: /1 checkpoints held outside/ }, 'by an outsider');
  Object.assign(env, { MCR_DATABASE_URL: county.databaseUrl });
  await tamper(admin, `update audit.event set organisation = 'RXQ' where event_id = '${event}'`);
  t.match(await mcr('verify', '--json'), {
    code: 1,
    out: /"what": "organisation is not what the event says"/,
  });
  t.match(await mcr('key', join(configuration.dataFolder, 'keys', 'checkpoint.pem')), {
    code: 0,
    out: /"kid"/,
  });
});

async function connectedTo(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.teardown(() => client.end());
  return client;
}
