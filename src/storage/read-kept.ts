import { servedByCode } from '../fhir/served.ts';
import type { ItemWanted, KeptItem } from '../record/ports.ts';
import type { Database } from './database.ts';
import { columns, toRow } from './read-rows.ts';

/**
 * Versions of resources by id and version, whatever became of them since: of these people, or of a directory. What is of
 * nobody among them is not looked for.
 *
 * @param codeOf sources by number
 */
export async function readKept(
  database: Database,
  codeOf: ReadonlyMap<number, string>,
  wanted: readonly ItemWanted[],
  people: readonly string[],
): Promise<readonly KeptItem[]> {
  const found = await database.read(KEPT, [
    wanted.map(({ id }) => id),
    wanted.map(({ version }) => version),
    people,
  ]);
  return found.map(([place, type, elsewhere, removed, ...values]): KeptItem => {
    const item = wanted[Number(place) - 1];
    if (item === undefined) throw new Error('A version was found that nobody asked for.');
    const [row] = typeof values[1] === 'string' ? toRow(values, codeOf) : [];
    return {
      ...item,
      ...(row === undefined ? {} : { row }),
      ...(typeof type === 'number' ? { type: servedByCode(type) } : {}),
      elsewhere: elsewhere === true,
      removed: removed === true,
    };
  });
}

/** $1 ids, $2 versions, $3 people who were decided on */
const KEPT = {
  name: 'kept-versions',
  text: `
with wanted as materialized (
  select * from unnest($1::uuid[], $2::bigint[]) with ordinality w(id, version, place)),
own as materialized (
  select ${columns('rv.labels')}, rv.body, rv.resource_id as id
  from record.resource_version rv
  where rv.person_id = any($3::uuid[]) and (rv.resource_id, rv.valid_from) in (select id, version from wanted)
  union all
  select d.resource_id::text, '', d.valid_from, d.source, d.type, '', '', '', d.body, d.resource_id
  from record.directory_version d
  where (d.resource_id, d.valid_from) in (select id, version from wanted))
select w.place::int, coalesce(o.type, k.type), k.person_id <> '00000000-0000-0000-0000-000000000000' and k.person_id <> all($3::uuid[]),
  exists (select from record.history_removed h where h.source = k.source and h.before_load > w.version),
  0, o.resource_id, o.person_id, o.valid_from, o.source, o.type, o.category, o.labels, o.codes, o.body
from wanted w
left join record.resource_key k on k.resource_id = w.id
left join own o on o.id = w.id and o.valid_from = w.version
order by w.place`,
};
