import type pg from 'pg';
import type { Demographics } from '../identity/demographics.ts';
import type { LinkGuards, NumberCluster } from '../identity/number-changes.ts';

/** Every number has a person of its own; people whose numbers are one person's are linked, and no row moves. */

/** What is established about the people of some numbers, and which of them are linked now. */
export async function linkedNumbers(
  client: pg.Client,
  numbers: readonly string[],
): Promise<Pick<LinkGuards, 'identities' | 'linked'>> {
  const { rows } = await client.query<{
    number: string;
    cluster: string | null;
    born: string | null;
    family: string;
    given: string;
  }>(
    `select n.nhs_number as number, l.cluster_id::text as cluster, p.birth_date as born, p.family, p.given
     from record.person_number n join record.person p on p.person_id = n.person_id
     left join record.person_link l on l.person_id = n.person_id and l.valid_to = 'infinity'
     where n.nhs_number = any($1::text[])`,
    [numbers],
  );
  const clusters = new Map(rows.map((row) => [row.number, row.cluster]));
  const identities = rows.flatMap((row): [string, Demographics][] =>
    row.born === null ? [] : [[row.number, { birthDate: row.born, family: row.family, given: row.given }]],
  );
  return {
    identities: new Map(identities),
    linked: (one, other) =>
      typeof clusters.get(one) === 'string' && clusters.get(one) === clusters.get(other),
  };
}

/**
 * Makes the links what the clusters say: nothing else is linked. People whose links change, and all who are or were
 * linked with them, are decided on anew by whoever reads them just now.
 */
export async function linkNumbers(client: pg.Client, clusters: readonly NumberCluster[]): Promise<void> {
  const members = clusters.flatMap(({ current, numbers }) => numbers.map((number) => ({ number, current })));
  const numbers = members.map(({ number }) => number);
  // a number that is not known yet is somebody's: an opt-out under it, or a user's own, counts from now on
  await client.query(
    `with made as (
       insert into record.person_number (nhs_number, person_id, status)
       select number, gen_random_uuid(), 'current' from unnest($1::text[]) number
       on conflict (nhs_number) do nothing returning person_id)
     insert into record.person (person_id) select person_id from made`,
    [numbers],
  );
  await client.query(
    `create temp table wanted on commit drop as
     select n.person_id, c.person_id as cluster_id from unnest($1::text[], $2::text[]) t(number, current)
     join record.person_number n on n.nhs_number = t.number
     join record.person_number c on c.nhs_number = t.current`,
    [numbers, members.map(({ current }) => current)],
  );
  await client.query(
    `create temp table changed on commit drop as
     select coalesce(w.person_id, l.person_id) as person_id, w.cluster_id as after, l.cluster_id as before
     from wanted w full join (select * from record.person_link where valid_to = 'infinity') l
       on l.person_id = w.person_id
     where w.cluster_id is distinct from l.cluster_id`,
  );
  await client.query(
    `update record.person p set epoch = epoch + 1 where person_id in (
       select person_id from changed
       union select l.person_id from record.person_link l
         where l.valid_to = 'infinity' and l.cluster_id in (select before from changed union select after from changed)
       union select w.person_id from wanted w where w.cluster_id in (select after from changed))`,
  );
  await client.query(
    `update record.person_link l set valid_to = clock_timestamp() from changed c
     where l.person_id = c.person_id and l.valid_to = 'infinity' and c.before is not null`,
  );
  await client.query(
    `insert into record.person_link (person_id, valid_from, cluster_id)
     select person_id, clock_timestamp(), after from changed where after is not null`,
  );
  await client.query(
    `update record.person_number n set status = s.status
     from (select person_id, case when after is null or after = person_id then 'current' else 'superseded' end as status
           from changed) s
     where n.person_id = s.person_id and n.status <> s.status`,
  );
}
