import type { Json } from './shared-data.ts';

/** Invented identities for real data: NHS numbers of the range kept for tests, and the Patients who carry them. */

export const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
const STATUS = 'UKCore-NHSNumberVerificationStatus';

/** Numbers of the 999 range with a right check digit, one after the other. */
export class NhsNumbers {
  #next = 999_000_000;

  next(): string {
    for (;;) {
      const number = String(this.#next++);
      const digit = checkDigit(number);
      if (digit !== undefined) return `${number}${digit}`;
    }
  }
}

/** @returns the tenth digit of nine; undefined where no number begins so (its check digit would be 10) */
export function checkDigit(nine: string): number | undefined {
  const sum = [...nine].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
  const rest = sum % 11;
  if (rest === 0) return 0;
  return rest === 1 ? undefined : 11 - rest;
}

export function hasRightCheckDigit(number: string): boolean {
  return /^\d{10}$/.test(number) && checkDigit(number.slice(0, 9)) === Number(number.slice(9));
}

/** An identifier with a verified number, as UK Core writes it. */
export function verifiedNumber(value: string): Json {
  const coding = [{ system: `https://fhir.hl7.org.uk/CodeSystem/${STATUS}`, code: '01' }];
  const url = `https://fhir.hl7.org.uk/StructureDefinition/Extension-${STATUS}`;
  return { extension: [{ url, valueCodeableConcept: { coding } }], system: NHS_NUMBER, value };
}

/** The person that an example is attached to. */
export function inventedPatient(id: string, nhsNumber: string): Json {
  return {
    resourceType: 'Patient',
    id,
    identifier: [verifiedNumber(nhsNumber)],
    name: [{ use: 'official', family: 'Example', given: ['Robin'] }],
    gender: 'unknown',
    birthDate: '1980-02-29',
  };
}

/** A Patient under another number, with whatever it lacks to be told from others; the rest as it was published. */
export function underNumber(patient: Json, nhsNumber: string): Json {
  const published = listOf(patient['identifier']).filter((each) => each['system'] !== NHS_NUMBER);
  const { name, birthDate } = patient;
  return {
    ...patient,
    identifier: [verifiedNumber(nhsNumber), ...published],
    name: listOf(name).some(isWhole) ? name : [...listOf(name), { family: 'Example', given: ['Robin'] }],
    birthDate: typeof birthDate === 'string' && birthDate.length === 10 ? birthDate : '1980-02-29',
  };
}

function isWhole(name: Json): boolean {
  return typeof name['family'] === 'string' && listOf(name['given']).length > 0;
}

/** The objects of a list; none where the value is no list. */
export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
