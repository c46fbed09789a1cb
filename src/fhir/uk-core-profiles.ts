import {
  birthSex,
  complex,
  type IdentifierRule,
  language,
  many,
  may,
  must,
  once,
  type ProfileRules,
  verification,
} from './uk-core-rules.ts';

/**
 * What UK Core's profiles add to base R4 that can be decided on a resource alone: elements that must be there, slices
 * that may be there once, required value sets, and what the extensions hold that the profiles name. Taken from the
 * definitions (specification facts 5); a test derives them again and compares. Extensible and preferred bindings demand
 * nothing that could be decided here, and must-support speaks of systems.
 */

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-';
const R5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-';
const R6 = 'http://hl7.org/fhir/6.0/StructureDefinition/extension-';

const CONCEPT = ['valueCodeableConcept'];
const REFERENCE = ['valueReference'];
const DATE_TIME = ['valueDateTime'];
const TEXT = ['valueString'];

const otherContactSystem = [once(`${UK}OtherContactSystem`, CONCEPT)];
const contactPreference = complex(
  `${UK}ContactPreference`,
  {
    PreferredContactMethod: may(CONCEPT),
    PreferredContactTimes: may(['valueString', 'valueTiming']),
    PreferredWrittenCommunicationFormat: may(CONCEPT),
  },
  true,
);
const copyCorrespondence = once(`${UK}CopyCorrespondenceIndicator`, ['valueBoolean']);
const odsSite: IdentifierRule = { system: 'https://fhir.nhs.uk/Id/ods-site-code' };
const MEDIA_LINK = `${R5}DiagnosticReport.media.link`;

/** By type: every type that rows of the record may have and UK Core has a profile of, and the answers of our own. */
export const UK_CORE_RULES = {
  AllergyIntolerance: {
    required: ['code'],
    extensions: {
      extension: [many(`${UK}Evidence`, REFERENCE)],
      'clinicalStatus.extension': [
        complex(`${UK}AllergyIntoleranceEnd`, { endDate: may(DATE_TIME), reasonEnded: may(TEXT) }, true),
      ],
    },
  },
  Appointment: {
    extensions: {
      extension: [once(`${UK}BookingOrganization`, REFERENCE), once(`${UK}DeliveryChannel`, CONCEPT)],
    },
  },
  CarePlan: {},
  CareTeam: {},
  Condition: {
    extensions: {
      extension: [once(`${R6}Condition.bodyStructure`, REFERENCE), many(`${UK}ConditionEpisode`, CONCEPT)],
    },
  },
  Consent: {},
  DiagnosticReport: {
    extensions: {
      extension: [
        once(`${R5}DiagnosticReport.composition`, REFERENCE),
        many(`${R5}DiagnosticReport.note`, ['valueAnnotation']),
        complex(
          `${R5}DiagnosticReport.supportingInfo`,
          { type: must(CONCEPT), reference: must(REFERENCE) },
          false,
        ),
      ],
      'performer.extension': [once(`${UK}DeviceReference`, REFERENCE)],
      'resultsInterpreter.extension': [many(`${UK}DeviceReference`, REFERENCE)],
      'media.extension': [many(MEDIA_LINK, REFERENCE)],
    },
    invariants: [linksMediaOneWay],
  },
  DocumentReference: {},
  Encounter: {
    extensions: {
      extension: [
        once(`${UK}DischargeMethod`, CONCEPT),
        once(`${UK}EmergencyCareDischargeStatus`, CONCEPT),
        once(`${UK}OutcomeOfAttendance`, CONCEPT),
        complex(
          `${UK}LegalStatus`,
          { legalStatusContext: must(CONCEPT), legalStatusClassification: must(CONCEPT) },
          false,
        ),
      ],
      'hospitalization.extension': [once(`${UK}AdmissionMethod`, CONCEPT)],
    },
  },
  EpisodeOfCare: {},
  Flag: {},
  Immunization: {
    extensions: {
      extension: [once(`${UK}ParentPresent`, ['valueBoolean']), once(`${UK}VaccinationProcedure`, CONCEPT)],
    },
    invariants: [({ status, statusReason }) => status !== 'not-done' || statusReason !== undefined],
  },
  Location: { identifiers: [odsSite] },
  Medication: {
    required: ['code'],
    extensions: { extension: [once(`${UK}MedicationTradeFamily`, CONCEPT)] },
  },
  MedicationRequest: {
    required: ['substitution'],
    extensions: {
      extension: [
        complex(
          `${UK}MedicationRepeatInformation`,
          {
            numberOfPrescriptionsIssued: may(['valueUnsignedInt']),
            authorisationExpiryDate: may(DATE_TIME),
          },
          true,
        ),
      ],
    },
  },
  MedicationStatement: {
    required: ['identifier.system', 'identifier.value'],
    extensions: {
      extension: [
        once(`${UK}PharmacistVerifiedIndicator`, ['valueBoolean']),
        once(`${UK}MedicationPrescribingOrganizationType`, CONCEPT),
        once(`${UK}MedicationStatementLastIssueDate`, DATE_TIME),
      ],
    },
  },
  Observation: {
    extensions: {
      extension: [
        {
          ...complex(
            `${R5}Observation.triggeredBy`,
            { observation: must(REFERENCE), type: must(['valueCode']), reason: may(TEXT) },
            false,
          ),
          plainParts: true,
        },
        once(`${R5}Observation.bodyStructure`, REFERENCE),
      ],
    },
  },
  OperationOutcome: {},
  Organization: {
    identifiers: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code' }, odsSite],
    extensions: { extension: [once(`${UK}MainLocation`, REFERENCE)] },
  },
  Patient: {
    identifiers: [
      {
        system: 'https://fhir.nhs.uk/Id/nhs-number',
        extensions: [once(`${UK}NHSNumberVerificationStatus`, CONCEPT, verification)],
      },
    ],
    extensions: {
      extension: [
        once(`${UK}BirthSex`, CONCEPT, birthSex),
        contactPreference,
        complex(
          `${UK}DeathNotificationStatus`,
          { deathNotificationStatus: must(CONCEPT), systemEffectiveDate: may(DATE_TIME) },
          true,
        ),
        once(`${UK}EthnicCategory`, CONCEPT),
        once(`${R6}Patient.fetalStatus`, ['valueCode']),
        once(`${UK}ResidentialStatus`, CONCEPT),
        once(`${UK}NHSNumberUnavailableReason`, CONCEPT),
      ],
      'telecom._system.extension': otherContactSystem,
      'contact.telecom._system.extension': otherContactSystem,
      'address.extension': [complex(`${UK}AddressKey`, { type: must(CONCEPT), value: must(TEXT) }, false)],
      'contact.extension': [once(`${UK}ContactRank`, ['valuePositiveInt']), copyCorrespondence],
      'communication.extension': [
        { url: 'http://hl7.org/fhir/StructureDefinition/patient-proficiency', once: true },
      ],
    },
    concepts: { 'communication.language': language },
  },
  Practitioner: { concepts: { communication: language } },
  PractitionerRole: {},
  Procedure: {},
  Provenance: {},
  RelatedPerson: {
    extensions: {
      extension: [contactPreference, copyCorrespondence],
      'telecom._system.extension': otherContactSystem,
    },
    concepts: { 'communication.language': language },
  },
  ServiceRequest: {
    extensions: {
      extension: [
        once(`${UK}SourceOfServiceRequest`, CONCEPT),
        many(`${UK}AdditionalContact`, REFERENCE),
        once(`${UK}Coverage`, CONCEPT),
      ],
      '_priority.extension': [many(`${UK}PriorityReason`, CONCEPT)],
    },
  },
  Task: {},
} as const satisfies Readonly<Record<string, ProfileRules>>;

/** A report says where its media are by R4's element or by R5's extension, not by both (ukcore-diag-lab-002). */
function linksMediaOneWay({ media }: Readonly<Record<string, unknown>>): boolean {
  if (!Array.isArray(media)) return true;
  const each = media as readonly {
    readonly extension?: readonly { readonly url?: string }[];
    readonly link?: { readonly reference?: string };
  }[];
  const extended = each.some(({ extension }) => extension?.some(({ url }) => url === MEDIA_LINK));
  return !extended || !each.some(({ link }) => link?.reference !== undefined);
}
