import { OWN_PROFILE } from '../../fhir/own-profiles.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../../identity/nhs-number.ts';
import type { ChildInCare } from './child.ts';
import { type MappedResource, type Owner, period, type Reference, reference } from './elements.ts';
import type { Cells } from './tables.ts';
import { careTeams, episodes } from './team.ts';

/**
 * A child's rows as FHIR R4 resources with the source's own ids, references between them as `Type/id`. Categories of
 * abuse, primary need and the reasons of beginnings and ends are not read at all.
 */

export const LCS_SYSTEMS = {
  person: 'https://mycarerecord.example/Id/lcs-person',
  plan: 'https://mycarerecord.example/fhir/CodeSystem/social-care-plan',
  flag: 'https://mycarerecord.example/fhir/CodeSystem/social-care-flag',
  parentalResponsibility: OWN_PROFILE.parentalResponsibility,
} as const;

export interface Council {
  readonly system: string;
  readonly code: string;
  readonly name: string;
}

const VERIFICATION = {
  extension: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
  system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland',
} as const;
const GENDERS: Readonly<Record<string, string>> = { M: 'male', F: 'female', U: 'unknown' };
const ROLE_CODE = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

export function childResources(child: ChildInCare, council: Council): readonly MappedResource[] {
  const patient = reference('Patient', child.person.pers_person_id);
  const owner = { identifier: { system: council.system, value: council.code }, display: council.name };
  return [
    patientResource(child.person, owner),
    ...careTeams(child, patient, owner),
    ...episodes(child, patient, owner),
    ...child.cinPlans.map((row) =>
      carePlan(
        'cin',
        row.cinp_cin_plan_id,
        patient,
        row.cinp_cin_plan_start_date,
        row.cinp_cin_plan_end_date,
      ),
    ),
    ...child.cpPlans.flatMap((row) => {
      const { cppl_cp_plan_id: id, cppl_cp_plan_start_date: start, cppl_cp_plan_end_date: end } = row;
      return [carePlan('cp', id, patient, start, end), flag('cp', id, patient, start, end)];
    }),
    ...child.claEpisodes.map((row) =>
      flag(
        'cla',
        row.clae_cla_episode_id,
        patient,
        row.clae_cla_episode_start_date,
        row.clae_cla_episode_ceased_date,
      ),
    ),
    ...child.relations.map((row) => relatedPerson(row, patient)),
  ];
}

function patientResource(row: Cells<'ssd_person'>, owner: Owner): MappedResource {
  const gender = GENDERS[row.pers_sex];
  const name = {
    use: 'official',
    ...(row.pers_surname !== '' && { family: row.pers_surname }),
    ...(row.pers_forename !== '' && { given: [row.pers_forename] }),
  };
  return {
    resourceType: 'Patient',
    id: row.pers_person_id,
    identifier: [...nhsNumber(row), { system: LCS_SYSTEMS.person, value: row.pers_person_id }],
    ...(Object.keys(name).length > 1 && { name: [name] }),
    ...(gender !== undefined && { gender }),
    ...(row.pers_dob !== '' && { birthDate: row.pers_dob }),
    ...(row.pers_death_date !== '' && { deceasedDateTime: row.pers_death_date }),
    managingOrganization: owner,
  };
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

const PLANS = {
  cin: { code: 'child-in-need', title: 'Child in need plan' },
  cp: { code: 'child-protection', title: 'Child protection plan' },
} as const;

function carePlan(
  kind: keyof typeof PLANS,
  id: string,
  subject: Reference,
  start: string,
  end: string,
): MappedResource {
  const { code, title } = PLANS[kind];
  return {
    resourceType: 'CarePlan',
    id: `${kind}-${id}`,
    status: 'active',
    intent: 'plan',
    category: [{ coding: [{ system: LCS_SYSTEMS.plan, code, display: title }] }],
    title,
    subject,
    ...period(start, end),
  };
}

const FLAGS = {
  cp: { code: 'child-protection-plan', display: 'Subject of a child protection plan' },
  cla: { code: 'looked-after-child', display: 'Looked after child' },
} as const;

function flag(
  kind: keyof typeof FLAGS,
  id: string,
  subject: Reference,
  start: string,
  end: string,
): MappedResource {
  const { code, display } = FLAGS[kind];
  const category = {
    system: 'http://terminology.hl7.org/CodeSystem/flag-category',
    code: 'safety',
    display: 'Safety',
  };
  return {
    resourceType: 'Flag',
    id: `${kind}-${id}`,
    status: 'active',
    category: [{ coding: [category] }],
    code: { coding: [{ system: LCS_SYSTEMS.flag, code, display }], text: display },
    subject,
    ...period(start, end),
  };
}

function relatedPerson(row: Cells<'mcr_relations'>, patient: Reference): MappedResource {
  const responsible = row.rela_parental_responsibility;
  return {
    resourceType: 'RelatedPerson',
    id: row.rela_relation_id,
    ...(responsible !== '' && {
      extension: [{ url: LCS_SYSTEMS.parentalResponsibility, valueBoolean: responsible === 'Y' }],
    }),
    active: true,
    patient,
    ...(row.rela_relationship !== '' && {
      relationship: [{ coding: [{ system: ROLE_CODE, code: row.rela_relationship }] }],
    }),
    ...(row.rela_name !== '' && { name: [{ text: row.rela_name }] }),
    ...(row.rela_telephone !== '' && { telecom: [{ system: 'phone', value: row.rela_telephone }] }),
  };
}
