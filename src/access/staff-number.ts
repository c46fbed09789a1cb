import { createHmac } from 'node:crypto';

/**
 * An NHS number as it is kept and compared where the number itself must not be: HMAC-SHA256, 64 hex digits. The key
 * makes it useless to whoever has a table of all numbers but not the key.
 *
 * @param key at least 32 bytes, permanent for the installation
 * @param nhsNumber ten digits, no spaces
 * @throws RangeError for a shorter key or anything but ten digits: two malformed numbers must never compare as equal
 */
export function nhsNumberHmac(key: Uint8Array, nhsNumber: string): string {
  if (key.length < 32) throw new RangeError('The key for staff numbers must have at least 32 bytes.');
  if (!/^\d{10}$/.test(nhsNumber)) throw new RangeError('An NHS number has ten digits.');
  return createHmac('sha256', key).update(nhsNumber).digest('hex');
}
