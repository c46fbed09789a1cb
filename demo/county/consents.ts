import type { CodeableConcept, Consent, Reference, RelatedPerson } from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import { coded, LOINC } from './clinical-codes.ts';
import type { Sheet } from './sheet.ts';
import { meta } from './sheet.ts';

const SCOPE = coded(
  'http://terminology.hl7.org/CodeSystem/consentscope',
  'patient-privacy',
  'Privacy Consent',
);
const CATEGORY: CodeableConcept[] = [coded(LOINC, '59284-0', 'Consent Document')];
const POLICY = 'https://mycarerecord.example/policy/';

export interface Decision {
  readonly policy: 'health-optout/v1' | 'socialcare-optin/v1';
  readonly type: 'permit' | 'deny';
  readonly day: Day;
  /** last day on which it holds */
  readonly until?: Day;
  /** who decided, when it was not the person */
  readonly performer?: Reference<RelatedPerson>;
}

/** A Consent row as docs/onboarding-a-source.md lays it down. */
export function addConsent(sheet: Sheet, decision: Decision): void {
  const { policy, type, day, until } = decision;
  const row: Consent = {
    resourceType: 'Consent',
    id: sheet.id('consent'),
    meta: meta('Consent'),
    status: 'active',
    scope: SCOPE,
    category: CATEGORY,
    patient: sheet.patient,
    dateTime: sheet.at(day),
    performer: [decision.performer ?? sheet.patient],
    organization: [sheet.owned()],
    policy: [{ uri: `${POLICY}${policy}` }],
    provision: {
      type,
      ...(policy === 'socialcare-optin/v1'
        ? { period: { start: dateText(day), ...(until === undefined ? {} : { end: dateText(until) }) } }
        : {}),
    },
  };
  sheet.add(row);
}
