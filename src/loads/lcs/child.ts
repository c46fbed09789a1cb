import { covers } from '../standing.ts';
import type { Cells, ChildTable } from './tables.ts';

/** One child's rows, and what of them is in force on a day. Pure. */

export type ChildRows = { readonly [T in ChildTable]: readonly Cells<T>[] };

export type Workers = ReadonlyMap<string, Cells<'ssd_professionals'>>;

/** All that resources are made of: what is not here is not stored. */
export interface ChildInCare {
  readonly person: Cells<'ssd_person'>;
  readonly involvements: readonly Cells<'ssd_involvements'>[];
  readonly referrals: readonly Cells<'ssd_cin_episodes'>[];
  readonly cinPlans: readonly Cells<'ssd_cin_plans'>[];
  readonly cpPlans: readonly Cells<'ssd_cp_plans'>[];
  readonly claEpisodes: readonly Cells<'ssd_cla_episodes'>[];
  readonly relations: readonly Cells<'mcr_relations'>[];
  /** workers of the involvements and referrals above, by id */
  readonly workers: Readonly<Record<string, Cells<'ssd_professionals'>>>;
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
  const ids = [
    ...involvements.map((row) => row.invo_professional_id),
    ...referrals.map((row) => row.cine_referral_worker_id),
  ];
  const named = [...new Set(ids)].sort().flatMap((id) => workers.get(id) ?? []);
  return {
    person,
    involvements,
    referrals,
    cinPlans: sorted(
      rows.ssd_cin_plans.filter((row) => runs(row.cinp_cin_plan_start_date, row.cinp_cin_plan_end_date, day)),
      (row) => row.cinp_cin_plan_id,
    ),
    cpPlans: sorted(
      rows.ssd_cp_plans.filter((row) => runs(row.cppl_cp_plan_start_date, row.cppl_cp_plan_end_date, day)),
      (row) => row.cppl_cp_plan_id,
    ),
    claEpisodes: sorted(
      rows.ssd_cla_episodes.filter((row) =>
        runs(row.clae_cla_episode_start_date, row.clae_cla_episode_ceased_date, day),
      ),
      (row) => row.clae_cla_episode_id,
    ),
    relations: sorted(rows.mcr_relations, (row) => row.rela_relation_id),
    workers: Object.fromEntries(named.map((worker) => [worker.prof_professional_id, worker])),
  };
}

/** Whether the council works with the child: an open referral, involvement, plan or care episode. */
export function isOpenCase(child: ChildInCare): boolean {
  const { involvements, referrals, cinPlans, cpPlans, claEpisodes } = child;
  return [involvements, referrals, cinPlans, cpPlans, claEpisodes].some((rows) => rows.length > 0);
}

/** An end on the day itself still counts; a missing beginning is long ago, a missing end not in sight. */
function runs(start: string, end: string, day: string): boolean {
  return covers(start, end === '' ? undefined : end, day);
}

function sorted<T>(rows: readonly T[], by: (row: T) => string): readonly T[] {
  return [...rows].sort((a, b) => (by(a) < by(b) ? -1 : 1));
}
