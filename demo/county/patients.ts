import type { Extension, Identifier, Patient } from '@medplum/fhirtypes';
import { dateText, instantText } from './calendar.ts';
import { coded } from './clinical-codes.ts';
import { practitionerReference } from './directory.ts';
import { ethnicDisplay } from './names.ts';
import type { Sheet } from './sheet.ts';
import { meta, patientId, RESTRICTED, recordSystem } from './sheet.ts';

const EXTENSION = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-';
const CODES = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-';

const VERIFIED: Extension[] = [
  {
    url: `${EXTENSION}NHSNumberVerificationStatus`,
    valueCodeableConcept: coded(
      `${CODES}NHSNumberVerificationStatusEngland`,
      '01',
      'Number present and verified',
    ),
  },
];

function identifiers(sheet: Sheet): Identifier[] {
  const { person, source } = sheet;
  // some feeds leave the status out: absent is not the same as unverified
  const stated = source === 'gp' || person.index % 30 !== 7;
  return [
    {
      ...(stated ? { extension: VERIFIED } : {}),
      system: 'https://fhir.nhs.uk/Id/nhs-number',
      value: person.nhsNumber,
    },
    { system: recordSystem(source), value: patientId(source, person.index) },
  ];
}

function extensions(sheet: Sheet): Extension[] {
  const { person, source } = sheet;
  const found: Extension[] = [];
  if (source === 'gp' || source === 'acute') {
    const { ethnicCategory: code } = person;
    found.push({
      url: `${EXTENSION}EthnicCategory`,
      valueCodeableConcept: coded(`${CODES}EthnicCategoryEngland`, code, ethnicDisplay(code)),
    });
  }
  if (person.deceasedDay !== undefined) {
    const formal = 'Formal - death notice received from Registrar of Deaths';
    found.push({
      url: `${EXTENSION}DeathNotificationStatus`,
      extension: [
        {
          url: 'deathNotificationStatus',
          valueCodeableConcept: coded(`${CODES}DeathNotificationStatus`, '2', formal),
        },
        { url: 'systemEffectiveDate', valueDateTime: dateText(person.deceasedDay) },
      ],
    });
  }
  return found;
}

/** The person as the sheet's source knows them. Emergency services know no address. */
export function addPatient(sheet: Sheet): void {
  const { person, source, owner } = sheet;
  const known = person.contradicted?.source === source ? person.contradicted : person;
  const extension = extensions(sheet);
  const passing = source === 'ambulance' || source === 'out-of-hours';
  const { household: home } = person;
  const patient: Patient = {
    resourceType: 'Patient',
    id: patientId(source, person.index),
    meta: meta('Patient', source === 'gp' && person.restricted === true ? RESTRICTED : undefined),
    ...(extension.length === 0 ? {} : { extension }),
    identifier: identifiers(sheet),
    active: true,
    name: [{ use: 'official', family: known.family, given: [known.given] }],
    ...(passing ? {} : { telecom: [{ system: 'phone', value: home.telephone, use: 'home' }] }),
    gender: person.gender,
    birthDate: dateText(known.birthDay),
    ...(person.deceasedDay === undefined ? {} : { deceasedDateTime: instantText(person.deceasedDay, 615) }),
    ...(passing
      ? {}
      : {
          address: [
            {
              use: 'home',
              line: [home.line],
              city: home.city,
              district: 'Buckinghamshire',
              postalCode: home.postalCode,
            },
          ],
        }),
    ...(source === 'gp' ? { generalPractitioner: [practitionerReference(owner.code, person.index)] } : {}),
    managingOrganization: sheet.owned(),
  };
  sheet.add(patient);
}
