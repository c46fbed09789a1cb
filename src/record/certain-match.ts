import type { Patient } from '@medplum/fhirtypes';
import type { CertainPerson } from '../access/ask.ts';
import { fold } from '../identity/demographics.ts';

/**
 * Whether a Patient is the person described: the birth date is the same, and so is all else that is given. A gender that
 * the record does not know contradicts nothing; a name or postcode that it does not know is no certainty.
 */
export function isCertainly(
  patient: Patient,
  { birthDate, family, given, gender, postalCode }: CertainPerson,
): boolean {
  if (patient.birthDate !== birthDate) return false;
  if (gender !== undefined && patient.gender !== undefined && patient.gender !== gender) return false;
  if (postalCode !== undefined && !patient.address?.some((each) => sameCode(each.postalCode, postalCode)))
    return false;
  if (family === undefined && given === undefined) return true;
  return (patient.name ?? []).some(
    (name) =>
      (family === undefined || fold(name.family ?? '') === fold(family)) &&
      (given === undefined || fold(name.given?.[0] ?? '') === fold(given)),
  );
}

function sameCode(a: string | undefined, b: string): boolean {
  return a !== undefined && bare(a) === bare(b);
}

function bare(postalCode: string): string {
  return postalCode.replace(/\s/g, '').toUpperCase();
}
