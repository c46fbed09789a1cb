import { all, at, concept, concepts, date, type Json, joined, period, quantity, text } from './reading.ts';
import { isOneOf, type SectionRule } from './section-rule.ts';
import type { Cell } from './xhtml.ts';

/** Problems, allergies, immunisations and procedures. */

const ABATED = ['inactive', 'remission', 'resolved'];

/** Without a clinical status a problem counts as active: it is better seen twice than missed. */
function isPast(resource: Json): boolean {
  return isOneOf(resource['clinicalStatus'], ABATED);
}

function isRefuted(resource: Json): boolean {
  return isOneOf(resource['verificationStatus'], ['refuted']);
}

/** `onset` or `abatement`, in whichever way it is told. */
function told(resource: Json, element: 'onset' | 'abatement'): string {
  const age = quantity(at(resource, `${element}Age`));
  const range = joined(
    ' to ',
    quantity(at(resource, `${element}Range`, 'low')),
    quantity(at(resource, `${element}Range`, 'high')),
  );
  return (
    date(text(resource, `${element}DateTime`)) ||
    period(at(resource, `${element}Period`)) ||
    (age || range ? `at the age of ${age || range}` : '') ||
    text(resource, `${element}String`)
  );
}

function statusOf(resource: Json): string {
  return joined(', ', concept(at(resource, 'clinicalStatus')), concept(at(resource, 'verificationStatus')));
}

function begun(resource: Json): string {
  return (
    text(resource, 'onsetDateTime') ||
    text(resource, 'onsetPeriod', 'start') ||
    text(resource, 'recordedDate')
  );
}

export const PROBLEMS: SectionRule = {
  title: 'Problems',
  loinc: { code: '11450-4', display: 'Problem list - Reported' },
  types: ['Condition'],
  takes: (resource) => !isPast(resource) && !isRefuted(resource),
  when: begun,
  columns: ['Problem', 'Status', 'Severity', 'Began', 'Recorded'],
  cells: ({ resource }) => [
    concept(resource['code']),
    statusOf(resource),
    concept(resource['severity']),
    told(resource, 'onset'),
    date(text(resource, 'recordedDate')),
  ],
};

export const PAST_PROBLEMS: SectionRule = {
  title: 'Past problems',
  loinc: { code: '11348-0', display: 'History of Past illness Narrative' },
  types: ['Condition'],
  takes: (resource) => isPast(resource) && !isRefuted(resource),
  when: begun,
  columns: ['Problem', 'Status', 'Began', 'Ended'],
  cells: ({ resource }) => [
    concept(resource['code']),
    statusOf(resource),
    told(resource, 'onset'),
    told(resource, 'abatement'),
  ],
};

/** One line each: what happened, how badly. */
function reactions(resource: Json): Cell {
  return all(resource, 'reaction').map((reaction) =>
    joined(
      ': ',
      concepts(reaction, 'manifestation') || text(reaction, 'description'),
      text(reaction, 'severity'),
    ),
  );
}

/** Inactive and resolved allergies are shown, with their status: that one was is worth knowing. */
export const ALLERGIES: SectionRule = {
  title: 'Allergies and intolerances',
  loinc: { code: '48765-2', display: 'Allergies and adverse reactions Document' },
  types: ['AllergyIntolerance'],
  takes: (resource) => !isRefuted(resource),
  when: (resource) => text(resource, 'recordedDate') || text(resource, 'onsetDateTime'),
  columns: ['Substance or statement', 'Status', 'Criticality', 'Reaction', 'Recorded'],
  cells: ({ resource }) => [
    concept(resource['code']),
    statusOf(resource),
    text(resource, 'criticality'),
    reactions(resource),
    date(text(resource, 'recordedDate')),
  ],
};

/** Those that were given. */
export const IMMUNIZATIONS: SectionRule = {
  title: 'Immunisations',
  loinc: { code: '11369-6', display: 'History of Immunization Narrative' },
  types: ['Immunization'],
  takes: (resource) => isOneOf(resource['status'], ['completed']),
  when: (resource) => text(resource, 'occurrenceDateTime'),
  columns: ['Vaccine', 'Given', 'Batch'],
  cells: ({ resource }) => [
    concept(resource['vaccineCode']),
    date(text(resource, 'occurrenceDateTime')) || text(resource, 'occurrenceString'),
    text(resource, 'lotNumber'),
  ],
};

function performed(resource: Json): string {
  return text(resource, 'performedDateTime') || text(resource, 'performedPeriod', 'start');
}

/** What was begun at least. */
export const PROCEDURES: SectionRule = {
  title: 'Procedures',
  loinc: { code: '47519-4', display: 'History of Procedures Document' },
  types: ['Procedure'],
  takes: (resource) => !isOneOf(resource['status'], ['not-done', 'preparation']),
  when: performed,
  columns: ['Procedure', 'Status', 'Performed', 'Outcome'],
  cells: ({ resource }) => [
    concept(resource['code']),
    text(resource, 'status'),
    period(at(resource, 'performedPeriod')) || date(performed(resource)) || text(resource, 'performedString'),
    concept(resource['outcome']),
  ],
};
