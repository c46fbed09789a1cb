import { canonical, withoutReferences } from './compare.ts';
import type { SentRow } from './extract.ts';
import { listOf, NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';

/** Elements that the aggregated Patient takes whole from the first source that has them (DESIGN 14). */
const WHOLE = [
  'name',
  'telecom',
  'gender',
  'birthDate',
  'address',
  'maritalStatus',
  'communication',
  'generalPractitioner',
  'managingOrganization',
];

const CONTRIBUTION = 'https://mycarerecord.example/fhir/StructureDefinition/contribution';

/**
 * What of the aggregated Patient is not as its contributions say.
 *
 * @param rows the person's Patients as sent, from the source of highest precedence to the lowest
 */
export function patientFaults(patient: Json, rows: readonly SentRow[]): readonly string[] {
  const sent = rows.map(({ resource }) => resource ?? {});
  const faults = WHOLE.filter((element) => {
    const wanted = sent.find((each) => each[element] !== undefined)?.[element];
    return plain(patient[element]) !== plain(wanted);
  });
  const identifiers = new Set(sent.flatMap((each) => listOf(each['identifier']).map(tokenOf)));
  const now = listOf(patient['identifier']).map(tokenOf);
  if (plain([...identifiers].sort()) !== plain([...now].sort())) faults.push('identifier');
  if (!now[0]?.startsWith(`${NHS_NUMBER}|`)) faults.push('identifier: the NHS number is not first');
  if (plain(sourcesOf(patient)) !== plain(rows.map(({ source }) => source))) faults.push('contributions');
  const died = sent.map((each) => each['deceasedDateTime']).find((each) => each !== undefined);
  if (plain(patient['deceasedDateTime']) !== plain(died)) faults.push('deceasedDateTime');
  return faults;
}

function plain(value: unknown): string {
  return value === undefined ? 'absent' : canonical(withoutReferences(value));
}

function tokenOf(identifier: Json): string {
  return `${String(identifier['system'] ?? '')}|${String(identifier['value'] ?? '')}`;
}

function sourcesOf(patient: Json): readonly unknown[] {
  const contributions = listOf(patient['extension']).filter(({ url }) => url === CONTRIBUTION);
  return contributions.map(
    (each) => listOf(each['extension']).find(({ url }) => url === 'source')?.['valueCode'],
  );
}
