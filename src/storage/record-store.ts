import type { PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { Policy } from '../access/policy.ts';
import { Problem } from '../fhir/problem.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type {
  ConsentRecord,
  Declaration,
  Demographic,
  DirectoryWanted,
  Fetched,
  ItemWanted,
  KeptItem,
  RecordStore,
  Row,
  Wanted,
} from '../record/ports.ts';
import type { Moment, View } from '../record/view.ts';
import type { Database } from './database.ts';
import { readPolicy } from './policies.ts';
import { readConsents } from './read-consents.ts';
import { readDirectory } from './read-directory.ts';
import type { FactReader } from './read-facts.ts';
import { factReader } from './read-facts.ts';
import { readKept } from './read-kept.ts';
import { readPastRows } from './read-past-rows.ts';
import { readBodies, readNobody, readRows, readVersions } from './read-rows.ts';
import { viewReader } from './read-view.ts';

/** The record in PostgreSQL as `record/` needs it. */
export class StoredRecord implements RecordStore {
  readonly #database: Database;
  readonly #facts: FactReader;
  readonly #policy: Policy;
  readonly #codeOf: ReadonlyMap<number, string>;
  readonly #numberHmac: (nhsNumber: string) => string;

  constructor(
    database: Database,
    policy: Policy,
    now: () => number,
    numberHmac: (nhsNumber: string) => string,
  ) {
    this.#database = database;
    this.#policy = policy;
    this.#numberHmac = numberHmac;
    this.#codeOf = codesOf(policy);
    this.#facts = factReader(database, policy, now, numberHmac);
  }

  facts(person: PersonReference, caller: Caller, moment?: Moment): Promise<Facts> {
    return available(() => this.#facts(person, caller, moment));
  }

  candidates({ family, given, birthDate }: Demographic, limit: number): Promise<readonly string[]> {
    return available(async () => {
      const rows = await this.#database.read(CANDIDATES, [birthDate, family, given ?? null, limit + 1]);
      return rows.map((row) => String(row[0]));
    });
  }

  fetch(grant: Grant, wanted: Wanted): Promise<Fetched> {
    const read = wanted.past ? readPastRows : readRows;
    return available(() => read(this.#database, this.#policy, this.#codeOf, grant, wanted));
  }

  nobody(wanted: Wanted): Promise<void> {
    return available(async () => {
      await Promise.all([
        readNobody(this.#database, wanted),
        wanted.types.includes('Consent') ? readConsents(this.#database, this.#codeOf, []) : [],
      ]);
      if (wanted.types.includes('Consent')) await this.#database.read(EPOCH, [[]]);
    });
  }

  bodies(rows: readonly Row[]): Promise<ReadonlyMap<string, string>> {
    return available(() => readBodies(this.#database, rows));
  }

  versions(grant: Grant, type: ServedTypeName, id: string): Promise<readonly Row[]> {
    return available(() => readVersions(this.#database, this.#policy, this.#codeOf, grant, type, id));
  }

  kept(
    items: readonly ItemWanted[],
    people: readonly string[],
    policy: Policy,
  ): Promise<readonly KeptItem[]> {
    return available(() => readKept(this.#database, codesOf(policy), items, people));
  }

  viewAt(publication: number, policy: Policy): Promise<View> {
    return available(() => viewReader(this.#database, codesOf(policy))({ publication }));
  }

  policy(version: string): Promise<Policy | undefined> {
    return available(() => readPolicy(this.#database, version));
  }

  numbersOf(personIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    return available(async () => {
      const rows = await this.#database.read(NUMBERS, [personIds]);
      return new Map(rows.map((row) => [row[0] as string, (row[1] as string[]).map(this.#numberHmac)]));
    });
  }

  patientsAmong(organisation: string, personIds: readonly string[]): Promise<ReadonlySet<string>> {
    return available(async () => {
      const rows = await this.#database.read(PATIENTS_AMONG, [
        personIds,
        this.#sourcesOf(organisation),
        organisation,
      ]);
      return new Set(rows.map(([id]) => String(id)));
    });
  }

  fewPatientsOf(organisation: string, most: number): Promise<readonly string[] | undefined> {
    return available(async () => {
      const rows = await this.#database.read(FEW_PATIENTS, [
        this.#sourcesOf(organisation),
        most,
        organisation,
      ]);
      const [row] = rows;
      return row?.[0] === true ? ((row[1] ?? []) as string[]) : undefined;
    });
  }

  epoch(personIds: readonly string[]): Promise<number> {
    return available(async () => Number((await this.#database.read(EPOCH, [personIds]))[0]?.[0]));
  }

  declareRelationship(declaration: Declaration): Promise<void> {
    const { personId, organisation, userId, reason, at, until } = declaration;
    return available(() =>
      this.#database.write(DECLARE, [personId, organisation, userId, reason, new Date(at), new Date(until)]),
    );
  }

  #sourcesOf(organisation: string): readonly number[] {
    const { sources } = this.#policy;
    return [...sources.values()]
      .filter((each) => each.organisation === organisation)
      .map(({ number }) => number);
  }

  consents(grant: Grant): Promise<readonly ConsentRecord[]> {
    return available(() => readConsents(this.#database, this.#codeOf, grant.personIds));
  }

  directory(grant: Grant, type: ServedTypeName, wanted: DirectoryWanted): Promise<readonly Row[]> {
    return available(() => readDirectory(this.#database, this.#policy, this.#codeOf, grant, type, wanted));
  }
}

function codesOf({ sources }: Policy): ReadonlyMap<number, string> {
  return new Map([...sources.values()].map(({ number, code }) => [number, code]));
}

/** what the user once declared of others, and is over, is not kept: the audit log has it */
const DECLARE = {
  name: 'declare-relationship',
  text: `
with over as (
  delete from record.declared_relationship
  where organisation = $2 and user_id = $3 and until < $5::timestamptz and person_id <> $1)
insert into record.declared_relationship (person_id, organisation, user_id, reason, declared_at, until)
values ($1, $2, $3, $4, $5, $6)
on conflict (person_id, organisation, user_id) do update
  set reason = excluded.reason, declared_at = excluded.declared_at, until = excluded.until`,
};

const EPOCH = {
  name: 'epoch',
  text: 'select coalesce(sum(epoch), 0) from record.person where person_id = any($1::uuid[])',
};

/** every number of the cluster that each person belongs to */
const NUMBERS = {
  name: 'numbers-of',
  text: `
select asked.person_id::text, array_agg(n.nhs_number)
from unnest($1::uuid[]) asked(person_id)
left join record.person_link l on l.person_id = asked.person_id and l.valid_to = 'infinity'
join record.person_number n on n.person_id = asked.person_id
  or n.person_id in (select m.person_id from record.person_link m
                     where m.cluster_id = l.cluster_id and m.valid_to = 'infinity')
group by asked.person_id`,
};

/**
 * A contribution in force is what makes somebody a patient: of whoever keeps the source, and of whoever manages the record
 * there (a practice, in the feed of many). One that was set aside, or whose owner withholds it, does not.
 */
const PATIENTS_AMONG = {
  name: 'patients-among',
  text: `
select asked.person_id::text from unnest($1::uuid[]) asked(person_id)
left join record.person_link l on l.person_id = asked.person_id and l.valid_to = 'infinity'
where exists (
  select from record.source_patient s where s.state = 'accepted' and (s.source = any($2::smallint[]) or s.custodian = $3::text)
    and s.person_id = any(array[asked.person_id, l.cluster_id]
      || array(select m.person_id from record.person_link m where m.cluster_id = l.cluster_id and m.valid_to = 'infinity')))`,
};

/** who is linked with a patient is the same patient; in order, so that an index is read and no more of it than is needed */
const FEW_PATIENTS = {
  name: 'few-patients',
  text: `
with own as materialized (
  select s.person_id from unnest($1::smallint[]) of_own(source) cross join lateral (
    select person_id from record.source_patient
    where source = of_own.source and state = 'accepted' and person_id is not null order by local_id limit $2::integer + 1) s
  union all
  (select person_id from record.source_patient
   where custodian = $3::text and state = 'accepted' and person_id is not null
   order by person_id limit $2::integer + 1))
select (select count(*) from own) <= $2::integer, array(
  select person_id::text from own
  union select l.cluster_id::text from own join record.person_link l
    on l.person_id = own.person_id and l.valid_to = 'infinity'
  union select m.person_id::text from own join record.person_link l
    on l.person_id = own.person_id and l.valid_to = 'infinity'
    join record.person_link m on m.cluster_id = l.cluster_id and m.valid_to = 'infinity')`,
};

const CANDIDATES = {
  name: 'candidates',
  text: `select distinct coalesce(l.cluster_id, s.person_id)::text from record.person_search s
         left join record.person_link l on l.person_id = s.person_id and l.valid_to = 'infinity'
         where birth_date = $1 and family = $2 and ($3::text is null or given = $3 or split_part(given, ' ', 1) = $3) limit $4`,
};

/** Whatever the database does wrong, the caller of the record learns one thing: try again. */
async function available<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(
      'unavailable',
      'The record cannot be read just now. Try again shortly.',
      { retryAfter: 5 },
      error,
    );
  }
}
