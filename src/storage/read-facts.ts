import type { PersonReference } from '../access/ask.ts';
import type { Caller, PatientCaller } from '../access/caller.ts';
import type { ConsentLimits } from '../access/consent-limits.ts';
import type { AgreementFact, Facts, PersonFacts, RelationshipFact } from '../access/facts.ts';
import { isRefusedNumber, type Policy } from '../access/policy.ts';
import { namesOf, readRelationship } from '../access/relationship-text.ts';
import { londonDay } from '../fhir/london.ts';
import { servedByCode } from '../fhir/served.ts';
import type { Moment, View } from '../record/view.ts';
import type { Database, Statement } from './database.ts';
import { PAST_IDS, PAST_PUBLICATION } from './past-people.ts';
import { viewReader } from './read-view.ts';

export type FactReader = (person: PersonReference, caller: Caller, moment?: Moment) => Promise<Facts>;

/** Reads everything a decision may know in one statement, so that all of it is of one moment. */
export function factReader(
  database: Database,
  policy: Policy,
  now: () => number,
  numberHmac: (nhsNumber: string) => string,
): FactReader {
  const codeOf = new Map([...policy.sources.values()].map((source) => [source.number, source.code]));
  const viewOf = viewReader(database, codeOf);
  return async (person, caller, { publication, at: past } = {}) => {
    const asked = [key(person, policy), ...callerKey(caller), publication ?? null, carers(caller, policy)];
    const [row] = await (past === undefined
      ? database.read(STATEMENTS[person.by], asked)
      : database.read(PAST[person.by], [...asked, past]));
    if (row === undefined) throw new Error('The facts query answered no row.');
    const at = now();
    const newest = Number(row[0] ?? 0);
    return {
      now: at,
      today: londonDay(at),
      policy,
      publication: newest,
      ...(past === undefined ? {} : { at: past }),
      sources: inPart(await viewOf({ publication: newest }), row[17], codeOf),
      callerNumbers:
        caller.kind === 'patient' ? ownNumbers(caller, policy).map(numberHmac) : ((row[1] ?? []) as string[]),
      ...aboutNumber(caller, numberHmac),
      person: person.by === 'none' ? 'absent' : personFacts(row, codeOf, numberHmac),
    };
  };
}

/** Of whom a token is for, where it names them by number. */
function aboutNumber(caller: Caller, numberHmac: (nhsNumber: string) => string): Pick<Facts, 'aboutNumber'> {
  const about = caller.kind === 'staff' || caller.kind === 'governance' ? caller.about : undefined;
  return about !== undefined && /^\d{10}$/.test(about) ? { aboutNumber: numberHmac(about) } : {};
}

/** @param removed by source number, the load before whose time not every version is kept */
function inPart(view: View, removed: unknown, codeOf: ReadonlyMap<number, string>): View {
  if (typeof removed !== 'object' || removed === null) return view;
  const kept = new Map(
    Object.entries(removed).map(([number, load]) => [codeOf.get(Number(number)), Number(load)]),
  );
  return view.map((state) =>
    (kept.get(state.source) ?? 0) > state.loadNo ? { ...state, inPart: true } : state,
  );
}

/** A number that is nobody's here is not a patient's own either. */
function ownNumbers({ nhsNumber }: PatientCaller, policy: Policy): readonly string[] {
  return isRefusedNumber(policy, nhsNumber) ? [] : [nhsNumber];
}

/** Null finds nobody. */
function key(person: PersonReference, policy: Policy): string | null {
  if (person.by === 'nhs-number') return isRefusedNumber(policy, person.nhsNumber) ? null : person.nhsNumber;
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
    ...(Array.isArray(row[16]) ? { decidedOn: row[16] as string[] } : {}),
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
${selected('(select max(p) from record.publication)', 'people')}`,
  };
}

/**
 * As above, of a record as it was: $6 the instant in milliseconds. Who was shown as one person is of then; what is decided
 * on is of today, for all of them and for whoever they are linked with now.
 */
function pastStatement(name: string, target: string): Statement {
  return {
    name: `past-facts-${name}`,
    text: `
with ${PAST_IDS(target)}
${selected(PAST_PUBLICATION, 'shown')},
  (select people::text[] from ids),
  (select json_object_agg(source, before_load) from record.history_removed)`,
  };
}

function selected(newest: string, cluster: 'people' | 'shown'): string {
  const people = '(select people from ids)::uuid[]';
  return `
select
  coalesce($4::bigint, ${newest}),
  (select array_agg(nhs_hmac) from record.staff_identity where organisation = $2 and user_id = $3),
  (select person_id::text from ids),
  (select array_agg(person_id::text) from record.person where person_id = any((select ${cluster} from ids)::uuid[])),
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
     select from record.opt_out o where o.nhs_number = l.nhs_number and not o.opted_out and o.entered_at > l.entered_at))`;
}

const TARGETS: { readonly [By in PersonReference['by']]: readonly [name: string, target: string] } = {
  'person-id': ['person', 'select $1::uuid as person_id'],
  'nhs-number': ['number', 'select person_id from record.person_number where nhs_number = $1::text'],
  resource: [
    'resource',
    `select person_id from (
       select person_id from record.resource_key where resource_id = $1::uuid
       union all select person_id from record.agreement where resource_id = $1::uuid
       union all select n.person_id from record.opt_out o join record.person_number n on n.nhs_number = o.nhs_number
         where o.resource_id = $1::uuid
       union all select n.person_id from record.limited_opt_out o join record.person_number n on n.nhs_number = o.nhs_number
         where o.resource_id = $1::uuid) found limit 1`,
  ],
  demographics: ['none', 'select null::uuid as person_id where $1::text is not null'],
  none: ['none', 'select null::uuid as person_id where $1::text is not null'],
};

type Statements = { readonly [By in PersonReference['by']]: Statement };

function statements(of: (name: string, target: string) => Statement): Statements {
  const pairs = Object.entries(TARGETS).map(([by, [name, target]]) => [by, of(name, target)]);
  return Object.fromEntries(pairs) as Statements;
}

const STATEMENTS = statements(statement);
const PAST = statements(pastStatement);
