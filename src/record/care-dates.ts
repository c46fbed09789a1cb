import type { RecordPart } from '../access/ask.ts';
import { fieldsOf, valuesIn } from '../fhir/search/line.ts';
import type { Searched } from '../fhir/search/match.ts';
import type { ServedTypeName } from '../fhir/served.ts';

/** When care was given, by search parameters of the type; where the first is not recorded the next one counts. */
const CARE_DATES: Readonly<Partial<Record<ServedTypeName, readonly string[]>>> = {
  AllergyIntolerance: ['onset', 'date'],
  Appointment: ['date'],
  CarePlan: ['date'],
  CareTeam: ['date'],
  Condition: ['onset-date', 'recorded-date'],
  DiagnosticReport: ['date', 'issued'],
  DocumentReference: ['period', 'date'],
  Encounter: ['date'],
  EpisodeOfCare: ['date'],
  Flag: ['date'],
  Immunization: ['date'],
  MedicationRequest: ['authoredon'],
  MedicationStatement: ['effective'],
  Observation: ['date'],
  Procedure: ['date'],
  Provenance: ['when', 'recorded'],
  ServiceRequest: ['occurrence', 'authored'],
  Task: ['period', 'authored-on'],
};

/**
 * Whether a resource is in the part of the record that `$everything` is narrowed to. What has no date of care (an
 * allergy, a relation) is always in it: nothing is left out for want of a date.
 */
export function isInPart(searched: Searched, { types, since, care }: RecordPart): boolean {
  if (types !== undefined && !types.some((type) => type === searched.type)) return false;
  if (since !== undefined && !rangesOf(searched, ['_lastUpdated']).some(({ to }) => to > since)) return false;
  if (care === undefined) return true;
  const given = rangesOf(searched, CARE_DATES[searched.type as ServedTypeName] ?? []);
  return given.length === 0 || given.some(({ from, to }) => from < care.to && to > care.from);
}

function rangesOf({ line }: Searched, names: readonly string[]): readonly { from: number; to: number }[] {
  for (const name of names) {
    const values = valuesIn(line, name);
    if (values.length === 0) continue;
    return values.map((value) => {
      const [from = '', to = ''] = fieldsOf(value);
      return {
        from: from === '' ? Number.NEGATIVE_INFINITY : Number(from),
        to: to === '' ? Number.POSITIVE_INFINITY : Number(to),
      };
    });
  }
  return [];
}
