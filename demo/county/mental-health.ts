import type { CarePlan, CareTeam, Condition, EpisodeOfCare, Flag, Resource } from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import * as codes from './clinical-codes.ts';
import { practitionerReference } from './directory.ts';
import { AMBULATORY, addEncounter, VIRTUAL } from './encounters.ts';
import { addPatient } from './patients.ts';
import type { County, Person } from './person.ts';
import { category, meta, Sheet } from './sheet.ts';

/** The mental health trust's rows about one of its people. */

const DIAGNOSIS = category('condition-category', 'encounter-diagnosis', 'Encounter Diagnosis');
const clinical = (system: string, code: string, display: string) =>
  codes.coded(`http://terminology.hl7.org/CodeSystem/${system}`, code, display);

function addEpisode(sheet: Sheet, start: Day): void {
  const row: EpisodeOfCare = {
    resourceType: 'EpisodeOfCare',
    id: sheet.id('episode'),
    meta: meta('EpisodeOfCare'),
    status: sheet.county.anchor - start < 900 ? 'active' : 'finished',
    type: [{ text: 'Community mental health team' }],
    patient: sheet.patient,
    managingOrganization: sheet.owned(),
    period: { start: dateText(start) },
    careManager: practitionerReference(sheet.owner.code, sheet.random.whole(0, 9)),
  };
  sheet.add(row);
}

function addTeam(sheet: Sheet, start: Day): string {
  const id = sheet.id('team');
  const member = (nth: number, role: string): NonNullable<CareTeam['participant']>[number] => ({
    role: [{ text: role }],
    member: practitionerReference(sheet.owner.code, nth),
  });
  const row: CareTeam = {
    resourceType: 'CareTeam',
    id,
    meta: meta('CareTeam'),
    status: 'active',
    name:
      sheet.person.stage === 'child' ? 'Child and adolescent mental health team' : 'Adult mental health team',
    subject: sheet.patient,
    period: { start: dateText(start) },
    participant: [
      member(sheet.random.whole(0, 4), 'Care coordinator'),
      member(sheet.random.whole(5, 9), 'Psychiatrist'),
    ],
    managingOrganization: [sheet.owned()],
  };
  sheet.add(row);
  return id;
}

function addPlan(sheet: Sheet, start: Day, team: string): void {
  const row: CarePlan = {
    resourceType: 'CarePlan',
    id: sheet.id('plan'),
    meta: meta('CarePlan'),
    status: 'active',
    intent: 'plan',
    category: [codes.snomed('734163000', 'Care plan')],
    title: 'Mental health care plan',
    description: 'What helps, what to look out for, whom to call.',
    subject: sheet.patient,
    period: { start: dateText(start) },
    careTeam: [{ reference: `CareTeam/${team}` }],
  };
  sheet.add(row);
}

function addDiagnosis(sheet: Sheet, encounter: string): void {
  const onset = sheet.day(6);
  const row: Condition = {
    resourceType: 'Condition',
    id: sheet.id('condition'),
    meta: meta('Condition'),
    clinicalStatus: clinical('condition-clinical', 'active', 'Active'),
    verificationStatus: clinical('condition-ver-status', 'confirmed', 'Confirmed'),
    category: DIAGNOSIS,
    code: sheet.random.pick(codes.MENTAL_PROBLEMS),
    subject: sheet.patient,
    encounter: { reference: `Encounter/${encounter}` },
    onsetDateTime: dateText(onset),
    recordedDate: dateText(onset),
  };
  sheet.add(row);
}

function addFlag(sheet: Sheet, start: Day): void {
  const row: Flag = {
    resourceType: 'Flag',
    id: sheet.id('flag'),
    meta: meta('Flag'),
    status: 'active',
    category: category('flag-category', 'safety', 'Safety'),
    code: { text: 'Crisis plan in place: read it before you call' },
    subject: sheet.patient,
    period: { start: dateText(start) },
  };
  sheet.add(row);
}

export function mentalHealthRows(person: Person, county: County): Resource[] {
  const sheet = new Sheet('mental-health', 'RNU', person, county);
  const { random } = sheet;
  addPatient(sheet);
  const start = sheet.day(4);
  addEpisode(sheet, start);
  addPlan(sheet, start, addTeam(sheet, start));
  const visits = Array.from({ length: random.whole(1, 3) }, () =>
    addEncounter(sheet, {
      of: random.chance(0.7) ? AMBULATORY : VIRTUAL,
      type: random.pick(codes.VISITS),
      day: sheet.day(3),
      reason: random.pick(codes.MENTAL_PROBLEMS),
    }),
  );
  for (const visit of visits.slice(0, random.whole(1, 2))) addDiagnosis(sheet, visit.id ?? '');
  if (random.chance(0.3)) addFlag(sheet, start);
  return sheet.rows;
}
