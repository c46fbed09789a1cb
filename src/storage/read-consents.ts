import type { ConsentLimits } from '../access/consent-limits.ts';
import type { ConsentRecord } from '../record/ports.ts';
import type { Database } from './database.ts';

/** The consents in force or once recorded, of the people given: opt-outs by their numbers, agreements by person. */
export async function readConsents(
  database: Database,
  codeOf: ReadonlyMap<number, string>,
  personIds: readonly string[],
): Promise<readonly ConsentRecord[]> {
  const rows = await database.read(CONSENTS, [personIds]);
  return rows.flatMap((row): ConsentRecord[] => {
    const source = codeOf.get(row[3] as number);
    if (source === undefined) return [];
    const recorded = { id: row[1] as string, personId: row[2] as string, source, recordedAt: Number(row[4]) };
    const permits = row[5] === true;
    const limits = row[9] === null ? {} : { limits: row[9] as ConsentLimits };
    if (row[0] === 'opt-out') return [{ ...recorded, kind: 'opt-out', optedOut: !permits, ...limits }];
    return [
      {
        ...recorded,
        kind: 'agreement',
        given: permits,
        ...(typeof row[6] === 'string' ? { givenBy: row[6] } : {}),
        ...(typeof row[7] === 'string' ? { from: row[7] } : {}),
        ...(typeof row[8] === 'string' ? { to: row[8] } : {}),
        ...limits,
      },
    ];
  });
}

const CONSENTS = {
  name: 'consents',
  text: `
select 'opt-out', o.resource_id::text, n.person_id::text, o.source,
       (extract(epoch from o.entered_at) * 1000)::bigint, not o.opted_out, null, null, null, null::jsonb
from record.person_number n join record.opt_out o on o.nhs_number = n.nhs_number
where n.person_id = any($1::uuid[])
union all
select 'opt-out', l.resource_id::text, n.person_id::text, l.source,
       (extract(epoch from l.entered_at) * 1000)::bigint, false, null, null, null, l.limits
from record.person_number n join record.limited_opt_out l on l.nhs_number = n.nhs_number
where n.person_id = any($1::uuid[])
union all
select 'agreement', resource_id::text, person_id::text, source,
       (extract(epoch from recorded_at) * 1000)::bigint, given, given_by, start_date::text, end_date::text, limits
from record.agreement where person_id = any($1::uuid[])`,
};
