import type { Movement } from '../../loads/guards.ts';
import type { TypeCount } from '../../loads/records.ts';
import { run, type Work } from './work.ts';

/** What guards compare: what is stored of a source, and what would be. */

/** Resources by type, those of the load that is being applied included. */
export function storedByType(work: Work): Promise<readonly TypeCount[]> {
  return run<TypeCount & Record<string, unknown>>(
    work,
    `select type, count(*)::int as count from record.resource_key where source = $1 and not deleted
     group by type order by type`,
    [work.source.number],
  );
}

/** The source's patients by practice, as published and as in this extract. Those that may not be held are not stored. */
export function practices(work: Work): Promise<readonly Movement[]> {
  return run<Movement & Record<string, unknown>>(
    work,
    `select custodian as name, coalesce(b.n, 0) as before, coalesce(a.n, 0) as after
     from (select custodian, count(*)::int as n from record.source_patient
           where source = $1 and custodian is not null group by custodian) b
     full join (select custodian, count(*)::int as n from load_patient
                where custodian is not null and state <> 'refused' group by custodian) a using (custodian)
     order by custodian`,
    [work.source.number],
  );
}
