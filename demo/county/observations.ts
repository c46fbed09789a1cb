import type {
  CodeableConcept,
  Coding,
  Observation,
  ObservationComponent,
  Quantity,
} from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import type { Measure } from './clinical-codes.ts';
import { BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC } from './clinical-codes.ts';
import type { Random } from './random.ts';
import type { Sheet } from './sheet.ts';
import { category, FINAL, meta } from './sheet.ts';

/** Measurements, whoever takes them. */

const VITAL_SIGNS = category('observation-category', 'vital-signs', 'Vital Signs');
const LABORATORY = category('observation-category', 'laboratory', 'Laboratory');
const SOCIAL_HISTORY = category('observation-category', 'social-history', 'Social History');
const SURVEY = category('observation-category', 'survey', 'Survey');

export function quantity(random: Random, of: Measure): Quantity {
  const raw = of.low + random.next() * (of.high - of.low);
  const value = of.places === 0 ? Math.round(raw) : Math.round(raw * 10) / 10;
  return { value, unit: of.unit, system: 'http://unitsofmeasure.org', code: of.ucum };
}

interface Taken {
  readonly when: string;
  readonly encounter?: string | undefined;
  readonly label?: Coding | undefined;
}

function base(sheet: Sheet, code: CodeableConcept, profile: string, taken: Taken): Observation {
  return {
    resourceType: 'Observation',
    id: sheet.id('observation'),
    meta: meta(profile, taken.label),
    status: FINAL,
    code,
    subject: sheet.patient,
    ...(taken.encounter === undefined ? {} : { encounter: { reference: `Encounter/${taken.encounter}` } }),
    effectiveDateTime: taken.when,
    performer: [sheet.provider()],
  };
}

export function addVital(sheet: Sheet, of: Measure, taken: Taken): Observation {
  const row = base(sheet, of.code, 'Observation', taken);
  return sheet.add({ ...row, category: VITAL_SIGNS, valueQuantity: quantity(sheet.random, of) });
}

export function addScore(sheet: Sheet, of: Measure, taken: Taken): Observation {
  const row = base(sheet, of.code, 'Observation', taken);
  return sheet.add({ ...row, category: SURVEY, valueQuantity: quantity(sheet.random, { ...of, places: 0 }) });
}

export function addBloodPressure(sheet: Sheet, taken: Taken): Observation {
  const part = (of: Measure): ObservationComponent => ({
    code: of.code,
    valueQuantity: quantity(sheet.random, of),
  });
  const row = base(sheet, BLOOD_PRESSURE, 'Observation', taken);
  return sheet.add({ ...row, category: VITAL_SIGNS, component: [part(SYSTOLIC), part(DIASTOLIC)] });
}

export function addResult(sheet: Sheet, of: Measure, taken: Taken): Observation {
  const row = base(sheet, of.code, 'Observation-Lab', taken);
  return sheet.add({ ...row, category: LABORATORY, valueQuantity: quantity(sheet.random, of) });
}

/** An answer rather than a number (smoking), or a bare entry (a sharing preference). */
export function addEntry(
  sheet: Sheet,
  code: CodeableConcept,
  day: Day,
  answer?: CodeableConcept,
): Observation {
  const row = base(sheet, code, 'Observation', { when: sheet.at(day) });
  return sheet.add({
    ...row,
    category: SOCIAL_HISTORY,
    ...(answer === undefined ? {} : { valueCodeableConcept: answer }),
  });
}
