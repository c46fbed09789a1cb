import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type pg from 'pg';
import type { Test } from 'tap';
import t from 'tap';
import type { Batch, Position } from '../../src/audit/batch.ts';
import { chain, NO_HEAD } from '../../src/audit/batch.ts';
import { canonicalEvent } from '../../src/audit/event.ts';
import { Journal } from '../../src/audit/journal.ts';
import type { JournalHappening } from '../../src/audit/journal-options.ts';
import { decodeManifest, textDigest } from '../../src/audit/manifest.ts';
import type { Receipt } from '../../src/audit/ports.ts';
import type { AuditConditions } from '../../src/audit/reader.ts';
import { seal } from '../../src/audit/seal.ts';
import { checkAudit } from '../../src/storage/audit-checks.ts';
import { StoredAuditReader } from '../../src/storage/audit-reader.ts';
import { AuditWriter, SHARDS } from '../../src/storage/audit-writer.ts';
import type { DatabaseRole } from '../../src/storage/database.ts';
import { Database, newClient } from '../../src/storage/database.ts';
import { batchValues, WRITE_BATCH } from '../../src/storage/write-audit-batch.ts';
import { logFaults } from '../support/audit-log.ts';
import { testDatabase } from '../support/database.ts';
import {
  entry,
  GOVERNANCE,
  later,
  occurrence,
  PATIENT,
  random,
  SERVICE,
  SYSTEM,
} from '../support/occurrences.ts';
import { storedLog } from '../support/stored-audit-log.ts';

// child processes, killed sessions and waits of seconds take their time on a busy machine
t.setTimeout(120_000);

const unavailable = { name: 'Problem', kind: 'unavailable' };
const START: Position = { shard: 0, nextBatch: 0, nextSeq: 0, head: NO_HEAD, recorded: 0 };

interface Kept {
  readonly journal: Journal;
  readonly happened: JournalHappening[];
}

async function started(t: Test, url: string): Promise<Kept> {
  const happened: JournalHappening[] = [];
  const journal = new Journal({
    service: SERVICE,
    writer: new AuditWriter({ url }),
    later,
    random,
    observe: (happening) => happened.push(happening),
  });
  await journal.start();
  t.teardown(() => journal.drain());
  return { journal, happened };
}

function batchAt(position: Position, events = 2): Batch {
  const sealed = Array.from({ length: events }, () => {
    const one = entry();
    return seal(one, SERVICE, one.occurrence.at, Buffer.from(random(16)));
  });
  return chain(position, randomUUID(), sealed);
}

async function acting(t: Test, url: string, role: DatabaseRole): Promise<pg.Client> {
  const client = newClient({ url }, role, false);
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

async function count(admin: pg.Client, from: string): Promise<number> {
  return Number((await admin.query(`select count(*) from ${from}`)).rows[0]?.count);
}

/** Appends from several callers until told to stop; what was refused must say that the audit is unavailable. */
function load(
  t: Test,
  journal: Journal,
  callers: number,
): { acknowledged: Receipt[]; stop(): Promise<number> } {
  const acknowledged: Receipt[] = [];
  let refused = 0;
  let stopped = false;
  const caller = async (): Promise<void> => {
    while (!stopped) {
      try {
        acknowledged.push(await journal.append(entry()));
      } catch (problem) {
        t.match(problem, unavailable);
        refused += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  const stop = async (): Promise<number> => {
    stopped = true;
    await all;
    return refused;
  };
  return { acknowledged, stop };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

t.test('an event is stored as it was hashed, and found by what it is about', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  const one = entry({ requestId: 'odd \u0000 \ud83d 💊' }, 3);
  const receipt = await journal.append(one);
  const { rows } = await admin.query('select * from audit.event');
  const [row] = rows;
  t.equal(row.body, canonicalEvent(one.occurrence, SERVICE, one.occurrence.at));
  t.match(decodeManifest(row.manifest), {
    publication: 12,
    resources: one.released.map(({ madeOf, text = '' }) => ({ madeOf, digest: textDigest(row.salt, text) })),
  });
  t.match(row, {
    shard: receipt.shard,
    seq: String(receipt.seq),
    event_id: receipt.eventId,
    person_id: one.occurrence.personId,
    outcome: 0,
    kind: 'search-type',
    organisation: 'LOCAL-CSC',
    client: 'lcs-viewer',
    agent: 'sw-7781',
    purpose: 'TREAT',
    request_id: 'odd \ufffd \ufffd 💊',
  });
  t.equal(row.recorded.getTime(), one.occurrence.at);
  const { caller: _c, personId: _p, ...bare } = occurrence({ what: 'unauthenticated' });
  await journal.append({ occurrence: bare, released: [], publication: 0 });
  const nobody = await admin.query("select * from audit.event where kind = 'unauthenticated'");
  t.match(nobody.rows[0], { person_id: null, organisation: null, client: null, agent: null, purpose: null });
  await Promise.all([SYSTEM, PATIENT, GOVERNANCE].map((caller) => journal.append(entry({ caller }))));
  t.strictSame(logFaults(await storedLog(admin)), []);
});

t.test('many callers share a commit, and the log stays whole', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  const receipts = await Promise.all(Array.from({ length: 1200 }, () => journal.append(entry())));
  t.strictSame(
    receipts.map(({ seq }) => seq),
    receipts.map((_, i) => i),
  );
  t.equal(await count(admin, 'audit.batch'), 3, '500, 500, 200');
  t.strictSame(logFaults(await storedLog(admin)), []);
  await journal.drain();
  const next = await started(t, address.url);
  t.match(await next.journal.append(entry()), { shard: 0, seq: 1200 }, 'and the next process continues it');
  t.strictSame(logFaults(await storedLog(admin)), []);
});

t.test('journals at the same time have shards of their own', async (t) => {
  const { address, admin } = await testDatabase(t);
  const [a, b] = [await started(t, address.url), await started(t, address.url)];
  const receipts = await Promise.all([a, b, a, b].map(({ journal }) => journal.append(entry())));
  t.strictSame(
    receipts.map(({ shard, seq }) => [shard, seq]),
    [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ],
  );
  t.strictSame(logFaults(await storedLog(admin)), []);
  await admin.query(`select pg_advisory_lock(7236915, s) from generate_series(2, ${SHARDS - 1}) s`);
  await t.rejects(started(t, address.url), /Every shard/);
});

t.test('a writer that was overtaken is fenced', async (t) => {
  const { address, admin } = await testDatabase(t);
  const writer = new AuditWriter(address);
  t.teardown(() => writer.release());
  const { position } = await writer.resume();
  t.strictSame(position, START);
  t.match(await writer.write(batchAt(position)), { outcome: 'committed' });
  t.match(await writer.write(batchAt(position)), { outcome: 'not-written' }, 'the same place again');
  const head = (await admin.query('select head from audit.batch')).rows[0].head;
  const ahead = { ...START, nextBatch: 1, nextSeq: 2, head };
  for (const stale of [
    { head: NO_HEAD },
    { nextSeq: 1 },
    { nextSeq: 3 },
    { nextBatch: 2 },
    { nextBatch: 0 },
  ]) {
    t.match(
      await writer.write(batchAt({ ...ahead, ...stale })),
      { outcome: 'not-written' },
      JSON.stringify(stale),
    );
  }
  t.match(await writer.write(batchAt(ahead)), { outcome: 'committed' });

  // two sessions at the very same time: the first holds its commit back, the second meets the primary key
  const other = await acting(t, address.url, 'mcr_journal');
  const next = chainAfter(await storedLog(admin));
  await other.query('begin');
  await other.query({ ...WRITE_BATCH, values: batchValues(batchAt(next)) });
  const overtaken = writer.write(batchAt(next));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await other.query('commit');
  t.match(await overtaken, { outcome: 'not-written' });
  t.equal(await count(admin, 'audit.event'), 6);
  const again = `insert into audit.batch select shard, batch, gen_random_uuid(), month, first_seq + 900, n, root, prev_head,
    head, tree_size + 900, recorded from audit.batch`;
  await t.rejects(admin.query(again), { code: '23505' }, 'the key alone is a fence too');
  t.strictSame(logFaults(await storedLog(admin)), []);
});

function chainAfter(log: Awaited<ReturnType<typeof storedLog>>): Position {
  const last = log.at(-1);
  if (last === undefined) return START;
  const nextSeq = last.firstSeq + last.events.length;
  return {
    shard: last.shard,
    nextBatch: last.batch + 1,
    nextSeq,
    head: Buffer.from(last.head),
    recorded: last.recorded,
  };
}

t.test('a journal whose shard was taken over goes on in another one', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal, happened } = await started(t, address.url);
  await journal.append(entry());
  // locks do not hold across a pooler or a failover: somebody else writes to our shard
  await admin.query({ ...WRITE_BATCH, values: batchValues(batchAt(chainAfter(await storedLog(admin)))) });
  const receipts = await Promise.all([journal.append(entry()), journal.append(entry())]);
  t.strictSame(
    receipts.map(({ shard, seq }) => [shard, seq]),
    [
      [1, 0],
      [1, 1],
    ],
    'and nobody is refused',
  );
  t.match(happened, [
    { what: 'committed' },
    { what: 'not-written' },
    { what: 'resumed', shard: 1 },
    { what: 'committed' },
  ]);
  t.strictSame(logFaults(await storedLog(admin)), []);
});

t.test('a journal whose sessions are terminated under load loses nothing it acknowledged', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal, happened } = await started(t, address.url);
  const { acknowledged, stop } = load(t, journal, 16);
  for (let kill = 1; kill <= 6; kill += 1) {
    const seen = acknowledged.length;
    await until(() => acknowledged.length > seen + 100);
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'my-care-record mcr_journal'`);
    await until(() => happened.filter(({ what }) => what === 'resumed').length >= kill);
  }
  const seen = acknowledged.length;
  await until(() => acknowledged.length > seen + 100);
  await stop();
  await journal.drain();
  const log = await storedLog(admin);
  t.strictSame(logFaults(log), []);
  const stored = new Map(
    log.flatMap(({ shard, firstSeq, events }) =>
      events.map(({ eventId }, i) => [eventId, `${shard}/${firstSeq + i}`]),
    ),
  );
  t.ok(
    acknowledged.every(({ eventId, shard, seq }) => stored.get(eventId) === `${shard}/${seq}`),
    `${acknowledged.length} acknowledged`,
  );
});

t.test('an idle journal survives the loss of its connection without refusing anybody', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  await journal.append(entry());
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'my-care-record mcr_journal' and datname = current_database()`,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.match(await journal.append(entry()), { seq: 1 });
  t.strictSame(logFaults(await storedLog(admin)), []);
});

t.test('a process killed under load has acknowledged nothing that is not stored', async (t) => {
  const { address, admin } = await testDatabase(t);
  const program = fileURLToPath(new URL('../support/audit-appender.js', import.meta.url));
  const acknowledged: string[] = [];
  for (let kill = 1; kill <= 5; kill += 1) {
    const child = spawn(process.execPath, [program, address.url, '16'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.length > 37 * 40 * kill) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'close');
    t.equal(signal, 'SIGKILL');
    // the last line may be half written; it then counts as not acknowledged
    acknowledged.push(...output.split('\n').filter((line) => line.length === 36));
    const log = await storedLog(admin);
    t.strictSame(logFaults(log), []);
    const stored = new Set(log.flatMap(({ events }) => events.map(({ eventId }) => eventId)));
    t.strictSame(
      acknowledged.filter((id) => !stored.has(id)),
      [],
      `${acknowledged.length} acknowledged after ${kill}`,
    );
  }
  t.ok(acknowledged.length > 500);
});

t.test('a line that falls silent holds nobody up for long', async (t) => {
  const { address, admin } = await testDatabase(t);
  const line = await lineTo(t, address.url);
  const { journal, happened } = await started(t, line.url);
  await journal.append(entry());
  line.silence();
  await t.rejects(journal.append(entry()), unavailable);
  await until(() => happened.at(-1)?.what === 'resumed');
  t.match(happened.at(-1), { shard: 1, found: 'undetermined' }, 'the old session still holds its shard');
  t.match(await journal.append(entry()), { shard: 1, seq: 0 });
  t.strictSame(logFaults(await storedLog(admin)), []);
});

/** A line to the database that can fall silent: nothing is closed, nothing comes through any more. */
async function lineTo(t: Test, url: string): Promise<{ url: string; silence(): void }> {
  const target = new URL(url);
  const { port, hostname } = target;
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port || 5432), hostname);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  target.port = String(typeof address === 'object' ? address?.port : '');
  const silence = (): void => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { url: target.href, silence };
}

t.test('what is not durable, or comes with a warning, is not an acknowledgement', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal, happened } = await started(t, address.url);
  const during = async (body: string): Promise<void> => {
    await admin.query(
      `create or replace function public.meddle() returns trigger language plpgsql as $$ begin ${body}; return new; end $$`,
    );
    await admin.query(
      'create or replace trigger meddle before insert on audit.batch for each row execute function public.meddle()',
    );
    await t.rejects(journal.append(entry()), unavailable, body);
    await admin.query('drop trigger meddle on audit.batch');
    await until(() => happened.at(-1)?.what === 'resumed');
  };
  await during(`raise warning 'canceling wait for synchronous replication due to user request'`);
  for (const weak of ['off', 'local', 'remote_write'])
    await during(`perform set_config('synchronous_commit', '${weak}', true)`);
  await during(`raise exception 'disk full' using errcode = 'disk_full'`);
  await during(`perform pg_sleep(10)`);
  t.equal((await journal.append(entry())).seq, 4, 'four of them were stored all the same');
  t.strictSame(logFaults(await storedLog(admin)), []);

  const { rows } = await admin.query('select current_database() as name');
  await admin.query(`alter database ${rows[0].name} set synchronous_commit = off`);
  await t.rejects(started(t, address.url), /synchronous_commit must be on/);
});

t.test('an event without a partition fails, alone', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  await t.rejects(journal.append(entry({ at: Date.UTC(2093, 0, 1) })), unavailable);
  t.match(await journal.append(entry()), { seq: 0 });
  const monthEnd = new Date();
  const boundary = Date.UTC(monthEnd.getUTCFullYear(), monthEnd.getUTCMonth() + 1, 1);
  const receipts = await Promise.all(
    [-2, -1, 0, 1].map((offset) => journal.append(entry({ at: boundary + offset }))),
  );
  t.strictSame(
    receipts.map(({ seq }) => seq),
    [1, 2, 3, 4],
  );
  t.strictSame(
    (await storedLog(admin)).map(({ events }) => events.length),
    [1, 2, 2],
    'months have batches of their own',
  );
  t.strictSame(logFaults(await storedLog(admin)), []);
});

t.test('nobody changes the log: not its roles, and not even its owner by accident', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  await journal.append(entry());
  const writer = await acting(t, address.url, 'mcr_journal');
  const auditor = await acting(t, address.url, 'mcr_auditor');
  const record = await acting(t, address.url, 'mcr_record');
  const denied = { code: '42501' };
  const partition = (await admin.query('select tableoid::regclass::text as name from audit.event')).rows[0]
    .name;
  const changes = ['audit.event', 'audit.batch', partition].flatMap((table) => [
    `update ${table} set recorded = now()`,
    `delete from ${table}`,
    `truncate ${table}`,
  ]);
  for (const change of [...changes, 'truncate audit.event cascade']) {
    for (const client of [admin, writer, auditor, record])
      await t.rejects(client.query(change), denied, change);
    await admin.query('set session_replication_role = replica');
    await t.rejects(admin.query(change), denied, `${change}, as a replica would`);
    await admin.query('set session_replication_role = origin');
  }
  for (const column of ['body', 'manifest', 'salt', 'person_id', 'agent', '*'])
    await t.rejects(
      writer.query(`select ${column} from audit.event`),
      denied,
      'the writer does not read events',
    );
  t.equal((await writer.query('select leaf from audit.event')).rowCount, 1, 'it seals what they hash to');
  await t.rejects(record.query('select from audit.event'), denied, 'the record knows nothing of the audit');
  await t.rejects(record.query('select from audit.batch'), denied);
  await t.rejects(auditor.query('insert into audit.batch select * from audit.batch'), denied);
  await t.rejects(auditor.query('insert into audit.event select * from audit.event'), denied);
  await t.rejects(writer.query("select audit.make_partitions('2040-01-01')"), denied);
  t.equal(await count(admin, 'audit.event'), 1);
});

t.test('partitions lie ahead, guarded like the first ones', async (t) => {
  const { admin } = await testDatabase(t);
  const days = async (): Promise<number> =>
    (await admin.query('select audit.partition_days() as days')).rows[0].days;
  t.ok((await days()) > 500, `${await days()} days`);
  const made = async (): Promise<number> =>
    (await admin.query("select audit.make_partitions((now() + interval '30 months')::date) as made")).rows[0]
      .made;
  t.equal(await made(), 12);
  t.equal(await made(), 0, 'none twice');
  const unguarded =
    await admin.query(`select inhrelid::regclass from pg_inherits i where inhparent = 'audit.event'::regclass
    and 2 <> (select count(*) from pg_trigger where tgrelid = inhrelid and tgenabled = 'A')`);
  t.strictSame(unguarded.rows, []);
  t.strictSame((await checkAudit(admin, false)).refusals, []);
});

t.test('the check says what makes an audit log worthless', async (t) => {
  const { admin } = await testDatabase(t);
  const refusals = async (production = false): Promise<string> =>
    (await checkAudit(admin, production)).refusals.join('\n');
  const warnings = async (): Promise<string> => (await checkAudit(admin, false)).warnings.join('\n');
  const inside = async (change: string, look: () => Promise<string>): Promise<string> => {
    await admin.query('begin');
    await admin.query(change);
    const found = await look();
    await admin.query('rollback');
    return found;
  };
  t.equal(await refusals(), '');
  t.match(await refusals(true), /superuser/);
  t.match(await inside('set local synchronous_commit = local', refusals), /synchronous_commit/);
  t.match(await inside('grant update on audit.event to mcr_journal', refusals), /mcr_journal can change/);
  t.match(await inside('grant truncate on audit.batch to public', refusals), /mcr_journal can change/);
  t.match(await inside('alter table audit.batch owner to mcr_journal', refusals), /mcr_journal can change/);
  t.match(
    await inside('create table audit.rest partition of audit.event default', refusals),
    /default partition/,
  );
  t.match(await inside('alter table audit.batch disable trigger refuse_truncate', refusals), /TRUNCATE/);
  t.match(await inside('drop trigger refuse_change on audit.event', refusals), /UPDATE/);
  const idle = `create or replace function audit.refuse() returns trigger language plpgsql as $$ begin return new; end $$`;
  t.match(await inside(idle, refusals), /refuses nothing any more/);
  t.match(await inside('drop trigger refuse_change on audit.checkpoint', refusals), /UPDATE/);
  const inProduction = async (): Promise<string> => (await checkAudit(admin, true)).warnings.join('\n');
  t.match(await inProduction(), /no synchronous standby/);
  const month = new Date(Date.now() + 32 * 86_400_000).toISOString().slice(0, 7).replace('-', '_');
  t.match(await inside(`drop table audit.event_${month}`, warnings), /more days/);
  const login = `mcr_test_login_${process.pid}`;
  const asLogin = async (grants: string): Promise<string> =>
    inside(
      `create role ${login}; grant mcr_journal, mcr_auditor to ${login}; ${grants}; set local session authorization ${login}`,
      () => refusals(true),
    );
  t.equal(await asLogin('select 1'), '', 'a login that is a member of the roles and no more');
  t.match(await asLogin(`grant delete on audit.event to ${login}`), /login of the service can change/);
  t.match(await asLogin(`grant mcr_retention to ${login}`), /login of the service can change/);
  t.match(await asLogin(`alter table audit.batch owner to ${login}`), /login of the service can change/);
});

t.test('the auditor reads pages in the order of time, each event once', async (t) => {
  const { address, admin } = await testDatabase(t);
  const { journal } = await started(t, address.url);
  const database = new Database(address, 'mcr_auditor', 1);
  t.teardown(() => database.close());
  const reader = new StoredAuditReader(database);
  const [p1, p2] = [randomUUID(), randomUUID()];
  const start = Date.now();
  // several at the same millisecond, so that the id must decide
  for (let i = 0; i < 40; i += 1) {
    const caller = i % 4 === 0 ? { caller: SYSTEM } : {};
    await journal.append(entry({ at: start + Math.floor(i / 5), personId: i % 2 ? p1 : p2, ...caller }));
  }
  const all = (
    await admin.query(
      'select event_id::text as id, body, recorded, person_id::text as person, organisation, client from audit.event order by recorded desc, event_id desc',
    )
  ).rows;
  const bounds = { from: start, to: start + 8 };
  t.strictSame(
    (await reader.search({ ...bounds, anyOf: [{}], limit: 100, effort: 1 })).events.map(({ body }) => body),
    all.map(({ body }) => body),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        from: fc.integer({ min: -1, max: 9 }),
        to: fc.integer({ min: -1, max: 9 }),
        limit: fc.integer({ min: 1, max: 7 }),
        effort: fc.integer({ min: 1, max: 9 }),
        oldestFirst: fc.boolean(),
        either: fc.boolean(),
        clients: fc.option(fc.constantFrom(['lcs-viewer'], ['gp-system'], []), { nil: undefined }),
        personIds: fc.option(fc.subarray([p1, p2, randomUUID()]), { nil: undefined }),
        organisation: fc.constantFrom(undefined, 'K82999', 'k82999', 'nobody'),
        ids: fc.option(fc.subarray([all[3].id, all[7].id, randomUUID()]), { nil: undefined }),
      }),
      async ({ from, to, limit, effort, oldestFirst, either, personIds, organisation, ids, clients }) => {
        const meets = (row: (typeof all)[number], conditions: AuditConditions): boolean =>
          (conditions.personIds?.includes(row.person) ?? true) &&
          (conditions.organisations?.some((each) => each.toUpperCase() === row.organisation) ?? true) &&
          (conditions.clients?.includes(row.client) ?? true) &&
          (conditions.ids?.includes(row.id) ?? true);
        const one: AuditConditions = { ...(personIds && { personIds }), ...(clients && { clients }) };
        const other: AuditConditions = {
          ...(organisation && { organisations: [organisation] }),
          ...(ids && { ids }),
        };
        const anyOf = either ? [one, other] : [{ ...one, ...other }];
        const expected = all.filter(
          (row) =>
            row.recorded.getTime() >= start + from &&
            row.recorded.getTime() < start + to &&
            anyOf.some((conditions) => meets(row, conditions)),
        );
        if (oldestFirst) expected.reverse();
        const found: string[] = [];
        let after: { recorded: number; id: string } | undefined;
        for (;;) {
          const page = await reader.search({
            from: start + from,
            to: start + to,
            limit,
            effort,
            anyOf,
            oldestFirst,
            ...(after && { after }),
          });
          found.push(...page.events.map(({ id }) => id));
          if (page.end === undefined) break;
          after = page.end;
        }
        t.strictSame(
          found,
          expected.map(({ id }) => id),
        );
      },
    ),
    { numRuns: 120 },
  );
  t.match(await reader.event(all[0].id), { id: all[0].id, personId: all[0].person, body: all[0].body });
  t.equal(await reader.event(randomUUID()), undefined);
});
