import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../../identity/nhs-number.ts';
import type { ChildInCare } from './child.ts';
import { type MappedResource, type Owner, period } from './elements.ts';
import { LCS_SYSTEMS } from './systems.ts';
import type { Cells } from './tables.ts';

const VERIFICATION = {
  extension: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
  system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland',
} as const;
const VERIFIED = '01';
const GENDERS: Readonly<Record<string, string>> = { M: 'male', F: 'female', U: 'unknown' };

/** The child's row and the council's numbers of the case as a Patient. */
export function patientResource({ person: row, identifiers }: ChildInCare, owner: Owner): MappedResource {
  const gender = GENDERS[row.pers_sex];
  const name = {
    use: 'official',
    ...(row.pers_surname !== '' && { family: row.pers_surname }),
    ...(row.pers_forename !== '' && { given: [row.pers_forename] }),
  };
  return {
    resourceType: 'Patient',
    id: row.pers_person_id,
    identifier: [
      ...nhsNumber(row),
      { system: LCS_SYSTEMS.person, value: row.pers_person_id },
      ...identifiers.map((each) => ({
        system: LCS_SYSTEMS.caseNumber,
        value: each.link_identifier_value,
        ...period(each.link_valid_from_date, each.link_valid_to_date),
      })),
    ],
    ...(Object.keys(name).length > 1 && { name: [name] }),
    ...(gender !== undefined && { gender }),
    ...(row.pers_dob !== '' && { birthDate: row.pers_dob }),
    ...(row.pers_death_date !== '' && { deceasedDateTime: row.pers_death_date }),
    managingOrganization: owner,
  };
}

/**
 * The child as held: an NHS number that the council has not verified is not shown, not even of a child whom somebody
 * has matched, since the number may be another person's.
 */
export function withoutUnverifiedNumber(child: ChildInCare): ChildInCare {
  const { person } = child;
  if (person.mcr_nhs_number_status === VERIFIED || person.pers_common_child_id === '') return child;
  return { ...child, person: { ...person, pers_common_child_id: '' } };
}

function nhsNumber(row: Cells<'ssd_person'>): readonly object[] {
  if (row.pers_common_child_id === '') return [];
  const value = readNhsNumber(row.pers_common_child_id) ?? row.pers_common_child_id;
  // an empty status is not a verified one: unlike a feed of the health service, LCS always says
  const code = row.mcr_nhs_number_status === '' ? '03' : row.mcr_nhs_number_status;
  const extension = [
    {
      url: VERIFICATION.extension,
      valueCodeableConcept: { coding: [{ system: VERIFICATION.system, code }] },
    },
  ];
  return [{ extension, system: NHS_NUMBER_SYSTEM, value }];
}
