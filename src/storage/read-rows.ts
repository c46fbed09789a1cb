import type { Grant } from '../access/decide.ts';
import type { Policy } from '../access/policy.ts';
import { SERVED, type ServedTypeName, served, servedByCode } from '../fhir/served.ts';
import type { Fetched, Row, Wanted } from '../record/ports.ts';
import type { Database, Statement } from './database.ts';
import { decidedOn } from './directory-labels.ts';

/**
 * A person's rows as of the grant's publication: for each source the versions of its newest load published by then.
 * The person's epoch comes from the same statement, so that rows and consent are of one moment.
 */
export async function readRows(
  database: Database,
  policy: Policy,
  codeOf: ReadonlyMap<number, string>,
  grant: Grant,
  wanted: Wanted,
): Promise<Fetched> {
  return fetched(await rowsFrom(database, asked(policy, grant, wanted), wanted), codeOf);
}

/** The statement that a person's rows are read by, for nobody: it takes as long, and finds nothing. */
export async function readNobody(database: Database, wanted: Wanted): Promise<void> {
  const types = wanted.types.map((type) => SERVED[type].code);
  await rowsFrom(database, [[], [], [], Number.MAX_SAFE_INTEGER, types], wanted);
}

function rowsFrom(
  database: Database,
  common: readonly unknown[],
  wanted: Wanted,
): Promise<readonly (readonly unknown[])[]> {
  const looked = wanted.lookedInto.map((type) => SERVED[type].code);
  return wanted.ids !== undefined
    ? database.read(wanted.continued ? BY_ID_CONTINUED : BY_ID, [...common, wanted.ids])
    : wanted.lines
      ? database.read(wanted.continued ? LINES_CONTINUED : LINES, [...common, looked])
      : database.read(wanted.continued ? CONTINUED : ALL, [
          ...common,
          wanted.bodies === 0 ? 0 : Math.max(wanted.bodies, FEW),
          looked,
        ]);
}

/** $1 to $5 of every statement of rows: whose, the newest load of each source that the grant reaches, the least, types. */
export function asked(policy: Policy, grant: Grant, wanted: Wanted): readonly unknown[] {
  const horizon = horizonOf(policy, grant);
  return [
    grant.personIds,
    horizon.map((h) => h.number),
    horizon.map((h) => h.loadNo),
    horizon.reduce((least, h) => Math.min(least, h.loadNo), Number.MAX_SAFE_INTEGER),
    wanted.types.map((type) => SERVED[type].code),
  ];
}

/** What such a statement answers: the epoch, and the columns of a row, or null where there is none. */
export function fetched(
  answer: readonly (readonly unknown[])[],
  codeOf: ReadonlyMap<number, string>,
): Fetched {
  const rows = answer.flatMap((values) => (values[1] === null ? [] : toRow(values, codeOf)));
  return { ok: true, rows, epoch: Number(answer[0]?.[0] ?? 0) };
}

/** The newest load of each source that the grant reaches. */
export function horizonOf(
  policy: Policy,
  grant: Grant,
): readonly { readonly number: number; readonly loadNo: number }[] {
  return grant.horizon.flatMap((state) => {
    const source = policy.sources.get(state.source);
    return source === undefined ? [] : [{ number: source.number, loadNo: state.loadNo }];
  });
}

/** A row as the columns below give it, after one of its own. */
export function toRow(values: readonly unknown[], codeOf: ReadonlyMap<number, string>): Row[] {
  const source = codeOf.get(values[4] as number);
  if (source === undefined) return [];
  const [body, line] = [values[9], values[10]];
  return [
    {
      id: values[1] as string,
      personId: values[2] as string,
      version: Number(values[3]),
      source,
      type: servedByCode(values[5] as number),
      categories: list(values[6]),
      labels: list(values[7]),
      codes: list(values[8]),
      ...(typeof body === 'string' ? { body } : {}),
      ...(typeof line === 'string' ? { line } : {}),
    },
  ];
}

const NONE: readonly string[] = [];

/** Lists come as one text: an array's own text costs more to read than everything else of a row. */
function list(text: unknown): readonly string[] {
  return typeof text !== 'string' || text === '' ? NONE : text.split(SEPARATOR);
}

/** Texts of rows that came without: by primary key, in one statement. */
export async function readBodies(
  database: Database,
  rows: readonly Row[],
): Promise<ReadonlyMap<string, string>> {
  const found = await database.read(BODIES, [
    rows.map((row) => row.personId),
    rows.map((row) => row.id),
    rows.map((row) => row.version),
  ]);
  return new Map(found.map((values) => [values[0] as string, values[1] as string]));
}

/** A control character: no code, system or label of valid FHIR holds one. */
const SEPARATOR = '\u001f';

const COLUMNS = columns('rv.labels');

/** @param labels what counts as the row's labels */
export function columns(labels: string): string {
  return `rv.resource_id::text, rv.person_id::text, rv.valid_from, rv.source, rv.type,
  array_to_string(rv.category, e'\\x1f') as category, array_to_string(${labels}, e'\\x1f') as labels,
  array_to_string(rv.codes, e'\\x1f') as codes`;
}

/** A page of an earlier publication shows nothing that has been labelled since: what restricts takes effect at once. */
const LABELS_SINCE = `rv.labels || coalesce((select c.labels from record.resource_version c
  where c.person_id = rv.person_id and c.valid_to = 9223372036854775807 and c.resource_id = rv.resource_id), '{}')`;

const EPOCH = `(select coalesce(sum(epoch), 0) as epoch from record.person where person_id = any($1::uuid[])) e`;

/** $1 people, $2 and $3 the horizon, $4 its lowest load, $5 types */
export const VISIBLE = among('record.resource_version rv');

function among(rows: string): string {
  return `${rows}
  join unnest($2::smallint[], $3::bigint[]) h(source, load_no) on h.source = rv.source
  where rv.person_id = any($1::uuid[]) and rv.valid_to > $4::bigint and rv.valid_to > h.load_no
    and rv.valid_from <= h.load_no and rv.type = any($5::smallint[])`;
}

/** Rows that may be shown today: of an erased one nothing is, so that neither a count nor a link tells of it. */
const KEPT = `${VISIBLE} and rv.body is not null`;

const ALL = all('rows-all', COLUMNS);
const CONTINUED = all('rows-continued', columns(LABELS_SINCE));

/** So many rows come with their texts, whatever the page: fetching them apart would take longer. */
const FEW = 200;

function all(name: string, selected: string): Statement {
  return {
    name,
    text: `
select e.epoch, r.* from ${EPOCH} left join lateral (
  select ${selected},
         case when count(*) over () <= $6::int or rv.type = any($7::smallint[]) then rv.body end as body
  from ${KEPT}) r on true`,
  };
}

const LINES = lines('lines', COLUMNS);
const LINES_CONTINUED = lines('lines-continued', columns(LABELS_SINCE));

/** Every row with its search line; one without (stored before there were any) with its text. */
function lines(name: string, selected: string): Statement {
  return {
    name,
    text: `
select e.epoch, r.* from ${EPOCH} left join lateral (
  select ${selected},
         case when count(*) over () <= ${FEW} or rv.type = any($6::smallint[]) or rv.search_line is null
              then rv.body end as body, rv.search_line
  from ${KEPT}) r on true`,
  };
}

const BY_ID = byId('rows-by-id', COLUMNS);
const BY_ID_CONTINUED = byId('rows-by-id-continued', columns(LABELS_SINCE));

/**
 * Two branches: nearly every visible row is the open version, found by its whole key, however many rows the person has.
 * What of them may be seen is judged afterwards, so that the planner has no other way.
 */
function byId(name: string, selected: string): Statement {
  return {
    name,
    text: `
with rv as materialized (
  select * from record.resource_version where person_id = any($1::uuid[])
    and valid_to = 9223372036854775807 and resource_id = any($6::uuid[])
  union all
  select * from record.resource_version where person_id = any($1::uuid[])
    and valid_to > $4::bigint and valid_to < 9223372036854775807 and resource_id = any($6::uuid[]))
select e.epoch, r.* from ${EPOCH} left join lateral (select ${selected}, rv.body from ${among('rv')} and rv.body is not null) r
on true`,
  };
}

const BODIES = {
  name: 'bodies',
  text: `
select k.resource_id::text, rv.body
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) k(person_id, resource_id, valid_from)
join record.resource_version rv
  on rv.person_id = k.person_id and rv.resource_id = k.resource_id and rv.valid_from = k.valid_from
where rv.body is not null`,
};

/** Versions of one resource that the grant's publication reaches, newest first. */
export async function readVersions(
  database: Database,
  policy: Policy,
  codeOf: ReadonlyMap<number, string>,
  grant: Grant,
  type: ServedTypeName,
  id: string,
): Promise<readonly Row[]> {
  const horizon = horizonOf(policy, grant);
  const place = [horizon.map((h) => h.number), horizon.map((h) => h.loadNo), SERVED[type].code, id];
  if (served(type).keeping !== 'directory') {
    const found = await database.read(VERSIONS, [...place, grant.personIds]);
    return found.flatMap((values) => toRow(values, codeOf));
  }
  const found = (await database.read(DIRECTORY_VERSIONS, place)).flatMap((values) => toRow(values, codeOf));
  return found.map((row) => ({ ...row, ...decidedOn(policy, row.source, type, row.body ?? '{}') }));
}

const VERSIONS = {
  name: 'versions',
  text: `
select 0, ${COLUMNS}, rv.body from record.resource_version rv
join unnest($1::smallint[], $2::bigint[]) h(source, load_no) on h.source = rv.source
where rv.person_id = any($5::uuid[]) and rv.resource_id = $4::uuid and rv.type = $3::smallint
  and rv.valid_from <= h.load_no and rv.body is not null
order by rv.valid_from desc`,
};

const DIRECTORY_VERSIONS = {
  name: 'directory-versions',
  text: `
select 0, d.resource_id::text, '', d.valid_from, d.source, d.type, '', '', '', d.body
from record.directory_version d
join unnest($1::smallint[], $2::bigint[]) h(source, load_no) on h.source = d.source
where d.resource_id = $4::uuid and d.type = $3::smallint and d.valid_from <= h.load_no and d.body is not null
order by d.valid_from desc`,
};
