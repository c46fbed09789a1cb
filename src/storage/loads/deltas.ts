import { served } from '../../fhir/served.ts';
import type { PurgedRow, TypeCount } from '../../loads/records.ts';
import { run, type Work } from './work.ts';

const PATIENT = served('Patient').code;

/** What is different where an extract brings only what has changed: nothing goes by being absent. */

/** @returns by type, rows of which nothing is stored */
export async function notePurged(work: Work, rows: readonly PurgedRow[]): Promise<readonly TypeCount[]> {
  return run<TypeCount & Record<string, unknown>>(
    work,
    `with asked as (select * from unnest($1::smallint[], $2::text[], $3::uuid[]) a(type, local_id, resource_id)),
     noted as (insert into load_purge select * from asked)
     select a.type, count(*)::int as count from asked a
     where not exists (select from record.resource_key k where k.resource_id = a.resource_id and not k.deleted)
       and not exists (select from record.referenced r
                       where r.source = $4 and r.type = a.type and r.local_id = a.local_id)
       and (a.type <> ${PATIENT} or not exists (select from record.source_patient sp
                                                where sp.source = $4 and sp.local_id = a.local_id))
     group by a.type`,
    [
      rows.map((row) => row.type),
      rows.map((row) => row.localId),
      rows.map((row) => row.resourceId),
      work.source.number,
    ],
  );
}

/** Patients that the delta neither brings nor purges, as they are known: `line` 0. */
export const OTHER_PATIENTS = `
  cross join (select 0 as line) r where sp.source = $1
    and not exists (select from load_patient p where p.local_id = sp.local_id)
    and not exists (select from load_purge g where g.type = ${PATIENT} and g.local_id = sp.local_id)`;

/**
 * Patients whose rows were not taken and who would be accepted now, without their rows: they stay as they were until
 * their own row comes again, and establish nothing. They count as not judged, so that it is asked again every night.
 */
export async function holdBackUnread(work: Work): Promise<void> {
  await run(
    work,
    `update load_patient p set state = sp.state, reason = sp.reason, person_id = sp.person_id, judged = false
     from record.source_patient sp
     where p.line = 0 and p.state = 'accepted' and sp.source = $1 and sp.local_id = p.local_id
       and sp.state <> 'accepted'`,
    [work.source.number],
  );
  await run(
    work,
    `delete from load_identity i where not exists
       (select from load_patient p where p.person_id = i.person_id and p.state = 'accepted')`,
  );
}

/** @returns how many people are no longer who they were by one patient, and still are by another that is not read */
export async function halfRemapped(work: Work): Promise<number> {
  if (work.kind === 'full') return 0;
  const [row] = await run<{ people: number }>(
    work,
    `select count(distinct m.person_id)::int as people from load_remapped m
     join load_patient p on p.person_id = m.person_id where p.state = 'accepted' and p.line = 0`,
  );
  return row?.people ?? 0;
}

/** Which of the stored resources (`k`) that were not in a delta go all the same. */
export const GOES_BY_DELTA = `(
  exists (select from load_purge g where g.resource_id = k.resource_id)
  or exists (select from load_remapped m where m.person_id = k.person_id)
  or exists (select from load_unreferenced u where u.resource_id = k.resource_id)
  or exists (select from record.referenced r join load_purge g on g.type = r.type and g.local_id = r.local_id
             where r.source = k.source and r.resource_id = k.resource_id))`;
