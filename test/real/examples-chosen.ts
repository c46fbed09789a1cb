import { isServed } from '../../src/fhir/served.ts';
import type { Verdict } from './shared-data.ts';

/** Which published files are sent, and where this service judges them otherwise than the oracle. */

/** Examples of these publishers are sent whole; of the other folders only what is not base R4. */
const PUBLISHERS = [
  'ukcore-examples/json/',
  'nhs-england-programme-examples/',
  'nhs-england-genomics-examples/',
  'hl7-r4-examples/',
  'ihe-pcf/examples/',
  'nhs-bars-booking-referral/',
  'nhs-eps-medicines/',
  'nhs-pds/',
];

/** The oracle checks no required value sets, no ids and no empty arrays; base R4 has rules about each. */
const STRICTER: ReadonlyMap<string, string> = new Map([
  ['ukcore-examples/json/Extension-UKCore-ConditionEpisode-Example.json', 'an extension with two values'],
  ['hl7-validator-cases/cases/patient-id-bad-1.json', 'an id with _'],
  ['hl7-validator-cases/cases/patient-id-bad-2.json', 'an id with a space'],
  ['hl7-validator-cases/cases/empty-array.json', 'an empty array'],
  ['uk-generated/uk-faulty.ndjson.gz#4', 'gender is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#6', 'an empty array'],
  ['uk-generated/uk-faulty.ndjson.gz#9', 'telecom.system is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#22', 'Observation.status is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#55', 'MedicationStatement.status is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#66', 'Encounter.status is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#77', 'DiagnosticReport.status is none of the codes'],
  ['uk-generated/uk-faulty.ndjson.gz#81', 'gender is none of the codes'],
]);

/** Faulty to the oracle alone: line ends in base64, which R4's own expression allows. Not sent. */
export const TAKEN_BY_US: ReadonlySet<string> = new Set(['hl7-r4-examples/r4-examples.ndjson.gz#18']);

export function isSent({ file, resource_type, base_r4 }: Verdict): boolean {
  if (base_r4 === 'not-json') return true;
  if (!isServed(resource_type)) return false;
  return base_r4 === 'invalid' || STRICTER.has(file) || PUBLISHERS.some((folder) => file.startsWith(folder));
}

export function verdictOf({ file, base_r4 }: Verdict): 'base R4' | 'not base R4' {
  return base_r4 === 'valid' && !STRICTER.has(file) ? 'base R4' : 'not base R4';
}
