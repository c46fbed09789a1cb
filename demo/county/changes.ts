import type { Resource } from '@medplum/fhirtypes';
import { instantText } from './calendar.ts';
import { HEART_RATE } from './clinical-codes.ts';
import type { County, Person } from './person.ts';
import { HTEST, meta, patientId } from './sheet.ts';

/** A night on which something happened: how a changed person's rows differ from those of sequence 1. */

const UNTOUCHED: ReadonlySet<string> = new Set(['Patient', 'Consent', 'Medication', 'Binary']);

function amended(row: Resource, county: County, when: string): Resource {
  if (UNTOUCHED.has(row.resourceType)) return row;
  const touched = { ...row, meta: { ...row.meta, lastUpdated: when, tag: [HTEST] } };
  const { resourceType } = touched;
  if (resourceType !== 'Observation' || touched.valueQuantity?.value === undefined) return touched;
  const value = Math.round((touched.valueQuantity.value + 0.1 * county.sequence) * 10) / 10;
  return { ...touched, valueQuantity: { ...touched.valueQuantity, value } };
}

/** Every clinical row is touched, every measurement reads otherwise, and the GP has taken one more. */
export function changedRows(
  rows: readonly Resource[],
  source: string,
  person: Person,
  county: County,
): Resource[] {
  const when = instantText(county.businessDay, 65);
  const all = rows.map((row) => amended(row, county, when));
  if (source !== 'gp') return all;
  const id = patientId('gp', person.index);
  all.push({
    resourceType: 'Observation',
    id: `${id}-night-${county.sequence}`,
    meta: meta('Observation'),
    status: 'final',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
      },
    ],
    code: HEART_RATE.code,
    subject: { reference: `Patient/${id}` },
    effectiveDateTime: when,
    valueQuantity: {
      value: 70 + (county.sequence % 20),
      unit: 'beats/min',
      system: 'http://unitsofmeasure.org',
      code: '/min',
    },
  });
  return all;
}
