import type { Demographics } from '../../identity/demographics.ts';
import type { Contribution } from '../../loads/records.ts';
import { run, type Work } from './work.ts';

interface ContributionRow {
  readonly nhs_number: string;
  readonly person_id: string | null;
  readonly established_by: number | null;
  readonly birth_date: string | null;
  readonly family: string | null;
  readonly given: string | null;
  readonly candidates: readonly (readonly [birthDate: string, family: string, given: string])[];
}

type Which =
  /** numbers to be judged, in order */
  | { readonly afterNumber: string; readonly limit: number }
  /** contributions that were judged before another source's publication changed the identity */
  | 'overtaken';

const UNJUDGED = `
select n.nhs_number from load_number n
where n.nhs_number > $1 and exists
  (select from load_patient p where p.nhs_number = n.nhs_number and p.state = 'candidate')
order by n.nhs_number limit $2`;

const OVERTAKEN = `
select distinct p.nhs_number from load_patient p
join record.person e on e.person_id = p.person_id
where p.state in ('accepted', 'quarantined') and p.fault is null and e.identity_at > $1::bigint and $2::int is null`;

/** Everything the source says about each number, with what is established about it. */
export async function contributions(work: Work, which: Which): Promise<readonly Contribution[]> {
  const overtaken = which === 'overtaken';
  const rows = await run<ContributionRow>(
    work,
    `with number as (${overtaken ? OVERTAKEN : UNJUDGED})
     select n.nhs_number, e.person_id::text, e.established_by, e.birth_date, e.family, e.given,
       json_agg(json_build_array(p.birth_date, p.family, p.given) order by p.local_id) as candidates
     from number n
     join load_patient p on p.nhs_number = n.nhs_number and p.fault is null and p.barred is null
     left join record.person_number pn on pn.nhs_number = n.nhs_number
     left join record.person e on e.person_id = pn.person_id
     group by n.nhs_number, e.person_id
     order by n.nhs_number`,
    overtaken ? [work.horizon, null] : [which.afterNumber, which.limit],
  );
  return rows.map(toContribution);
}

function toContribution(row: ContributionRow): Contribution {
  const {
    nhs_number: nhsNumber,
    person_id: personId,
    established_by: by,
    birth_date: birthDate,
    family,
    given,
  } = row;
  const candidates = row.candidates.map(
    ([born, surname, forename]): Demographics => ({
      birthDate: born,
      family: surname,
      given: forename,
    }),
  );
  const isEstablished = by !== null && birthDate !== null && family !== null && given !== null;
  return {
    nhsNumber,
    candidates,
    ...(personId !== null && { personId }),
    ...(isEstablished && { established: { source: by, demographics: { birthDate, family, given } } }),
  };
}
