import { compactVerify } from 'jose';
import type { Algorithm } from './issuers.ts';
import type { VerificationKey } from './keys.ts';
import { type JsonObject, parseStrictObject } from './strict-json.ts';

const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
/** header members that change what is signed or who signed it: none is understood here */
const FOREIGN_HEADERS = ['crit', 'b64', 'zip', 'enc', 'cty', 'jwk'];

/** Seconds that another clock may be ahead of ours: for `nbf` and `iat`. `exp` has none: it only ever shortens. */
export const LEEWAY = 30;

/** A signed JWT as it reads, not yet believed. */
export interface OpenedJws {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/**
 * Header and payload of a JWS in compact form (RFC 7515, 7.1). Encrypted tokens and the JSON forms are not of this shape.
 *
 * @returns undefined for anything else, and for a second spelling of the same bytes
 */
export function openedJws(token: string): OpenedJws | undefined {
  const parts = COMPACT_JWS.exec(token)?.slice(1).map(decoded);
  const [header, claims] = (parts ?? []).map((part) => part && parseStrictObject(part));
  if (header === undefined || claims === undefined || parts?.[2] === undefined) return undefined;
  return { header, claims };
}

/** Base64url in its one canonical form: a token has one spelling. */
function decoded(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}

/** `typ`, in lower case and without `application/` (RFC 7515, 4.1.9); empty where there is none. */
export function typeOf(header: JsonObject): string {
  const { typ } = header;
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : '';
}

/** Whether the header changes what is signed or names a key of its own. */
export function hasForeignHeader(header: JsonObject): boolean {
  return FOREIGN_HEADERS.some((name) => Object.hasOwn(header, name));
}

/** Whether the key, by its one algorithm, made the signature. */
export async function isSigned(token: string, key: VerificationKey): Promise<boolean> {
  const algorithms: Algorithm[] = [key.algorithm];
  try {
    await compactVerify(token, key.key, { algorithms });
    return true;
  } catch {
    return false;
  }
}
