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

/**
 * A name that somebody was asked by (a number, demographics, a resource's id) as a UUID: the first 16 bytes of
 * HMAC-SHA256. Of the same name the same, and useless to whoever has all numbers but not the key.
 *
 * @param key as for {@link nhsNumberHmac}; what is hashed differs, so that neither tells the other
 */
export function hashOfName(key: Uint8Array, name: string): string {
  const hex = createHmac('sha256', key).update(`asked for\0${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
