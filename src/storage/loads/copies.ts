import type { CopyPlace, TypeCount } from '../../loads/records.ts';
import { type PlaceRow, toPlace } from './places.ts';
import { OPEN_END, run, type Work } from './work.ts';

/**
 * Medication and Binary are stored once for every person whose rows refer to them. Whose rows refer to what is kept in
 * `record.referenced`; it changes at publication.
 */

/** Whose rows refer to what once this load is published. */
const WANTED = `
select r.type, r.local_id, r.person_id, r.resource_id from record.referenced r
where r.source = $1 and not exists (select from load_unreferenced u where u.resource_id = r.resource_id)
union
select type, local_id, person_id, resource_id from load_reference`;

export async function compareCopies(
  work: Work,
  referenced: readonly number[],
  files: readonly { file: number; type: number }[],
): Promise<TypeCount[]> {
  const { number } = work.source;
  await run(work, 'analyze load_touched');
  // only people for whom something was closed can have lost a reference; the texts themselves say which are left
  await run(
    work,
    `insert into load_unreferenced
     select r.resource_id from record.referenced r join load_touched t on t.person_id = r.person_id
     where r.source = $1 and not exists (
       select from record.resource_version v
       where v.person_id = r.person_id and v.valid_to = ${OPEN_END} and v.source = $1 and v.type <> all($2)
         and position(r.resource_id::text in v.body) > 0)`,
    [number, referenced],
  );
  await run(work, 'delete from load_seen s using load_unreferenced u where u.resource_id = s.resource_id');
  await run(work, 'analyze load_reference');
  const places = [number, files.map((each) => each.file), files.map((each) => each.type)];
  await run(
    work,
    `insert into load_copy_todo
     select r.file, r.line, r.start, r.length, r.hash, array_agg(w.person_id)
     from load_row r join unnest($2::smallint[], $3::smallint[]) f(file, type) on f.file = r.file
     join (${WANTED}) w on w.type = f.type and w.local_id = r.local_id
     left join record.resource_key k on k.resource_id = w.resource_id and not k.deleted
       and k.content_hash = r.hash and k.person_id = w.person_id
     where k.resource_id is null group by r.file, r.line, r.start, r.length, r.hash`,
    places,
  );
  await run(work, 'create index on load_copy_todo (file, line)');
  return [
    ...(await run<{ type: number; count: number }>(
      work,
      `select f.type, count(*)::int as count
       from load_row r join unnest($2::smallint[], $3::smallint[]) f(file, type) on f.file = r.file
       where r.local_id is not null
         and not exists (select from (${WANTED}) w where w.type = f.type and w.local_id = r.local_id)
       group by f.type`,
      places,
    )),
  ];
}

export async function unreadCopies(
  work: Work,
  file: number,
  afterLine: number,
  limit: number,
): Promise<readonly CopyPlace[]> {
  const rows = await run<PlaceRow & { person_ids: string[] }>(
    work,
    `select file, line, start, length, hash, person_ids::text[] from load_copy_todo
     where file = $1 and line > $2 order by file, line limit $3`,
    [file, afterLine, limit],
  );
  return rows.map((row) => ({ ...toPlace(row), personIds: row.person_ids }));
}
