/**
 * What the synthetic county consists of: its organisations and sources, the options of a run and its result. All
 * people, staff and events are invented; names and ODS codes of NHS organisations are facts and say nothing about them.
 */

export type SourceCode =
  | 'gp'
  | 'acute'
  | 'community'
  | 'mental-health'
  | 'adult-social-care'
  | 'ambulance'
  | 'out-of-hours'
  | 'lcs';

export type FhirSourceCode = Exclude<SourceCode, 'lcs'>;

export const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';
/** Codes of our own, for organisations whose ODS code is not settled. */
export const LOCAL_SYSTEM = 'https://mycarerecord.example/Id/organization';

export interface CountyOrganisation {
  readonly code: string;
  /** identifier system of the code */
  readonly system: typeof ODS_SYSTEM | typeof LOCAL_SYSTEM;
  readonly name: string;
  readonly sector: 'health' | 'social-care';
  readonly kind: 'gp-practice' | 'trust' | 'ambulance' | 'out-of-hours' | 'council';
  /** false: has not signed the data sharing agreement */
  readonly signatory: boolean;
}

function practice(code: string, name: string, signatory = true): CountyOrganisation {
  return { code, system: ODS_SYSTEM, name, sector: 'health', kind: 'gp-practice', signatory };
}

export const NON_SIGNATORY = 'K82999';
export const STAFF_PRACTICE = 'K82001';
export const COUNCIL = 'bucks-council';
export const OUT_OF_HOURS = 'bucks-out-of-hours';

/** Practices of the GP feed; K82999 is invented and has signed nothing. */
export const PRACTICES: readonly CountyOrganisation[] = [
  practice('K82001', 'Rectory Meadow Surgery'),
  practice('K82004', 'Amersham Health Centre'),
  practice('K82006', 'The Ivers Practice'),
  practice('K82007', 'The Swan Practice'),
  practice('K82014', 'Oakfield Surgery'),
  practice('K82019', 'The Mandeville Practice'),
  practice('K82023', 'Marlow Medical Group'),
  practice('K82036', 'Riverside Surgery'),
  practice(NON_SIGNATORY, 'Synthetic non-signatory practice', false),
];

function trust(code: string, name: string, kind: 'trust' | 'ambulance' = 'trust'): CountyOrganisation {
  return { code, system: ODS_SYSTEM, name, sector: 'health', kind, signatory: true };
}

export const ORGANISATIONS: readonly CountyOrganisation[] = [
  ...PRACTICES,
  trust('RXQ', 'Buckinghamshire Healthcare NHS Trust'),
  trust('RNU', 'Oxford Health NHS Foundation Trust'),
  trust('RYE', 'South Central Ambulance Service NHS Foundation Trust', 'ambulance'),
  {
    code: OUT_OF_HOURS,
    system: LOCAL_SYSTEM,
    name: 'Buckinghamshire out-of-hours GP collaborative',
    sector: 'health',
    kind: 'out-of-hours',
    signatory: true,
  },
  {
    code: COUNCIL,
    system: LOCAL_SYSTEM,
    name: 'Buckinghamshire Council',
    sector: 'social-care',
    kind: 'council',
    signatory: true,
  },
];

const BY_CODE = new Map(ORGANISATIONS.map((one) => [one.code, one]));

/** @throws Error when the county has no organisation of the code */
export function organisation(code: string): CountyOrganisation {
  const found = BY_CODE.get(code);
  if (found === undefined) throw new Error(`The county has no organisation ${code}.`);
  return found;
}

export interface CountySource {
  readonly code: SourceCode;
  readonly name: string;
  readonly format: 'fhir-ndjson' | 'lcs-csv';
  readonly sector: 'health' | 'social-care';
  /** the organisation that sends the feed; of the GP feed the first practice, since each Patient names its own */
  readonly organisation: string;
  /** FHIR types or tables, in the order of the manifest; every extract has a file of each, empty ones included */
  readonly types: readonly string[];
}

const DIRECTORY = ['Organization', 'Practitioner', 'PractitionerRole', 'Location'] as const;

function fhir(code: FhirSourceCode, name: string, owner: string, types: readonly string[]): CountySource {
  const sector = organisation(owner).sector;
  const directory = sector === 'health' ? DIRECTORY : [];
  return {
    code,
    name,
    format: 'fhir-ndjson',
    sector,
    organisation: owner,
    types: ['Patient', ...directory, ...types],
  };
}

export const SOURCES: readonly CountySource[] = [
  fhir('gp', 'Buckinghamshire GP practices', STAFF_PRACTICE, [
    'AllergyIntolerance',
    'Condition',
    'Medication',
    'MedicationRequest',
    'MedicationStatement',
    'Immunization',
    'Observation',
    'EpisodeOfCare',
    'Consent',
    'Binary',
    'DocumentReference',
    'Provenance',
  ]),
  fhir('acute', 'Buckinghamshire Healthcare NHS Trust, hospitals', 'RXQ', [
    'Encounter',
    'Procedure',
    'Observation',
    'DiagnosticReport',
    'Appointment',
    'ServiceRequest',
    'Provenance',
  ]),
  fhir('community', 'Buckinghamshire Healthcare NHS Trust, community services', 'RXQ', [
    'Encounter',
    'Procedure',
    'Observation',
    'DiagnosticReport',
    'Appointment',
    'ServiceRequest',
    'Provenance',
  ]),
  fhir('mental-health', 'Oxford Health NHS Foundation Trust', 'RNU', [
    'EpisodeOfCare',
    'CarePlan',
    'CareTeam',
    'Encounter',
    'Condition',
    'Flag',
  ]),
  fhir('adult-social-care', 'Buckinghamshire Council adult social care', COUNCIL, [
    'EpisodeOfCare',
    'CarePlan',
    'Task',
    'Flag',
    'RelatedPerson',
    'Consent',
  ]),
  fhir('ambulance', 'South Central Ambulance Service', 'RYE', ['Encounter', 'Observation']),
  fhir('out-of-hours', 'Buckinghamshire out-of-hours GPs', OUT_OF_HOURS, [
    'Encounter',
    'Condition',
    'MedicationRequest',
  ]),
  {
    code: 'lcs',
    name: "Buckinghamshire Council children's social care (LCS)",
    format: 'lcs-csv',
    sector: 'social-care',
    organisation: COUNCIL,
    types: [
      'ssd_person',
      'ssd_linked_identifiers',
      'ssd_professionals',
      'ssd_involvements',
      'ssd_contacts',
      'ssd_cin_episodes',
      'ssd_cin_assessments',
      'ssd_cin_plans',
      'ssd_cp_plans',
      'ssd_cla_episodes',
      'ssd_cla_care_plan',
      'ssd_cla_placement',
      'ssd_cla_health',
      'ssd_cla_immunisations',
      'ssd_sdq_scores',
      'ssd_missing',
      'mcr_relations',
      'mcr_sharing_agreements',
    ],
  },
];

export interface CountyOptions {
  /** the same seed gives the same county */
  readonly seed: number;
  /** people of the county, the hard cases first; all of these are there from 60 people on */
  readonly people: number;
  /** day the extracts describe, `YYYY-MM-DD`, from 2025-01-01 on */
  readonly businessDate: string;
  /** default 1 */
  readonly sequence?: number;
  /** share (0 to 1) of people whose clinical rows differ from those of sequence 1; ignored for sequence 1 */
  readonly changed?: number;
  /**
   * Day (`YYYY-MM-DD`) up to which things have happened; at most the business date. Extracts that are to be compared
   * with each other need the same one. Default: 1 January of the business date's year.
   */
  readonly anchor?: string;
}

export interface ManifestFile {
  readonly name: string;
  readonly type: string;
  readonly rows: number;
  readonly sha256: string;
}

/** A person made on purpose, so that demos and tests find them. */
export interface NamedCase {
  readonly name: string;
  /** as the sources send it (an invalid one too); null: no source has one */
  readonly nhsNumber: string | null;
  readonly sources: readonly SourceCode[];
  /** one sentence */
  readonly what: string;
  /** the sources' own ids of the person (Patient id, LCS person id) */
  readonly localIds: Readonly<Partial<Record<SourceCode, string>>>;
}

export interface CountySummary {
  readonly people: number;
  /** what each manifest lists */
  readonly filesBySource: Readonly<Record<SourceCode, readonly ManifestFile[]>>;
  /** rows of all files */
  readonly rows: number;
  readonly cases: readonly NamedCase[];
}
