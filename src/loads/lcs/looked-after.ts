import { type Activity, activityConcept } from './activities.ts';
import type { LookedAfter } from './child.ts';
import { type MappedResource, period, type Reference } from './elements.ts';
import { placementKind } from './placement.ts';
import { LCS_SYSTEMS } from './systems.ts';
import type { Cells } from './tables.ts';

/** What the council records of a child whom it looks after. */

export function lookedAfterResources(child: LookedAfter, subject: Reference): readonly MappedResource[] {
  return [
    ...child.placements.flatMap((row) => placement(row, subject)),
    ...child.healthChecks.map((row) => healthCheck(row, subject)),
    ...child.immunisations.map((row) => immunisations(row, subject)),
    ...child.sdqScores.map((row) => sdqScore(row, subject)),
  ];
}

/** The kind of placement and its dates: neither where it is nor with whom. */
function placement(row: Cells<'ssd_cla_placement'>, subject: Reference): readonly MappedResource[] {
  const kind = placementKind(row.clap_cla_placement_type);
  if (kind === undefined) return [];
  const coding = { system: LCS_SYSTEMS.placement, ...kind };
  return [
    {
      resourceType: 'Encounter',
      id: row.clap_cla_placement_id,
      status: 'in-progress',
      // no class of the health service fits: the child lives there
      class: coding,
      type: [{ coding: [coding], text: kind.display }],
      subject,
      ...period(row.clap_cla_placement_start_date, row.clap_cla_placement_end_date),
    },
  ];
}

function healthCheck(row: Cells<'ssd_cla_health'>, subject: Reference): MappedResource {
  return {
    resourceType: 'Procedure',
    id: row.clah_health_check_id,
    status: checkStatus(row.clah_health_check_status),
    code: activityConcept(checkOf(row.clah_health_check_type)),
    subject,
    ...(row.clah_health_check_date !== '' && { performedDateTime: row.clah_health_check_date }),
  };
}

function checkOf(type: string): Activity {
  if (/dental|dentist/i.test(type)) return 'dentalCheck';
  return /assessment/i.test(type) ? 'healthAssessment' : 'healthCheck';
}

const STATUSES: readonly (readonly [RegExp, string])[] = [
  [/^(?:completed?|done|approved|y|yes)?$/i, 'completed'],
  [/^(?:declined|refused|cancelled|not done|n|no)$/i, 'not-done'],
  [/^(?:planned|due|pending|booked)$/i, 'preparation'],
];

/** Empty: the table holds the date of a check that took place. A word that is not known says nothing. */
export function checkStatus(status: string): string {
  return STATUSES.find(([words]) => words.test(status))?.[1] ?? 'unknown';
}

function immunisations(row: Cells<'ssd_cla_immunisations'>, subject: Reference): MappedResource {
  const { clai_person_id: id, clai_immunisations_status: status, clai_immunisations_status_date: on } = row;
  return {
    resourceType: 'Observation',
    id: `imms-${id}`,
    status: 'final',
    code: activityConcept('immunisations'),
    subject,
    ...(on !== '' && { effectiveDateTime: on }),
    valueBoolean: status === 'Y',
  };
}

function sdqScore(row: Cells<'ssd_sdq_scores'>, subject: Reference): MappedResource {
  return {
    resourceType: 'Observation',
    id: `sdq-${row.csdq_table_id}`,
    status: 'final',
    code: activityConcept('sdq'),
    subject,
    ...(row.csdq_sdq_completed_date !== '' && { effectiveDateTime: row.csdq_sdq_completed_date }),
    valueInteger: Number(row.csdq_sdq_score),
  };
}
