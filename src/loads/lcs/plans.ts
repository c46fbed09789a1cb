import type { ChildInCare } from './child.ts';
import { type MappedResource, period, type Reference } from './elements.ts';
import { LCS_SYSTEMS } from './systems.ts';

/** What is planned for a child, and what professionals must know who see the child: titles and dates only. */

const PLANS = {
  cin: { code: 'child-in-need', title: 'Child in need plan' },
  cp: { code: 'child-protection', title: 'Child protection plan' },
  cla: { code: 'looked-after-child', title: 'Care plan of a looked after child' },
} as const;

const FLAGS = {
  cp: { code: 'child-protection-plan', display: 'Subject of a child protection plan' },
  cla: { code: 'looked-after-child', display: 'Looked after child' },
  missing: { code: 'missing', display: 'Missing from home or care' },
} as const;

export function carePlans(child: ChildInCare, subject: Reference): readonly MappedResource[] {
  return [
    ...child.cinPlans.map((row) =>
      carePlan('cin', row.cinp_cin_plan_id, subject, [
        row.cinp_cin_plan_start_date,
        row.cinp_cin_plan_end_date,
      ]),
    ),
    ...child.cpPlans.map((row) =>
      carePlan('cp', row.cppl_cp_plan_id, subject, [row.cppl_cp_plan_start_date, row.cppl_cp_plan_end_date]),
    ),
    ...child.lookedAfter.carePlans.map((row) =>
      carePlan('cla', row.lacp_table_id, subject, [
        row.lacp_cla_care_plan_start_date,
        row.lacp_cla_care_plan_end_date,
      ]),
    ),
  ];
}

export function flags(child: ChildInCare, subject: Reference): readonly MappedResource[] {
  return [
    ...child.cpPlans.map((row) =>
      flag('cp', row.cppl_cp_plan_id, subject, [row.cppl_cp_plan_start_date, row.cppl_cp_plan_end_date]),
    ),
    ...child.claEpisodes.map((row) =>
      flag('cla', row.clae_cla_episode_id, subject, [
        row.clae_cla_episode_start_date,
        row.clae_cla_episode_ceased_date,
      ]),
    ),
    ...child.missing.map((row) =>
      flag('missing', row.miss_table_id, subject, [
        row.miss_missing_episode_start_date,
        row.miss_missing_episode_end_date,
      ]),
    ),
  ];
}

type Span = readonly [start: string, end: string];

function carePlan(
  kind: keyof typeof PLANS,
  id: string,
  subject: Reference,
  [start, end]: Span,
): MappedResource {
  const { code, title } = PLANS[kind];
  return {
    resourceType: 'CarePlan',
    id: `${kind}-${id}`,
    status: 'active',
    intent: 'plan',
    category: [{ coding: [{ system: LCS_SYSTEMS.plan, code, display: title }] }],
    title,
    subject,
    ...period(start, end),
  };
}

function flag(kind: keyof typeof FLAGS, id: string, subject: Reference, [start, end]: Span): MappedResource {
  const { code, display } = FLAGS[kind];
  const category = {
    system: 'http://terminology.hl7.org/CodeSystem/flag-category',
    code: 'safety',
    display: 'Safety',
  };
  return {
    resourceType: 'Flag',
    id: `${kind}-${id}`,
    status: 'active',
    category: [{ coding: [category] }],
    code: { coding: [{ system: LCS_SYSTEMS.flag, code, display }], text: display },
    subject,
    ...period(start, end),
  };
}
