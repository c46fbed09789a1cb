import { dayOf } from './calendar.ts';
import type { CaseSpec } from './case-spec.ts';
import { adult, elder } from './case-spec.ts';
import { CHILD_CASES } from './child-cases.ts';
import { NON_SIGNATORY, STAFF_PRACTICE } from './model.ts';
import { syntheticNhsNumber } from './nhs-number.ts';
import { RECORD_CASES } from './record-cases.ts';

const CONSENTS: readonly CaseSpec[] = [
  adult(
    'opted-out',
    '1979-04-17',
    ['gp', 'acute', 'out-of-hours'],
    'Opted out of sharing by a Consent at the GP.',
    {
      is: { optOut: 'consent' },
    },
  ),
  adult(
    'opted-out-by-code',
    '1985-08-25',
    ['gp', 'acute'],
    'Opted out of sharing by the code 416409005 at the GP.',
    {
      is: { optOut: 'code' },
    },
  ),
  adult(
    'opted-out-then-in',
    '1990-06-02',
    ['gp', 'acute'],
    'Opted out by code and later opted in again (417528008).',
    {
      is: { optOut: 'code-then-in' },
    },
  ),
  elder(
    'adult-agreed',
    '1944-02-12',
    ['gp', 'acute', 'adult-social-care'],
    'Receives adult social care and agreed to sharing.',
  ),
  elder(
    'adult-not-agreed',
    '1938-10-27',
    ['gp', 'adult-social-care'],
    'Receives adult social care; no agreement is recorded.',
    {
      is: { adultAgreement: 'none' },
    },
  ),
  elder(
    'adult-refused',
    '1950-05-06',
    ['gp', 'adult-social-care'],
    'Receives adult social care and refused sharing.',
    {
      is: { adultAgreement: 'denied' },
    },
  ),
];

const IDENTITIES: readonly CaseSpec[] = [
  adult(
    'restricted',
    '1988-03-15',
    ['gp', 'acute'],
    'Has the S-flag on the GP Patient only, and rows in the hospital.',
    {
      is: { restricted: true },
    },
  ),
  adult(
    'staff-patient',
    '1975-01-23',
    ['gp', 'acute'],
    'The GP practice user gp-smith of K82001, who is also a patient.',
    {
      household: { family: 'Smith', city: 'Amersham', postalCode: 'HP7 6CO', practice: STAFF_PRACTICE },
      is: { given: 'Jordan', staff: { organization: STAFF_PRACTICE, userId: 'gp-smith' } },
    },
  ),
  adult(
    'staff-household',
    '1977-09-09',
    ['gp', 'acute'],
    'Lives with staff-patient: same surname and address, another person.',
    {
      household: { family: 'Smith', city: 'Amersham', postalCode: 'HP7 6CO', practice: STAFF_PRACTICE },
      is: { given: 'Alex' },
    },
  ),
  adult(
    'identity-conflict',
    '1981-12-18',
    ['gp', 'acute'],
    'The hospital sends this NHS number with another name and birth date than the GP.',
    {
      gender: 'female',
      is: {
        given: 'Priya',
        contradicted: {
          source: 'acute',
          given: 'Quentin',
          family: 'Otherwise',
          birthDay: dayOf('1958-02-02'),
        },
      },
    },
  ),
  adult(
    'non-signatory',
    '1969-07-14',
    ['gp', 'acute'],
    'Registered at a practice that has not signed the agreement.',
    {
      household: { practice: NON_SIGNATORY },
    },
  ),
  adult(
    'wrong-check-digit',
    '1993-05-29',
    ['acute'],
    'The hospital sends an NHS number whose check digit is wrong.',
  ),
];

function withWrongCheckDigit(index: number): string {
  const right = syntheticNhsNumber(index);
  return `${right.slice(0, 9)}${(Number(right[9]) + 1) % 10}`;
}

/** What a case needs to know of its own place. */
function placed(spec: CaseSpec, index: number, all: readonly CaseSpec[]): CaseSpec {
  if (spec.names.includes('wrong-check-digit')) {
    return { ...spec, is: { ...spec.is, nhsNumber: withWrongCheckDigit(index) } };
  }
  if (spec.names.includes('staff-household')) {
    return { ...spec, livesWith: all.findIndex((one) => one.names.includes('staff-patient')) };
  }
  return spec;
}

/** All hard cases. Their place in the list is their number in the county. */
export const CASES: readonly CaseSpec[] = [...CHILD_CASES, ...CONSENTS, ...IDENTITIES, ...RECORD_CASES].map(
  placed,
);
