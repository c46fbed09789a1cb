import type { ServedTypeName } from '../fhir/served.ts';
import type { DataClass } from './policy.ts';

/**
 * The class of data that each served type belongs to: what role tables speak of. A type of nobody's record is
 * `directory`: no role table narrows it. A new type does not compile until it is given its class.
 */
export const DATA_CLASSES: { readonly [Type in ServedTypeName]: DataClass | 'directory' } = {
  Patient: 'demographics',
  RelatedPerson: 'demographics',
  Condition: 'problems',
  AllergyIntolerance: 'allergies',
  MedicationRequest: 'medicines',
  MedicationStatement: 'medicines',
  Medication: 'medicines',
  Immunization: 'immunisations',
  Observation: 'results',
  DiagnosticReport: 'results',
  Encounter: 'encounters',
  Appointment: 'encounters',
  EpisodeOfCare: 'encounters',
  Procedure: 'procedures',
  DocumentReference: 'documents',
  Binary: 'documents',
  CarePlan: 'plans',
  CareTeam: 'plans',
  Flag: 'plans',
  ServiceRequest: 'plans',
  Task: 'plans',
  Provenance: 'plans',
  Consent: 'consent',
  AuditEvent: 'audit',
  Organization: 'directory',
  Practitioner: 'directory',
  PractitionerRole: 'directory',
  Location: 'directory',
};

/** Whether rows of the type are about nobody, so that the rules about people have nothing to say. */
export function isDirectory(type: ServedTypeName): boolean {
  return DATA_CLASSES[type] === 'directory';
}
