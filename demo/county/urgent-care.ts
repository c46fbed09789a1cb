import type { Condition, Encounter, Resource } from '@medplum/fhirtypes';
import { dateText } from './calendar.ts';
import * as codes from './clinical-codes.ts';
import { practitionerReference } from './directory.ts';
import { AMBULATORY, addEncounter, EMERGENCY_CLASS, VIRTUAL } from './encounters.ts';
import { addRequest } from './gp-medicines.ts';
import { AMOXICILLIN, PARACETAMOL } from './medicine-codes.ts';
import { OUT_OF_HOURS } from './model.ts';
import { addBloodPressure, addScore, addVital } from './observations.ts';
import { addPatient } from './patients.ts';
import type { County, Person } from './person.ts';
import { category, meta, Sheet } from './sheet.ts';

/** Rows of the ambulance service and of the out-of-hours GPs. */

const COMPLAINT = category('condition-category', 'encounter-diagnosis', 'Encounter Diagnosis');

function addVitalSigns(sheet: Sheet, encounter: Encounter): void {
  const taken = { when: encounter.period?.start ?? '', encounter: encounter.id };
  for (const of of [codes.HEART_RATE, codes.BREATHS, codes.OXYGEN, codes.TEMPERATURE])
    addVital(sheet, of, taken);
  if (sheet.person.stage === 'child') return;
  addBloodPressure(sheet, taken);
  addScore(sheet, codes.EARLY_WARNING, taken);
}

export function ambulanceRows(person: Person, county: County): Resource[] {
  const sheet = new Sheet('ambulance', 'RYE', person, county);
  addPatient(sheet);
  const calls = sheet.random.chance(0.8) ? 1 : 2;
  for (let n = 0; n < calls; n++) {
    const reason = sheet.random.pick(codes.COMPLAINTS);
    const type = codes.AMBULANCE;
    addVitalSigns(sheet, addEncounter(sheet, { of: EMERGENCY_CLASS, type, day: sheet.day(4), reason }));
  }
  return sheet.rows;
}

export function outOfHoursRows(person: Person, county: County): Resource[] {
  const sheet = new Sheet('out-of-hours', OUT_OF_HOURS, person, county);
  const { random } = sheet;
  addPatient(sheet);
  const day = sheet.day(3);
  const reason = random.pick(codes.COMPLAINTS);
  const telephone = random.chance(0.6);
  const type = telephone ? codes.TELEPHONE : codes.CONSULTATION;
  const visit = addEncounter(sheet, { of: telephone ? VIRTUAL : AMBULATORY, type, day, reason });
  const row: Condition = {
    resourceType: 'Condition',
    id: sheet.id('condition'),
    meta: meta('Condition'),
    verificationStatus: codes.coded(
      'http://terminology.hl7.org/CodeSystem/condition-ver-status',
      'provisional',
      'Provisional',
    ),
    category: COMPLAINT,
    code: reason,
    subject: sheet.patient,
    encounter: { reference: `Encounter/${visit.id}` },
    recordedDate: dateText(day),
    recorder: practitionerReference(sheet.owner.code, random.whole(0, 5)),
  };
  sheet.add(row);
  if (random.chance(0.4)) {
    const medicine = person.stage === 'child' ? AMOXICILLIN : PARACETAMOL;
    addRequest(sheet, medicine, day, { medicationCodeableConcept: medicine.code });
  }
  return sheet.rows;
}
