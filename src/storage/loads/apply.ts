import type { TypeCount } from '../../loads/records.ts';
import { GOES_BY_DELTA } from './deltas.ts';
import { inTransaction, NOBODY, OPEN_END, run, type Work } from './work.ts';

/** Storing what is staged, and deleting what was not in the extract, in chunks that no reader sees before publication. */

/** Resources of one transaction: long enough to be cheap, short enough to be undone and to let others work. */
const CHUNK = 5_000;

/**
 * Sorts what is staged by person, beside what is stored now, and leaves out what is no change.
 *
 * @returns rows whose id another row with different content has too, staged or recognised: all are left out
 */
export async function settleStage(
  work: Work,
): Promise<readonly { file: number; line: number; type: number }[]> {
  await run(work, 'truncate load_sorted');
  await run(work, 'analyze load_stage');
  await run(
    work,
    `insert into load_sorted
     select row_number() over (order by s.person_id, s.type, s.resource_id, s.file, s.line), s.ctid, s.resource_id,
       s.person_id, s.type, s.content_hash, s.file, s.line, k.load_no, k.content_hash, k.deleted, k.person_id
     from load_stage s left join record.resource_key k on k.resource_id = s.resource_id`,
  );
  const repeated = await leaveOutRepeated(work);
  await run(
    work,
    `with same as (
       delete from load_sorted where prior_hash = content_hash and not prior_deleted and prior_person_id = person_id
       returning resource_id, type)
     insert into load_seen select resource_id, type, false from same`,
  );
  await run(work, 'create index if not exists load_sorted_n on load_sorted (n)');
  await run(work, 'analyze load_sorted');
  return repeated;
}

interface Repeated {
  readonly file: number;
  readonly line: number;
  readonly type: number;
  readonly [column: string]: unknown;
}

async function leaveOutRepeated(work: Work): Promise<readonly Repeated[]> {
  const found = await leaveOut(work, 'resource_id in (select resource_id from load_seen)');
  const repeated = 'select resource_id from load_sorted group by resource_id having count(*) > 1';
  if ((await run(work, `${repeated} limit 1`)).length === 0) return found;
  // the same row twice is one row
  await run(
    work,
    `delete from load_sorted a using load_sorted b
     where a.resource_id = b.resource_id and a.content_hash = b.content_hash and a.n > b.n`,
  );
  return [...found, ...(await leaveOut(work, `resource_id in (${repeated})`))];
}

/** What is stored of a resource whose rows contradict each other stands. */
function leaveOut(work: Work, condition: string): Promise<readonly Repeated[]> {
  return run<Repeated>(
    work,
    `with repeated as (
       delete from load_sorted where ${condition} returning resource_id, file, line, type),
     kept as (
       insert into load_seen select distinct k.resource_id, k.type, true from repeated r
       join record.resource_key k on k.resource_id = r.resource_id
       where not k.deleted and not exists (select from load_remapped m where m.person_id = k.person_id)
         and k.resource_id not in (select resource_id from load_seen))
     select file, line, type from repeated order by file, line`,
  );
}

export async function applyStaged(
  work: Work,
  progress: (done: number, total: number) => void,
): Promise<{ added: TypeCount[]; changed: TypeCount[] }> {
  const [bounds] = await run<{ total: number; last: string }>(
    work,
    'select count(*)::int as total, coalesce(max(n), 0) as last from load_sorted',
  );
  const last = Number(bounds?.last ?? 0);
  for (let from = 0; from < last; from += CHUNK) {
    await inTransaction(work, () => applyChunk(work, from, from + CHUNK));
    progress(Math.min(from + CHUNK, last), last);
  }
  const counts = await run<{ type: number; fresh: boolean; count: number }>(
    work,
    `select type, prior_load_no is null or prior_deleted as fresh, count(*)::int from load_sorted group by 1, 2`,
  );
  await run(
    work,
    `insert into load_moved select resource_id, person_id from load_sorted
     where prior_person_id <> person_id on conflict do nothing`,
  );
  await touch(work, 'select prior_person_id from load_sorted where not prior_deleted');
  await run(work, 'truncate load_stage, load_sorted');
  return {
    added: counts.filter((each) => each.fresh).map(({ type, count }) => ({ type, count })),
    changed: counts.filter((each) => !each.fresh).map(({ type, count }) => ({ type, count })),
  };
}

async function applyChunk(work: Work, from: number, to: number): Promise<void> {
  const chunk = [work.loadNo, from, to];
  await run(
    work,
    `insert into record.load_change (load_no, resource_id, person_id, prior_load_no, prior_hash, prior_deleted,
       prior_person_id)
     select $1, resource_id, person_id, prior_load_no, prior_hash, prior_deleted, prior_person_id
     from load_sorted where n > $2 and n <= $3`,
    chunk,
  );
  await run(
    work,
    `update record.resource_version v set valid_to = $1 from load_sorted o
     where o.n > $2 and o.n <= $3 and not o.prior_deleted and v.person_id = o.prior_person_id
       and v.valid_to = ${OPEN_END} and v.resource_id = o.resource_id`,
    chunk,
  );
  await run(
    work,
    `update record.directory_version v set valid_to = $1 from load_sorted o
     where o.n > $2 and o.n <= $3 and not o.prior_deleted and o.person_id = '${NOBODY}'
       and v.resource_id = o.resource_id and v.valid_to = ${OPEN_END}`,
    chunk,
  );
  await run(
    work,
    `insert into record.resource_version (person_id, resource_id, valid_from, source, type, category, labels, codes,
       content_hash, relationships, search_line, body)
     select o.person_id, o.resource_id, $1, $4, o.type, s.category, s.labels, s.codes, o.content_hash, s.relationships,
       s.search_line, s.body
     from load_sorted o join load_stage s on s.ctid = o.at
     where o.n > $2 and o.n <= $3 and o.person_id <> '${NOBODY}' order by o.n`,
    [...chunk, work.source.number],
  );
  await run(
    work,
    `insert into record.directory_version (resource_id, valid_from, source, type, identifiers, content_hash, search_line,
       body)
     select o.resource_id, $1, $4, o.type, s.identifiers, o.content_hash, s.search_line, s.body
     from load_sorted o join load_stage s on s.ctid = o.at
     where o.n > $2 and o.n <= $3 and o.person_id = '${NOBODY}' order by o.n`,
    [...chunk, work.source.number],
  );
  await run(
    work,
    `insert into record.resource_key (resource_id, person_id, source, type, load_no, content_hash)
     select resource_id, person_id, $4, type, $1, content_hash from load_sorted
     where n > $2 and n <= $3 and prior_load_no is null order by n`,
    [...chunk, work.source.number],
  );
  await run(
    work,
    `update record.resource_key k set load_no = $1, content_hash = o.content_hash, deleted = false from load_sorted o
     where o.n > $2 and o.n <= $3 and o.prior_load_no is not null and k.resource_id = o.resource_id`,
    chunk,
  );
}

/** @param copies the types that are stored per person who refers to them, or all others */
export async function deleteUnseen(
  work: Work,
  referenced: readonly number[],
  copies: boolean,
): Promise<TypeCount[]> {
  await run(work, 'truncate load_gone');
  await run(
    work,
    `insert into load_gone
     select row_number() over (order by k.person_id, k.resource_id), k.resource_id, k.person_id, k.type, k.load_no,
       k.content_hash
     from record.resource_key k
     where k.source = $1 and not k.deleted and k.load_no <> $2 and (k.type = any($3)) = $4
       and not exists (select from load_seen s where s.resource_id = k.resource_id)
       ${work.kind === 'delta' ? `and ${GOES_BY_DELTA}` : ''}`,
    [work.source.number, work.loadNo, referenced, copies],
  );
  const [bounds] = await run<{ total: number }>(work, 'select count(*)::int as total from load_gone');
  const total = bounds?.total ?? 0;
  if (total > 0) await run(work, 'create index if not exists load_gone_n on load_gone (n)');
  for (let from = 0; from < total; from += CHUNK) {
    await inTransaction(work, () => deleteChunk(work, from, from + CHUNK));
  }
  await touch(work, 'select person_id from load_gone');
  return [
    ...(await run<{ type: number; count: number }>(
      work,
      'select type, count(*)::int as count from load_gone group by type order by type',
    )),
  ];
}

async function deleteChunk(work: Work, from: number, to: number): Promise<void> {
  const chunk = [work.loadNo, from, to];
  await run(
    work,
    `insert into record.load_change (load_no, resource_id, person_id, prior_load_no, prior_hash, prior_deleted,
       prior_person_id)
     select $1, resource_id, person_id, load_no, content_hash, false, person_id from load_gone where n > $2 and n <= $3`,
    chunk,
  );
  await run(
    work,
    `update record.resource_version v set valid_to = $1 from load_gone g
     where g.n > $2 and g.n <= $3 and v.person_id = g.person_id and v.valid_to = ${OPEN_END}
       and v.resource_id = g.resource_id`,
    chunk,
  );
  await run(
    work,
    `update record.directory_version v set valid_to = $1 from load_gone g
     where g.n > $2 and g.n <= $3 and g.person_id = '${NOBODY}' and v.resource_id = g.resource_id
       and v.valid_to = ${OPEN_END}`,
    chunk,
  );
  await run(
    work,
    `update record.resource_key k set load_no = $1, deleted = true from load_gone g
     where g.n > $2 and g.n <= $3 and k.resource_id = g.resource_id`,
    chunk,
  );
}

async function touch(work: Work, people: string): Promise<void> {
  await run(
    work,
    `insert into load_touched select distinct person_id from (${people}) t(person_id)
     where person_id <> '${NOBODY}' on conflict do nothing`,
  );
}
