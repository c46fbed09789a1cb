import type { Demographics } from '../../identity/demographics.ts';
import { type ComparedIdentities, contradicts, quarantine } from './publish-identities.ts';
import { run, type Work } from './work.ts';

/**
 * People who are linked, whose established identities have come to contradict each other: what sources say of the one
 * whose number is no longer in force is not believed until they agree again. The link stays, and with it whatever
 * restricts either.
 */
export async function quarantineContradictingLinks(
  work: Work,
  agrees: (established: Demographics, candidate: Demographics) => boolean,
): Promise<void> {
  const pairs = await run<Pair>(
    work,
    `select l.person_id::text, e.birth_date, e.family, e.given, o.birth_date as their_birth_date,
       o.family as their_family, o.given as their_given
     from record.person_link l
     join record.person e on e.person_id = l.cluster_id
     join record.person o on o.person_id = l.person_id
     where l.valid_to = 'infinity' and l.person_id <> l.cluster_id and e.established_by is not null
       and o.established_by is not null
       and (e.birth_date, e.family, e.given) is distinct from (o.birth_date, o.family, o.given)`,
  );
  const contradicting = pairs.filter((pair) => contradicts(pair, agrees));
  if (contradicting.length === 0) return;
  await quarantine(
    work,
    `select distinct person_id, source, 'identity-conflict' from record.source_patient
     where person_id = any($1::uuid[]) and state = 'accepted'`,
    [contradicting.map((pair) => pair.person_id)],
  );
}

interface Pair extends ComparedIdentities {
  readonly person_id: string;
}
