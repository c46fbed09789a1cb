import type { PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import type { AgreementFact, Facts, PersonFacts, SourceState } from '../access/facts.ts';
import type { Policy } from '../access/policy.ts';
import { londonDay } from '../fhir/london.ts';
import type { Database, Statement } from './database.ts';

export type FactReader = (person: PersonReference, caller: Caller, publication?: number) => Promise<Facts>;

/** Reads everything a decision may know in one statement, so that all of it is of one moment. */
export function factReader(
  database: Database,
  policy: Policy,
  now: () => number,
  numberHmac: (nhsNumber: string) => string,
): FactReader {
  const codeOf = new Map([...policy.sources.values()].map((source) => [source.number, source.code]));
  return async (person, caller, publication) => {
    const statement = STATEMENTS[person.by];
    const [row] = await database.read(statement, [key(person), ...callerKey(caller), publication ?? null]);
    if (row === undefined) throw new Error('The facts query answered no row.');
    const at = now();
    return {
      now: at,
      today: londonDay(at),
      policy,
      publication: Number(row[0] ?? 0),
      sources: sources(row[1], codeOf),
      callerNumbers: caller.kind === 'patient' ? [numberHmac(caller.nhsNumber)] : ((row[2] ?? []) as string[]),
      person: person.by === 'none' ? 'absent' : personFacts(row, codeOf, numberHmac),
    };
  };
}

function key(person: PersonReference): string | null {
  if (person.by === 'nhs-number') return person.nhsNumber;
  return person.by === 'person-id' || person.by === 'resource' ? person.id : null;
}

function callerKey(caller: Caller): readonly [string | null, string | null] {
  return caller.kind === 'staff' || caller.kind === 'governance'
    ? [caller.organisation, caller.user.id]
    : [null, null];
}

type SourceRow = readonly [source: number, loadNo: number, publishedAt: number, businessDate: string];

/** A source that the configuration does not name is not read at all: its rows have no owner to answer for them. */
function sources(json: unknown, codeOf: ReadonlyMap<number, string>): SourceState[] {
  const states: SourceState[] = [];
  for (const [number, loadNo, publishedAt, businessDate] of (json ?? []) as SourceRow[]) {
    const source = codeOf.get(number);
    if (source !== undefined) states.push({ source, loadNo, publishedAt, businessDate });
  }
  return states;
}

function personFacts(
  row: readonly unknown[],
  codeOf: ReadonlyMap<number, string>,
  numberHmac: (nhsNumber: string) => string,
): PersonFacts | 'unknown' {
  const cluster = (row[4] ?? []) as string[];
  if (typeof row[3] !== 'string' || cluster.length === 0) return 'unknown';
  return {
    personId: row[3],
    cluster,
    numbers: ((row[5] ?? []) as string[]).map(numberHmac),
    epoch: Number(row[6]),
    restricted: row[7] !== false,
    optedOut: row[8] !== false,
    agreements: ((row[9] ?? []) as AgreementRow[]).flatMap((agreement) => agreementFact(agreement, codeOf)),
    quarantined: ((row[10] ?? []) as number[]).flatMap((number) => codeOf.get(number) ?? []),
  };
}

type AgreementRow = readonly [source: number, given: boolean, from: string | null, to: string | null];

function agreementFact(row: AgreementRow, codeOf: ReadonlyMap<number, string>): AgreementFact[] {
  const source = codeOf.get(row[0]);
  if (source === undefined) return [];
  return [
    { source, given: row[1], ...(row[2] === null ? {} : { from: row[2] }), ...(row[3] === null ? {} : { to: row[3] }) },
  ];
}

/** $1 the key of the person, $2 organisation and $3 user of the caller, $4 publication or null */
function statement(name: string, target: string): Statement {
  return {
    name: `facts-${name}`,
    text: `
with target as (${target}),
cluster as (
  select coalesce((select l.cluster_id from record.person_link l
                   where l.person_id = t.person_id and l.valid_to = 'infinity'), t.person_id) as cluster_id
  from target t),
member as (
  select p.person_id, p.epoch from cluster c
  join record.person p on p.person_id = c.cluster_id
    or p.person_id in (select l.person_id from record.person_link l
                       where l.cluster_id = c.cluster_id and l.valid_to = 'infinity'))
select
  (select coalesce($4::bigint, max(p)) from record.publication),
  (select json_agg(json_build_array(s.number, h.load_no, (extract(epoch from h.published_at) * 1000)::bigint, l.business_date))
     from record.source s
     cross join lateral (select load_no, published_at from record.publication
                         where source = s.number and ($4::bigint is null or p <= $4::bigint) order by p desc limit 1) h
     join record.load l on l.load_no = h.load_no),
  (select array_agg(nhs_hmac) from record.staff_identity where organisation = $2 and user_id = $3),
  (select person_id::text from target),
  (select array_agg(person_id::text) from member),
  (select array_agg(n.nhs_number) from member m join record.person_number n on n.person_id = m.person_id),
  (select sum(epoch) from member),
  exists (select from member m join record.restriction r on r.person_id = m.person_id),
  exists (select from member m join record.person_number n on n.person_id = m.person_id
          join record.opt_out o on o.nhs_number = n.nhs_number where o.opted_out),
  (select json_agg(json_build_array(a.source, a.given, a.start_date, a.end_date))
     from member m join record.agreement a on a.person_id = m.person_id),
  (select array_agg(q.source) from member m join record.quarantine q on q.person_id = m.person_id)`,
  };
}

const STATEMENTS: { readonly [By in PersonReference['by']]: Statement } = {
  'person-id': statement('person', `select person_id from record.person where person_id = $1::uuid`),
  'nhs-number': statement('number', `select person_id from record.person_number where nhs_number = $1::text`),
  resource: statement(
    'resource',
    `select person_id from (
       select person_id from record.resource_key where resource_id = $1::uuid
       union all select person_id from record.agreement where resource_id = $1::uuid
       union all select n.person_id from record.opt_out o join record.person_number n on n.nhs_number = o.nhs_number
         where o.resource_id = $1::uuid) found limit 1`,
  ),
  demographics: statement('none', `select null::uuid as person_id where $1::text is not null`),
  none: statement('none', `select null::uuid as person_id where $1::text is not null`),
};
