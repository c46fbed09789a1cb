import type { ConsentRecord } from '../record/ports.ts';
import type { Database } from './database.ts';

/** The consents in force or once recorded, of the people given: opt-outs by their numbers, agreements by person. */
export async function readConsents(
  database: Database,
  codeOf: ReadonlyMap<number, string>,
  personIds: readonly string[],
): Promise<readonly ConsentRecord[]> {
  const [optOuts, agreements] = await Promise.all([
    database.read(OPT_OUTS, [personIds]),
    database.read(AGREEMENTS, [personIds]),
  ]);
  return [
    ...optOuts.flatMap((row): ConsentRecord[] => {
      const source = codeOf.get(row[2] as number);
      if (source === undefined) return [];
      const [id, personId] = [row[0] as string, row[1] as string];
      return [
        { kind: 'opt-out', id, personId, source, recordedAt: Number(row[3]), optedOut: row[4] === true },
      ];
    }),
    ...agreements.flatMap((row): ConsentRecord[] => {
      const source = codeOf.get(row[2] as number);
      if (source === undefined) return [];
      return [
        {
          kind: 'agreement',
          id: row[0] as string,
          personId: row[1] as string,
          source,
          recordedAt: Number(row[3]),
          given: row[4] === true,
          ...(typeof row[5] === 'string' ? { givenBy: row[5] } : {}),
          ...(typeof row[6] === 'string' ? { from: row[6] } : {}),
          ...(typeof row[7] === 'string' ? { to: row[7] } : {}),
        },
      ];
    }),
  ];
}

const OPT_OUTS = {
  name: 'consents-opt-out',
  text: `
select o.resource_id::text, n.person_id::text, o.source, (extract(epoch from o.entered_at) * 1000)::bigint, o.opted_out
from record.person_number n join record.opt_out o on o.nhs_number = n.nhs_number
where n.person_id = any($1::uuid[])`,
};

const AGREEMENTS = {
  name: 'consents-agreement',
  text: `
select resource_id::text, person_id::text, source, (extract(epoch from recorded_at) * 1000)::bigint, given, given_by,
       start_date::text, end_date::text
from record.agreement where person_id = any($1::uuid[])`,
};
