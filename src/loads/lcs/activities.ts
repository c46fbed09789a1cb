import type { ChildInCare } from './child.ts';
import { type MappedResource, period, type Reference, reference } from './elements.ts';
import { LCS_SYSTEMS } from './systems.ts';
import { assessor } from './team.ts';

/** What was done: that it was and when, never why or with what result about the family. */

const ACTIVITIES = {
  contact: { code: 'contact', display: "Contact with children's social care" },
  assessment: { code: 'assessment', display: "Assessment by children's social care" },
  healthAssessment: { code: 'health-assessment', display: 'Health assessment of a looked after child' },
  dentalCheck: { code: 'dental-check', display: 'Dental check of a looked after child' },
  healthCheck: { code: 'health-check', display: 'Health check of a looked after child' },
  immunisations: { code: 'immunisations-up-to-date', display: 'Immunisations are up to date' },
  sdq: { code: 'sdq-score', display: 'Strengths and difficulties questionnaire, total score' },
} as const;

export type Activity = keyof typeof ACTIVITIES;

/** That somebody turned to the council about the child: neither who nor what came of it. */
export function contacts(child: ChildInCare, subject: Reference): readonly MappedResource[] {
  return child.contacts.map((row) => ({
    resourceType: 'ServiceRequest',
    id: row.cont_contact_id,
    status: 'completed',
    intent: 'proposal',
    code: activityConcept('contact'),
    subject,
    authoredOn: row.cont_contact_date,
  }));
}

/** Assessments of open referrals, with who does them. */
export function assessments(child: ChildInCare, patient: Reference): readonly MappedResource[] {
  return child.assessments.map((row) => {
    const { cina_assessment_start_date: start, cina_assessment_auth_date: authorised } = row;
    const span = period(start, authorised) as { readonly period?: object };
    return {
      resourceType: 'Task',
      id: row.cina_assessment_id,
      ...assessor(child, row.cina_assessment_worker_id, row.cina_assessment_team),
      status: authorised === '' ? 'in-progress' : 'completed',
      intent: 'order',
      code: activityConcept('assessment'),
      focus: reference('EpisodeOfCare', row.cina_referral_id),
      for: patient,
      ...(span.period !== undefined && { executionPeriod: span.period }),
      ...(start !== '' && { authoredOn: start }),
    };
  });
}

export function activityConcept(activity: Activity): object {
  const { code, display } = ACTIVITIES[activity];
  return { coding: [{ system: LCS_SYSTEMS.activity, code, display }], text: display };
}
