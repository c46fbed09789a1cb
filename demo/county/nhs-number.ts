/**
 * NHS numbers for people who do not exist: from the block that begins 999, which is never issued, and when that is used
 * up from the test blocks below it.
 */

/** Of ten 9-digit stems with the same first eight digits at most one has no check digit: nine of them are used. */
const PER_BLOCK = 900_000;
const BLOCKS = 99;
/** Coprime to PER_BLOCK: neighbours in the county do not have neighbouring numbers. */
const SCATTER = 7919;

/** The check digit of nine digits; 10 when no number has them. Modulus 11, weights 10 to 2. */
export function checkDigit(stem: string): number {
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += (stem.charCodeAt(i) - 48) * (10 - i);
  const check = 11 - (sum % 11);
  return check === 11 ? 0 : check;
}

/**
 * The number of the person with this index: unique, and the same in every county.
 * @throws RangeError when the test blocks hold no number for the index
 */
export function syntheticNhsNumber(index: number): string {
  const block = Math.floor(index / PER_BLOCK);
  if (!Number.isInteger(index) || index < 0 || block >= BLOCKS)
    throw new RangeError('No such person number.');
  const place = ((index % PER_BLOCK) * SCATTER) % PER_BLOCK;
  const prefix = `${999 - block}${String(Math.floor(place / 9)).padStart(5, '0')}`;
  let nth = place % 9;
  for (let digit = 0; digit < 10; digit++) {
    const check = checkDigit(`${prefix}${digit}`);
    if (check === 10) continue;
    if (nth === 0) return `${prefix}${digit}${check}`;
    nth -= 1;
  }
  throw new RangeError('No such person number.');
}
