import type { ContributionVerdict } from '../../identity/contribution.ts';
import type { Demographics } from '../../identity/demographics.ts';
import type { Contribution } from '../../loads/records.ts';
import { contributions } from './contributions.ts';
import { run, type Work } from './work.ts';

/**
 * Judges again where another source's publication has changed an identity since this load judged it. A contribution
 * that now conflicts is quarantined; one that no longer does waits for its next extract, since its rows were refused.
 */
export async function rejudge(
  work: Work,
  judge: (contribution: Contribution) => ContributionVerdict,
): Promise<void> {
  for (const contribution of await contributions(work, 'overtaken')) {
    const { personId, nhsNumber } = contribution;
    const verdict = judge(contribution);
    await run(work, 'delete from load_identity where person_id = $1', [personId]);
    if (verdict.state === 'quarantined') {
      await run(
        work,
        `update load_patient set state = 'quarantined', reason = $2
         where nhs_number = $1 and fault is null and barred is null`,
        [nhsNumber, verdict.reason],
      );
      continue;
    }
    // what was refused while it was judged otherwise waits, and establishes nothing yet
    await run(
      work,
      `update load_patient set outdated = true where nhs_number = $1 and state = 'quarantined'`,
      [nhsNumber],
    );
    if (verdict.establishes !== undefined) {
      const { birthDate, family, given } = verdict.establishes;
      await run(
        work,
        `insert into load_identity select $1, $2, $3, $4
         where exists (select from load_patient where person_id = $1 and state = 'accepted')`,
        [personId, birthDate, family, given],
      );
    }
  }
}

/** Quarantine of this source, identities it establishes, and what these do to other sources' contributions. */
export async function publishIdentities(
  work: Work,
  publication: number,
  agrees: (established: Demographics, candidate: Demographics) => boolean,
): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `with freed as (
       delete from record.quarantine q where q.source = $1 and not exists
         (select from load_patient p where p.person_id = q.person_id and p.state = 'quarantined')
       returning q.person_id)
     insert into load_epoch select person_id from freed`,
    [number],
  );
  await quarantine(
    work,
    `select distinct person_id, $1::smallint, reason from load_patient
     where state = 'quarantined' and person_id is not null`,
    [number],
  );
  const changed = await run(
    work,
    `with switched as (
       update record.person e set established_by = $1, birth_date = i.birth_date, family = i.family, given = i.given,
         identity_at = $2
       from (select i.*, o.identity_at > 0 as known from load_identity i
             join record.person o on o.person_id = i.person_id) i
       where e.person_id = i.person_id and (e.established_by, e.birth_date, e.family, e.given)
         is distinct from ($1::smallint, i.birth_date, i.family, i.given)
       returning e.person_id, i.known),
     told as (insert into load_epoch select person_id from switched where known)
     select person_id from switched limit 1`,
    [number, publication],
  );
  if (changed.length > 0) await quarantineContradicted(work, publication, agrees);
  await lapse(work, publication);
}

/** Other sources' contributions that the identities established by this publication contradict. */
async function quarantineContradicted(
  work: Work,
  publication: number,
  agrees: (established: Demographics, candidate: Demographics) => boolean,
): Promise<void> {
  // equal demographics agree, and need no look
  const others = await run<Other>(
    work,
    `select sp.person_id::text, sp.source, e.birth_date, e.family, e.given, sp.birth_date as their_birth_date,
       sp.family as their_family, sp.given as their_given
     from record.person e join record.source_patient sp on sp.person_id = e.person_id
     where e.identity_at = $1 and sp.source <> $2 and sp.state = 'accepted'
       and (e.birth_date, e.family, e.given) is distinct from (sp.birth_date, sp.family, sp.given)`,
    [publication, work.source.number],
  );
  const conflicting = others.filter((row) => contradicts(row, agrees));
  if (conflicting.length === 0) return;
  await quarantine(work, `select distinct *, 'identity-conflict' from unnest($1::uuid[], $2::smallint[])`, [
    conflicting.map((row) => row.person_id),
    conflicting.map((row) => row.source),
  ]);
}

interface Other extends ComparedIdentities {
  readonly person_id: string;
  readonly source: number;
}

/** Columns of two identities that are compared. */
export interface ComparedIdentities {
  readonly birth_date: string;
  readonly family: string;
  readonly given: string;
  readonly their_birth_date: string;
  readonly their_family: string;
  readonly their_given: string;
  readonly [column: string]: unknown;
}

export function contradicts(
  row: ComparedIdentities,
  agrees: (established: Demographics, candidate: Demographics) => boolean,
): boolean {
  return !agrees(
    { birthDate: row.birth_date, family: row.family, given: row.given },
    { birthDate: row.their_birth_date, family: row.their_family, given: row.their_given },
  );
}

export async function quarantine(
  work: Work,
  contributions: string,
  values: readonly unknown[],
): Promise<void> {
  await run(
    work,
    `with held as (
       insert into record.quarantine (person_id, source, reason) ${contributions}
       on conflict (person_id, source) do nothing returning person_id)
     insert into load_epoch select person_id from held`,
    values,
  );
}

/** An identity whose source no longer knows the person is nobody's: the next source to speak establishes it anew. */
async function lapse(work: Work, publication: number): Promise<void> {
  await run(
    work,
    `with lapsed as (
       update record.person e set established_by = null, birth_date = null, family = null, given = null, identity_at = $2
       where e.established_by = $1
         and e.person_id in (
           select sp.person_id from record.source_patient sp left join load_patient p on p.local_id = sp.local_id
           where sp.source = $1 and (p.local_id is null or p.nhs_number is distinct from sp.nhs_number
             or p.state = 'refused'))
         and not exists (
           select from record.person_number n join load_patient p on p.nhs_number = n.nhs_number
           where n.person_id = e.person_id and p.state <> 'refused')
       returning e.person_id)
     insert into load_epoch select person_id from lapsed`,
    [work.source.number, publication],
  );
}
