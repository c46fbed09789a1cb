import type { ContributionVerdict } from '../../identity/contribution.ts';
import type { Demographics } from '../../identity/demographics.ts';
import type { Contribution } from '../../loads/records.ts';
import { settleHeld } from './held.ts';
import { quarantineContradictingLinks } from './linked-identities.ts';
import { publishMatching } from './matched.ts';
import { publishConsents } from './publish-consents.ts';
import { publishIdentities, rejudge } from './publish-identities.ts';
import { inTransaction, run, type Work } from './work.ts';

/**
 * Makes a load what readers see: everything that is not versioned (who is whom, consents that loosen, quarantine)
 * and the publication itself, in one transaction. Publications come one after the other, so that each sees what the
 * one before decided about identities.
 */
export async function publishLoad(
  work: Work,
  judge: (contribution: Contribution) => ContributionVerdict,
  agrees: (established: Demographics, candidate: Demographics) => boolean,
  certificate: (publication: number) => string,
): Promise<number> {
  const published = await inTransaction(work, async () => {
    await run(work, 'lock table record.publication in exclusive mode');
    const [next] = await run<{ p: string }>(
      work,
      'select coalesce(max(p), 0) + 1 as p from record.publication',
    );
    const publication = Number(next?.p);
    await rejudge(work, judge);
    await publishIdentities(work, publication, agrees);
    await publishConsents(work);
    await publishPatients(work, publication);
    await publishMatching(work);
    await quarantineContradictingLinks(work, agrees);
    await publishCopies(work);
    await run(
      work,
      `update record.resource_key k set person_id = m.person_id from load_moved m where k.resource_id = m.resource_id`,
    );
    await run(
      work,
      `update record.person set epoch = epoch + 1 where person_id in (select person_id from load_epoch)`,
    );
    await run(
      work,
      `insert into record.publication (p, source, load_no, published_at) values ($1, $2, $3, clock_timestamp())`,
      [publication, work.source.number, work.loadNo],
    );
    await run(
      work,
      `update record.load set state = 'published', finished_at = clock_timestamp(), certificate = $2 where load_no = $1`,
      [work.loadNo, certificate(publication)],
    );
    await settleHeld(work, work.loadNo);
    return publication;
  });
  // a load that is published needs no way back; what cannot be removed now is when the source is next loaded
  await run(work, 'delete from record.load_change where load_no = $1', [work.loadNo]).catch(() => {});
  return published;
}

/** The source's patients as of this extract; people who may not be held are not among them. */
async function publishPatients(work: Work, publication: number): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `create temp table load_renamed on commit drop as
     select sp.person_id from record.source_patient sp left join load_patient p on p.local_id = sp.local_id
     where sp.source = $1 and sp.person_id is not null
       and (p.local_id is null or p.changed or p.person_id is distinct from sp.person_id)
     union
     select person_id from load_patient where person_id is not null and (changed or judged)`,
    [number],
  );
  await run(
    work,
    `insert into load_epoch
     select sp.person_id from record.source_patient sp left join load_patient p on p.local_id = sp.local_id
     where sp.source = $1 and sp.person_id is not null and p.person_id is distinct from sp.person_id
     union
     select p.person_id from record.source_patient sp join load_patient p on p.local_id = sp.local_id
     where sp.source = $1 and p.person_id is not null and p.person_id is distinct from sp.person_id`,
    [number],
  );
  await run(
    work,
    `delete from record.source_patient sp where sp.source = $1
       and not exists (select from load_patient p where p.local_id = sp.local_id and p.state <> 'refused')`,
    [number],
  );
  await run(
    work,
    `insert into record.source_patient (source, local_id, person_id, state, reason, custodian, content_hash, nhs_number,
       birth_date, family, given, names, households, restricted, judged_at)
     select $1, p.local_id, p.person_id, p.state, p.reason, p.custodian, p.hash, p.nhs_number, p.birth_date, p.family,
       p.given, p.names, p.households, p.restricted, case when p.outdated then $2 else $3 end::bigint
     from load_patient p left join record.source_patient sp on sp.source = $1 and sp.local_id = p.local_id
     where p.state <> 'refused' and (sp.local_id is null or p.changed or p.judged or p.state <> sp.state
       or p.reason is distinct from sp.reason or p.person_id is distinct from sp.person_id)
     on conflict (source, local_id) do update set person_id = excluded.person_id, state = excluded.state,
       reason = excluded.reason, custodian = excluded.custodian, content_hash = excluded.content_hash,
       nhs_number = excluded.nhs_number, birth_date = excluded.birth_date, family = excluded.family,
       given = excluded.given, names = excluded.names, households = excluded.households, restricted = excluded.restricted, judged_at = excluded.judged_at`,
    [number, work.horizon, publication],
  );
  await run(
    work,
    `delete from record.person_search s using load_renamed r where s.source = $1 and s.person_id = r.person_id`,
    [number],
  );
  await run(
    work,
    `insert into record.person_search (person_id, source, birth_date, family, given)
     select distinct p.person_id, $1::smallint, p.birth_date, split_part(name, e'\\t', 1), split_part(name, e'\\t', 2)
     from load_renamed r join load_patient p on p.person_id = r.person_id cross join unnest(p.names) name`,
    [number],
  );
  if (work.source.sector === 'health') await publishHouseholds(work);
}

async function publishHouseholds(work: Work): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `delete from record.household h using load_renamed r where h.source = $1 and h.person_id = r.person_id`,
    [number],
  );
  await run(
    work,
    `insert into record.household (key, person_id, source)
     select distinct key, p.person_id, $1::smallint
     from load_renamed r join load_patient p on p.person_id = r.person_id cross join unnest(p.households) key
     where p.state = 'accepted'`,
    [number],
  );
}

async function publishCopies(work: Work): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `delete from record.referenced r using load_unreferenced u where u.resource_id = r.resource_id and r.source = $1`,
    [number],
  );
  await run(
    work,
    `insert into record.referenced (source, type, local_id, person_id, resource_id)
     select distinct $1::smallint, type, local_id, person_id, resource_id from load_reference on conflict do nothing`,
    [number],
  );
}
