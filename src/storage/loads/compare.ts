import { inTransaction, run, type Work } from './work.ts';

/** What of an extract is as it was: found by joining hashes, before anything is parsed. */

/**
 * People some of whose patients are not accepted as theirs any more: their rows are read again, and what is not then
 * found to be theirs goes.
 */
export async function findRemapped(work: Work): Promise<void> {
  await run(
    work,
    `insert into load_remapped
     select distinct sp.person_id from record.source_patient sp left join load_patient p on p.local_id = sp.local_id
     where sp.source = $1 and sp.state = 'accepted'
       and (p.local_id is null or p.state <> 'accepted' or p.person_id is distinct from sp.person_id)`,
    [work.source.number],
  );
  await run(work, 'analyze load_remapped');
}

/** Rows by their content. One row may stand for many resources: a Medication has a copy for every person. */
export async function compareByRow(work: Work): Promise<void> {
  await inTransaction(work, async () => {
    // both sides are whole: lookups one by one would be the slowest way, and nothing is known yet of fresh tables
    await run(work, 'set local enable_nestloop = off');
    await run(
      work,
      `with matched as materialized (
         select r.file, r.line, r.start, r.length, r.hash, r.local_id, k.resource_id, k.type
         from load_row r
         left join (select resource_id, type, content_hash from record.resource_key k
                    where k.source = $1 and not k.deleted
                      and not exists (select from load_remapped m where m.person_id = k.person_id)) k
           on k.content_hash = r.hash),
       seen as (
         insert into load_seen select resource_id, type, false from matched where resource_id is not null)
       insert into load_todo select file, line, start, length, hash from matched
       where resource_id is null and local_id is null`,
      [work.source.number],
    );
  });
  await run(work, 'analyze load_todo');
  await run(work, 'analyze load_seen');
}

/** A patient's rows all together: what is stored of a person stands when no patient of the person changed. */
export async function compareByPatient(work: Work, patientFile: number): Promise<void> {
  await run(
    work,
    `create temp table load_standing as
     select person_id from load_patient p where p.state = 'accepted'
       and not exists (select from load_remapped m where m.person_id = p.person_id)
     group by person_id having not bool_or(changed)`,
  );
  await run(work, 'analyze load_standing');
  await run(
    work,
    `insert into load_seen select v.resource_id, v.type, false from load_standing s
     join record.resource_version v on v.person_id = s.person_id
     where v.valid_to = 9223372036854775807 and v.source = $1`,
    [work.source.number],
  );
  await run(
    work,
    `insert into load_todo select r.file, r.line, r.start, r.length, r.hash from load_row r
     where r.file = $1 and not exists (
       select from load_patient p join load_standing s on s.person_id = p.person_id where p.line = r.line)`,
    [patientFile],
  );
}
