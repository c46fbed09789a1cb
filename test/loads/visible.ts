import type { Loader } from './world.ts';

/**
 * What readers see, by the reading rule, one line a fact: people by NHS number instead of id, loads by their sequence
 * instead of number, so that two databases can be compared.
 */
export async function visible({ rows }: Pick<Loader, 'rows'>): Promise<readonly string[]> {
  const found = await rows(VISIBLE);
  return found.map((row) => String(row['line']));
}

export const HORIZON = `horizon as (
  select source, max(load_no) as load_no from record.publication group by source)`;

const VISIBLE = `
with ${HORIZON},
person as (select p.*, n.nhs_number from record.person p join record.person_number n using (person_id)),
seen as (
  select v.*, p.nhs_number from record.resource_version v
  join horizon h on h.source = v.source and v.valid_from <= h.load_no and v.valid_to > h.load_no
  join person p on p.person_id = v.person_id),
fact as (
  select 'resource' as kind, concat_ws(' ', s.resource_id, l.source, l.sequence, s.type, s.nhs_number, s.relationships::text,
    replace(regexp_replace(s.body, '"versionId":"\\d+"', ''), s.person_id::text, s.nhs_number)) as line
  from seen s join record.load l on l.load_no = s.valid_from
  union all
  select 'directory', concat_ws(' ', d.resource_id, l.source, l.sequence, d.type, d.identifiers::text)
  from record.directory_version d join horizon h on h.source = d.source and d.valid_from <= h.load_no
    and d.valid_to > h.load_no join record.load l on l.load_no = d.valid_from
  union all
  select 'person', concat_ws(' ', nhs_number, epoch, identity_at, established_by, birth_date, family, given) from person
  union all
  select 'patient', concat_ws(' ', s.source, s.local_id, p.nhs_number, s.state, s.reason, s.nhs_number, s.names::text,
    s.restricted, s.judged_at) from record.source_patient s left join person p using (person_id)
  union all
  select 'search', concat_ws(' ', p.nhs_number, s.source, s.birth_date, s.family, s.given)
  from record.person_search s join person p using (person_id)
  union all
  select 'household', concat_ws(' ', h.key, p.nhs_number, h.source) from record.household h join person p using (person_id)
  union all
  select 'limited opt-out', concat_ws(' ', resource_id, nhs_number, entered_at, source, limits) from record.limited_opt_out
  union all
  select 'quarantine', concat_ws(' ', p.nhs_number, q.source, q.reason)
  from record.quarantine q join person p using (person_id)
  union all
  select 'restriction', concat_ws(' ', p.nhs_number, r.source) from record.restriction r join person p using (person_id)
  union all
  select 'opt-out', concat_ws(' ', nhs_number, opted_out, entered_at, source) from record.opt_out
  union all
  select 'agreement', concat_ws(' ', p.nhs_number, a.source, a.given, a.given_by, a.start_date, a.end_date, a.limits)
  from record.agreement a join person p using (person_id)
  union all
  select 'referenced', concat_ws(' ', r.source, r.type, r.local_id, p.nhs_number)
  from record.referenced r join person p using (person_id)
  union all
  select 'key', concat_ws(' ', k.resource_id, l.source, l.sequence, k.deleted, n.nhs_number)
  from record.resource_key k join record.load l using (load_no)
    left join record.person_number n on n.person_id = k.person_id
  union all
  select 'published', concat_ws(' ', p, l.source, l.sequence)
  from record.publication join record.load l using (load_no))
select kind || ': ' || line as line from fact order by 1`;
