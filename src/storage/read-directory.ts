import type { Grant } from '../access/decide.ts';
import type { Policy } from '../access/policy.ts';
import { SERVED, type ServedTypeName } from '../fhir/served.ts';
import type { DirectoryWanted, Row } from '../record/ports.ts';
import type { Database } from './database.ts';
import { decidedOn } from './directory-labels.ts';
import { horizonOf } from './read-rows.ts';

/** Organisations, practitioners, their roles and places: about nobody's record, in order of id. */
export async function readDirectory(
  database: Database,
  policy: Policy,
  codeOf: ReadonlyMap<number, string>,
  grant: Grant,
  type: ServedTypeName,
  wanted: DirectoryWanted,
): Promise<readonly Row[]> {
  const horizon = horizonOf(policy, grant);
  const found = await database.read(DIRECTORY, [
    horizon.map((h) => h.number),
    horizon.map((h) => h.loadNo),
    SERVED[type].code,
    wanted.ids ?? null,
    wanted.identifiers ?? null,
    wanted.afterKey ?? '00000000-0000-0000-0000-000000000000',
    wanted.limit,
    wanted.lines,
  ]);
  return found.flatMap((values): Row[] => {
    const source = codeOf.get(values[2] as number);
    if (source === undefined) return [];
    const [id, version] = [values[0] as string, Number(values[1])];
    const [body, line] = [values[3] as string, values[4]];
    const row = { id, personId: '', version, source, type, ...decidedOn(policy, source, type, body), body };
    return [typeof line === 'string' ? { ...row, line } : row];
  });
}

const DIRECTORY = {
  name: 'directory',
  text: `
select d.resource_id::text, d.valid_from, d.source, d.body, case when $8 then d.search_line end
from record.directory_version d
join unnest($1::smallint[], $2::bigint[]) h(source, load_no) on h.source = d.source
where d.type = $3::smallint and d.valid_to > h.load_no and d.valid_from <= h.load_no and d.body is not null
  and ($4::uuid[] is null or d.resource_id = any($4::uuid[]))
  and ($5::text[] is null or d.identifiers && $5::text[])
  and d.resource_id > $6::uuid
order by d.resource_id limit $7`,
};
