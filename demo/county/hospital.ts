import type {
  Appointment,
  DiagnosticReport,
  Encounter,
  Procedure,
  Provenance,
  Resource,
  ServiceRequest,
} from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { dateText, instantText } from './calendar.ts';
import * as codes from './clinical-codes.ts';
import { locationReference, practitionerReference } from './directory.ts';
import { AMBULATORY, addEncounter, EMERGENCY_CLASS, HOME, INPATIENT } from './encounters.ts';
import { addResult } from './observations.ts';
import { addPatient } from './patients.ts';
import type { County, Person } from './person.ts';
import { category, FINAL, meta, Sheet } from './sheet.ts';

/** The trust's rows: its hospitals, and its community services, which send a feed of their own. */

const LABORATORY = category('v2-0074', 'LAB', 'Laboratory');
const ASSEMBLER = codes.coded(
  'http://terminology.hl7.org/CodeSystem/provenance-participant-type',
  'assembler',
  'Assembler',
);

function addVisit(sheet: Sheet): Encounter {
  const { random, source } = sheet;
  const day = sheet.day(5);
  const admitted = Math.max(day - 10, sheet.person.birthDay);
  if (source === 'community') return addEncounter(sheet, { of: HOME, type: codes.HOME_VISIT, day });
  const kind = random.whole(0, 3);
  const reason = random.pick(codes.COMPLAINTS);
  if (kind === 0) return addEncounter(sheet, { of: EMERGENCY_CLASS, type: codes.EMERGENCY, day, reason });
  // a stay of some days ends before the anchor
  if (kind === 1)
    return addEncounter(sheet, { of: INPATIENT, type: random.pick(codes.VISITS), day: admitted, reason });
  return addEncounter(sheet, { of: AMBULATORY, type: random.pick(codes.VISITS), day });
}

function addProcedure(sheet: Sheet, visit: Encounter | undefined): void {
  const { random, source } = sheet;
  const row: Procedure = {
    resourceType: 'Procedure',
    id: sheet.id('procedure'),
    meta: meta('Procedure'),
    status: 'completed',
    code: random.pick(source === 'community' ? codes.COMMUNITY_PROCEDURES : codes.HOSPITAL_PROCEDURES),
    subject: sheet.patient,
    ...(visit === undefined ? {} : { encounter: { reference: `Encounter/${visit.id}` } }),
    performedDateTime: visit?.period?.start ?? sheet.at(sheet.day(5)),
    performer: [{ actor: practitionerReference(sheet.owner.code, random.whole(0, 9)) }],
  };
  sheet.add(row);
}

function addReport(sheet: Sheet, visit: Encounter | undefined): void {
  const panel = sheet.random.pick(codes.PANELS);
  const when = visit?.period?.end ?? sheet.at(sheet.day(4));
  const results = panel.tests.map((test) => addResult(sheet, test, { when, encounter: visit?.id }));
  const id = sheet.id('report');
  const row: DiagnosticReport = {
    resourceType: 'DiagnosticReport',
    id,
    meta: meta('DiagnosticReport-Lab'),
    identifier: sheet.identifier(id),
    status: FINAL,
    category: LABORATORY,
    code: panel.code,
    subject: sheet.patient,
    ...(visit === undefined ? {} : { encounter: { reference: `Encounter/${visit.id}` } }),
    effectiveDateTime: when,
    issued: when,
    performer: [sheet.provider()],
    result: results.map((one) => ({ reference: `Observation/${one.id}` })),
  };
  sheet.add(row);
}

function addReferral(sheet: Sheet): ServiceRequest {
  const { random } = sheet;
  const id = sheet.id('referral');
  const day = sheet.day(2);
  const row: ServiceRequest = {
    resourceType: 'ServiceRequest',
    id,
    meta: meta('ServiceRequest'),
    identifier: sheet.identifier(id),
    status: sheet.county.anchor - day < 120 ? 'active' : 'completed',
    intent: 'order',
    priority: random.pick(['routine', 'urgent']),
    code: random.pick(codes.REFERRALS),
    subject: sheet.patient,
    authoredOn: sheet.at(day),
    requester: practitionerReference(sheet.owner.code, random.whole(0, 9)),
  };
  return sheet.add(row);
}

function addAppointment(sheet: Sheet, referral: ServiceRequest | undefined): void {
  const { random, county, person } = sheet;
  // some are still to come, unless the person has died
  const ahead: Day = county.anchor + random.whole(-300, 500);
  const day = person.deceasedDay === undefined ? ahead : Math.min(ahead, person.deceasedDay - 30);
  const minute = random.whole(108, 200) * 5;
  const row: Appointment = {
    resourceType: 'Appointment',
    id: sheet.id('appointment'),
    meta: meta('Appointment'),
    status: day > county.anchor ? 'booked' : random.pick(['fulfilled', 'fulfilled', 'noshow', 'cancelled']),
    description: 'Outpatient appointment',
    start: instantText(day, minute),
    end: instantText(day, minute + 20),
    created: dateText(Math.min(day, county.anchor) - 21),
    ...(referral === undefined ? {} : { basedOn: [{ reference: `ServiceRequest/${referral.id}` }] }),
    participant: [
      { actor: sheet.patient, required: 'required', status: 'accepted' },
      { actor: locationReference(sheet.source, sheet.owner.code, random.whole(0, 9)), status: 'accepted' },
    ],
  };
  sheet.add(row);
}

function addProvenance(sheet: Sheet, about: Encounter): void {
  const row: Provenance = {
    resourceType: 'Provenance',
    id: sheet.id('provenance'),
    meta: meta('Provenance'),
    target: [sheet.patient, { reference: `Encounter/${about.id}` }],
    recorded: about.period?.end ?? sheet.at(sheet.day(1)),
    agent: [{ type: ASSEMBLER, who: sheet.owned() }],
  };
  sheet.add(row);
}

export function hospitalRows(source: 'acute' | 'community', person: Person, county: County): Resource[] {
  const sheet = new Sheet(source, 'RXQ', person, county);
  const { hospital } = person;
  addPatient(sheet);
  const visits = Array.from({ length: hospital.encounters }, () => addVisit(sheet));
  for (let n = 0; n < hospital.procedures; n++) addProcedure(sheet, visits[n % visits.length]);
  for (let n = 0; n < hospital.reports; n++) addReport(sheet, visits[n % visits.length]);
  const referrals = Array.from({ length: hospital.referrals }, () => addReferral(sheet));
  for (let n = 0; n < hospital.appointments; n++) addAppointment(sheet, referrals[n]);
  const [first] = visits;
  if (hospital.attachments && first !== undefined && sheet.random.chance(0.2)) addProvenance(sheet, first);
  return sheet.rows;
}
