import type pg from 'pg';
import type { LoggedEvent } from '../../src/audit/log-reader.ts';
import type { StoredLog } from '../../src/storage/audit-log-reader.ts';
import type { Rows } from '../support/sealed-log.ts';

/** Rows of the audit log, taken out of a database and put back altered, as somebody could who owns it. */

export async function readRows(log: StoredLog): Promise<Rows> {
  const rows: Rows = { batches: [], events: [], checkpoints: [] };
  for (const shard of await log.shards()) {
    for await (const batches of log.batches(shard, 0)) rows.batches.push(...batches);
    for await (const events of log.events(shard, 0))
      rows.events.push(...events.filter(isWhole).map((event) => ({ ...event, shard })));
  }
  for await (const checkpoints of log.checkpoints(1)) rows.checkpoints.push(...checkpoints);
  return rows;
}

function isWhole(entry: object): entry is LoggedEvent {
  return 'body' in entry;
}

/** Takes away whatever stands in the way of somebody who owns the tables: guards, keys, checks. */
export async function disarm(client: pg.Client): Promise<void> {
  await client.query(`
    drop trigger refuse_change on audit.event; drop trigger refuse_change on audit.batch;
    drop trigger refuse_change on audit.checkpoint; alter table audit.event drop constraint event_pkey`);
  const { rows } = await client.query<{ statement: string }>(`
    select format('alter table %s drop constraint if exists %I', conrelid::regclass, conname) as statement
    from pg_constraint join pg_class c on c.oid = conrelid
    where c.relnamespace = 'audit'::regnamespace and conrelid::regclass::text ~ '^audit.(event|batch|checkpoint)'
      and coninhcount = 0 and contype in ('c', 'p', 'u')`);
  for (const { statement } of rows) await client.query(statement);
}

/** Writes what differs from what is there. @param there the rows that are there now */
export async function writeRows(client: pg.Client, rows: Rows, there: Rows): Promise<void> {
  await client.query('begin');
  try {
    if (differs(rows.events, there.events)) {
      await client.query('delete from audit.event');
      await client.query(EVENTS, [JSON.stringify(rows.events.map(inHex))]);
    }
    if (differs(rows.batches, there.batches)) {
      await client.query('delete from audit.batch');
      await client.query(BATCHES, [JSON.stringify(rows.batches.map(inHex))]);
    }
    if (differs(rows.checkpoints, there.checkpoints)) {
      await client.query('delete from audit.checkpoint');
      await client.query(CHECKPOINTS, [JSON.stringify(rows.checkpoints.map(inHex))]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

function differs(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length !== b.length || a.some((one, i) => one !== b[i]);
}

/** A body is text and nothing else; all other bytes go as hex. */
function inHex(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString(name === 'body' ? 'utf8' : 'hex') : value,
    ]),
  );
}

const EVENTS = `
insert into audit.event (month, shard, outcome, seq, recorded, event_id, person_id, kind, organisation, client, agent,
  purpose, request_id, salt, leaf, manifest, body)
select month, shard, outcome, seq, to_timestamp(recorded / 1000), "eventId", "personId", kind, organisation, client, agent,
  purpose, "requestId", decode(salt, 'hex'), decode(leaf, 'hex'), decode(manifest, 'hex'), body
from jsonb_to_recordset($1::jsonb) as e (month date, shard smallint, outcome smallint, seq bigint, recorded numeric,
  "eventId" uuid, "personId" uuid, kind text, organisation text, client text, agent text, purpose text, "requestId" text,
  salt text, leaf text, manifest text, body text)`;

const BATCHES = `
insert into audit.batch (shard, batch, batch_uuid, month, first_seq, n, root, prev_head, head, tree_size, recorded)
select shard, batch, gen_random_uuid(), month, "firstSeq", n, decode(root, 'hex'), decode("prevHead", 'hex'),
  decode(head, 'hex'), "treeSize", to_timestamp(recorded / 1000)
from jsonb_to_recordset($1::jsonb) as b (shard smallint, batch bigint, month date, "firstSeq" bigint, n integer, root text,
  "prevHead" text, head text, "treeSize" bigint, recorded numeric)`;

const CHECKPOINTS = `
insert into audit.checkpoint (no, recorded, jws, frontiers)
select no, to_timestamp(recorded / 1000), jws, decode(frontiers, 'hex')
from jsonb_to_recordset($1::jsonb) as c (no bigint, recorded numeric, jws text, frontiers text)`;
