/** Rows of FHIR extracts, as sources send them. */

export const NHS = 'https://fhir.nhs.uk/Id/nhs-number';

export type Row = { readonly resourceType: string; readonly id: string; readonly [element: string]: unknown };

/** Valid numbers of the range that is never issued. */
export const NUMBERS = [
  '9990000018',
  '9990000026',
  '9990000034',
  '9990000042',
  '9990000050',
  '9990000069',
] as const;

export function patient(id: string, nhsNumber: string, more: Record<string, unknown> = {}): Row {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: NHS, value: nhsNumber }],
    name: [{ use: 'official', family: `Family${nhsNumber.slice(-3)}`, given: ['Ada'] }],
    birthDate: '1980-05-17',
    ...more,
  };
}

const SNOMED = 'http://snomed.info/sct';

export function observation(id: string, of: string, value = 1, more: Record<string, unknown> = {}): Row {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: SNOMED, code: '364075005' }] },
    subject: { reference: `Patient/${of}` },
    valueQuantity: { value },
    ...more,
  };
}

export function optOut(id: string, of: string, type: 'deny' | 'permit', dateTime: string): Row {
  return consent(id, of, 'health-optout/v1', { type }, dateTime);
}

export function agreement(
  id: string,
  of: string,
  provision: Record<string, unknown>,
  dateTime = '2026-01-01',
): Row {
  return consent(id, of, 'socialcare-optin/v1', provision, dateTime);
}

function consent(
  id: string,
  of: string,
  uri: string,
  provision: Record<string, unknown>,
  dateTime: string,
): Row {
  return {
    resourceType: 'Consent',
    id,
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${of}` },
    dateTime,
    policy: [{ uri: `https://mycarerecord.example/policy/${uri}` }],
    provision,
  };
}

export function episode(id: string, of: string, more: Record<string, unknown> = {}): Row {
  return {
    resourceType: 'EpisodeOfCare',
    id,
    status: 'active',
    patient: { reference: `Patient/${of}` },
    ...more,
  };
}
