import { covers } from '../standing.ts';
import { ADOPTED_CEASED_REASONS, ADOPTED_CLOSE_REASON } from './never.ts';
import { isShownPlacement } from './placement.ts';
import type { Cells, ChildTable } from './tables.ts';

/** One child's rows, and what of them is in force on a day. Pure. */

export type ChildRows = { readonly [T in ChildTable]: readonly Cells<T>[] };

export type Workers = ReadonlyMap<string, Cells<'ssd_professionals'>>;

/** All that resources are made of: what is not here is not stored. */
export interface ChildInCare {
  readonly person: Cells<'ssd_person'>;
  /** the council's numbers of the case */
  readonly identifiers: readonly Cells<'ssd_linked_identifiers'>[];
  readonly involvements: readonly Cells<'ssd_involvements'>[];
  readonly referrals: readonly Cells<'ssd_cin_episodes'>[];
  /** of the twelve months before the day */
  readonly contacts: readonly Cells<'ssd_contacts'>[];
  /** of the referrals above */
  readonly assessments: readonly Cells<'ssd_cin_assessments'>[];
  readonly cinPlans: readonly Cells<'ssd_cin_plans'>[];
  readonly cpPlans: readonly Cells<'ssd_cp_plans'>[];
  readonly claEpisodes: readonly Cells<'ssd_cla_episodes'>[];
  readonly missing: readonly Cells<'ssd_missing'>[];
  readonly relations: readonly Cells<'mcr_relations'>[];
  readonly lookedAfter: LookedAfter;
  /** workers of the involvements, referrals and assessments above, by id */
  readonly workers: Readonly<Record<string, Cells<'ssd_professionals'>>>;
}

/** What is held of a child while the council looks after the child: all empty when it does not. */
export interface LookedAfter {
  readonly carePlans: readonly Cells<'ssd_cla_care_plan'>[];
  /** never one for adoption */
  readonly placements: readonly Cells<'ssd_cla_placement'>[];
  readonly healthChecks: readonly Cells<'ssd_cla_health'>[];
  readonly immunisations: readonly Cells<'ssd_cla_immunisations'>[];
  readonly sdqScores: readonly Cells<'ssd_sdq_scores'>[];
}

/**
 * What of a child's rows is in force. The result depends on the rows and the day alone, whatever the rows' order.
 *
 * @returns undefined when there is no person's row
 */
export function inForce(rows: ChildRows, workers: Workers, day: string): ChildInCare | undefined {
  const [person] = rows.ssd_person;
  if (person === undefined) return undefined;
  const involvements = sorted(
    rows.ssd_involvements.filter((row) =>
      runs(row.invo_involvement_start_date, row.invo_involvement_end_date, day),
    ),
    (row) => row.invo_involvements_id,
  );
  const referrals = sorted(
    rows.ssd_cin_episodes.filter(
      (row) => row.cine_referral_nfa !== 'Y' && runs(row.cine_referral_date, row.cine_close_date, day),
    ),
    (row) => row.cine_referral_id,
  );
  const open = new Set(referrals.map((row) => row.cine_referral_id));
  const assessments = sorted(
    rows.ssd_cin_assessments.filter(
      (row) => open.has(row.cina_referral_id) && row.cina_assessment_start_date <= day,
    ),
    (row) => row.cina_assessment_id,
  );
  return {
    person,
    involvements,
    referrals,
    assessments,
    ...spans(rows, day),
    contacts: sorted(
      rows.ssd_contacts.filter(({ cont_contact_date: on }) => on <= day && on >= yearBefore(day)),
      (row) => row.cont_contact_id,
    ),
    relations: sorted(rows.mcr_relations, (row) => row.rela_relation_id),
    workers: named(workers, [
      ...involvements.map((row) => row.invo_professional_id),
      ...referrals.map((row) => row.cine_referral_worker_id),
      ...assessments.map((row) => row.cina_assessment_worker_id),
    ]),
  };
}

type Spans = Pick<
  ChildInCare,
  'identifiers' | 'cinPlans' | 'cpPlans' | 'claEpisodes' | 'missing' | 'lookedAfter'
>;

function spans(rows: ChildRows, day: string): Spans {
  const claEpisodes = sorted(
    rows.ssd_cla_episodes.filter((row) =>
      runs(row.clae_cla_episode_start_date, row.clae_cla_episode_ceased_date, day),
    ),
    (row) => row.clae_cla_episode_id,
  );
  return {
    claEpisodes,
    identifiers: sorted(
      rows.ssd_linked_identifiers.filter(
        (row) =>
          row.link_identifier_value !== '' && runs(row.link_valid_from_date, row.link_valid_to_date, day),
      ),
      (row) => row.link_table_id,
    ),
    cinPlans: sorted(
      rows.ssd_cin_plans.filter((row) => runs(row.cinp_cin_plan_start_date, row.cinp_cin_plan_end_date, day)),
      (row) => row.cinp_cin_plan_id,
    ),
    cpPlans: sorted(
      rows.ssd_cp_plans.filter((row) => runs(row.cppl_cp_plan_start_date, row.cppl_cp_plan_end_date, day)),
      (row) => row.cppl_cp_plan_id,
    ),
    missing: sorted(
      rows.ssd_missing.filter((row) =>
        runs(row.miss_missing_episode_start_date, row.miss_missing_episode_end_date, day),
      ),
      (row) => row.miss_table_id,
    ),
    lookedAfter:
      claEpisodes.length > 0
        ? lookedAfter(rows, day)
        : { carePlans: [], placements: [], healthChecks: [], immunisations: [], sdqScores: [] },
  };
}

function lookedAfter(rows: ChildRows, day: string): LookedAfter {
  return {
    carePlans: sorted(
      rows.ssd_cla_care_plan.filter((row) =>
        runs(row.lacp_cla_care_plan_start_date, row.lacp_cla_care_plan_end_date, day),
      ),
      (row) => row.lacp_table_id,
    ),
    placements: sorted(
      rows.ssd_cla_placement.filter(
        (row) =>
          isShownPlacement(row.clap_cla_placement_type) &&
          runs(row.clap_cla_placement_start_date, row.clap_cla_placement_end_date, day),
      ),
      (row) => row.clap_cla_placement_id,
    ),
    healthChecks: sorted(
      rows.ssd_cla_health.filter((row) => row.clah_health_check_date <= day),
      (row) => row.clah_health_check_id,
    ),
    immunisations: rows.ssd_cla_immunisations.filter(
      (row) => row.clai_immunisations_status !== '' && row.clai_immunisations_status_date <= day,
    ),
    sdqScores: sorted(
      rows.ssd_sdq_scores.filter((row) => row.csdq_sdq_score !== '' && row.csdq_sdq_completed_date <= day),
      (row) => row.csdq_table_id,
    ),
  };
}

/** Whether the council works with the child: an open referral, involvement, plan or care episode. */
export function isOpenCase(child: ChildInCare): boolean {
  const { involvements, referrals, cinPlans, cpPlans, claEpisodes } = child;
  return [involvements, referrals, cinPlans, cpPlans, claEpisodes].some((rows) => rows.length > 0);
}

/**
 * Whether the child was adopted, by the reason for which a referral or a care episode ended. Whatever is still open of
 * the case then, it is of an identity that was left behind: it counts as closed (specification facts 7.10).
 */
export function isAdopted(rows: ChildRows, day: string): boolean {
  return (
    rows.ssd_cin_episodes.some(
      (row) => row.cine_close_reason.toUpperCase() === ADOPTED_CLOSE_REASON && row.cine_close_date <= day,
    ) ||
    rows.ssd_cla_episodes.some(
      (row) =>
        ADOPTED_CEASED_REASONS.has(row.clae_cla_episode_ceased_reason.toUpperCase()) &&
        row.clae_cla_episode_ceased_date <= day,
    )
  );
}

/** An end on the day itself still counts; a missing beginning is long ago, a missing end not in sight. */
function runs(start: string, end: string, day: string): boolean {
  return covers(start, end === '' ? undefined : end, day);
}

function yearBefore(day: string): string {
  return `${String(Number(day.slice(0, 4)) - 1)}${day.slice(4)}`;
}

function named(workers: Workers, ids: readonly string[]): ChildInCare['workers'] {
  const found = [...new Set(ids)].sort().flatMap((id) => workers.get(id) ?? []);
  return Object.fromEntries(found.map((worker) => [worker.prof_professional_id, worker]));
}

function sorted<T>(rows: readonly T[], by: (row: T) => string): readonly T[] {
  return [...rows].sort((a, b) => (by(a) < by(b) ? -1 : 1));
}
