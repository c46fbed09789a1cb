import { type Cells, columnsOf, type TableName } from '../../src/loads/lcs/tables.ts';

/** Rows of an LCS folder, as the council sends them. */

export type Given = Readonly<Record<string, string>>;

/** A row with the columns given, the others empty. */
export function row<T extends TableName>(table: T, given: Given): Cells<T> {
  return Object.fromEntries(columnsOf(table).map((column) => [column, given[column] ?? ''])) as Cells<T>;
}

export const person = (id: string, number: string, more: Given = {}): Given => ({
  pers_person_id: id,
  pers_forename: 'Mina',
  pers_surname: 'Testley',
  pers_sex: 'F',
  pers_dob: '2016-05-14',
  pers_common_child_id: number,
  mcr_nhs_number_status: '01',
  ...more,
});
export const involvement = (id: string, of: string, more: Given = {}): Given => ({
  invo_involvements_id: id,
  invo_professional_id: 'w1',
  invo_professional_role_id: 'Allocated social worker',
  invo_professional_team: 'North',
  invo_involvement_start_date: '2026-01-01',
  invo_person_id: of,
  ...more,
});
export const referral = (id: string, of: string, more: Given = {}): Given => ({
  cine_referral_id: id,
  cine_person_id: of,
  cine_referral_date: '2026-01-01',
  cine_referral_team: 'North',
  cine_referral_worker_id: 'w1',
  ...more,
});
/** Rows of a child whom the council looks after, each table once. */
export const lookedAfter = (of: string, more: Readonly<Record<string, Given>> = {}) => ({
  ssd_cla_episodes: [{ clae_cla_episode_id: 'l1', clae_person_id: of, ...more['ssd_cla_episodes'] }],
  ssd_cla_care_plan: [
    { lacp_table_id: 'lp1', lacp_person_id: of, lacp_cla_care_plan_start_date: '2026-02-01' },
  ],
  ssd_cla_placement: [
    {
      clap_cla_placement_id: 'pl1',
      clap_person_id: of,
      clap_cla_placement_start_date: '2026-02-01',
      clap_cla_placement_type: 'U1',
      ...more['ssd_cla_placement'],
    },
  ],
  ssd_cla_health: [
    {
      clah_health_check_id: 'h1',
      clah_person_id: of,
      clah_health_check_type: 'Dental Check',
      clah_health_check_date: '2026-03-01',
      ...more['ssd_cla_health'],
    },
  ],
  ssd_cla_immunisations: [
    {
      clai_person_id: of,
      clai_immunisations_status: 'N',
      clai_immunisations_status_date: '2026-03-02',
    },
  ],
  ssd_sdq_scores: [
    {
      csdq_table_id: 'q1',
      csdq_person_id: of,
      csdq_sdq_completed_date: '2026-03-03',
      csdq_sdq_score: '12',
    },
  ],
});
export const agreed = (id: string, of: string, more: Given = {}): Given => ({
  agre_agreement_id: id,
  agre_person_id: of,
  agre_given: 'Y',
  agre_given_by: 'Mother',
  agre_given_by_relationship: 'MTH',
  agre_recorded_date: '2026-01-05',
  agre_start_date: '2026-01-05',
  ...more,
});
export const WORKER: Given = {
  prof_professional_id: 'w1',
  prof_professional_name: 'Asha Example',
  prof_social_worker_registration_no: 'SW12345',
  mcr_telephone: '01632 960001',
  mcr_email: 'asha@council.example',
};
