import { run, type Work } from './work.ts';

/** Numbers of the people whom somebody has confirmed waiting patients to be. A person without one number has none. */
export async function matchedNumbers(work: Work): Promise<ReadonlyMap<string, string>> {
  const rows = await run<{ local_id: string; nhs_number: string }>(
    work,
    `select d.local_id, min(n.nhs_number) as nhs_number from record.matching_decision d
     join record.person_number n on n.person_id = d.person_id and n.status = 'current'
     where d.source = $1 and d.decision = 'confirmed' group by d.local_id having count(*) = 1`,
    [work.source.number],
  );
  return new Map(rows.map((row) => [row.local_id, row.nhs_number]));
}

/** Where waiting patients are in this extract; decisions about patients who are not held go with them. */
export async function publishMatching(work: Work): Promise<void> {
  const { number } = work.source;
  await run(
    work,
    `update record.source_patient sp set line = p.line from load_patient p
     where sp.source = $1 and p.local_id = sp.local_id and p.state = 'unmatched' and p.line > 0
       and sp.line is distinct from p.line`,
    [number],
  );
  await run(
    work,
    `delete from record.matching_decision d where d.source = $1
       and not exists (select from record.source_patient sp where sp.source = $1 and sp.local_id = d.local_id)`,
    [number],
  );
}
