const BASE = 'https://mycarerecord.example/fhir/StructureDefinition/';

/** Profiles and extensions of our own that answers name: `profiles/` holds their definitions. */
export const OWN_PROFILE = {
  patient: `${BASE}aggregated-patient`,
  contribution: `${BASE}contribution`,
  parentalResponsibility: `${BASE}parental-responsibility`,
  optOut: `${BASE}health-opt-out`,
  optIn: `${BASE}social-care-opt-in`,
  sourceStatus: `${BASE}source-status`,
} as const;
