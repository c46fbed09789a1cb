import type pg from 'pg';
import type { DemoTokenOptions } from '../../demo/issuer.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { sourceOf } from '../support/planted.ts';
import type { TestService } from '../support/service.ts';
import { NARROWED, plantTangledRecord, RECLASSED, WIDENED } from '../support/tangled-record.ts';
import type { Hides, Stored } from './rows.ts';

/*
 * Who asks, about whom, and what is hidden from them. What is hidden is written out here, by DESIGN 4, and not taken from
 * the service.
 */

export interface Scenario {
  readonly name: string;
  /** whose record is asked about; the rows that make the difference are theirs */
  readonly person: string;
  /** a new one each time: a long run outlives a token */
  readonly token: () => Promise<string>;
  readonly hides: Hides;
  /** rows are labelled at random before anything is asked */
  readonly labelled: boolean;
  /** hidden rows may lose their names with their texts: who asks for one is told the same as for an id nobody ever had */
  readonly forgets: boolean;
  /** questions beside those made from the rows */
  readonly asks?: readonly string[];
  /** what was so a moment ago: asked with, then taken back before anything is compared */
  readonly before?: {
    readonly was: (client: pg.Client) => Promise<void>;
    readonly is: (client: pg.Client) => Promise<void>;
  };
  /** what else may differ between two worlds that are the same to this caller */
  readonly elsewhere?: (client: pg.Client) => Promise<void>;
}

const labelled =
  (codes: readonly string[]): Hides =>
  (row) =>
    row.labels.some((label) => codes.includes(label.slice(label.indexOf('|') + 1)));
/** labels that hide from everybody, and from the person */
export const RESTRICTED = labelled(['R', 'V']);
const NOT_FOR_PATIENT = labelled(['R', 'V', 'NOPAT', 'third-party']);
const VITAL = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs';
const all: Hides = () => true;
const only =
  (types: readonly string[]): Hides =>
  (row) =>
    RESTRICTED(row) || !types.includes(row.type);
const NARROW = ['Patient', 'Observation', 'Encounter', 'DiagnosticReport'];

/** The county and what is in it, as scenarios need it. */
export interface County {
  readonly service: TestService;
  readonly client: pg.Client;
  /** a named person's id */
  idOf(name: string): string;
  token(options: DemoTokenOptions): Promise<string>;
  citizen(name: string): Promise<string>;
  /** number of the source that does not share some elements */
  readonly trust: number;
}

export async function countyOf(service: TestService, client: pg.Client): Promise<County> {
  const ids = await personIds(service);
  return {
    service,
    client,
    idOf(name) {
      const id = ids.get(service.person(name).nhsNumber ?? '');
      if (id === undefined) throw new Error(`${name} has no id.`);
      return id;
    },
    token: (options) => service.token(options),
    citizen: (name) => service.token({ kind: 'patient', nhsNumber: service.person(name).nhsNumber ?? '' }),
    trust: (await sourceOf(client, 'mental-health')).number,
  };
}

/** A record whose rows refer to one another in every direction, and labels where the county has none. */
export async function plantCounty({ client, idOf }: County): Promise<void> {
  await plantTangledRecord(client, idOf('record-of-50'), idOf('only-gp'));
  await client.query(
    `update record.resource_version set labels = '{|R}'
      where person_id = $1 and type in (3, 7, 8, 17) and get_byte(uuid_send(resource_id), 15) % 2 = 0`,
    [idOf('child-agreed')],
  );
}

/** Versions that are hidden of what is not, and the other way round. */
const CHANGED = [WIDENED, RECLASSED, NARROWED].flatMap((id) => [
  `Observation/${id}/_history`,
  `Observation/${id}/_history/1`,
]);

export async function scenariosOf(county: County): Promise<readonly Scenario[]> {
  const staff = (more: Partial<DemoTokenOptions> = {}) => county.token({ ...GP, ...more });
  const [tangled, child] = [county.idOf('record-of-50'), county.idOf('child-agreed')];
  const plain = { labelled: true, forgets: true };
  return [
    {
      ...plain,
      name: 'staff, labels',
      person: tangled,
      token: () => staff(),
      hides: RESTRICTED,
      asks: CHANGED,
    },
    {
      ...plain,
      name: 'the person, labels',
      person: tangled,
      token: () => county.citizen('record-of-50'),
      hides: NOT_FOR_PATIENT,
      asks: CHANGED,
    },
    {
      ...plain,
      name: 'staff, scopes with a category',
      person: tangled,
      token: () =>
        staff({
          scope:
            'user/Patient.rs user/Encounter.rs user/DiagnosticReport.rs user/Observation.rs?category=vital-signs',
        }),
      asks: CHANGED,
      hides: (row) => only(NARROW)(row) || (row.type === 'Observation' && !row.categories.includes(VITAL)),
    },
    {
      ...plain,
      name: 'a receptionist, by role',
      person: child,
      token: () => staff({ role: 'receptionist', user: 'r-1' }),
      hides: only(['Patient', 'RelatedPerson', 'Encounter', 'Appointment', 'EpisodeOfCare']),
    },
    await withdrawn(county),
    {
      ...plain,
      name: 'staff, a part of which elements are hidden',
      person: county.idOf('elements'),
      token: () => staff(),
      hides: RESTRICTED,
      asks: await asksOfElements(county),
    },
    await contradicted(county),
    ...(await closed(county)),
    await namesakes(county),
  ];
}

/** Orders, conditions and versions that would tell what is in an element that is not shared. */
async function asksOfElements({ client, idOf, trust }: County): Promise<readonly string[]> {
  const person = idOf('elements');
  const { rows } = await client.query<{ id: string; version: string }>(
    `select resource_id::text as id, valid_from::text as version from record.resource_version
      where person_id = $1 and source = $2 and type = 7 order by resource_id limit 2`,
    [person, trust],
  );
  if (rows.length === 0) throw new Error('The trust has no Encounter of the person.');
  return [
    ...['_sort=location', '_sort=-reason-code', 'reason-code:missing=false', 'location:missing=true'].map(
      (query) => `Encounter?patient=${person}&${query}`,
    ),
    ...rows.flatMap(({ id, version }) => [`Encounter/${id}/_history`, `Encounter/${id}/_history/${version}`]),
  ];
}

/** Social care that was agreed to until a moment ago. The council's base holds no letters. */
async function withdrawn({ client, idOf, token }: County): Promise<Scenario> {
  const person = idOf('child-agreed');
  const { rows } = await client.query<{ number: number }>(
    `select number from record.source where code in ('lcs', 'adult-social-care')`,
  );
  const social = new Set(rows.map(({ number }) => number));
  const agreed = (given: boolean) => async (at: pg.Client) => {
    await at.query('update record.agreement set given = $2 where person_id = $1', [person, given]);
    await at.query('update record.person set epoch = epoch + 1 where person_id = $1', [person]);
  };
  return {
    name: 'staff, social care that is no longer agreed to',
    person,
    labelled: true,
    forgets: true,
    token: () =>
      token({
        kind: 'staff',
        organisation: 'bucks-council',
        role: 'social-worker',
        user: 'sw-1',
      }),
    hides: (row) =>
      RESTRICTED(row) || social.has(row.source) || ['DocumentReference', 'Binary'].includes(row.type),
    before: { was: agreed(true), is: agreed(false) },
    // where every source is stated
    asks: [`Patient/${person}/$everything`],
    // refused and never asked are the same
    elsewhere: async (at) => {
      await at.query('delete from record.agreement where person_id = $1', [person]);
    },
  };
}

/** A source that contradicts who the person is: nothing of it is theirs. */
async function contradicted({ client, idOf, token }: County): Promise<Scenario> {
  const person = idOf('identity-conflict');
  const { rows } = await client.query<{ source: number }>(
    'select source from record.quarantine where person_id = $1',
    [person],
  );
  const doubted = new Set(rows.map(({ source }) => source));
  if (doubted.size === 0) throw new Error('Nobody is in quarantine.');
  return {
    name: 'staff, a source that contradicts the person',
    person,
    labelled: true,
    forgets: true,
    token: () => token(GP),
    hides: (row: Stored) => RESTRICTED(row) || doubted.has(row.source),
  };
}

/** Records that are closed as a whole. What is said of one that is known stays said: only its rows differ. */
async function closed({ idOf, token, citizen }: County): Promise<readonly Scenario[]> {
  const gp = () => token(GP);
  const stays = { labelled: false, forgets: false, hides: all };
  return [
    { ...stays, name: 'staff, an opt-out', person: idOf('opted-out'), token: gp },
    { ...stays, name: 'staff, a restricted person', person: idOf('restricted'), token: gp, forgets: true },
    {
      ...stays,
      name: "staff, the user's own record",
      person: idOf('staff-patient'),
      token: () => token({ ...GP, organisation: 'K82001', user: 'gp-smith' }),
    },
    {
      ...stays,
      name: 'somebody else',
      person: idOf('record-of-50'),
      token: () => citizen('only-gp'),
      forgets: true,
    },
    {
      ...stays,
      name: 'a system without a user',
      person: idOf('record-of-50'),
      token: () => token({ kind: 'system' }),
    },
  ];
}

/** Who is restricted has the name and birth date of somebody who is not. */
async function namesakes({ client, idOf, token, service }: County): Promise<Scenario> {
  const [person, shown] = [idOf('restricted'), idOf('showcase')];
  const gp = () => token(GP);
  const patient = (await service.get(`Patient/${shown}`, await gp())).json;
  const [name] = patient.name;
  const demographics = `family=${encodeURIComponent(name.family)}&given=${encodeURIComponent(name.given[0])}&birthdate=${patient.birthDate}`;
  const alike = `insert into record.person_search (person_id, source, birth_date, family, given)
    select $1, source, birth_date, family, given from record.person_search where person_id = $2 on conflict do nothing`;
  await client.query(alike, [person, shown]);
  await client.query(
    `insert into record.person_search (person_id, source, birth_date, family, given)
     select p.person_id, s.source, s.birth_date, s.family, s.given
     from (select distinct person_id from record.restriction) p,
       (select * from record.person_search where person_id = $1 limit 1) s on conflict do nothing`,
    [shown],
  );
  return {
    name: 'staff, a restricted namesake',
    person,
    labelled: false,
    forgets: true,
    hides: all,
    token: gp,
    asks: [
      `Patient?${demographics}`,
      `Patient?${demographics}&_summary=count`,
      `Patient?${demographics}&_elements=id`,
      `Patient?${demographics}&_total=none`,
      `Patient?${demographics}&gender=${patient.gender}`,
      `Patient?${demographics}&_revinclude=Observation:subject`,
      `Patient?${demographics}&_count=1`,
    ],
    elsewhere: async (at) => {
      await at.query(
        'delete from record.person_search s where person_id in (select person_id from record.restriction)',
      );
    },
  };
}
