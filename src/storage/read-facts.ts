import type { PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import type { ConsentLimits } from '../access/consent-limits.ts';
import type { AgreementFact, Facts, PersonFacts, RelationshipFact, SourceState } from '../access/facts.ts';
import type { Policy } from '../access/policy.ts';
import { namesOf, readRelationship } from '../access/relationship-text.ts';
import { londonDay } from '../fhir/london.ts';
import { servedByCode } from '../fhir/served.ts';
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
  const horizonOf = horizonReader(database, codeOf);
  return async (person, caller, publication) => {
    const statement = STATEMENTS[person.by];
    const [row] = await database.read(statement, [
      key(person),
      ...callerKey(caller),
      publication ?? null,
      carers(caller, policy),
    ]);
    if (row === undefined) throw new Error('The facts query answered no row.');
    const at = now();
    const newest = Number(row[0] ?? 0);
    return {
      now: at,
      today: londonDay(at),
      policy,
      publication: newest,
      sources: await horizonOf(newest),
      callerNumbers:
        caller.kind === 'patient' ? [numberHmac(caller.nhsNumber)] : ((row[1] ?? []) as string[]),
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

/** Names of the organisation whose relationships matter; null: nobody's do, and none are read. */
function carers(caller: Caller, policy: Policy): readonly string[] | null {
  if (caller.kind !== 'staff') return null;
  const organisation = policy.organisations.get(caller.organisation);
  return organisation === undefined || organisation.relationship === 'off' ? null : namesOf(organisation);
}

function personFacts(
  row: readonly unknown[],
  codeOf: ReadonlyMap<number, string>,
  numberHmac: (nhsNumber: string) => string,
): PersonFacts | 'unknown' {
  const cluster = (row[3] ?? []) as string[];
  if (typeof row[2] !== 'string' || cluster.length === 0) return 'unknown';
  return {
    personId: row[2],
    cluster,
    numbers: ((row[4] ?? []) as string[]).map(numberHmac),
    household: ((row[13] ?? []) as string[]).map(numberHmac),
    familyNames: (row[14] ?? []) as string[],
    epoch: Number(row[5]),
    restricted: row[6] !== false,
    optedOut: row[7] !== false,
    limitedOptOuts: (row[15] ?? []) as ConsentLimits[],
    agreements: ((row[8] ?? []) as AgreementRow[]).flatMap((agreement) => agreementFact(agreement, codeOf)),
    knownTo: ((row[12] ?? []) as number[]).flatMap((number) => codeOf.get(number) ?? []),
    relationships: ((row[10] ?? []) as RelationshipRow[]).flatMap((each) => relationshipFacts(each, codeOf)),
    ...(typeof row[11] === 'number' ? { declaredUntil: row[11] } : {}),
    quarantined: ((row[9] ?? []) as number[]).flatMap((number) => codeOf.get(number) ?? []),
  };
}

type AgreementRow = readonly [
  source: number,
  given: boolean,
  from: string | null,
  to: string | null,
  limits: ConsentLimits | null,
];

function agreementFact(row: AgreementRow, codeOf: ReadonlyMap<number, string>): AgreementFact[] {
  const source = codeOf.get(row[0]);
  if (source === undefined) return [];
  return [
    {
      source,
      given: row[1],
      ...(row[2] === null ? {} : { from: row[2] }),
      ...(row[3] === null ? {} : { to: row[3] }),
      ...(row[4] === null ? {} : { limits: row[4] }),
    },
  ];
}

/** People of one address who are taken for one household. */
const LARGEST_HOUSEHOLD = 20;

type RelationshipRow = readonly [
  id: string,
  personId: string,
  source: number,
  type: number,
  categories: readonly string[],
  labels: readonly string[],
  codes: readonly string[],
  stated: readonly string[],
];

function relationshipFacts(
  [id, personId, number, type, categories, labels, codes, stated]: RelationshipRow,
  codeOf: ReadonlyMap<number, string>,
): RelationshipFact[] {
  const source = codeOf.get(number);
  if (source === undefined) return [];
  const row = { id, personId, source, type: servedByCode(type), categories, labels, codes };
  return stated.flatMap((text) => {
    const read = readRelationship(text);
    if (read === undefined) return [];
    const { kind, from, to } = read;
    return [{ kind, from, ...(to === undefined ? {} : { to }), row }];
  });
}

/**
 * $1 the key of the person, $2 organisation and $3 user of the caller, $4 publication or null, $5 names of the
 * organisation whose relationships matter, or null. The people of the
 * cluster are an array from the start: every part below is then a look-up by key, whatever the planner knows.
 */
function statement(name: string, target: string): Statement {
  const people = '(select people from ids)::uuid[]';
  return {
    name: `facts-${name}`,
    text: `
with ids as materialized (
  -- linked people are shown as the one whose number is in force
  select coalesce(l.cluster_id, t.person_id) as person_id,
    case when l.cluster_id is null then array[t.person_id]
    else array(select m.person_id from record.person_link m
               where m.cluster_id = l.cluster_id and m.valid_to = 'infinity') || l.cluster_id end as people
  from (${target}) t
  left join record.person_link l on l.person_id = t.person_id and l.valid_to = 'infinity')
select
  coalesce($4::bigint, (select max(p) from record.publication)),
  (select array_agg(nhs_hmac) from record.staff_identity where organisation = $2 and user_id = $3),
  (select person_id::text from ids),
  (select array_agg(person_id::text) from record.person where person_id = any(${people})),
  (select array_agg(nhs_number) from record.person_number where person_id = any(${people})),
  (select sum(epoch) from record.person where person_id = any(${people})),
  exists (select from record.restriction where person_id = any(${people})),
  exists (select from record.person_number n join record.opt_out o on o.nhs_number = n.nhs_number
          where n.person_id = any(${people}) and o.opted_out),
  (select json_agg(json_build_array(source, given, start_date, end_date, limits)) from (
     select source, given, start_date, end_date, limits from record.agreement where person_id = any(${people})
     union all
     -- of linked people each must have agreed: one whom a source knows without an agreement has not
     select sp.source, false, null, null, null from record.source_patient sp
     where (select cardinality(people) > 1 from ids) and sp.person_id = any(${people})
       and not exists (select from record.agreement a where a.person_id = sp.person_id and a.source = sp.source)) held),
  (select array_agg(source) from record.quarantine where person_id = any(${people})),
  -- as of the newest publications, whatever is read: a relationship is of now
  (select json_agg(json_build_array(v.resource_id, v.person_id, v.source, v.type, v.category, v.labels, v.codes, r.stated))
   from record.resource_version v
   cross join lateral (select load_no from record.publication where source = v.source order by p desc limit 1) h
   cross join lateral (select array_agg(s) as stated from unnest(v.relationships) s
                       where split_part(s, e'\\t', 1) = any($5::text[])) r
   where $5::text[] is not null and v.person_id = any(${people}) and v.relationships is not null
     and v.valid_from <= h.load_no and v.valid_to > h.load_no and r.stated is not null),
  (select (extract(epoch from max(until)) * 1000)::float8 from record.declared_relationship
   where $5::text[] is not null and person_id = any(${people}) and organisation = $2 and user_id = $3),
  (select array_agg(distinct source) from record.source_patient
   where $5::text[] is not null and person_id = any(${people}) and state = 'accepted'),
  -- an address of many people is a home of another kind
  (select case when count(distinct nhs_number) <= ${LARGEST_HOUSEHOLD} then array_agg(distinct nhs_number) end from (
     select n.nhs_number from record.household own
     join record.household other on other.key = own.key
     join record.person_number n on n.person_id = other.person_id
     where own.person_id = any(${people}) and other.person_id <> all(${people})
       and exists (select from record.staff_identity where organisation = $2 and user_id = $3)
     limit ${LARGEST_HOUSEHOLD * 4}) living),
  (select array_agg(distinct family) from record.person_search where $3::text is not null and person_id = any(${people})),
  (select json_agg(l.limits) from record.person_number n join record.limited_opt_out l on l.nhs_number = n.nhs_number
   where n.person_id = any(${people}) and not exists (
     select from record.opt_out o where o.nhs_number = l.nhs_number and not o.opted_out and o.entered_at > l.entered_at))`,
  };
}

const STATEMENTS: { readonly [By in PersonReference['by']]: Statement } = {
  'person-id': statement('person', 'select $1::uuid as person_id'),
  'nhs-number': statement('number', 'select person_id from record.person_number where nhs_number = $1::text'),
  resource: statement(
    'resource',
    `select person_id from (
       select person_id from record.resource_key where resource_id = $1::uuid
       union all select person_id from record.agreement where resource_id = $1::uuid
       union all select n.person_id from record.opt_out o join record.person_number n on n.nhs_number = o.nhs_number
         where o.resource_id = $1::uuid
       union all select n.person_id from record.limited_opt_out o join record.person_number n on n.nhs_number = o.nhs_number
         where o.resource_id = $1::uuid) found limit 1`,
  ),
  demographics: statement('none', 'select null::uuid as person_id where $1::text is not null'),
  none: statement('none', 'select null::uuid as person_id where $1::text is not null'),
};

/** What each source last published by then: for one publication the same for ever, so it is asked once. */
const HORIZON = {
  name: 'horizon',
  text: `
select s.number, h.load_no, (extract(epoch from h.published_at) * 1000)::bigint, l.business_date::text
from record.source s
cross join lateral (select load_no, published_at from record.publication
                    where source = s.number and p <= $1::bigint order by p desc limit 1) h
join record.load l on l.load_no = h.load_no`,
};

const REMEMBERED_HORIZONS = 32;

/** The horizon of a publication, remembered: publications are only ever added. */
function horizonReader(database: Database, codeOf: ReadonlyMap<number, string>) {
  const remembered = new Map<number, Promise<readonly SourceState[]>>();
  const read = async (publication: number): Promise<readonly SourceState[]> => {
    const rows = await database.read(HORIZON, [publication]);
    return rows.flatMap((row): SourceState[] => {
      // a source that the configuration does not name is not read at all: its rows have no owner to answer for them
      const source = codeOf.get(row[0] as number);
      if (source === undefined) return [];
      return [{ source, loadNo: Number(row[1]), publishedAt: Number(row[2]), businessDate: String(row[3]) }];
    });
  };
  return (publication: number): Promise<readonly SourceState[]> => {
    const known = remembered.get(publication);
    if (known !== undefined) return known;
    const asked = read(publication);
    remembered.set(publication, asked);
    asked.catch(() => remembered.delete(publication));
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_HORIZONS && oldest !== undefined) remembered.delete(oldest);
    return asked;
  };
}
