import { canonicalise } from './canonical.ts';

// Codes of the AuditEvent patterns, as canonical JSON: specification facts 1.3 to 1.5.

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const INTERACTION = 'http://hl7.org/fhir/restful-interaction';
const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const BALP = 'https://profiles.ihe.net/ITI/BALP/';
const PROFILE_BASE = `${BALP}StructureDefinition/IHE.BasicAudit.`;
const USER_AGENT_TYPE = `${BALP}CodeSystem/UserAgentTypes`;
/** our own: what an alert is about, so that each kind is found */
const ALERT = 'https://mycarerecord.example/fhir/CodeSystem/alert';

export const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
/** v3-ActReason: at the patient's own request */
export const PATIENT_REQUEST = 'PATRQT';

export const EVENT_TYPE = {
  rest: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest'),
  securityAlert: coding(DCM, '110113'),
  userAuthentication: coding(DCM, '110114'),
  auditLogUsed: coding(DCM, '110101'),
  export: coding(DCM, '110106'),
};

export const SUBTYPE = {
  read: coding(INTERACTION, 'read'),
  vread: coding(INTERACTION, 'vread'),
  history: coding(INTERACTION, 'history-instance'),
  searchType: coding(INTERACTION, 'search-type'),
  search: coding(INTERACTION, 'search'),
  operation: coding(INTERACTION, 'operation'),
  batch: coding(INTERACTION, 'batch'),
  create: coding(INTERACTION, 'create'),
  update: coding(INTERACTION, 'update'),
  patch: coding(INTERACTION, 'patch'),
  delete: coding(INTERACTION, 'delete'),
  login: coding(DCM, '110122'),
  securityConfiguration: coding(DCM, '110129'),
  restrictedFunction: coding(DCM, '110132'),
  securityRoles: coding(DCM, '110136'),
  /** DICOM has it as a type; as a subtype it finds every use of the audit log, whatever its type */
  auditLogUsed: coding(DCM, '110101'),
  disclose: coding('http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle', 'disclose'),
  consentDecision: coding(`${BALP}CodeSystem/AuthZsubType`, 'AuthZ-Consent'),
  /** IHE IUA: Get Access Token */
  tokenIssue: coding('urn:ihe:event-type-code', 'ITI-71'),
  emergencyOverride: coding(DCM, '110127'),
  alertOverride: coding(ALERT, 'override'),
  alertOwnRecord: coding(ALERT, 'own-record'),
};

export const AGENT_TYPE = {
  /** DICOM: where the payload comes from, and where it goes */
  source: concept(DCM, '110153'),
  destination: concept(DCM, '110152'),
  application: concept(DCM, '110150'),
  /** whoever keeps what is deleted */
  custodian: concept('http://terminology.hl7.org/CodeSystem/provenance-participant-type', 'custodian'),
  user: concept('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP'),
  organisation: concept('http://terminology.hl7.org/CodeSystem/v3-RoleClass', 'PROV'),
  /** whoever holds an access token that is told by its id alone */
  tokenUser: concept(USER_AGENT_TYPE, 'UserOauthAgent'),
  tokenIssuer: concept(USER_AGENT_TYPE, 'AuthzOauthService'),
  authorizer: concept('http://terminology.hl7.org/CodeSystem/extra-security-role-type', 'authserver'),
};

export const ENTITY_TYPES = {
  person: coding(ENTITY_TYPE, '1'),
  system: coding(ENTITY_TYPE, '2'),
  other: coding(ENTITY_TYPE, '4'),
  requestId: coding(`${BALP}CodeSystem/BasicAuditEntityType`, 'XrequestId'),
  consent: coding('http://hl7.org/fhir/resource-types', 'Consent'),
  token: coding(USER_AGENT_TYPE, 'UserOauthAgent'),
};

/** Detail that holds the request id where a pattern has no room for an entity of it. */
export const REQUEST_ID_DETAIL = 'X-Request-Id';

export const ROLE = {
  patient: coding(OBJECT_ROLE, '1'),
  domainResource: coding(OBJECT_ROLE, '4'),
  securityResource: coding(OBJECT_ROLE, '13'),
  job: coding(OBJECT_ROLE, '20'),
  query: coding(OBJECT_ROLE, '24'),
  processingElement: coding(OBJECT_ROLE, '26'),
};

export const APPLICATION_SERVER = coding('http://terminology.hl7.org/CodeSystem/security-source-type', '4');

/** Profiles that an event may claim: of its pattern, and of the token's details. */
export const PROFILE = {
  read: canonicalise(`${PROFILE_BASE}Read`),
  patientRead: canonicalise(`${PROFILE_BASE}PatientRead`),
  query: canonicalise(`${PROFILE_BASE}Query`),
  patientQuery: canonicalise(`${PROFILE_BASE}PatientQuery`),
  create: canonicalise(`${PROFILE_BASE}Create`),
  patientCreate: canonicalise(`${PROFILE_BASE}PatientCreate`),
  update: canonicalise(`${PROFILE_BASE}Update`),
  patientUpdate: canonicalise(`${PROFILE_BASE}PatientUpdate`),
  delete: canonicalise(`${PROFILE_BASE}Delete`),
  patientDelete: canonicalise(`${PROFILE_BASE}PatientDelete`),
  token: canonicalise(`${PROFILE_BASE}OAUTHaccessTokenUse.Comprehensive`),
  tokenId: canonicalise(`${PROFILE_BASE}OAUTHaccessTokenUse.Minimal`),
  consentDecision: canonicalise(`${PROFILE_BASE}AuthZconsent`),
  disclosure: canonicalise(`${PROFILE_BASE}PrivacyDisclosure.Source`),
  tokenIssue: canonicalise(`${BALP}StructureDefinition/IHE.IUA.71`),
};

function coding(system: string, code: string): string {
  return canonicalise({ code, system });
}

function concept(system: string, code: string): string {
  return canonicalise({ coding: [{ code, system }] });
}
