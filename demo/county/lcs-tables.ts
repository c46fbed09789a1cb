/** The tables of the nightly folder of children's social care, as docs/onboarding-a-source.md lays them down. */

const columns = (text: string): readonly string[] => text.trim().split(/[\s,]+/);

/** Columns of each table, in order. */
export const LCS_TABLES = {
  ssd_person: columns(`pers_person_id,pers_forename,pers_surname,pers_sex,pers_dob,pers_common_child_id,
    pers_death_date,mcr_nhs_number_status`),
  ssd_linked_identifiers: columns(`link_table_id,link_person_id,link_identifier_type,link_identifier_value,
    link_valid_from_date,link_valid_to_date`),
  ssd_professionals: columns(`prof_professional_id,prof_staff_id,prof_professional_name,
    prof_social_worker_registration_no,prof_professional_job_title,prof_professional_department,mcr_telephone,mcr_email`),
  ssd_involvements: columns(`invo_involvements_id,invo_professional_id,invo_professional_role_id,
    invo_professional_team,invo_involvement_start_date,invo_involvement_end_date,invo_person_id,invo_referral_id`),
  ssd_contacts: columns('cont_contact_id,cont_person_id,cont_contact_date'),
  ssd_cin_episodes:
    columns(`cine_referral_id,cine_person_id,cine_referral_date,cine_referral_nfa,cine_close_reason,
    cine_close_date,cine_referral_team,cine_referral_worker_id`),
  ssd_cin_assessments: columns(`cina_assessment_id,cina_person_id,cina_referral_id,cina_assessment_start_date,
    cina_assessment_auth_date,cina_assessment_team,cina_assessment_worker_id`),
  ssd_cin_plans: columns(`cinp_cin_plan_id,cinp_referral_id,cinp_person_id,cinp_cin_plan_start_date,
    cinp_cin_plan_end_date,cinp_cin_plan_team`),
  ssd_cp_plans: columns(`cppl_cp_plan_id,cppl_referral_id,cppl_person_id,cppl_cp_plan_start_date,
    cppl_cp_plan_end_date`),
  ssd_cla_episodes: columns(`clae_cla_episode_id,clae_person_id,clae_cla_episode_start_date,
    clae_cla_episode_ceased_date,clae_cla_episode_ceased_reason,clae_referral_id`),
  ssd_cla_care_plan: columns(`lacp_table_id,lacp_person_id,lacp_cla_care_plan_start_date,
    lacp_cla_care_plan_end_date`),
  ssd_cla_placement: columns(`clap_cla_placement_id,clap_person_id,clap_cla_placement_start_date,
    clap_cla_placement_end_date,clap_cla_placement_type`),
  ssd_cla_health: columns(`clah_health_check_id,clah_person_id,clah_health_check_type,clah_health_check_date,
    clah_health_check_status`),
  ssd_cla_immunisations: columns('clai_person_id,clai_immunisations_status,clai_immunisations_status_date'),
  ssd_sdq_scores: columns('csdq_table_id,csdq_person_id,csdq_sdq_completed_date,csdq_sdq_score'),
  ssd_missing: columns(`miss_table_id,miss_person_id,miss_missing_episode_start_date,
    miss_missing_episode_end_date`),
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
