import { assessments, contacts } from './activities.ts';
import type { ChildInCare } from './child.ts';
import { type MappedResource, type Reference, reference } from './elements.ts';
import { lookedAfterResources } from './looked-after.ts';
import { patientResource } from './patient.ts';
import { carePlans, flags } from './plans.ts';
import { LCS_SYSTEMS } from './systems.ts';
import type { Cells } from './tables.ts';
import { careTeams, episodes } from './team.ts';

export interface Council {
  readonly system: string;
  readonly code: string;
  readonly name: string;
}

const ROLE_CODE = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

/**
 * A child's rows as FHIR R4 resources with the source's own ids, references between them as `Type/id`. The Patient
 * comes first. Categories of abuse, primary need and the reasons of beginnings and ends are in none of them.
 */
export function childResources(child: ChildInCare, council: Council): readonly MappedResource[] {
  const patient = reference('Patient', child.person.pers_person_id);
  const owner = { identifier: { system: council.system, value: council.code }, display: council.name };
  return [
    patientResource(child, owner),
    ...careTeams(child, patient, owner),
    ...episodes(child, patient, owner),
    ...contacts(child, patient),
    ...assessments(child, patient),
    ...carePlans(child, patient),
    ...flags(child, patient),
    ...lookedAfterResources(child.lookedAfter, patient),
    ...child.relations.map((row) => relatedPerson(row, patient)),
  ];
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
