import { isText } from '../../fhir/primitives.ts';
import { dateRange } from '../../fhir/search/date.ts';

/**
 * The tables of an LCS folder: columns in their order, and what each may hold (docs/onboarding-a-source.md). Names
 * follow the public terms of the Standard Safeguarding Dataset; `mcr_` columns are ours.
 */

type Kind =
  /** the source's id: letters, digits, `-` and `.`, at most 56 */
  | 'id'
  /** an id, or empty */
  | 'reference'
  /** `YYYY-MM-DD`, or empty */
  | 'date'
  | 'text'
  /** `Y`, `N` or empty */
  | 'yes-no'
  | 'sex'
  /** a code of letters, digits and hyphens, or empty */
  | 'code';

export const TABLES = {
  ssd_person: {
    pers_person_id: 'id',
    pers_forename: 'text',
    pers_surname: 'text',
    pers_sex: 'sex',
    pers_dob: 'date',
    pers_common_child_id: 'text',
    pers_death_date: 'date',
    mcr_nhs_number_status: 'code',
  },
  ssd_professionals: {
    prof_professional_id: 'id',
    prof_staff_id: 'text',
    prof_professional_name: 'text',
    prof_social_worker_registration_no: 'text',
    prof_professional_job_title: 'text',
    prof_professional_department: 'text',
    mcr_telephone: 'text',
    mcr_email: 'text',
  },
  ssd_involvements: {
    invo_involvements_id: 'id',
    invo_professional_id: 'reference',
    invo_professional_role_id: 'text',
    invo_professional_team: 'text',
    invo_involvement_start_date: 'date',
    invo_involvement_end_date: 'date',
    invo_person_id: 'id',
    invo_referral_id: 'reference',
  },
  ssd_cin_episodes: {
    cine_referral_id: 'id',
    cine_person_id: 'id',
    cine_referral_date: 'date',
    cine_cin_primary_need_code: 'text',
    cine_referral_nfa: 'yes-no',
    cine_close_reason: 'text',
    cine_close_date: 'date',
    cine_referral_team: 'text',
    cine_referral_worker_id: 'reference',
  },
  ssd_cin_plans: {
    cinp_cin_plan_id: 'id',
    cinp_referral_id: 'reference',
    cinp_person_id: 'id',
    cinp_cin_plan_start_date: 'date',
    cinp_cin_plan_end_date: 'date',
    cinp_cin_plan_team: 'text',
  },
  ssd_cp_plans: {
    cppl_cp_plan_id: 'id',
    cppl_referral_id: 'reference',
    cppl_person_id: 'id',
    cppl_cp_plan_start_date: 'date',
    cppl_cp_plan_end_date: 'date',
    cppl_cp_plan_initial_category: 'text',
    cppl_cp_plan_latest_category: 'text',
  },
  ssd_cla_episodes: {
    clae_cla_episode_id: 'id',
    clae_person_id: 'id',
    clae_cla_episode_start_date: 'date',
    clae_cla_episode_start_reason: 'text',
    clae_cla_episode_ceased_date: 'date',
    clae_cla_episode_ceased_reason: 'text',
    clae_referral_id: 'reference',
  },
  mcr_relations: {
    rela_relation_id: 'id',
    rela_person_id: 'id',
    rela_name: 'text',
    rela_relationship: 'code',
    rela_parental_responsibility: 'yes-no',
    rela_telephone: 'text',
  },
  mcr_sharing_agreements: {
    agre_agreement_id: 'id',
    agre_person_id: 'id',
    agre_given: 'yes-no',
    agre_given_by: 'text',
    agre_given_by_relationship: 'code',
    agre_recorded_date: 'date',
    agre_start_date: 'date',
    agre_end_date: 'date',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>;

export type TableName = keyof typeof TABLES;
export type Cells<T extends TableName> = Readonly<Record<keyof (typeof TABLES)[T] & string, string>>;

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** Tables whose rows are a child's; professionals are nobody's. */
export type ChildTable = Exclude<TableName, 'ssd_professionals'>;

/** The column that says whose row it is. */
export const CHILD_COLUMN: Readonly<Record<ChildTable, string>> = {
  ssd_person: 'pers_person_id',
  ssd_involvements: 'invo_person_id',
  ssd_cin_episodes: 'cine_person_id',
  ssd_cin_plans: 'cinp_person_id',
  ssd_cp_plans: 'cppl_person_id',
  ssd_cla_episodes: 'clae_person_id',
  mcr_relations: 'rela_person_id',
  mcr_sharing_agreements: 'agre_person_id',
};

export function isTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

export function columnsOf(table: TableName): readonly string[] {
  return Object.keys(TABLES[table]);
}

const MAX_TEXT = 1_000;
const PATTERNS: Readonly<Record<Exclude<Kind, 'date' | 'text'>, RegExp>> = {
  id: /^[A-Za-z0-9.-]{1,56}$/,
  reference: /^[A-Za-z0-9.-]{0,56}$/,
  'yes-no': /^[YN]?$/,
  sex: /^[MFU]?$/,
  code: /^[A-Za-z0-9-]{0,32}$/,
};
/** Whether a cell is an id as the source gives its rows. */
export function isLocalId(cell: string): boolean {
  return PATTERNS.id.test(cell);
}

/** In a cell one line of text is expected; replacement characters are the remains of damaged text. */
const UNFIT = /[\t\r\n\ufffd]/;

/**
 * Checks a row's cells.
 * @param cells as many as the table has columns
 * @returns the column at fault, or undefined
 */
export function faultyColumn(table: TableName, cells: readonly string[]): string | undefined {
  return Object.entries<Kind>(TABLES[table]).find(
    ([, kind], index) => !isKind(cells[index] ?? '', kind),
  )?.[0];
}

function isKind(cell: string, kind: Kind): boolean {
  if (kind === 'date')
    return cell === '' || (/^\d{4}-\d{2}-\d{2}$/.test(cell) && dateRange(cell) !== undefined);
  if (kind === 'text') return cell === '' || (cell.length <= MAX_TEXT && isText(cell) && !UNFIT.test(cell));
  return PATTERNS[kind].test(cell);
}
