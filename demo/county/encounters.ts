import type { CodeableConcept, Coding, Encounter } from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { instantText } from './calendar.ts';
import { locationReference, practitionerReference } from './directory.ts';
import type { Sheet } from './sheet.ts';
import { meta } from './sheet.ts';

const actCode = (code: string, display: string): Coding => ({
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  code,
  display,
});

export const AMBULATORY = actCode('AMB', 'ambulatory');
export const EMERGENCY_CLASS = actCode('EMER', 'emergency');
export const INPATIENT = actCode('IMP', 'inpatient encounter');
export const HOME = actCode('HH', 'home health');
export const VIRTUAL = actCode('VR', 'virtual');

export interface Visit {
  readonly of: Coding;
  readonly type: CodeableConcept;
  readonly day: Day;
  readonly reason?: CodeableConcept;
}

/** A finished contact of one to five hours; an inpatient one lasts days. */
export function addEncounter(sheet: Sheet, visit: Visit): Encounter {
  const { random, owner, source } = sheet;
  const id = sheet.id('encounter');
  const begin = random.whole(0, 1380);
  const minutes = visit.of === INPATIENT ? random.whole(1, 9) * 1440 : random.whole(10, 300);
  const row: Encounter = {
    resourceType: 'Encounter',
    id,
    meta: meta('Encounter'),
    identifier: sheet.identifier(id),
    status: 'finished',
    class: visit.of,
    type: [visit.type],
    subject: sheet.patient,
    participant: [{ individual: practitionerReference(owner.code, random.whole(0, 9)) }],
    period: { start: instantText(visit.day, begin), end: instantText(visit.day, begin + minutes) },
    ...(visit.reason === undefined ? {} : { reasonCode: [visit.reason] }),
    location: [{ location: locationReference(source, owner.code, random.whole(0, 9)) }],
    serviceProvider: sheet.provider(),
  };
  return sheet.add(row);
}
