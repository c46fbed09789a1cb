import { all, at, concept, date, type Json, joined, period, text } from './reading.ts';
import type { ReadRow, RecordRows } from './rows.ts';
import { isOneOf, type SectionRule } from './section-rule.ts';
import type { Cell } from './xhtml.ts';

/** Statuses of a medicine that is not, or no longer, taken. `draft` is not ordered yet. */
const NOT_CURRENT = ['completed', 'stopped', 'cancelled', 'not-taken', 'draft'];

function dated(resource: Json): string {
  return (
    text(resource, 'authoredOn') ||
    text(resource, 'effectiveDateTime') ||
    text(resource, 'effectivePeriod', 'start') ||
    text(resource, 'dateAsserted')
  );
}

/** The medicine's name: in the row, in a Medication that it refers to, or in one that it contains. */
function medicine({ resource }: ReadRow, record: RecordRows): string {
  const reference = at(resource, 'medicationReference');
  const literal = text(reference, 'reference');
  const inside = all(resource, 'contained').find((each) => `#${text(each, 'id')}` === literal);
  return (
    concept(resource['medicationCodeableConcept']) ||
    concept(at(inside, 'code')) ||
    concept(at(record.behind(literal)?.resource, 'code')) ||
    text(reference, 'display')
  );
}

/** An order not to give a medicine must never be read as an order to give it. */
function statusOf(resource: Json): string {
  const status = text(resource, 'status');
  return resource['doNotPerform'] === true ? joined(', ', 'NOT TO BE GIVEN', status) : status;
}

function doses(resource: Json): Cell {
  const instructions = [...all(resource, 'dosageInstruction'), ...all(resource, 'dosage')];
  return instructions.map((each) =>
    joined(
      ', ',
      text(each, 'text') || text(each, 'patientInstruction'),
      concept(at(each, 'asNeededCodeableConcept')),
    ),
  );
}

export const MEDICINES: SectionRule = {
  title: 'Current medicines',
  loinc: { code: '10160-0', display: 'History of Medication use Narrative' },
  types: ['MedicationStatement', 'MedicationRequest'],
  takes: (resource) => !isOneOf(resource['status'], NOT_CURRENT),
  when: dated,
  columns: ['Medicine', 'Dose', 'Status', 'Said by', 'Date'],
  cells: (row, record) => [
    medicine(row, record),
    doses(row.resource),
    statusOf(row.resource),
    row.type === 'MedicationRequest' ? 'prescription' : 'statement',
    period(at(row.resource, 'effectivePeriod')) || date(dated(row.resource)),
  ],
};
