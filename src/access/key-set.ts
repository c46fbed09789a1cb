import type { Algorithm } from './issuers.ts';
import { isObject, type JsonObject } from './strict-json.ts';

/** A public key of a set, fit to verify with one algorithm. */
export interface UsableKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  /** its public members and nothing else */
  readonly jwk: Readonly<Record<string, string>>;
}

const SMALLEST_RSA = 2048;
const MOST_KEYS = 100;
const MEMBERS: Readonly<Record<string, readonly string[]>> = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'] };
const CURVES: Readonly<Record<string, Algorithm>> = { 'P-384': 'ES384', 'P-256': 'ES256' };

/**
 * The usable keys of a JSON Web Key Set. A key decides its own algorithm: by its `alg`, or by its type and curve; an
 * RSA key without `alg` is listed for each RSA algorithm the issuer is configured for. Left out: symmetric keys,
 * private keys that were published, keys for encryption, RSA below 2048 bits, every key whose `kid` is there twice.
 *
 * @throws Error when the text is not a key set
 */
export function usableKeys(text: string, algorithms: readonly Algorithm[]): readonly UsableKey[] {
  const document: unknown = JSON.parse(text);
  const listed = isObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(listed) || listed.length > MOST_KEYS) throw new Error('Not a JSON Web Key Set.');
  const keys = listed.filter(isObject).filter((key) => key['use'] === undefined || key['use'] === 'sig');
  return keys.flatMap((key) => {
    const { kid } = key;
    if (typeof kid !== 'string' || keys.filter((other) => other['kid'] === kid).length > 1) return [];
    const jwk = publicMembers(key);
    if (jwk === undefined) return [];
    return algorithmsOf(key, algorithms).map((algorithm) => ({ kid, algorithm, jwk }));
  });
}

function publicMembers(key: JsonObject): Readonly<Record<string, string>> | undefined {
  const { kty } = key;
  const names = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (names === undefined || key['d'] !== undefined) return undefined;
  const jwk: Record<string, string> = {};
  for (const name of ['kty', ...names]) {
    const value = key[name];
    if (typeof value !== 'string') return undefined;
    jwk[name] = value;
  }
  return jwk;
}

function algorithmsOf(key: JsonObject, configured: readonly Algorithm[]): readonly Algorithm[] {
  const operations = key['key_ops'];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return [];
  const possible = configured.filter((algorithm) => suits(key, algorithm));
  return key['alg'] === undefined ? possible : possible.filter((algorithm) => algorithm === key['alg']);
}

function suits(key: JsonObject, algorithm: Algorithm): boolean {
  if (key['kty'] === 'RSA')
    return algorithm.startsWith('RS') && modulusBits(String(key['n'])) >= SMALLEST_RSA;
  return CURVES[String(key['crv'])] === algorithm;
}

function modulusBits(modulus: string): number {
  const hexadecimal = Buffer.from(modulus, 'base64url').toString('hex').replace(/^0+/, '');
  return hexadecimal === '' ? 0 : BigInt(`0x${hexadecimal}`).toString(2).length;
}
