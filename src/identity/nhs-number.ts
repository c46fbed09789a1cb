/** The NHS number: ten digits, the last a check digit (specification-facts 5.1). Kept as text, never as a number. */

export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

const GROUPED = /^(\d{3})[ -]?(\d{3})[ -]?(\d{4})$/;

/** Whether a text is ten digits with the right check digit. Numbers in no issued range are accepted. */
export function isNhsNumber(text: string): boolean {
  if (!/^\d{10}$/.test(text)) return false;
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += Number(text[i]) * (10 - i);
  // 11 is written 0; 10 has no digit, so such numbers are never issued
  return (11 - (sum % 11)) % 11 === Number(text[9]);
}

/**
 * Reads a number as people write it, `9990000018` or `999 000 0018` (or with hyphens).
 * @returns the ten digits, or undefined where the text is no NHS number or its check digit is wrong
 */
export function readNhsNumber(text: string): string | undefined {
  const digits = normaliseNhsNumber(text);
  return digits !== undefined && isNhsNumber(digits) ? digits : undefined;
}

/** @returns the ten digits of a number written in one piece or 3-3-4, its check digit not looked at */
export function normaliseNhsNumber(text: string): string | undefined {
  const groups = GROUPED.exec(text.trim());
  return groups === null ? undefined : groups.slice(1).join('');
}

/** For people: `999 000 0018`. What is not ten digits is given back as it is. */
export function formatNhsNumber(digits: string): string {
  return digits.replace(GROUPED, '$1 $2 $3');
}

/** Numbers that begin with 9 are for testing and are never a person's. */
export function isTestNumber(digits: string): boolean {
  return digits.startsWith('9');
}
