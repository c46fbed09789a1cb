import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import { BOYS, GIRLS, SURNAMES } from './names.ts';
import type { County, Person } from './person.ts';
import { isChanged } from './person.ts';
import { Random } from './random.ts';

/** The nightly folder of children's social care: CSV tables as docs/onboarding-a-source.md lays them down. */

const columns = (text: string): readonly string[] => text.trim().split(/[\s,]+/);

/** Columns of each table, in order. */
export const LCS_TABLES = {
  ssd_person: columns(`pers_person_id,pers_forename,pers_surname,pers_sex,pers_dob,pers_common_child_id,
    pers_death_date,mcr_nhs_number_status`),
  ssd_professionals: columns(`prof_professional_id,prof_staff_id,prof_professional_name,
    prof_social_worker_registration_no,prof_professional_job_title,prof_professional_department,mcr_telephone,mcr_email`),
  ssd_involvements: columns(`invo_involvements_id,invo_professional_id,invo_professional_role_id,
    invo_professional_team,invo_involvement_start_date,invo_involvement_end_date,invo_person_id,invo_referral_id`),
  ssd_cin_episodes: columns(`cine_referral_id,cine_person_id,cine_referral_date,cine_cin_primary_need_code,
    cine_referral_nfa,cine_close_reason,cine_close_date,cine_referral_team,cine_referral_worker_id`),
  ssd_cin_plans: columns(`cinp_cin_plan_id,cinp_referral_id,cinp_person_id,cinp_cin_plan_start_date,
    cinp_cin_plan_end_date,cinp_cin_plan_team`),
  ssd_cp_plans: columns(`cppl_cp_plan_id,cppl_referral_id,cppl_person_id,cppl_cp_plan_start_date,
    cppl_cp_plan_end_date,cppl_cp_plan_initial_category,cppl_cp_plan_latest_category`),
  ssd_cla_episodes: columns(`clae_cla_episode_id,clae_person_id,clae_cla_episode_start_date,
    clae_cla_episode_start_reason,clae_cla_episode_ceased_date,clae_cla_episode_ceased_reason,clae_referral_id`),
  mcr_relations: columns(`rela_relation_id,rela_person_id,rela_name,rela_relationship,
    rela_parental_responsibility,rela_telephone`),
  mcr_sharing_agreements: columns(`agre_agreement_id,agre_person_id,agre_given,agre_given_by,
    agre_given_by_relationship,agre_recorded_date,agre_start_date,agre_end_date`),
} as const;

export type LcsTable = keyof typeof LCS_TABLES;

/** A row: one value per column, empty when not recorded. */
export interface LcsRow {
  readonly table: LcsTable;
  readonly values: readonly string[];
}

/** RFC 4180, with its line ends. */
export function csvLine(values: readonly string[]): string {
  return `${values.map((one) => (/[",\r\n]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one)).join(',')}\r`;
}

const WORKERS = 40;
const TEAMS = [
  'Children in Need, Aylesbury',
  'Children in Need, Wycombe',
  'Protection and Care',
  'Children with Disabilities',
];

export function lcsPersonId(index: number): string {
  return String(700_000 + index);
}

const workerId = (n: number): string => `W${1001 + n}`;

/** The workers: the same in every county of a seed, whatever its size. */
export function lcsProfessionals(seed: number): LcsRow[] {
  return Array.from({ length: WORKERS }, (_, n) => {
    const random = new Random(seed, 'lcs worker', n);
    const name = `${random.pick(random.chance(0.7) ? GIRLS : BOYS)} ${random.pick(SURNAMES)}`;
    const telephone = `01632 960${String(500 + n)}`;
    const job = n % 5 === 0 ? 'Team manager' : 'Social worker';
    const team = random.pick(TEAMS);
    const values = [
      workerId(n),
      `S${2001 + n}`,
      name,
      `SW${90_001 + n}`,
      job,
      team,
      telephone,
      `worker${n}@bucks-council.example`,
    ];
    return { table: 'ssd_professionals', values };
  });
}

/** One child's folder, being written. */
class ChildFile {
  readonly rows: LcsRow[] = [];
  readonly id: string;
  readonly random: Random;
  readonly person: Person;
  readonly start: Day;
  /** last day of everything, where the case is closed */
  readonly end: string;
  readonly referral: string;

  constructor(person: Person, county: County) {
    this.person = person;
    this.id = lcsPersonId(person.index);
    this.random = new Random(county.seed, 'lcs', person.index);
    this.start = Math.max(county.anchor - this.random.whole(40, 700), person.birthDay + 10);
    this.end = person.lcs.open ? '' : dateText(Math.max(county.anchor - 21, this.start + 7));
    this.referral = `R${this.id}`;
  }

  add(table: LcsTable, ...values: readonly string[]): void {
    this.rows.push({ table, values });
  }
}

const SEX: Readonly<Record<Person['gender'], string>> = { female: 'F', male: 'M', other: 'U', unknown: 'U' };
const STATUS = { verified: '01', unverified: '02', absent: '07' } as const;

function addPerson(file: ChildFile): void {
  const { person } = file;
  const number = person.lcs.number === 'absent' ? '' : person.nhsNumber;
  const { given, family, gender, birthDay, lcs } = person;
  file.add(
    'ssd_person',
    file.id,
    given,
    family,
    SEX[gender],
    dateText(birthDay),
    number,
    '',
    STATUS[lcs.number],
  );
}

function addCase(file: ChildFile, night: { readonly changed: boolean }): void {
  const { random, id, referral, end } = file;
  const start = dateText(file.start);
  const team = random.pick(TEAMS);
  const worker = random.whole(0, WORKERS - 1);
  const closed = end === '' ? '' : 'RC7';
  file.add(
    'ssd_cin_episodes',
    referral,
    id,
    start,
    random.pick(['N1', 'N2', 'N4', 'N5']),
    'N',
    closed,
    end,
    team,
    workerId(worker),
  );
  const now = night.changed ? `${team} (duty)` : team;
  file.add(
    'ssd_involvements',
    `I${id}-1`,
    workerId(worker),
    'Allocated social worker',
    now,
    start,
    end,
    id,
    referral,
  );
  if (random.chance(0.4)) {
    const second = workerId((worker + 7) % WORKERS);
    file.add('ssd_involvements', `I${id}-2`, second, 'Family support worker', now, start, end, id, referral);
  }
}

function addPlans(file: ChildFile): void {
  const { random, id, referral, end } = file;
  const start = dateText(file.start + 14);
  const kind = random.next();
  if (kind < 0.65) file.add('ssd_cin_plans', `N${id}-1`, referral, id, start, end, random.pick(TEAMS));
  else if (kind < 0.85) {
    const why = random.pick(['Neglect', 'Emotional', 'Physical']);
    file.add('ssd_cp_plans', `C${id}-1`, referral, id, start, end, why, why);
  } else {
    file.add('ssd_cla_episodes', `L${id}-1`, id, start, 'S', end, end === '' ? '' : 'E4A', referral);
  }
}

function addFamily(file: ChildFile, county: County): void {
  const { random, id, person } = file;
  const mother = `${random.pick(GIRLS)} ${person.household.family}`;
  const phone = (): string => `07700 900${String(random.whole(0, 999)).padStart(3, '0')}`;
  file.add('mcr_relations', `F${id}-1`, id, mother, 'MTH', 'Y', phone());
  if (random.chance(0.6)) {
    const father = `${random.pick(BOYS)} ${person.household.family}`;
    file.add('mcr_relations', `F${id}-2`, id, father, 'FTH', random.pick(['Y', 'N', '']), phone());
  }
  const { agreement } = person.lcs;
  if (agreement === 'blank') return;
  const recorded = dateText(file.start + 1);
  const given = agreement === 'not-given' ? 'N' : 'Y';
  const end = agreement === 'ended' ? dateText(county.anchor - 15) : '';
  file.add('mcr_sharing_agreements', `A${id}-1`, id, given, mother, 'MTH', recorded, recorded, end);
}

export function lcsRows(person: Person, county: County): readonly LcsRow[] {
  const file = new ChildFile(person, county);
  addPerson(file);
  addCase(file, { changed: isChanged(county, person.index) });
  addPlans(file);
  addFamily(file, county);
  return file.rows;
}
