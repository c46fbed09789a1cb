/**
 * The FHIR types this service serves, each with where its person is found. One table: routes, loads, the
 * CapabilityStatement and `$everything` are all read from it.
 */

/** How rows of a type are kept and reached. */
export type Keeping =
  /** the aggregate of a person: built per request from contributions */
  | 'person'
  /** about one person, searched by `patient` */
  | 'clinical'
  /** stored per person, reached by reference or `_id`, not searched by `patient` */
  | 'referenced'
  /** about no person: readable by any authenticated caller */
  | 'directory'
  /** kept by the service itself: consents from their own tables, audit from the audit log */
  | 'own';

export interface ServedType {
  readonly keeping: Keeping;
  /** the element that refers to the person, where the type has one */
  readonly person?: 'subject' | 'patient' | 'for' | 'participant.actor' | 'target';
  /** stored as a small number in PostgreSQL; permanent, never reused */
  readonly code: number;
}

export const SERVED = {
  Patient: { keeping: 'person', code: 1 },
  AllergyIntolerance: { keeping: 'clinical', person: 'patient', code: 2 },
  Condition: { keeping: 'clinical', person: 'subject', code: 3 },
  MedicationRequest: { keeping: 'clinical', person: 'subject', code: 4 },
  MedicationStatement: { keeping: 'clinical', person: 'subject', code: 5 },
  Immunization: { keeping: 'clinical', person: 'patient', code: 6 },
  Encounter: { keeping: 'clinical', person: 'subject', code: 7 },
  Observation: { keeping: 'clinical', person: 'subject', code: 8 },
  Procedure: { keeping: 'clinical', person: 'subject', code: 9 },
  DiagnosticReport: { keeping: 'clinical', person: 'subject', code: 10 },
  Appointment: { keeping: 'clinical', person: 'participant.actor', code: 11 },
  DocumentReference: { keeping: 'clinical', person: 'subject', code: 12 },
  ServiceRequest: { keeping: 'clinical', person: 'subject', code: 13 },
  Task: { keeping: 'clinical', person: 'for', code: 14 },
  Provenance: { keeping: 'clinical', person: 'target', code: 15 },
  CarePlan: { keeping: 'clinical', person: 'subject', code: 16 },
  CareTeam: { keeping: 'clinical', person: 'subject', code: 17 },
  EpisodeOfCare: { keeping: 'clinical', person: 'patient', code: 18 },
  Flag: { keeping: 'clinical', person: 'subject', code: 19 },
  RelatedPerson: { keeping: 'clinical', person: 'patient', code: 20 },
  Medication: { keeping: 'referenced', code: 21 },
  Binary: { keeping: 'referenced', code: 22 },
  Organization: { keeping: 'directory', code: 23 },
  Practitioner: { keeping: 'directory', code: 24 },
  PractitionerRole: { keeping: 'directory', code: 25 },
  Location: { keeping: 'directory', code: 26 },
  Consent: { keeping: 'own', person: 'patient', code: 27 },
  AuditEvent: { keeping: 'own', code: 28 },
} as const satisfies Record<string, ServedType>;

export type ServedTypeName = keyof typeof SERVED;

export const SERVED_NAMES = Object.keys(SERVED) as readonly ServedTypeName[];

export function isServed(type: string): type is ServedTypeName {
  return Object.hasOwn(SERVED, type);
}

export function served(type: ServedTypeName): ServedType {
  return SERVED[type];
}

const BY_CODE = new Map<number, ServedTypeName>(SERVED_NAMES.map((name) => [SERVED[name].code, name]));

/** @throws Error when no type has the code: the database is newer than this program */
export function servedByCode(code: number): ServedTypeName {
  const name = BY_CODE.get(code);
  if (name === undefined) throw new Error(`No served type has the code ${code}.`);
  return name;
}
