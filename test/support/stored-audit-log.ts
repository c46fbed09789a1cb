import type pg from 'pg';
import type { LoggedBatch, LoggedEvent } from './audit-log.ts';

/** The whole log as it lies in the database; events without a batch are a fault of their own. */
export async function storedLog(admin: pg.Client): Promise<LoggedBatch[]> {
  // one snapshot: the session of a process just killed may still be committing
  await admin.query('begin isolation level repeatable read');
  const batches = await admin.query(
    'select *, month::text as month_text from audit.batch order by shard, batch',
  );
  const events = await admin.query('select * from audit.event order by shard, seq');
  await admin.query('commit');
  const found = batches.rows.map((row): LoggedBatch => {
    const [first, size] = [Number(row.first_seq), Number(row.tree_size)];
    const own = events.rows.filter(
      (one) => one.shard === row.shard && Number(one.seq) >= first && Number(one.seq) < size,
    );
    return {
      shard: row.shard,
      batch: Number(row.batch),
      uuid: row.batch_uuid,
      month: row.month_text,
      firstSeq: first,
      root: row.root,
      prevHead: row.prev_head,
      head: row.head,
      recorded: row.recorded.getTime(),
      events: own.map(
        (one): LoggedEvent => ({
          eventId: one.event_id,
          recorded: one.recorded.getTime(),
          salt: one.salt,
          leaf: one.leaf,
          body: Buffer.from(one.body, 'utf8'),
          manifest: one.manifest,
        }),
      ),
    };
  });
  const placed = found.reduce((sum, batch) => sum + batch.events.length, 0);
  if (placed !== events.rows.length)
    throw new Error(`${events.rows.length - placed} events belong to no batch.`);
  return found;
}
