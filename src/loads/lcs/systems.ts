import { OWN_PROFILE } from '../../fhir/own-profiles.ts';

/** Identifier and code systems of our own that an LCS folder's resources speak in (docs/profiles.md). */
export const LCS_SYSTEMS = {
  person: 'https://mycarerecord.example/Id/lcs-person',
  caseNumber: 'https://mycarerecord.example/Id/lcs-case',
  plan: 'https://mycarerecord.example/fhir/CodeSystem/social-care-plan',
  flag: 'https://mycarerecord.example/fhir/CodeSystem/social-care-flag',
  activity: 'https://mycarerecord.example/fhir/CodeSystem/social-care-activity',
  placement: 'https://mycarerecord.example/fhir/CodeSystem/social-care-placement',
  parentalResponsibility: OWN_PROFILE.parentalResponsibility,
} as const;
