import type { AuditConditions, AuditSearch } from '../audit/reader.ts';
import type { TimeOfDay } from '../fhir/search/time-of-day.ts';

/** What the planner is told of the parts of the log that are small: the words of the indexes (migration 0063). */
export const REFUSED = 'outcome <> 0';
export const USUAL_PURPOSES: readonly string[] = ['TREAT', 'CAREMGT', 'COC', 'PATRQT'];
export const USUAL_KINDS: readonly string[] = [
  'read',
  'vread',
  'history-instance',
  'search-type',
  'everything',
  'summary',
  'match',
];

/** Columns of an answer: whether it is the place where looking ended, then the event. */
const COLUMNS =
  'event_id, (extract(epoch from recorded) * 1000)::bigint as at, person_id, organisation, body';

/** One statement for one set of conditions: what an index finds is looked at in order, the rest is filtered from it. */
export function searchStatement(
  wanted: AuditSearch,
  conditions: AuditConditions,
): { readonly text: string; readonly values: readonly unknown[] } {
  const values: unknown[] = [];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const [from, to] = [new Date(wanted.from).toISOString(), new Date(wanted.to).toISOString()];
  const indexed = [
    // the months let PostgreSQL leave partitions out
    `month between ${place(monthOf(from))}::date and ${place(monthOf(to))}::date`,
    `recorded >= ${place(from)}::timestamptz and recorded < ${place(to)}::timestamptz`,
    ...byIndex(conditions, place),
  ];
  const way = wanted.oldestFirst === true ? 'asc' : 'desc';
  const { after } = wanted;
  if (after !== undefined) {
    const recorded = place(new Date(after.recorded).toISOString());
    const beyond = way === 'asc' ? '>' : '<';
    indexed.push(`(recorded, event_id) ${beyond} (${recorded}::timestamptz, ${place(after.id)}::uuid)`);
  }
  const filters = byLooking(conditions, place);
  const order = `order by recorded ${way}, event_id ${way}`;
  const [limit, effort] = [place(wanted.limit), place(filters.length === 0 ? wanted.limit : wanted.effort)];
  const text = `
with found as materialized (
  select ${COLUMNS} from (
    select * from audit.event where ${indexed.join(' and ')} ${order} limit ${effort}::integer) looked
  ${filters.length === 0 ? '' : `where ${filters.join(' and ')}`} ${order} limit ${limit}::integer),
edge as (
  select event_id, (extract(epoch from recorded) * 1000)::bigint as at from audit.event
  where ${indexed.join(' and ')} ${order} offset ${effort}::integer - 1 limit 1)
select false, event_id, at, person_id, organisation, body from found
union all
select true, event_id, at, null, null, null from edge where (select count(*) from found) < ${limit}::integer`;
  return { text, values };
}

type Place = (value: unknown) => string;

/** Conditions that lead to few events of a time by themselves, or that an index holds. */
function byIndex(conditions: AuditConditions, place: Place): readonly string[] {
  const { ids, personIds, organisations, agents, requestIds, outcomes, kinds, purposes } = conditions;
  const found: string[] = [];
  const is = (column: string, values: readonly string[] | undefined, type = 'text'): void => {
    if (values !== undefined) found.push(oneOf(column, values, type, place));
  };
  is('event_id', ids, 'uuid');
  is('person_id', personIds, 'uuid');
  is('lower(organisation)', organisations?.map(lower));
  is('agent', agents);
  is('request_id', requestIds);
  if (outcomes !== undefined && !outcomes.includes(0)) found.push(REFUSED);
  if (kinds !== undefined && !kinds.some((kind) => USUAL_KINDS.includes(kind))) {
    found.push(unusual('kind', USUAL_KINDS));
    is('kind', kinds);
  }
  if (purposes !== undefined && !purposes.some((purpose) => isUsual(purpose)))
    found.push(unusual('purpose', USUAL_PURPOSES));
  return found;
}

/** One value is asked for by itself: only then does PostgreSQL know that what an index finds is in order. */
function oneOf(column: string, values: readonly string[], type: string, place: Place): string {
  const [first, second] = values;
  if (first !== undefined && second === undefined) return `${column} = ${place(first)}::${type}`;
  return `${column} = any(${place(values)}::${type}[])`;
}

/** Conditions that are put to events looked at one by one. */
function byLooking(conditions: AuditConditions, place: Place): readonly string[] {
  const { clients, outcomes, kinds, purposes, timesOfDay = [], containing = [] } = conditions;
  const filters: string[] = [];
  if (clients !== undefined) filters.push(`client = any(${place(clients)}::text[])`);
  if (outcomes !== undefined) filters.push(`outcome = any(${place(outcomes)}::smallint[])`);
  if (kinds !== undefined) filters.push(`kind = any(${place(kinds)}::text[])`);
  if (purposes !== undefined) filters.push(`lower(purpose) = any(${place(purposes.map(lower))}::text[])`);
  for (const times of timesOfDay) filters.push(`(${times.map((time) => ofTime(time, place)).join(' or ')})`);
  for (const texts of containing) filters.push(`body ilike any(${place(texts.map(anywhere))}::text[])`);
  return filters;
}

function isUsual(purpose: string): boolean {
  return USUAL_PURPOSES.some((usual) => lower(usual) === lower(purpose));
}

/** Written out, since PostgreSQL uses a partial index only where it sees that the condition is in its own. */
export function unusual(column: 'kind' | 'purpose', usual: readonly string[]): string {
  return `${column} not in (${usual.map((each) => `'${each}'`).join(', ')})`;
}

const LONDON = "recorded at time zone 'Europe/London'";

function ofTime(time: TimeOfDay, place: Place): string {
  if ('weekday' in time) return `extract(isodow from ${LONDON}) = ${place(time.weekday)}::integer`;
  const clock = `(extract(hour from ${LONDON}) * 60 + extract(minute from ${LONDON}))`;
  const [from, to] = [`${clock} >= ${place(time.from)}::integer`, `${clock} < ${place(time.to)}::integer`];
  return time.from < time.to ? `(${from} and ${to})` : `(${from} or ${to})`;
}

/** As a pattern of LIKE. For k, which the sign of the Kelvin is folded to, any character: rather too much than too little. */
function anywhere(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&').replace(/k/gi, '_')}%`;
}

function lower(text: string): string {
  return text.toLowerCase();
}

function monthOf(instant: string): string {
  return `${instant.slice(0, 7)}-01`;
}
