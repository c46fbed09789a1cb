import type { Medication, MedicationRequest, MedicationStatement } from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import { coded } from './clinical-codes.ts';
import { practitionerReference } from './directory.ts';
import type { Medicine } from './medicine-codes.ts';
import { ADULT_MEDICINES, CHILD_MEDICINES } from './medicine-codes.ts';
import type { Sheet } from './sheet.ts';
import { meta } from './sheet.ts';

const PRIMARY_CARE = [
  coded('https://fhir.hl7.org.uk/CodeSystem/UKCore-MedicationRequestCategory', 'primarycare', 'Primary Care'),
];

type Named = Pick<MedicationRequest, 'medicationCodeableConcept' | 'medicationReference'>;

/** The medicine as a code, or as a row of its own to which the request refers. */
function named(sheet: Sheet, medicine: Medicine): Named {
  if (!sheet.person.gp.attachments || !sheet.random.chance(0.25))
    return { medicationCodeableConcept: medicine.code };
  const row: Medication = {
    resourceType: 'Medication',
    id: sheet.id('medication'),
    meta: meta('Medication'),
    code: medicine.code,
    status: 'active',
  };
  sheet.add(row);
  return { medicationReference: { reference: `Medication/${row.id}`, display: medicine.code.text ?? '' } };
}

export function addRequest(sheet: Sheet, medicine: Medicine, day: Day, as: Named): MedicationRequest {
  const { random, owner } = sheet;
  const id = sheet.id('request');
  const row: MedicationRequest = {
    resourceType: 'MedicationRequest',
    id,
    meta: meta('MedicationRequest'),
    identifier: sheet.identifier(id),
    status: sheet.county.anchor - day < 180 ? 'active' : random.pick(['completed', 'stopped']),
    intent: 'order',
    category: PRIMARY_CARE,
    ...as,
    subject: sheet.patient,
    authoredOn: sheet.at(day),
    requester: practitionerReference(owner.code, random.whole(0, 3)),
    dosageInstruction: [{ text: medicine.dose }],
    dispenseRequest: { numberOfRepeatsAllowed: random.whole(0, 6) },
    substitution: { allowedBoolean: false },
  };
  return sheet.add(row);
}

function addStatement(sheet: Sheet, medicine: Medicine, basis?: MedicationRequest): void {
  const start = sheet.day(4);
  const row: MedicationStatement = {
    resourceType: 'MedicationStatement',
    id: sheet.id('statement'),
    meta: meta('MedicationStatement'),
    ...(basis === undefined ? {} : { basedOn: [{ reference: `MedicationRequest/${basis.id}` }] }),
    status: sheet.county.anchor - start < 365 ? 'active' : 'completed',
    medicationCodeableConcept: medicine.code,
    subject: sheet.patient,
    effectivePeriod: { start: dateText(start) },
    dateAsserted: dateText(start),
    dosage: [{ text: medicine.dose }],
  };
  sheet.add(row);
}

export function addMedicines(sheet: Sheet): void {
  const { person, random } = sheet;
  const formulary = person.stage === 'child' ? CHILD_MEDICINES : ADULT_MEDICINES;
  const given: [Medicine, MedicationRequest][] = [];
  for (let n = 0; n < person.gp.requests; n++) {
    const medicine = random.pick(formulary);
    given.push([medicine, addRequest(sheet, medicine, sheet.day(3), named(sheet, medicine))]);
  }
  for (let n = 0; n < person.gp.statements; n++) {
    const [medicine, basis] = given[n] ?? [random.pick(formulary)];
    addStatement(sheet, medicine, basis);
  }
}
