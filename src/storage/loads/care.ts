import { run, type Work } from './work.ts';

/** Numbers of people who are linked with those of the patients `p`. */
const LINKED_NUMBERS = `
select o.nhs_number from load_patient p join record.person_number n on n.nhs_number = p.nhs_number
join record.person_link own on own.person_id = n.person_id and own.valid_to = 'infinity'
join record.person_link other on other.cluster_id = own.cluster_id and other.valid_to = 'infinity'
join record.person_number o on o.person_id = other.person_id`;

/**
 * Whoever is not said to be cared for is not. A person of whom one record is refused for want of agreement is refused
 * whole: two records, one child, be it under two numbers.
 */
export async function barWithoutAgreement(work: Work): Promise<void> {
  await run(
    work,
    `update load_patient p set barred = coalesce(c.refusal, 'closed-case')
     from load_patient x left join load_care c on c.local_id = x.local_id
     where x.local_id = p.local_id and p.barred is null and (c.local_id is null or c.refusal is not null)`,
  );
  await run(
    work,
    `update load_patient set barred = 'no-agreement' where barred is null and nhs_number in
       (select nhs_number from load_patient where barred = 'no-agreement'
        union all ${LINKED_NUMBERS} where p.barred = 'no-agreement')`,
  );
}
