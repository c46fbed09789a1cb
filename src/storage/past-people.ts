/**
 * Who was shown as one person at an instant ($6, milliseconds), and who is to be decided on before any of it is shown.
 * An instant is a whole millisecond: what began in it has begun.
 */

/** The first moment after the instant. */
const AFTER = `(timestamptz 'epoch' + ($6::bigint + 1) * interval '1 millisecond')`;

const HELD_THEN = (link: string) => `${link}.valid_from < ${AFTER} and ${link}.valid_to >= ${AFTER}`;

/** The newest publication of the instant; 0 where nothing was published yet. */
export const PAST_PUBLICATION = `(select coalesce(max(p), 0) from record.publication where published_at < ${AFTER})`;

/**
 * `ids`: the person by whose id the record went then, `shown` whom it was of, `people` whom today's rules are asked about.
 * Where some of those that were linked are kept apart today, only those are shown who are linked today as well: what is
 * left of an adoption is nowhere (DESIGN 5).
 */
export const PAST_IDS = (target: string): string => `asked as materialized (
  select t.person_id, l.cluster_id from (${target}) t
  left join record.person_link l on l.person_id = t.person_id and ${HELD_THEN('l')}),
linked as materialized (
  select person_id from asked
  union select cluster_id from asked where cluster_id is not null
  union select m.person_id from asked join record.person_link m on m.cluster_id = asked.cluster_id and ${HELD_THEN('m')}),
apart as materialized (
  select exists (
    select from record.never_link n join record.person_number a on a.nhs_number = n.one
      join record.person_number b on b.nhs_number = n.other
    where a.person_id in (select person_id from linked) and b.person_id in (select person_id from linked)) as found),
together as materialized (
  select person_id from linked
  where not (select found from apart) or person_id in (
    select person_id from asked
    union select m.person_id from asked join record.person_link l on l.person_id = asked.person_id
      and l.valid_to = 'infinity' join record.person_link m on m.cluster_id = l.cluster_id and m.valid_to = 'infinity')),
today as materialized (
  select person_id from together
  union select m.person_id from together join record.person_link l on l.person_id = together.person_id
    and l.valid_to = 'infinity' join record.person_link m on m.cluster_id = l.cluster_id and m.valid_to = 'infinity'),
ids as materialized (
  select coalesce((select person_id from together where person_id = asked.cluster_id), asked.person_id) as person_id,
    array(select person_id from together) as shown, array(select person_id from today) as people
  from asked)`;
