import { all, at, concept, concepts, type Json, joined, period, text } from './reading.ts';
import type { ReadRow } from './rows.ts';
import { isOneOf, type SectionRule } from './section-rule.ts';
import type { Cell } from './xhtml.ts';

/** Plans, teams and alerts, of health and of social care alike. */

const ENDED = ['draft', 'revoked', 'completed', 'proposed', 'inactive', 'finished', 'cancelled'];

/** Without a status (a CareTeam may have none) it counts as current. */
function isCurrent(resource: Json): boolean {
  return !isOneOf(resource['status'], ENDED);
}

function begun(resource: Json): string {
  return text(resource, 'period', 'start') || text(resource, 'created');
}

export const PLAN_OF_CARE: SectionRule = {
  title: 'Plan of care',
  loinc: { code: '18776-5', display: 'Plan of care note' },
  types: ['CarePlan'],
  takes: isCurrent,
  when: begun,
  columns: ['Plan', 'What it says', 'Status', 'Period'],
  cells: ({ resource }) => [
    text(resource, 'title') || concepts(resource, 'category'),
    text(resource, 'description'),
    text(resource, 'status'),
    period(at(resource, 'period')),
  ],
  socialCare: true,
};

/** Somebody who is referred to: as the reference says, or the contained resource, with how to reach them. */
function person(resource: Json, reference: unknown): string {
  const literal = text(reference, 'reference');
  const inside = all(resource, 'contained').find((each) => `#${text(each, 'id')}` === literal);
  const name = text(reference, 'display') || text(inside, 'name', 'text') || text(inside, 'name');
  return joined(', ', name, ...all(inside, 'telecom').map((each) => text(each, 'value')));
}

function people({ resource }: ReadRow): Cell {
  const members = all(resource, 'participant').map((each) =>
    joined(
      ': ',
      concepts(each, 'role'),
      joined(', ', person(resource, at(each, 'member')), text(each, 'onBehalfOf', 'display')),
    ),
  );
  const owners = [...all(resource, 'managingOrganization')].map((each) => text(each, 'display'));
  return [...members, person(resource, at(resource, 'careManager')), ...owners].filter((line) => line !== '');
}

/** Who looks after the person: teams, and the services that they are with. */
export const CARE_TEAM: SectionRule = {
  title: 'Care team and services',
  loinc: { code: '85847-2', display: 'Patient Care team information' },
  types: ['CareTeam', 'EpisodeOfCare'],
  takes: isCurrent,
  when: begun,
  columns: ['Team or service', 'People', 'Status', 'Period'],
  cells: (row) => [
    text(row.resource, 'name') || concepts(row.resource, 'type') || concepts(row.resource, 'category'),
    people(row),
    text(row.resource, 'status'),
    period(at(row.resource, 'period')),
  ],
  socialCare: true,
};

export const ALERTS: SectionRule = {
  title: 'Alerts',
  loinc: { code: '104605-1', display: 'Alert' },
  types: ['Flag'],
  takes: isCurrent,
  when: begun,
  columns: ['Alert', 'Kind', 'Period'],
  cells: ({ resource }) => [
    concept(resource['code']),
    concepts(resource, 'category'),
    period(at(resource, 'period')),
  ],
  socialCare: true,
};
