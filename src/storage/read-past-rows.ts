import type { Grant } from '../access/decide.ts';
import type { Policy } from '../access/policy.ts';
import type { Fetched, Wanted } from '../record/ports.ts';
import type { Database } from './database.ts';
import { asked, columns, fetched, VISIBLE } from './read-rows.ts';

/**
 * A person's rows as they were at the grant's publication, whatever became of them since, all with their texts. A row
 * counts as labelled when it was or is. One that is somebody else's today is not among them: nobody has decided on them.
 */
export async function readPastRows(
  database: Database,
  policy: Policy,
  codeOf: ReadonlyMap<number, string>,
  grant: Grant,
  wanted: Wanted,
): Promise<Fetched> {
  const answer = await database.read(PAST_ROWS, [...asked(policy, grant, wanted), grant.decidedOn]);
  return fetched(answer, codeOf);
}

/**
 * $1 to $5 as for rows of now, $6 people who were decided on. Labels are those of the version that is published today, or
 * was last where it is gone, and of what a load that is not published yet has made of it: what restricts does not wait.
 */
const PAST_ROWS = {
  name: 'rows-past',
  text: `
with newest as materialized (
  select c.resource_id, c.valid_from, c.labels, max(c.valid_from) filter (where c.valid_from <= t.load_no)
    over (partition by c.resource_id) as published
  from record.resource_version c
  join (select source, max(load_no) as load_no from record.publication group by source) t on t.source = c.source
  where c.person_id = any($6::uuid[])),
labelled as materialized (
  select n.resource_id, array_agg(label) as labels from newest n cross join unnest(n.labels) label
  where n.valid_from >= n.published group by n.resource_id)
select e.epoch, r.* from (
  select coalesce(sum(epoch), 0) as epoch from record.person where person_id = any($6::uuid[])) e
left join lateral (
  select ${columns(`rv.labels || coalesce((select d.labels from labelled d where d.resource_id = rv.resource_id), '{}')`)},
    rv.body
  from ${VISIBLE}
    and exists (select from record.resource_key k where k.resource_id = rv.resource_id and k.person_id = any($6::uuid[])))
r on true`,
};
