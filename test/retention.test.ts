import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import pino from 'pino';
import t, { type Test } from 'tap';
import { faultLine } from '../src/audit/fault.ts';
import { Journal } from '../src/audit/journal.ts';
import type { Occurrence } from '../src/audit/occurrence.ts';
import type { VerifyReport } from '../src/audit/verify.ts';
import { proofOf, verifyStored } from '../src/audit-desk.ts';
import { readHistoryFile } from '../src/audit-keys.ts';
import { type Configuration, readConfiguration } from '../src/config.ts';
import { Metrics } from '../src/metrics.ts';
import { legalHolds, liftHold, placeHold, retireMonth } from '../src/retention.ts';
import { auditKeyFiles, checkpointsOf } from '../src/sealing.ts';
import { StoredLog } from '../src/storage/audit-log-reader.ts';
import { AuditWriter } from '../src/storage/audit-writer.ts';
import { newClient } from '../src/storage/database.ts';
import { testDatabase } from './support/database.ts';
import { entry, later, random, SERVICE } from './support/occurrences.ts';
import { repositoryRoot } from './support/root.ts';

t.setTimeout(120_000);

const OLD = ['2024-03', '2024-04', '2024-05'];
const TWO = { approvers: ['J. Smith', 'A. Jones'], reason: 'The retention period has passed.' };
const BY = { operator: 'J. Smith', reason: 'Inquiry 7' };

interface Archive {
  readonly admin: pg.Client;
  readonly url: string;
  readonly desk: { readonly configuration: Configuration; account(occurrence: Occurrence): Promise<void> };
  seal(): Promise<void>;
  append(month: string): Promise<string>;
  verified(): Promise<VerifyReport>;
  opened<T>(work: (log: StoredLog) => Promise<T>): Promise<T>;
}

/** A log of three old months, each with events, and one of now; sealed. */
async function archive(t: Test, audit: object = { retentionMonths: 12 }): Promise<Archive> {
  const { address, admin } = await testDatabase(t);
  const folder = mkdtempSync(join(tmpdir(), 'mcr-retention-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const month of OLD) await makePartition(admin, month);
  const demo = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...demo, audit, logLevel: 'silent' }));
  const env = { MCR_CONFIG: join(folder, 'config.json'), MCR_DATA: folder, MCR_DATABASE_URL: address.url };
  const configuration = readConfiguration(env, repositoryRoot());
  const journal = new Journal({ service: SERVICE, writer: new AuditWriter(address), later, random });
  await journal.start();
  t.teardown(() => journal.drain());
  const log = pino({ level: 'silent' });
  const checkpoints = await checkpointsOf(configuration, address, new Metrics(async () => []), log);
  const append = async (month: string): Promise<string> => {
    const one = entry({ at: Date.parse(`${month}-20T12:00:00Z`) }, 2);
    await journal.append(one);
    return one.occurrence.id;
  };
  for (const month of OLD) for (let n = 0; n < 3; n += 1) await append(month);
  const opened = async <T>(work: (log: StoredLog) => Promise<T>): Promise<T> => {
    const stored = await StoredLog.open(address);
    try {
      return await work(stored);
    } finally {
      await stored.close();
    }
  };
  return {
    admin,
    url: address.url,
    desk: {
      configuration,
      account: async (occurrence) => {
        await journal.append({ occurrence, released: [], publication: 0 });
      },
    },
    seal: () => checkpoints.make(true),
    append,
    verified: () => opened((stored) => verifyStored(configuration, stored, {})),
    opened,
  };
}

/** As `audit.make_partitions` makes them, of a time before there was this database. */
async function makePartition(admin: pg.Client, month: string): Promise<void> {
  const name = `audit.event_${month.replace('-', '_')}`;
  await admin.query(`create table ${name} partition of audit.event
    for values from ('${month}-01') to ('${month}-01'::date + interval '1 month')`);
  await admin.query(`create trigger refuse_truncate before truncate on ${name}
    for each statement execute function audit.refuse()`);
  await admin.query(`alter table ${name} enable always trigger refuse_truncate`);
}

t.test('a month is retired by two people, and the log is verified as before', async (t) => {
  const a = await archive(t);
  await a.seal();
  const before = await a.verified();
  t.match(before, { result: 'whole', events: 9 });
  t.equal(await retireMonth(a.desk, '2024-04', TWO), 3);
  const { rows } = await a.admin.query(`select to_regclass('audit.event_2024_04') as partition,
    (select count(*)::integer from audit.event where month < '2025-01-01') as left`);
  t.strictSame(rows, [{ partition: null, left: 6 }], 'bodies, salts and manifests are gone');
  const after = await a.verified();
  t.strictSame(after.faults.map(faultLine), []);
  t.match(after, { result: 'whole', events: 10 }, 'and one event says so');
  const told = await a.admin.query("select body from audit.event where kind = 'configuration'");
  t.match(told.rows[0].body, /retire.*J\. Smith.*A\. Jones.*retention period has passed/);
  await a.seal();
  t.match(await a.verified(), { result: 'whole', uncovered: 0 }, 'it is sealed as ever');
  t.equal(await retireMonth(a.desk, '2024-03', TWO), 3, 'and the next one');
  t.match(await a.verified(), { result: 'whole', events: 11 });
  const kept = (await a.admin.query("select event_id from audit.event where month = '2024-05-01'")).rows[0];
  const keys = readHistoryFile(auditKeyFiles(a.desk.configuration).keys);
  t.match(
    await a.opened((log) => proofOf(log, kept.event_id, keys)),
    { seq: 6 },
    'what is kept is proven over what is not',
  );
  await t.rejects(
    a.opened((log) => proofOf(log, randomUUID(), keys)),
    /retired/,
  );
});

t.test('what is left of a retired month cannot be altered unseen either', async (t) => {
  const a = await archive(t);
  await a.seal();
  await retireMonth(a.desk, '2024-04', TWO);
  const other = `(select string_agg(sha256(leaves), '') from audit.retired_leaves)`;
  for (const [what, statement] of [
    ['a leaf', 'update audit.retired_leaves set leaves = overlay(leaves placing sha256(leaves) from 33)'],
    ['fewer leaves', 'update audit.retired_leaves set leaves = substring(leaves for 64)'],
    ['no leaves', 'delete from audit.retired_leaves'],
    ['other leaves', `update audit.retired_leaves set leaves = ${other}`],
    ['another place', 'update audit.retired_leaves set first_seq = first_seq + 1'],
    ['no tombstone', 'delete from audit.tombstone'],
    ['a tombstone that is changed', "update audit.tombstone set jws = jws || 'A'"],
    ['a tombstone of another month', "update audit.tombstone set month = '2024-05-01'"],
  ] as const) {
    await t.test(what, async (t) => {
      // committed, so that the verifier's own connections see it, and put back
      await a.admin.query('create table public.kept as select * from audit.retired_leaves');
      await a.admin.query('create table public.stone as select * from audit.tombstone');
      await a.admin.query(`alter table audit.retired_leaves drop constraint if exists retired_leaves_month_fkey;
        alter table audit.retired_leaves disable trigger all; alter table audit.tombstone disable trigger all`);
      await a.admin.query(statement);
      const report = await a.verified();
      t.match(report, { result: 'altered' });
      t.comment(report.faults.slice(0, 2).map(faultLine).join('; '));
      await a.admin.query(`delete from audit.retired_leaves; delete from audit.tombstone;
        insert into audit.tombstone select * from public.stone;
        insert into audit.retired_leaves select * from public.kept;
        drop table public.kept; drop table public.stone`);
    });
  }
  t.match(await a.verified(), { result: 'whole' });
});

t.test('nothing is retired too young, unsealed, under a hold, or by one person', async (t) => {
  const a = await archive(t);
  const not = (month: string, why: RegExp, parts: object = {}): Promise<unknown> =>
    t.rejects(retireMonth(a.desk, month, { ...TWO, ...parts }), { message: why }, String(why));
  await not('2024-04', /Nothing has been sealed/);
  await a.seal();
  await a.append('2024-05');
  await not('2024-05', /No checkpoint covers all events/);
  await not('2024-04', /Two different people/, { approvers: ['J. Smith'] });
  await not('2024-04', /Two different people/, { approvers: ['J. Smith', 'j. smith '] });
  await not('2024-04', /who decides, and why/, { reason: ' ' });
  await not('2024-4', /A month is written/);
  await not('2019-04', /no events of that month/);
  await not(new Date().toISOString().slice(0, 7), /is kept until/);
  const none = await archive(t, {});
  await none.seal();
  await t.rejects(retireMonth(none.desk, '2024-04', TWO), /no retention period/);

  await t.rejects(placeHold(a.desk, '2024-05', '2024-03', BY), /begins before it ends/);
  await t.rejects(placeHold(a.desk, '2024-05', '2024-05', { ...BY, operator: '' }), /who decides/);
  const hold = await placeHold(a.desk, '2024-04', '2024-05', BY);
  t.match(await legalHolds(a.desk), [{ id: hold, fromMonth: '2024-04-01', placedBy: 'J. Smith' }]);
  await not('2024-04', /under a legal hold/);
  t.equal(await retireMonth(a.desk, '2024-03', TWO), 3, 'a month beside it is free');
  await t.rejects(liftHold(a.desk, hold + 7, BY), /no hold/);
  await liftHold(a.desk, hold, BY);
  t.strictSame(await legalHolds(a.desk), []);
  t.equal(await retireMonth(a.desk, '2024-04', TWO), 3);
  const { rows } = await a.admin.query(
    "select count(*)::integer as n from audit.event where kind = 'configuration'",
  );
  t.ok(rows[0].n >= 4, 'holds and retirements are in the log, those that the database refused too');
  t.match(await a.verified(), { result: 'whole' });
});

t.test('no role that serves can retire anything, and the database itself keeps a year', async (t) => {
  const { url, admin } = await archive(t);
  const denied = { code: '42501' };
  for (const role of ['mcr_record', 'mcr_journal', 'mcr_auditor'] as const) {
    const client = newClient({ url }, role, false);
    await client.connect();
    t.teardown(() => client.end());
    await t.rejects(client.query("select audit.retire('2024-04-01', 'x', 3)"), denied, role);
    await t.rejects(
      client.query("insert into audit.tombstone (month, jws) values ('2024-04-01', 'x')"),
      denied,
    );
    await t.rejects(client.query('delete from audit.legal_hold'), denied);
  }
  const client = newClient({ url }, 'mcr_retention', false);
  await client.connect();
  t.teardown(() => client.end());
  await t.rejects(client.query('select from audit.event'), denied, 'who retires does not read');
  await t.rejects(client.query("select audit.retire('2024-04-01', 'x', 4)"), /does not hold the events/);
  await t.rejects(client.query("select audit.retire('2024-04-02', 'x', 3)"), /a whole month/);
  const month = `${new Date(Date.now() - 200 * 86_400_000).toISOString().slice(0, 7)}-01`;
  await t.rejects(client.query('select audit.retire($1, $2, 0)', [month, 'x']), /ended a year ago/);
  await t.rejects(
    admin.query("update audit.legal_hold set reason = 'x'; truncate audit.tombstone cascade"),
    denied,
  );
});
