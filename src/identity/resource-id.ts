import { createHmac, type KeyObject } from 'node:crypto';

/**
 * The id of a stored resource: the first 16 bytes of HMAC-SHA256 over source, type and the source's own id, as UUID
 * text. The same row has the same id in every load, and nobody without the key can tell a source's id from it
 * (DESIGN 5).
 *
 * @param key permanent for the life of the database: another key makes other ids
 * @param person for types that are kept once for every person who refers to them: whose copy it is
 */
export function resourceId(
  key: KeyObject,
  source: string,
  type: string,
  sourceId: string,
  person = '',
): string {
  const hex = createHmac('sha256', key).update(`${source}\0${type}\0${sourceId}\0${person}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
