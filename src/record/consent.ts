import type { Consent } from '@medplum/fhirtypes';
import type { ConsentLimits } from '../access/consent-limits.ts';
import type { Organisation, Policy } from '../access/policy.ts';
import { HEALTH_OPT_OUT, SOCIAL_CARE_OPT_IN } from '../fhir/consent-policies.ts';
import { OWN_PROFILE } from '../fhir/own-profiles.ts';
import { declareUkCore } from '../fhir/uk-core.ts';
import type { ConsentRecord, Row } from './ports.ts';

/**
 * What was recorded, as a Consent in the shape of IHE PCF's basic profile (specification facts 4.2): the record of
 * consent that the rules use, shown; never a copy that could say something else.
 *
 * @param organisation the custodian: owner of the source that recorded it
 */
export function consentResource(record: ConsentRecord, organisation: Organisation): Consent {
  const isOptOut = record.kind === 'opt-out';
  const permits = isOptOut ? !record.optedOut : record.given;
  return declareUkCore<Consent>({
    resourceType: 'Consent',
    id: record.id,
    meta: {
      lastUpdated: new Date(record.recordedAt).toISOString(),
      source: `https://mycarerecord.example/source/${record.source}`,
      // our profiles are of consents for everything
      ...(record.limits === undefined
        ? { profile: [isOptOut ? OWN_PROFILE.optOut : OWN_PROFILE.optIn] }
        : {}),
    },
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${record.personId}` },
    dateTime: new Date(record.recordedAt).toISOString(),
    performer: [performer(record)],
    organization: [
      { identifier: { system: organisation.system, value: organisation.code }, display: organisation.name },
    ],
    sourceReference: { display: `As recorded by ${organisation.name}` },
    policy: [{ uri: isOptOut ? HEALTH_OPT_OUT : SOCIAL_CARE_OPT_IN }],
    provision: {
      type: permits ? 'permit' : 'deny',
      ...period(record),
      ...limited(record.limits),
      purpose: (record.limits?.purposes ?? ['TREAT']).map((code) => ({
        system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
        code,
      })),
    },
  });
}

function performer(record: ConsentRecord): NonNullable<Consent['performer']>[number] {
  if (record.kind === 'agreement' && record.givenBy !== undefined) return { display: record.givenBy };
  return { reference: `Patient/${record.personId}` };
}

type Provision = NonNullable<Consent['provision']>;

function period(record: ConsentRecord): Pick<Provision, 'period'> {
  const { from, to } = record.kind === 'opt-out' ? (record.limits ?? {}) : record;
  if (from === undefined && to === undefined) return {};
  return {
    period: { ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) },
  };
}

function limited({ organisations, types }: ConsentLimits = {}): Pick<Provision, 'actor' | 'class'> {
  const recipient = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
  };
  return {
    ...(organisations === undefined
      ? {}
      : {
          actor: organisations.map((organisation) => {
            const bar = organisation.lastIndexOf('|');
            const identifier = { system: organisation.slice(0, bar), value: organisation.slice(bar + 1) };
            return { role: recipient, reference: { identifier } };
          }),
        }),
    ...(types === undefined
      ? {}
      : { class: types.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code })) }),
  };
}

/** A consent as a row; none where the policy does not know whose it is. */
export function consentRow(record: ConsentRecord, policy: Policy): readonly Row[] {
  const source = policy.sources.get(record.source);
  const organisation = source && policy.organisations.get(source.organisation);
  if (source === undefined || organisation === undefined) return [];
  const { id, personId } = record;
  // its version is the moment it was recorded: consents are current and unversioned. A date that stands for an
  // unknown one may lie before 1970, and a version is no less than 0
  const version = Math.max(record.recordedAt, 0);
  const body = JSON.stringify(consentResource(record, organisation));
  const noCodes = { categories: [], labels: [], codes: [] };
  return [{ id, personId, version, source: source.code, type: 'Consent', ...noCodes, body }];
}
