import { run, type Work } from './work.ts';

/** Consents at publication: what loosens, and what concerns people who were not known before. */
export async function publishConsents(work: Work): Promise<void> {
  const { number, sector } = work.source;
  await run(
    work,
    `with newer as (
       select l.*, coalesce(o.opted_out, false) as before from load_opt_out l
       left join record.opt_out o on o.nhs_number = l.nhs_number
       where not l.opted_out and (o.nhs_number is null or l.entered_at > o.entered_at)),
     stored as (
       insert into record.opt_out (nhs_number, opted_out, entered_at, source, resource_id)
       select nhs_number, false, entered_at, $1, resource_id from newer
       on conflict (nhs_number) do update set opted_out = false, entered_at = excluded.entered_at,
         source = excluded.source, resource_id = excluded.resource_id)
     insert into load_epoch select n.person_id from newer
     join record.person_number n on n.nhs_number = newer.nhs_number where newer.before`,
    [number],
  );
  if (sector === 'health') await publishRestrictions(work);
  else await publishAgreements(work);
}

/** A flag is lifted by the source's Patient without it, never by the Patient's absence. */
async function publishRestrictions(work: Work): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `with lifted as (
       delete from record.restriction x where x.source = $1 and x.person_id in (
         select n.person_id from load_patient p join record.person_number n on n.nhs_number = p.nhs_number
         group by n.person_id having not bool_or(p.restricted))
         and x.person_id not in (
           select n.person_id from load_restricted r join record.person_number n on n.nhs_number = r.nhs_number)
       returning x.person_id)
     insert into load_epoch select person_id from lifted`,
    [number],
  );
  await run(
    work,
    `with flagged as (
       insert into record.restriction (person_id, source)
       select distinct n.person_id, $1::smallint from record.person_number n
       where n.nhs_number in (select nhs_number from load_patient where restricted
         union select nhs_number from load_restricted)
       on conflict do nothing returning person_id)
     insert into load_epoch select person_id from flagged`,
    [number],
  );
}

async function publishAgreements(work: Work): Promise<void> {
  await run(
    work,
    `with given as (
       insert into record.agreement (person_id, source, given, given_by, given_by_relationship, recorded_at, start_date,
         end_date, resource_id, limits)
       select distinct on (p.person_id) p.person_id, $1::smallint, true, c.given_by, c.given_by_relationship,
         c.recorded_at, c.start_date, c.end_date, c.resource_id, c.limits
       from load_patient p join load_care c on c.local_id = p.local_id
       where p.state = 'accepted' and c.refusal is null
       order by p.person_id, c.recorded_at desc, p.local_id
       on conflict (person_id, source) do update set given = true, given_by = excluded.given_by,
         given_by_relationship = excluded.given_by_relationship, recorded_at = excluded.recorded_at,
         start_date = excluded.start_date, end_date = excluded.end_date, resource_id = excluded.resource_id,
         limits = excluded.limits
       where (agreement.given, agreement.given_by, agreement.given_by_relationship, agreement.recorded_at,
           agreement.start_date, agreement.end_date, agreement.resource_id, agreement.limits)
         is distinct from (true, excluded.given_by, excluded.given_by_relationship, excluded.recorded_at,
           excluded.start_date, excluded.end_date, excluded.resource_id, excluded.limits)
       returning person_id)
     insert into load_epoch select person_id from given`,
    [work.source.number],
  );
}
