import type {
  AllergyIntolerance,
  Coding,
  Condition,
  EpisodeOfCare,
  Immunization,
  Provenance,
  Resource,
} from '@medplum/fhirtypes';
import { dateText } from './calendar.ts';
import * as codes from './clinical-codes.ts';
import { addConsent } from './consents.ts';
import { practitionerReference } from './directory.ts';
import { addDocument } from './documents.ts';
import { addMedicines } from './gp-medicines.ts';
import { ADULT_VACCINES, CHILD_VACCINES } from './medicine-codes.ts';
import { addBloodPressure, addEntry, addVital } from './observations.ts';
import { addPatient } from './patients.ts';
import type { County, Person } from './person.ts';
import { category, meta, RESTRICTED, Sheet } from './sheet.ts';

/** A GP practice's rows about one of its people. */

const PROBLEM = category('condition-category', 'problem-list-item', 'Problem List Item');
const state = (system: string, code: string, display: string) =>
  codes.coded(`http://terminology.hl7.org/CodeSystem/${system}`, code, display);
const ACTIVE = state('condition-clinical', 'active', 'Active');
const RESOLVED = state('condition-clinical', 'resolved', 'Resolved');
const CONFIRMED = state('condition-ver-status', 'confirmed', 'Confirmed');
const ALLERGY_ACTIVE = state('allergyintolerance-clinical', 'active', 'Active');
const ALLERGY_CONFIRMED = state('allergyintolerance-verification', 'confirmed', 'Confirmed');
const PROBLEMS = {
  child: codes.CHILD_PROBLEMS,
  adult: codes.ADULT_PROBLEMS,
  elder: codes.ELDER_PROBLEMS,
} as const;

function addRegistration(sheet: Sheet): void {
  const { person } = sheet;
  const row: EpisodeOfCare = {
    resourceType: 'EpisodeOfCare',
    id: sheet.id('registration'),
    meta: meta('EpisodeOfCare'),
    status: person.deceasedDay === undefined ? 'active' : 'finished',
    type: [{ text: 'GP registration' }],
    patient: sheet.patient,
    managingOrganization: sheet.owned(),
    period: {
      start: dateText(sheet.day(30)),
      ...(person.deceasedDay === undefined ? {} : { end: dateText(person.deceasedDay) }),
    },
    careManager: practitionerReference(sheet.owner.code, person.index),
  };
  sheet.add(row);
}

function addProblem(sheet: Sheet, label?: Coding): Condition {
  const { random } = sheet;
  const onset = sheet.day(20);
  const over = random.chance(0.35);
  const row: Condition = {
    resourceType: 'Condition',
    id: sheet.id('condition'),
    meta: meta('Condition', label),
    clinicalStatus: over ? RESOLVED : ACTIVE,
    verificationStatus: CONFIRMED,
    category: PROBLEM,
    code: random.pick(PROBLEMS[sheet.person.stage]),
    subject: sheet.patient,
    onsetDateTime: dateText(onset),
    ...(over
      ? { abatementDateTime: dateText(Math.min(onset + random.whole(3, 60), sheet.county.anchor)) }
      : {}),
    recordedDate: dateText(onset),
    recorder: practitionerReference(sheet.owner.code, random.whole(0, 3)),
  };
  return sheet.add(row);
}

function addAllergy(sheet: Sheet, nth: number): void {
  const { random } = sheet;
  // the first two differ, so that nobody has the same one twice in a short list
  const allergen = nth === 0 ? codes.PENICILLIN : nth === 1 ? codes.PEANUT : random.pick(codes.ALLERGENS);
  const row: AllergyIntolerance = {
    resourceType: 'AllergyIntolerance',
    id: sheet.id('allergy'),
    meta: meta('AllergyIntolerance'),
    clinicalStatus: ALLERGY_ACTIVE,
    verificationStatus: ALLERGY_CONFIRMED,
    type: 'allergy',
    category: [allergen.category],
    criticality: random.pick(['low', 'high', 'unable-to-assess']),
    code: allergen.code,
    patient: sheet.patient,
    recordedDate: dateText(sheet.day(15)),
    recorder: practitionerReference(sheet.owner.code, random.whole(0, 3)),
    reaction: [
      {
        manifestation: [random.pick(codes.REACTIONS)],
        severity: random.pick(['mild', 'moderate', 'severe']),
      },
    ],
  };
  sheet.add(row);
}

function addNoKnownAllergy(sheet: Sheet): void {
  const row: AllergyIntolerance = {
    resourceType: 'AllergyIntolerance',
    id: sheet.id('allergy'),
    meta: meta('AllergyIntolerance'),
    clinicalStatus: ALLERGY_ACTIVE,
    verificationStatus: ALLERGY_CONFIRMED,
    code: codes.NO_KNOWN_ALLERGY,
    patient: sheet.patient,
    recordedDate: dateText(sheet.day(6)),
  };
  sheet.add(row);
}

function addImmunisations(sheet: Sheet): void {
  const { person, random } = sheet;
  const schedule = person.stage === 'child' ? CHILD_VACCINES : ADULT_VACCINES;
  const due = schedule.filter((one) => person.birthDay + one.ageDays <= sheet.county.anchor);
  for (const vaccine of due.slice(0, person.gp.immunisations)) {
    const given = person.stage === 'child' ? person.birthDay + vaccine.ageDays : sheet.day(5);
    const row: Immunization = {
      resourceType: 'Immunization',
      id: sheet.id('immunization'),
      meta: meta('Immunization'),
      extension: [
        {
          url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-VaccinationProcedure',
          valueCodeableConcept: vaccine.procedure,
        },
      ],
      status: 'completed',
      vaccineCode: vaccine.code,
      patient: sheet.patient,
      occurrenceDateTime: dateText(given),
      primarySource: true,
      lotNumber: `SYN${random.whole(1000, 9999)}`,
      performer: [{ actor: practitionerReference(sheet.owner.code, random.whole(0, 3)) }],
    };
    sheet.add(row);
  }
}

function addMeasurements(sheet: Sheet): void {
  const { person, random } = sheet;
  const child = person.stage === 'child';
  for (let n = 0; n < person.gp.observations; n++) {
    const day = sheet.day(6);
    const taken = { when: sheet.at(day) };
    const kind = random.whole(0, 4);
    if (kind === 0) addVital(sheet, child ? codes.CHILD_WEIGHT : codes.ADULT_WEIGHT, taken);
    else if (kind === 1) addVital(sheet, child ? codes.CHILD_HEIGHT : codes.ADULT_HEIGHT, taken);
    else if (child) addVital(sheet, kind === 2 ? codes.TEMPERATURE : codes.HEART_RATE, taken);
    else if (kind === 2) addEntry(sheet, codes.SMOKING, day, random.pick(codes.SMOKING_ANSWERS));
    else if (kind === 3) addVital(sheet, codes.BMI, taken);
    else addBloodPressure(sheet, taken);
  }
}

/** Opt-outs end only by a later entry of the same GP feed. */
function addPreferences(sheet: Sheet): void {
  const { optOut } = sheet.person;
  const day = sheet.county.anchor - sheet.random.whole(200, 360);
  if (optOut === 'consent') addConsent(sheet, { policy: 'health-optout/v1', type: 'deny', day });
  if (optOut === 'code' || optOut === 'code-then-in') addEntry(sheet, codes.SHARING_REFUSED, day);
  if (optOut === 'code-then-in') addEntry(sheet, codes.SHARING_AGREED, day + 90);
}

function addProvenance(sheet: Sheet, about: Condition): void {
  const recorded = sheet.at(sheet.day(2));
  const row: Provenance = {
    resourceType: 'Provenance',
    id: sheet.id('provenance'),
    meta: meta('Provenance'),
    target: [sheet.patient, { reference: `Condition/${about.id}` }],
    recorded,
    agent: [
      {
        type: state('provenance-participant-type', 'author', 'Author'),
        who: practitionerReference(sheet.owner.code, sheet.random.whole(0, 3)),
        onBehalfOf: sheet.owned(),
      },
    ],
  };
  sheet.add(row);
}

export function gpRows(person: Person, county: County): Resource[] {
  const sheet = new Sheet('gp', person.household.practice, person, county);
  const { gp } = person;
  addPatient(sheet);
  addRegistration(sheet);
  const problems = Array.from({ length: gp.problems }, () => addProblem(sheet));
  for (let n = 0; n < gp.allergies; n++) addAllergy(sheet, n);
  if (gp.allergies === 0 && person.index % 4 === 0) addNoKnownAllergy(sheet);
  addMedicines(sheet);
  addImmunisations(sheet);
  addMeasurements(sheet);
  addPreferences(sheet);
  for (let n = 0; n < gp.documents; n++) addDocument(sheet);
  const [first] = problems;
  if (gp.attachments && first !== undefined && sheet.random.chance(0.15)) addProvenance(sheet, first);
  if (person.labelled === true) {
    addProblem(sheet, RESTRICTED);
    addVital(sheet, codes.TEMPERATURE, { when: sheet.at(sheet.day(2)), label: RESTRICTED });
    addDocument(sheet, true);
  }
  return sheet.rows;
}
