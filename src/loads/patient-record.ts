import { isRefusedNumber, type Policy } from '../access/policy.ts';
import { securityLabels } from '../fhir/codings.ts';
import { isRestrictedLabel } from '../fhir/labels.ts';
import { type Demographics, fold, isComparable } from '../identity/demographics.ts';
import { householdKeys, type PlaceOfLiving } from '../identity/household.ts';
import { NHS_NUMBER_SYSTEM, readNhsNumber } from '../identity/nhs-number.ts';
import type { PatientFault, PatientRecord, RestrictedRow } from './records.ts';

/** What a Patient resource says of who it is, whose rows it speaks for and whether the person is restricted. */

interface Identifier {
  readonly use?: string;
  readonly system?: string;
  readonly value?: string;
  readonly period?: { readonly end?: string };
  readonly extension?: readonly Extension[];
}

interface Extension {
  readonly url: string;
  readonly valueCodeableConcept?: { readonly coding?: readonly { readonly code?: string }[] };
}

interface HumanName {
  readonly use?: string;
  readonly family?: string;
  readonly given?: readonly (string | null)[];
}

interface Patient {
  readonly id: string;
  readonly identifier?: readonly Identifier[];
  readonly name?: readonly HumanName[];
  readonly birthDate?: string;
  readonly address?: readonly PlaceOfLiving[];
  readonly managingOrganization?: { readonly identifier?: Identifier };
}

/** The name a person is known by comes first; former names never speak for them. */
const NAME_USES = ['official', 'usual', undefined, 'nickname', 'temp'];
const FORMER = new Set(['old', 'maiden', 'anonymous']);

/**
 * @param patient valid by `validateStructure`, with an id
 * @param day business date: an identifier whose period ended before it is a former one
 */
export function patientRecord(patient: object, line: number, hash: Buffer, day: string): PatientRecord {
  const { id, name = [], birthDate = '', managingOrganization, ...rest } = patient as Patient;
  const { nhsNumber, fault } = numberOf(rest.identifier ?? [], day);
  const demographics = demographicsOf(name, birthDate);
  const custodian = managingOrganization?.identifier?.value;
  const problem = fault ?? (isComparable(demographics) ? undefined : 'demographics-missing');
  return {
    localId: id,
    line,
    hash,
    ...(problem !== undefined && { fault: problem }),
    ...(nhsNumber !== undefined && { nhsNumber }),
    ...(custodian !== undefined && { custodian }),
    restricted: isRestricted(patient),
    demographics,
    names: [...new Set(name.flatMap(searchNames))],
    households: householdKeys(rest.address ?? []),
  };
}

/** The record, at fault where its number is of the test range and the policy takes none (attack catalogue O-11). */
export function withoutTestNumber(record: PatientRecord, policy: Policy): PatientRecord {
  const { nhsNumber } = record;
  return nhsNumber !== undefined && isRefusedNumber(policy, nhsNumber)
    ? { ...record, fault: 'test-number' }
    : record;
}

/**
 * Keeps the one NHS number that the person goes by, written as ten digits. A former number is never shown: it may
 * belong to an identity that was left behind for good reason. `Patient.link`, the source's own merging, goes too.
 */
export function withCurrentNumber(patient: object, day: string): object {
  const { link, ...rest } = patient as {
    readonly link?: unknown;
    readonly identifier?: readonly Identifier[];
  };
  const { nhsNumber } = numberOf(rest.identifier ?? [], day);
  const identifiers = (rest.identifier ?? []).flatMap((each) => {
    if (each.system !== NHS_NUMBER_SYSTEM) return [each];
    const isCurrent = nhsNumber !== undefined && isCurrentNumber(each, day) && each.value !== undefined;
    return isCurrent ? [{ ...each, value: nhsNumber }] : [];
  });
  const { identifier, ...others } = rest;
  return identifiers.length === 0 ? others : { ...others, identifier: identifiers };
}

/** Whether a Patient carries the S-flag. It need not be valid. */
export function isRestricted(resource: object): boolean {
  return securityLabels(resource).some(isRestrictedLabel);
}

/**
 * What restricts must not be lost to another fault: of a Patient row that is not taken as it is, whom its S-flag is
 * about.
 *
 * @param json whatever the row holds
 * @param localId of the row, where it can be told
 * @returns undefined where the row carries no S-flag
 */
export function restrictedRow(
  json: unknown,
  localId: string | undefined,
  hash: Buffer,
): RestrictedRow | undefined {
  if (typeof json !== 'object' || json === null || !isRestricted(json)) return undefined;
  const { identifier } = json as { readonly identifier?: unknown };
  const identifiers: readonly unknown[] = Array.isArray(identifier) ? identifier : [identifier];
  const nhsNumbers = identifiers.flatMap((each) => {
    if (typeof each !== 'object' || each === null) return [];
    const { system, value } = each as { readonly system?: unknown; readonly value?: unknown };
    if (system !== NHS_NUMBER_SYSTEM) return [];
    return readNhsNumber(String(value)) ?? [];
  });
  return { ...(localId !== undefined && { localId }), nhsNumbers: [...new Set(nhsNumbers)], hash };
}

function numberOf(
  identifiers: readonly Identifier[],
  day: string,
): { nhsNumber?: string; fault?: PatientFault } {
  const current = identifiers.filter((each) => isCurrentNumber(each, day) && each.value !== undefined);
  if (current.length === 0) return { fault: 'no-nhs-number' };
  const numbers = new Set(current.map((each) => readNhsNumber(each.value ?? '')));
  const [nhsNumber] = numbers;
  if (numbers.size !== 1 || nhsNumber === undefined) return { fault: 'nhs-number' };
  return current.every(isVerified) ? { nhsNumber } : { nhsNumber, fault: 'nhs-number-status' };
}

function isCurrentNumber(identifier: Identifier, day: string): boolean {
  if (identifier.system !== NHS_NUMBER_SYSTEM || identifier.use === 'old') return false;
  const end = identifier.period?.end;
  return end === undefined || end.slice(0, 10) >= day.slice(0, end.length);
}

/** No status: the feed sends verified numbers only. A status that is there must say 01 and nothing else. */
function isVerified(identifier: Identifier): boolean {
  const statuses = (identifier.extension ?? []).filter((each) =>
    each.url.includes('NHSNumberVerificationStatus'),
  );
  return statuses.every((status) => {
    const codes = (status.valueCodeableConcept?.coding ?? []).map((coding) => coding.code);
    return codes.length > 0 && codes.every((code) => code === '01');
  });
}

function demographicsOf(names: readonly HumanName[], birthDate: string): Demographics {
  const name = NAME_USES.flatMap((use) => names.filter((each) => each.use === use))[0];
  return { birthDate, family: fold(name?.family ?? ''), given: fold(name?.given?.[0] ?? '') };
}

function searchNames(name: HumanName): string[] {
  if (name.use !== undefined && FORMER.has(name.use) && name.use !== 'maiden') return [];
  const family = fold(name.family ?? '');
  const given = fold(name.given?.[0] ?? '');
  return family === '' && given === '' ? [] : [`${family}\t${given}`];
}
