import type { Batch } from '../audit/batch.ts';
import { NO_HEAD } from '../audit/batch.ts';
import { writeUuid } from '../audit/uuid.ts';
import {
  byteaArray,
  smallintArray,
  textArray,
  timestampArray,
  utf8Array,
  uuidArray,
} from './binary-array.ts';
import type { Statement } from './database.ts';

/**
 * A whole batch, or nothing. It is written only where it continues the shard's log exactly as stored (number, size and
 * head); a writer that was overtaken while this runs meets the primary key. Answers how many rows were written, and
 * whether what this session commits is durable.
 */
export const WRITE_BATCH: Statement = {
  name: 'write-audit-batch',
  text: `
with last as (
  select batch, head, tree_size from audit.batch where shard = $1::smallint order by batch desc limit 1
), batch_written as (
  insert into audit.batch
    (shard, batch, batch_uuid, month, first_seq, n, root, prev_head, head, tree_size, recorded)
  select $1::smallint, $2::bigint, $3::uuid, $4::date, $5::bigint, $6::integer, $7::bytea, $8::bytea, $9::bytea,
    $5::bigint + $6::integer, $10::timestamptz
  where coalesce((select batch + 1 from last), 0) = $2::bigint
    and coalesce((select tree_size from last), 0) = $5::bigint
    and coalesce((select head from last), $11::bytea) = $8::bytea
  returning shard, month, first_seq
), events_written as (
  insert into audit.event
    (month, shard, seq, recorded, event_id, person_id, outcome, kind, organisation, client, agent, purpose,
     request_id, salt, leaf, manifest, body, asked)
  select b.month, b.shard, b.first_seq + e.place - 1, e.recorded, e.event_id, e.person_id, e.outcome, e.kind,
    e.organisation, e.client, e.agent, e.purpose, e.request_id, e.salt, e.leaf, e.manifest, e.body, e.asked
  from batch_written b, unnest(
    $12::timestamptz[], $13::uuid[], $14::uuid[], $15::smallint[], $16::text[], $17::text[], $18::text[], $19::text[],
    $20::text[], $21::text[], $22::bytea[], $23::bytea[], $24::bytea[], $25::text[], $26::uuid[]
  ) with ordinality as e (recorded, event_id, person_id, outcome, kind, organisation, client, agent, purpose,
    request_id, salt, leaf, manifest, body, asked, place)
  returning 1
)
select (select count(*) from batch_written), (select count(*) from events_written),
  current_setting('synchronous_commit'), current_setting('fsync')`,
};

/** Parameters of {@link WRITE_BATCH}. */
export function batchValues(batch: Batch): unknown[] {
  const { events } = batch;
  return [
    batch.shard,
    batch.batch,
    batch.uuid,
    batch.month,
    batch.firstSeq,
    events.length,
    batch.root,
    batch.prevHead,
    batch.head,
    new Date(batch.recorded).toISOString(),
    NO_HEAD,
    timestampArray(events.map((event) => event.recorded)),
    uuidArray(
      events.map((event) => event.eventId),
      writeUuid,
    ),
    uuidArray(
      events.map((event) => event.personId),
      writeUuid,
    ),
    smallintArray(events.map((event) => event.outcome)),
    textArray(events.map((event) => event.kind)),
    textArray(events.map((event) => event.organisation)),
    textArray(events.map((event) => event.client)),
    textArray(events.map((event) => event.agent)),
    textArray(events.map((event) => event.purpose)),
    textArray(events.map((event) => event.requestId)),
    byteaArray(events.map((event) => event.salt)),
    byteaArray(events.map((event) => event.leaf)),
    byteaArray(events.map((event) => event.manifest)),
    utf8Array(events.map((event) => event.body)),
    uuidArray(
      events.map((event) => event.asked),
      writeUuid,
    ),
  ];
}
