import { HEALTH_OPT_OUT, SOCIAL_CARE_OPT_IN } from '../../fhir/consent-policies.ts';
import { writeDecimals } from '../../fhir/decimals.ts';
import { isServed, served } from '../../fhir/served.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../../identity/nhs-number.ts';
import type { RowFault } from '../fhir-ndjson/row.ts';
import type { ConsentMapping, LabelMapping, NhsNumberMapping, ResourceMapping, Template } from './mapping.ts';
import type { Row } from './row.ts';
import { fillElements, type Surroundings } from './template.ts';

/**
 * What one row becomes by one resource of the mapping: a line of FHIR, or a line that says why there is none and what
 * could be told of it all the same (what restricts counts even then).
 */

const VERIFICATION = {
  extension: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
  system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland',
} as const;

const LABELS: Readonly<Record<LabelMapping['label'], Template>> = {
  restricted: { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' },
  'not-for-patient': { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'NOPAT' },
};

/** Of a line that is no resource; no resource begins like this. */
export const FAULT_BEGINS = '{"fault":';

/** @returns the line without its end; undefined where the mapping makes nothing of this row */
export function resourceLine(mapping: ResourceMapping, row: Row, around: Surroundings): string | undefined {
  if (mapping.when !== undefined && !row.passes(mapping.when)) return undefined;
  const { type } = mapping;
  const isPatient = type === 'Patient';
  const id = row.id(mapping.id, isPatient ? undefined : mapping.name);
  const security = (mapping.labels ?? [])
    .filter((label) => row.restricts(label.column))
    .map((label) => LABELS[label.label]);
  const elements = fillElements(mapping.elements, row, around);
  const identifier = mapping.nhsNumber === undefined ? [] : nhsNumber(mapping.nhsNumber, row);
  const own = Array.isArray(elements['identifier']) ? elements['identifier'] : [];
  const resource = {
    resourceType: type,
    ...(id !== undefined && { id }),
    ...(security.length > 0 && { meta: { security } }),
    ...personOf(mapping, row),
    ...elements,
    ...(identifier.length > 0 && { identifier: [...identifier, ...own] }),
  };
  return line(resource, id, row);
}

/**
 * A statement about sharing. Of an agreement a blank is a refusal; of an opt-out it says nothing, and a denial of it
 * ends an earlier one only where it is dated.
 */
export function consentLine(mapping: ConsentMapping, row: Row): string | undefined {
  if (mapping.when !== undefined && !row.passes(mapping.when)) return undefined;
  const isAgreement = mapping.about === 'social-care';
  const states = row.value(mapping.states);
  const recorded = row.text(mapping.recorded);
  const isUnreadable = row.isFaulty(mapping.states);
  if (!isAgreement && !isUnreadable && (states === undefined || (states === false && recorded === undefined)))
    return undefined;
  const id = row.id(mapping.id, mapping.name);
  const person = row.id(mapping.person);
  const start = row.text(mapping.start);
  const end = row.text(mapping.end);
  const givenBy = row.text(mapping.givenBy);
  const period = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
  const permits = isAgreement ? states === true : states === false;
  const consent = {
    resourceType: 'Consent',
    ...(id !== undefined && { id }),
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    ...(person !== undefined && { patient: { reference: `Patient/${person}` } }),
    ...(recorded !== undefined && { dateTime: recorded }),
    ...(givenBy !== undefined && { performer: [{ display: givenBy }] }),
    policy: [{ uri: isAgreement ? SOCIAL_CARE_OPT_IN : HEALTH_OPT_OUT }],
    provision: {
      type: permits ? 'permit' : 'deny',
      ...(Object.keys(period).length > 0 && { period }),
    },
  };
  // whether somebody opted out is not guessed from a cell that cannot be read
  return line(!isAgreement && isUnreadable ? {} : consent, id, row);
}

function line(resource: object, id: string | undefined, row: Row): string {
  const { fault } = row;
  if (fault === undefined) return writeDecimals(JSON.stringify(resource));
  const told: RowFault = { ...fault, ...(id !== undefined && { id }) };
  return JSON.stringify({ fault: told, json: resource });
}

function personOf(mapping: ResourceMapping, row: Row): Template {
  if (mapping.person === undefined || !isServed(mapping.type)) return {};
  const { person: element } = served(mapping.type);
  const id = row.id(mapping.person);
  return element === undefined || id === undefined ? {} : { [element]: { reference: `Patient/${id}` } };
}

function nhsNumber({ column, status, statusMap }: NhsNumberMapping, row: Row): readonly Template[] {
  const number = row.text(column);
  if (number === undefined) return [];
  const identifier = { system: NHS_NUMBER_SYSTEM, value: readNhsNumber(number) ?? number };
  if (status === undefined) return [identifier];
  const code = statusMap === undefined ? row.text(status) : row.coded(status, statusMap)?.code;
  // a status that is not said is not a verified one
  const concept =
    code === undefined ? { text: 'Not stated' } : { coding: [{ system: VERIFICATION.system, code }] };
  return [{ extension: [{ url: VERIFICATION.extension, valueCodeableConcept: concept }], ...identifier }];
}
