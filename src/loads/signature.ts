import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { thumbprint } from '../audit/jws.ts';
import type { Certificate } from './certificate.ts';

/**
 * A certificate that is proven to be ours: a flattened JSON Web Signature (RFC 7515, 7.2.2) with Ed25519 (RFC 8037),
 * which anybody with the public key can check offline, with this or any other JWS library.
 */
export interface SignedCertificate {
  /** base64url of the certificate's JSON */
  readonly payload: string;
  /** base64url of the header: `alg` EdDSA, `kid` the key's thumbprint (RFC 7638), `typ` */
  readonly protected: string;
  readonly signature: string;
}

const TYPE = 'mcr-load-certificate+json';
const MEMBERS = ['payload', 'protected', 'signature'];

/** @param key private, Ed25519 */
export function signCertificate(certificate: Certificate, key: KeyObject): SignedCertificate {
  const header = { alg: 'EdDSA', kid: thumbprint(key), typ: TYPE };
  const [protectedPart, payload] = [header, certificate].map((json) =>
    Buffer.from(JSON.stringify(json)).toString('base64url'),
  );
  const signature = sign(undefined, Buffer.from(`${protectedPart}.${payload}`), key).toString('base64url');
  return { payload: String(payload), protected: String(protectedPart), signature };
}

/**
 * @param text of the file as `mcr loads certificate --json` printed it
 * @param key public (or private), Ed25519
 * @throws Error with a sentence where it is no such file, not of this key, or changed
 */
export function verifyCertificate(text: string, key: KeyObject): Certificate {
  const { payload, protected: header, signature } = signedParts(text);
  const head = parsed(Buffer.from(header, 'base64url').toString());
  const { alg, typ, kid } = head;
  // exactly our header: a header that says how it wants to be checked is not asked
  if (alg !== 'EdDSA' || typ !== TYPE || Object.keys(head).length !== 3) {
    throw new Error('The file is signed in another way than certificates are.');
  }
  if (kid !== thumbprint(key)) throw new Error('The certificate is signed with another key.');
  const sound = verify(
    undefined,
    Buffer.from(`${header}.${payload}`),
    createPublicKeyOf(key),
    Buffer.from(signature, 'base64url'),
  );
  if (!sound) throw new Error('The signature is wrong: the certificate was changed, or is not ours.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Certificate;
}

function createPublicKeyOf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key;
}

function signedParts(text: string): SignedCertificate {
  const json = parsed(text);
  const parts = MEMBERS.map((name) => json[name]);
  const [payload, protectedPart, signature] = parts;
  const written = /^[A-Za-z0-9_-]+$/;
  if (
    Object.keys(json).length !== MEMBERS.length ||
    !parts.every((part) => typeof part === 'string' && written.test(part))
  ) {
    throw new Error('The file is not a signed certificate: JSON with payload, protected and signature.');
  }
  return { payload: String(payload), protected: String(protectedPart), signature: String(signature) };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error('The file is not a signed certificate: it is no JSON object.');
  }
  return json as Readonly<Record<string, unknown>>;
}
