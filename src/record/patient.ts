import type { Patient } from '@medplum/fhirtypes';
import type { SourcePolicy } from '../access/policy.ts';
import { OWN_PROFILE } from '../fhir/own-profiles.ts';
import { declareUkCore } from '../fhir/uk-core.ts';
import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.ts';
import type { Row } from './ports.ts';

/** A source's own Patient, as far as this caller may see it. */
export interface Contribution {
  readonly source: SourcePolicy;
  readonly row: Row;
  /** parsed body, hidden elements already removed */
  readonly patient: Patient;
  /** business date of the load it came with */
  readonly asOf: string;
}

/** Elements taken whole from the contribution of highest precedence that has them. */
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
] as const;

/**
 * One Patient of a person's contributions, by precedence (DESIGN 14). It is built from what the caller may see and
 * nothing else, so it cannot betray a contribution that is withheld. The contributions it was made of are named in an
 * extension each.
 *
 * @returns undefined when there is no contribution: the person is then unknown to this caller
 */
export function aggregatePatient(
  personId: string,
  contributions: readonly Contribution[],
): Patient | undefined {
  const ordered = [...contributions].sort(
    (a, b) =>
      a.source.precedence - b.source.precedence ||
      Number(isOfAnother(a, personId)) - Number(isOfAnother(b, personId)) ||
      (a.row.id < b.row.id ? -1 : 1),
  );
  const [first] = ordered;
  if (first === undefined) return undefined;
  const patient: Patient = {
    resourceType: 'Patient',
    id: personId,
    meta: {
      versionId: String(Math.max(...ordered.map((c) => c.row.version))),
      lastUpdated: latest(ordered),
      profile: [OWN_PROFILE.patient],
    },
    extension: [...ethnicity(ordered), ...ordered.map(named)],
    ...identified(ordered, personId),
    active: true,
  };
  for (const element of WHOLE) {
    const from = ordered.find((c) => c.patient[element] !== undefined);
    if (from !== undefined) Object.assign(patient, { [element]: from.patient[element] });
  }
  return declareUkCore({ ...patient, ...death(ordered) });
}

/** Of merged people: a contribution to the record of one who was merged away. */
function isOfAnother({ row }: Contribution, personId: string): boolean {
  return row.personId !== personId;
}

function latest(contributions: readonly Contribution[]): string {
  return contributions.map((c) => c.patient.meta?.lastUpdated ?? '').reduce((a, b) => (b > a ? b : a));
}

function named(contribution: Contribution): NonNullable<Patient['extension']>[number] {
  return {
    url: OWN_PROFILE.contribution,
    extension: [
      { url: 'source', valueCode: contribution.source.code },
      { url: 'organisation', valueString: contribution.source.name },
      { url: 'asOf', valueDate: contribution.asOf },
    ],
  };
}

/** UK Core's ethnic category, from the highest that has it; other partners' extensions are not carried over. */
function ethnicity(contributions: readonly Contribution[]): NonNullable<Patient['extension']> {
  const url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory';
  const found = contributions.flatMap((c) => c.patient.extension?.filter((e) => e.url === url) ?? []);
  return found.slice(0, 1);
}

/**
 * The NHS number once, from the highest; each contributor's local identifiers after it; nothing where none is shared. Of
 * merged people it is the number in force; where only the other is known it is shown as the old one.
 */
function identified(contributions: readonly Contribution[], personId: string): Pick<Patient, 'identifier'> {
  const all = contributions.flatMap((c) => c.patient.identifier ?? []);
  const numberOf = (some: readonly Contribution[]) =>
    some.flatMap((c) => c.patient.identifier ?? []).find(({ system }) => system === NHS_NUMBER_SYSTEM);
  const inForce = numberOf(contributions.filter((c) => !isOfAnother(c, personId)));
  const former = inForce === undefined ? numberOf(contributions) : undefined;
  const number = former === undefined ? inForce : { ...former, use: 'old' as const };
  const seen = new Set<string>();
  const local = all.filter((identifier) => {
    const key = `${identifier.system ?? ''}|${identifier.value ?? ''}`;
    if (identifier.system === NHS_NUMBER_SYSTEM || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  const identifier = number === undefined ? local : [number, ...local];
  return identifier.length === 0 ? {} : { identifier };
}

/** A death that any contributor has recorded is shown: the highest that says when, else that says so. */
function death(
  contributions: readonly Contribution[],
): Pick<Patient, 'deceasedBoolean' | 'deceasedDateTime'> {
  const dated = contributions.find((c) => c.patient.deceasedDateTime !== undefined)?.patient.deceasedDateTime;
  if (dated !== undefined) return { deceasedDateTime: dated };
  return contributions.some((c) => c.patient.deceasedBoolean === true) ? { deceasedBoolean: true } : {};
}
