import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import type { Test } from 'tap';
import type { IssuerConfiguration } from '../../src/access/issuers.ts';
import type { KeyReading } from '../../src/access/keys.ts';
import { TokenVerifier } from '../../src/access/token.ts';
import { Problem } from '../../src/fhir/problem.ts';

/** Issuers of our own making, with real keys, and every way to get a token wrong. */

export const NOW = Date.UTC(2026, 10, 22, 9);
const SECONDS = NOW / 1000;
export const AUDIENCE = 'https://record.example/fhir';

export const KEYS = {
  es384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  es384b: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  es256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  small: generateKeyPairSync('rsa', { modulusLength: 1024 }),
  ed25519: generateKeyPairSync('ed25519'),
} as const;

export type KeyName = keyof typeof KEYS;

export function jwk(name: KeyName, kid: string, more: object = {}): object {
  return { ...KEYS[name].publicKey.export({ format: 'jwk' }), kid, ...more };
}

export const HOSPITAL: IssuerConfiguration = {
  issuer: 'https://hospital.example',
  audience: [AUDIENCE],
  keys: { url: 'https://hospital.example/jwks' },
  algorithms: ['ES384', 'RS384', 'RS256', 'ES256'],
  callers: { fixed: 'staff' },
  organisations: ['RXQ'],
};

/** What key sets there are, and how often each was read. */
export class KeyServer implements KeyReading {
  readonly sets = new Map<string, unknown>();
  readonly reads: string[] = [];

  constructor(sets: Readonly<Record<string, unknown>>) {
    for (const [where, set] of Object.entries(sets)) this.sets.set(where, set);
  }

  readonly fetch: KeyReading['fetch'] = async (url) => {
    this.reads.push(url);
    const set = this.sets.get(url);
    if (set === undefined) throw new Error('connection refused');
    return new Response(typeof set === 'string' ? set : JSON.stringify(set));
  };

  readonly readFile: KeyReading['readFile'] = async (path) => {
    this.reads.push(path);
    const set = this.sets.get(path);
    if (set === undefined) throw new Error('ENOENT');
    return JSON.stringify(set);
  };
}

/** The claims of a good token of a nurse. */
export function claims(changes: object = {}): Record<string, unknown> {
  return {
    iss: HOSPITAL.issuer,
    sub: 'nurse-7',
    client_id: 'ward-app',
    aud: AUDIENCE,
    jti: 'token-1',
    iat: SECONDS - 10,
    exp: SECONDS + 290,
    scope: 'user/*.rs',
    extensions: extensions(),
    ...changes,
  };
}

export function extensions(iua: object = {}, mcr: object = {}): object {
  return {
    ihe_iua: {
      subject_name: 'Jo Nurse',
      subject_organization_id: 'RXQ',
      subject_role: [{ system: 'https://hospital.example/roles', code: 'nurse' }],
      purpose_of_use: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
      ...iua,
    },
    mcr: { reason: 'On my ward', ...mcr },
  };
}

export const HEADER = { alg: 'ES384', kid: 'k1', typ: 'at+jwt' };

/** A token signed by jose. */
export function signed(
  payload: object | string,
  header: object = HEADER,
  key: KeyObject = KEYS.es384.privateKey,
): Promise<string> {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const { alg, ...rest } = header as { alg: string };
  return new CompactSign(bytes).setProtectedHeader({ alg, ...rest }).sign(key);
}

type Part = object | string | Buffer;

const encode = (part: Part): string => {
  const bytes = Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  return bytes.toString('base64url');
};

/** A token that jose would refuse to make: any header, signed by ES384 all the same. */
export function forged(header: Part, payload: Part = claims()): string {
  return signedText(`${encode(header)}.${encode(payload)}`);
}

export function signedText(input: string): string {
  const signature = createSign('sha384')
    .update(input)
    .sign({ key: KEYS.es384.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** Signed with RSA by the hash named, whatever the header says. */
export function forgedRsa(header: object, digest: string, key: KeyObject): string {
  const input = `${encode(header)}.${encode(claims())}`;
  return `${input}.${createSign(digest).update(input).sign(key).toString('base64url')}`;
}

/** The classic confusion: a public key as the secret of an HMAC. */
export function forgedHmac(alg: string, secret: Buffer | string): string {
  const input = `${encode({ ...HEADER, alg })}.${encode(claims())}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** `caller kind`, or the reason of the refusal. */
export async function outcomeOf(
  tokens: TokenVerifier,
  token: string | undefined,
  now = NOW,
): Promise<string> {
  try {
    return (await tokens.verify(token === undefined ? undefined : `Bearer ${token}`, now)).kind;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.cause !== undefined) throw new Error('a refusal of a token carries no cause');
    return `${error.kind} ${error.detail.reason}`;
  }
}

export const OTHER: IssuerConfiguration = {
  ...HOSPITAL,
  issuer: 'https://other.example',
  keys: { url: 'https://other.example/jwks' },
  algorithms: ['RS384'],
};
export const LEGACY: IssuerConfiguration = { ...HOSPITAL, issuer: 'https://legacy.example', typ: ['JWT'] };

/** Beside good keys every kind that must not be used. */
function server(): KeyServer {
  const keys = [
    jwk('es384', 'k1'),
    jwk('es256', 'k256'),
    jwk('rsa', 'rsa'),
    jwk('rsa', 'rs384', { alg: 'RS384', use: 'sig' }),
    jwk('small', 'small'),
    jwk('ed25519', 'ed'),
    jwk('es384', 'twice'),
    jwk('es384b', 'twice'),
    jwk('es384b', '__proto__'),
    { kty: 'oct', k: 'c2VjcmV0', kid: 'secret', alg: 'HS256' },
    jwk('es384', 'encryption', { use: 'enc' }),
    jwk('es384', 'signs', { key_ops: ['sign'] }),
    { ...KEYS.es384b.privateKey.export({ format: 'jwk' }), kid: 'leaked' },
    { kty: 'EC', crv: 'P-384', x: 'AAAA', y: 'AAAA', kid: 'off-curve' },
    jwk('es384', 'mislabelled', { alg: 'RS384' }),
  ];
  return new KeyServer({
    'https://hospital.example/jwks': { keys },
    'https://other.example/jwks': { keys: [jwk('rsa', 'o1')] },
  });
}

/** Believes all three issuers; shared by the tests of a file. */
export const tokens = new TokenVerifier([HOSPITAL, OTHER, LEGACY], server());

/** Each token twice: what is remembered of a token must not change what becomes of it. */
export async function check(
  t: Test,
  wanted: string,
  table: Readonly<Record<string, string | undefined | Promise<string>>>,
): Promise<void> {
  for (const [title, token] of Object.entries(table)) {
    t.equal(await outcomeOf(tokens, await token), wanted, title);
    t.equal(await outcomeOf(tokens, await token), wanted, `${title}, again`);
  }
}
