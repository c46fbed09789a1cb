import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type JsonObject, parseStrictObject } from '../access/strict-json.ts';

/**
 * Compact JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037) and no other algorithm, each of a stated type, whose
 * header holds exactly `alg`, `kid` and `typ`: a header that says how it wants to be checked is not asked.
 */

/** @param key private, Ed25519 */
export function signCompact(type: string, payload: string, key: KeyObject): string {
  const header = JSON.stringify({ alg: 'EdDSA', kid: thumbprint(key), typ: type });
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${signed}.${sign(undefined, Buffer.from(signed), key).toString('base64url')}`;
}

export interface Opened {
  readonly payload: JsonObject;
  /** of the key that signed it */
  readonly kid: string;
}

/** What cannot be believed, and why. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

/**
 * @param keyOf the public key of a `kid`, from outside of what is checked
 * @throws SignatureError with a sentence where it is no such signature, of no known key, or changed
 */
export function openCompact(
  type: string,
  text: string,
  keyOf: (kid: string) => KeyObject | undefined,
): Opened {
  const parts = text.split('.');
  const [header, payload, signature] = parts.map(decoded);
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new SignatureError('It is not a compact JSON Web Signature.');
  }
  const { alg, kid, typ, ...more } = parseStrictObject(header) ?? {};
  if (alg !== 'EdDSA' || typ !== type || typeof kid !== 'string' || Object.keys(more).length > 0) {
    throw new SignatureError(`It is not signed as a ${type}.`);
  }
  const key = keyOf(kid);
  if (key === undefined) throw new SignatureError('It is signed with a key that is not in the key history.');
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')));
  if (!verify(undefined, signed, key, signature)) throw new SignatureError('Its signature is wrong.');
  const content = parseStrictObject(payload);
  if (content === undefined) throw new SignatureError('What is signed is no JSON object.');
  return { payload: content, kid };
}

/** RFC 7638, of the public half of an Ed25519 key. */
export function thumbprint(key: KeyObject): string {
  const { crv, kty, x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

/** One spelling only: bits left over, padding and foreign characters would let a text differ and still be read. */
function decoded(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}
