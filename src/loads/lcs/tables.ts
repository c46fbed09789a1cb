/**
 * The tables of an LCS folder: the columns that are read of each, and what they may hold (docs/onboarding-a-source.md).
 * Names follow the public terms of the Standard Safeguarding Dataset; `mcr_` tables and columns are ours. Every
 * table's first column is its row's id. People and referrals come first: other rows refer to them.
 */

export type Kind =
  /** the source's id: letters, digits, `-` and `.`, at most 56 */
  | 'id'
  /** an id, or empty */
  | 'reference'
  /** a day in London, `YYYY-MM-DD`, or empty */
  | 'date'
  | 'text'
  /** `Y`, `N` or empty */
  | 'yes-no'
  | 'sex'
  /** 0 to 40, or empty */
  | 'score'
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
  ssd_cin_episodes: {
    cine_referral_id: 'id',
    cine_person_id: 'id',
    cine_referral_date: 'date',
    cine_referral_nfa: 'yes-no',
    cine_close_reason: 'text',
    cine_close_date: 'date',
    cine_referral_team: 'text',
    cine_referral_worker_id: 'reference',
  },
  ssd_linked_identifiers: {
    link_table_id: 'id',
    link_person_id: 'id',
    link_identifier_type: 'text',
    link_identifier_value: 'text',
    link_valid_from_date: 'date',
    link_valid_to_date: 'date',
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
  ssd_contacts: {
    cont_contact_id: 'id',
    cont_person_id: 'id',
    cont_contact_date: 'date',
  },
  ssd_cin_assessments: {
    cina_assessment_id: 'id',
    cina_person_id: 'id',
    cina_referral_id: 'reference',
    cina_assessment_start_date: 'date',
    cina_assessment_auth_date: 'date',
    cina_assessment_team: 'text',
    cina_assessment_worker_id: 'reference',
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
  },
  ssd_cla_episodes: {
    clae_cla_episode_id: 'id',
    clae_person_id: 'id',
    clae_cla_episode_start_date: 'date',
    clae_cla_episode_ceased_date: 'date',
    clae_cla_episode_ceased_reason: 'text',
    clae_referral_id: 'reference',
  },
  ssd_cla_care_plan: {
    lacp_table_id: 'id',
    lacp_person_id: 'id',
    lacp_cla_care_plan_start_date: 'date',
    lacp_cla_care_plan_end_date: 'date',
  },
  ssd_cla_placement: {
    clap_cla_placement_id: 'id',
    clap_person_id: 'id',
    clap_cla_placement_start_date: 'date',
    clap_cla_placement_end_date: 'date',
    clap_cla_placement_type: 'code',
  },
  ssd_cla_health: {
    clah_health_check_id: 'id',
    clah_person_id: 'id',
    clah_health_check_type: 'text',
    clah_health_check_date: 'date',
    clah_health_check_status: 'text',
  },
  ssd_cla_immunisations: {
    clai_person_id: 'id',
    clai_immunisations_status: 'yes-no',
    clai_immunisations_status_date: 'date',
  },
  ssd_sdq_scores: {
    csdq_table_id: 'id',
    csdq_person_id: 'id',
    csdq_sdq_completed_date: 'date',
    csdq_sdq_score: 'score',
  },
  ssd_missing: {
    miss_table_id: 'id',
    miss_person_id: 'id',
    miss_missing_episode_start_date: 'date',
    miss_missing_episode_end_date: 'date',
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
  ssd_cin_episodes: 'cine_person_id',
  ssd_linked_identifiers: 'link_person_id',
  ssd_involvements: 'invo_person_id',
  ssd_contacts: 'cont_person_id',
  ssd_cin_assessments: 'cina_person_id',
  ssd_cin_plans: 'cinp_person_id',
  ssd_cp_plans: 'cppl_person_id',
  ssd_cla_episodes: 'clae_person_id',
  ssd_cla_care_plan: 'lacp_person_id',
  ssd_cla_placement: 'clap_person_id',
  ssd_cla_health: 'clah_person_id',
  ssd_cla_immunisations: 'clai_person_id',
  ssd_sdq_scores: 'csdq_person_id',
  ssd_missing: 'miss_person_id',
  mcr_relations: 'rela_person_id',
  mcr_sharing_agreements: 'agre_person_id',
};

/** The column that says which referral a row belongs to, where it says so. */
export const REFERRAL_COLUMN: Readonly<Partial<Record<TableName, string>>> = {
  ssd_involvements: 'invo_referral_id',
  ssd_cin_assessments: 'cina_referral_id',
  ssd_cin_plans: 'cinp_referral_id',
  ssd_cp_plans: 'cppl_referral_id',
  ssd_cla_episodes: 'clae_referral_id',
};

export function isTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

export function columnsOf(table: TableName): readonly string[] {
  return Object.keys(TABLES[table]);
}

/** A row's cells by their columns. @param cells as many as the table has columns */
export function namedCells(table: TableName, cells: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(columnsOf(table).map((column, index) => [column, cells[index] ?? '']));
}
