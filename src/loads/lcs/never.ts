/**
 * What must never be taken in, by its public name (specification facts 7.10 and 8.3). A file of this kind refuses the
 * folder and is not opened; a column is dropped, and how many of its cells were filled is all that is said of it.
 */

/** Tables, with what they hold in words for the source's engineers. */
const TABLES: Readonly<Record<string, string>> = {
  ssd_permanence: 'permanence and adoption',
  ssd_cla_previous_permanence: 'permanence and adoption',
  ssd_immigration_status: 'immigration status',
  ssd_cla_convictions: 'youth justice',
  ssd_pre_proceedings: 'court proceedings',
  ssd_legal_status: 'legal status',
  ssd_assessment_factors: 'what was found out about parents and other people',
  ssd_family: 'links between people; relations are sent as mcr_relations',
  ssd_mother: 'links between people; relations are sent as mcr_relations',
  ssd_address: 'addresses, a placement’s among them',
  ssd_send: 'education',
  ssd_sen_need: 'education',
  ssd_ehcp_requests: 'education',
  ssd_ehcp_assessment: 'education',
  ssd_ehcp_named_plan: 'education',
  ssd_ehcp_active_plans: 'education',
};

const COLUMNS: ReadonlySet<string> = new Set([
  'pers_upn',
  'pers_upn_unknown',
  'pers_nationality',
  'pers_is_mother',
  // who the child was before, where the identity was left behind
  'pers_legacy_id',
  // who told the council, and what came of it
  'cont_contact_source_code',
  'cont_contact_source_desc',
  'cont_contact_outcome_json',
  'cine_referral_source_code',
  'cine_referral_source_desc',
  'cine_referral_outcome_json',
  'cine_cin_primary_need_code',
  'cina_assessment_outcome_json',
  'cppl_cp_plan_initial_category',
  'cppl_cp_plan_latest_category',
  'clae_cla_episode_start_reason',
  'clae_cla_primary_need_code',
  'lacp_cla_care_plan_json',
  // where the child lives, and with whom
  'clap_cla_placement_urn',
  'clap_cla_placement_provider',
  'clap_cla_placement_postcode',
  'clap_cla_placement_distance',
  'clap_cla_placement_change_reason',
]);

/** @returns what a table holds that may not be sent, or undefined */
export function forbiddenTable(name: string): string | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(TABLES, key) ? TABLES[key] : undefined;
}

export function isForbiddenColumn(name: string): boolean {
  return COLUMNS.has(name.toLowerCase());
}

/** Placements of children who are to be adopted: as if they were not there (SSDA903). */
export const ADOPTION_PLACEMENTS: ReadonlySet<string> = new Set(['A3', 'A4', 'A5', 'A6']);
/** Why a referral (CIN census) or a care episode (SSDA903) ended: the child was adopted. */
export const ADOPTED_CLOSE_REASON = 'RC1';
export const ADOPTED_CEASED_REASONS: ReadonlySet<string> = new Set(['E11', 'E12']);
/** The one type of linked identifier that is kept. The others (numbers of schools, courts, the health service) are not. */
export const KEPT_IDENTIFIER = 'case number';
