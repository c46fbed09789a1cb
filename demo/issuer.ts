import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

/** The demonstration's own issuer: keys made at the first start, so that no two installations share one. */
export const DEMO_ISSUER = 'https://demo.mycarerecord.example/issuer';

/** Seconds that a token lives unless told otherwise. */
export const DEMO_LIFETIME = 3600;

const PRIVATE = 'demo-issuer.private.json';
const PUBLIC = 'demo-issuer.jwks.json';

/** Makes the issuer's ES384 key pair where there is none. The public half is the key set that tokens are checked with. */
export async function makeIssuerKeys(keysFolder: string): Promise<void> {
  if (existsSync(join(keysFolder, PRIVATE)) && existsSync(join(keysFolder, PUBLIC))) return;
  const pair = await generateKeyPair('ES384', { extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicKey);
  const privateKey = { ...(await exportJWK(pair.privateKey)), kid, alg: 'ES384' };
  writeFileSync(
    join(keysFolder, PUBLIC),
    JSON.stringify({ keys: [{ ...publicKey, kid, alg: 'ES384', use: 'sig' }] }),
  );
  writeFileSync(join(keysFolder, PRIVATE), JSON.stringify(privateKey), { mode: 0o600 });
}

/** Who a demonstration token speaks for. */
export interface DemoTokenOptions {
  readonly kind: 'staff' | 'patient' | 'governance' | 'system';
  readonly scope?: string;
  readonly user?: string;
  readonly name?: string;
  readonly organisation?: string;
  readonly role?: string;
  readonly purpose?: string;
  readonly reason?: string;
  readonly caseNumber?: string;
  readonly nhsNumber?: string;
  /** the user declares that the record is not their own: asked of those whose number is not known */
  readonly notOwnRecord?: boolean;
  /** the relationship of care that the user declares; empty: none */
  readonly relationship?: string;
  /** the one person that the token is for: NHS number or person id */
  readonly about?: string;
  /** the rule to be passed over, and why */
  readonly override?: string;
  readonly overrideReason?: string;
  /** claims beside these */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly client?: string;
  /** seconds the token lives */
  readonly lifetime?: number;
}

/** Signs an access token as the demonstration's issuer. @throws Error where `makeIssuerKeys` has not run */
export async function demoToken(
  keysFolder: string,
  audience: string,
  options: DemoTokenOptions,
): Promise<string> {
  const file = join(keysFolder, PRIVATE);
  if (!existsSync(file)) throw new Error('The demonstration has no keys yet. Start it once: npm start.');
  const jwk = JSON.parse(readFileSync(file, 'utf8')) as JWK;
  const claims = claimsOf(options);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES384', typ: 'at+jwt', kid: jwk.kid ?? '' })
    .setIssuer(DEMO_ISSUER)
    .setSubject(options.user ?? options.nhsNumber ?? options.client ?? 'demo')
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${options.lifetime ?? DEMO_LIFETIME}s`)
    .sign(await importJWK(jwk, 'ES384'));
}

const SCOPES = {
  staff: 'user/*.rs',
  patient: 'patient/*.rs',
  governance: 'user/*.rs',
  system: 'system/*.rs',
} as const;

function claimsOf(options: DemoTokenOptions): Record<string, unknown> {
  const { kind } = options;
  const person = kind === 'staff' || kind === 'governance';
  return {
    ...options.claims,
    client_id: options.client ?? (kind === 'system' ? 'demo-system' : 'demo'),
    scope: options.scope ?? SCOPES[kind],
    extensions: {
      ihe_iua: person
        ? {
            subject_name: options.name ?? 'Demo User',
            subject_organization_id: options.organisation ?? 'K82001',
            subject_role: [
              { code: options.role ?? (kind === 'staff' ? 'general-practitioner' : 'privacy-officer') },
            ],
            purpose_of_use: [{ code: options.purpose ?? (kind === 'staff' ? 'TREAT' : 'governance') }],
            ...(options.about === undefined ? {} : { person_id: options.about }),
          }
        : {},
      mcr: {
        caller: kind,
        ...(person ? { user_id: options.user ?? 'demo-user' } : {}),
        ...(kind === 'staff' ? { reason: options.reason ?? 'Demonstration of the shared record' } : {}),
        ...(kind === 'staff' && options.relationship !== ''
          ? { relationship: options.relationship ?? 'Declared for the demonstration' }
          : {}),
        ...(options.override === undefined ? {} : { override: options.override }),
        ...(options.overrideReason === undefined ? {} : { override_reason: options.overrideReason }),
        ...(kind === 'governance' ? { case_number: options.caseNumber ?? 'DEMO-1' } : {}),
        ...(person && options.notOwnRecord !== false ? { not_own_record: true } : {}),
        ...(kind === 'patient' ? { nhs_number: options.nhsNumber ?? '' } : {}),
      },
    },
  };
}
