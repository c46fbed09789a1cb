import type { CarePlan, EpisodeOfCare, Flag, RelatedPerson, Resource, Task } from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import { coded, snomed } from './clinical-codes.ts';
import { addConsent } from './consents.ts';
import { COUNCIL } from './model.ts';
import { BOYS, GIRLS } from './names.ts';
import { addPatient } from './patients.ts';
import type { County, Person } from './person.ts';
import { category, meta, Sheet } from './sheet.ts';

/**
 * The council's rows about an adult. Workers and teams are named inside the rows and nowhere else: the feed has no
 * directory files.
 */

const SERVICES = [
  'Home support',
  'Day support',
  'Supported living',
  'Long term residential care',
  'Equipment',
] as const;
const TEAMS = ['Aylesbury locality team', 'Wycombe locality team', 'Chiltern locality team'] as const;
const ASSESSMENTS = ['Care Act assessment', 'Carer’s assessment', 'Review of care and support plan'] as const;

function addPackage(sheet: Sheet, start: Day): void {
  const { random } = sheet;
  const row: EpisodeOfCare = {
    resourceType: 'EpisodeOfCare',
    id: sheet.id('package'),
    meta: meta('EpisodeOfCare'),
    status: 'active',
    type: [{ text: random.pick(SERVICES) }],
    patient: sheet.patient,
    managingOrganization: sheet.owned(),
    period: { start: dateText(start) },
    careManager: { display: `Social worker, ${random.pick(TEAMS)}` },
  };
  sheet.add(row);
}

function addPlan(sheet: Sheet, start: Day): void {
  const row: CarePlan = {
    resourceType: 'CarePlan',
    id: sheet.id('plan'),
    meta: meta('CarePlan'),
    status: 'active',
    intent: 'plan',
    category: [snomed('734163000', 'Care plan')],
    title: 'Care and support plan',
    subject: sheet.patient,
    period: { start: dateText(start) },
  };
  sheet.add(row);
}

function addAssessment(sheet: Sheet): void {
  const { random } = sheet;
  const day = sheet.day(2);
  const done = random.chance(0.7);
  const row: Task = {
    resourceType: 'Task',
    id: sheet.id('assessment'),
    meta: meta('Task'),
    status: done ? 'completed' : 'in-progress',
    intent: 'plan',
    code: { text: random.pick(ASSESSMENTS) },
    for: sheet.patient,
    executionPeriod: {
      start: dateText(day),
      ...(done ? { end: dateText(Math.min(day + random.whole(0, 28), sheet.county.anchor)) } : {}),
    },
    authoredOn: sheet.at(day),
    owner: { display: random.pick(TEAMS) },
  };
  sheet.add(row);
}

function addFlag(sheet: Sheet, start: Day): void {
  const row: Flag = {
    resourceType: 'Flag',
    id: sheet.id('flag'),
    meta: meta('Flag'),
    status: 'active',
    category: category('flag-category', 'contact', 'Subject Contact'),
    code: {
      text: sheet.random.pick(['Dog at the address', 'Key safe at the door', 'Visit with a colleague']),
    },
    subject: sheet.patient,
    period: { start: dateText(start) },
  };
  sheet.add(row);
}

function addRelation(sheet: Sheet): string {
  const { random, person } = sheet;
  const id = sheet.id('relation');
  const female = random.chance(0.5);
  const [code, display] = female ? (['DAUC', 'daughter'] as const) : (['SONC', 'son'] as const);
  const row: RelatedPerson = {
    resourceType: 'RelatedPerson',
    id,
    meta: meta('RelatedPerson'),
    active: true,
    patient: sheet.patient,
    relationship: [
      coded('http://terminology.hl7.org/CodeSystem/v3-RoleCode', code, display),
      coded('http://terminology.hl7.org/CodeSystem/v2-0131', 'N', 'Next-of-Kin'),
    ],
    name: [{ use: 'official', family: person.family, given: [random.pick(female ? GIRLS : BOYS)] }],
    telecom: [
      { system: 'phone', value: `07700 900${String(random.whole(0, 999)).padStart(3, '0')}`, use: 'mobile' },
    ],
    address: [{ use: 'home', city: person.household.city, district: 'Buckinghamshire' }],
  };
  sheet.add(row);
  return id;
}

function addAgreement(sheet: Sheet, relation: string): void {
  const { person, county } = sheet;
  const { adultAgreement } = person;
  if (adultAgreement === 'none') return;
  const day = county.anchor - sheet.random.whole(100, 330);
  const byRelation = sheet.random.chance(0.3);
  addConsent(sheet, {
    policy: 'socialcare-optin/v1',
    type: adultAgreement === 'denied' ? 'deny' : 'permit',
    day,
    ...(adultAgreement === 'ended' ? { until: day + 60 } : {}),
    ...(byRelation ? { performer: { reference: `RelatedPerson/${relation}` } } : {}),
  });
}

export function adultSocialCareRows(person: Person, county: County): Resource[] {
  const sheet = new Sheet('adult-social-care', COUNCIL, person, county);
  const { random } = sheet;
  addPatient(sheet);
  const start = sheet.day(3);
  addPackage(sheet, start);
  if (random.chance(0.4)) addPackage(sheet, start);
  addPlan(sheet, start);
  addAssessment(sheet);
  if (random.chance(0.3)) addAssessment(sheet);
  if (random.chance(0.25)) addFlag(sheet, start);
  addAgreement(sheet, addRelation(sheet));
  return sheet.rows;
}
