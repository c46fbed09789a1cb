import { createHmac } from 'node:crypto';
import t from 'tap';
import type { Caller, SystemCaller } from '../../src/access/caller.ts';
import type { IssuerConfiguration } from '../../src/access/issuers.ts';
import { SeenOnce } from '../../src/access/seen-once.ts';
import { callerReader } from '../../src/access/token-caller.ts';
import { UserAssertions } from '../../src/access/user-assertion.ts';
import { Problem } from '../../src/fhir/problem.ts';
import {
  AUDIENCE,
  claims,
  extensions,
  forged,
  HOSPITAL,
  jwk,
  KEYS,
  KeyServer,
  NOW,
  signed,
} from './token-issuer.ts';

/** Users whom Backend Services clients name beside their token: header MCR-User-Assertion. */

const SECONDS = NOW / 1000;
const SERVICES: IssuerConfiguration = {
  ...HOSPITAL,
  callers: { claim: '/kind' },
  clients: {
    pas: { organisation: 'RXQ', scopes: ['system/*.rs'], keys: { url: 'https://pas.example/jwks' } },
    lab: { organisation: 'RXQ', scopes: ['system/*.rs'], keys: { file: 'lab.json' } },
    plain: { organisation: 'RXQ', scopes: ['system/*.rs'] },
    gone: { organisation: 'RXQ', scopes: ['system/*.rs'], keys: { file: 'nowhere.json' } },
  },
};
const SETS = {
  'https://pas.example/jwks': { keys: [jwk('es384', 'p1'), jwk('rsa', 'p2'), jwk('es256', 'p3')] },
  'lab.json': { keys: [jwk('es384b', 'p1'), jwk('es384b', 'l1')] },
};

const service = (client: string, changes: object = {}): Caller =>
  callerReader(SERVICES)(
    claims({
      kind: 'system',
      sub: client,
      client_id: client,
      scope: 'system/*.rs',
      extensions: undefined,
      ...changes,
    }),
  );
const PAS = service('pas');

let number = 0;
function said(changes: object = {}): Record<string, unknown> {
  number += 1;
  return {
    iss: 'pas',
    sub: 'nurse-7',
    aud: AUDIENCE,
    jti: `a-${number}`,
    iat: SECONDS,
    exp: SECONDS + 300,
    extensions: extensions(),
    ...changes,
  };
}

const HEADER = { alg: 'ES384', kid: 'p1', typ: 'mcr-user-assertion+jwt' };
const made = (changes: object = {}, header: object = HEADER, key = KEYS.es384.privateKey): Promise<string> =>
  signed(said(changes), header, key);
const ihe = (changes: object): Promise<string> => made({ extensions: extensions(changes) });

async function outcome(
  assertions: UserAssertions,
  assertion: string | Promise<string>,
  caller = PAS,
  now = NOW,
): Promise<string> {
  try {
    return (await assertions.userOf(caller, await assertion, now)).user.id;
  } catch (error) {
    if (error instanceof Problem) return `${error.kind} ${error.detail.reason}`;
    throw error;
  }
}

const fresh = (seen?: SeenOnce, since = 0): UserAssertions =>
  new UserAssertions([SERVICES], new KeyServer(SETS), since, seen);

t.test('a sound assertion is the staff member that it names, within the scopes of the token', async (t) => {
  const { kind, organisation, ...proven } = PAS as SystemCaller;
  t.strictSame([kind, organisation], ['system', 'RXQ']);
  t.strictSame(await fresh().userOf(PAS, await made({ jti: 'a-x', patient: 'p1' }), NOW), {
    kind: 'staff',
    ...proven,
    user: { id: 'nurse-7', name: 'Jo Nurse' },
    organisation: 'RXQ',
    role: 'nurse',
    purpose: 'TREAT',
    reason: 'On my ward',
    attestsNotOwn: false,
    namedBy: 'system',
    launchedFor: 'p1',
    assertionId: 'a-x',
  });
  const rsa = { ...HEADER, alg: 'RS384', kid: 'p2' };
  t.equal(
    await outcome(fresh(), made({}, rsa, KEYS.rsa.privateKey)),
    'nurse-7',
    'the other algorithm of SMART',
  );
  const lab = made({ iss: 'lab' }, { ...HEADER, kid: 'l1' }, KEYS.es384b.privateKey);
  t.equal(await outcome(fresh(), lab, service('lab')), 'nurse-7', 'each client by its own keys');
});

t.test('T-13: forged, foreign, old and misdirected user assertions are refused', async (t) => {
  const assertions = fresh();
  const no = (reason: string): string => `unauthenticated assertion-${reason}`;
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const unsigned = (header: object): string => `${encoded(header)}.${encoded(said())}`;
  const hmac = unsigned({ ...HEADER, alg: 'HS256' });
  const secret = JSON.stringify(jwk('es384', 'p1'));
  const [head, body, signature] = (await made()).split('.');
  const { privateKey } = KEYS.es384;
  const table: readonly [
    title: string,
    assertion: string | Promise<string>,
    wanted: string,
    caller?: Caller,
  ][] = [
    ['empty', '', no('malformed')],
    ['no JWS', 'a.b', no('malformed')],
    ['the JSON form', JSON.stringify({ payload: body, signature }), no('malformed')],
    ['two, joined', `${head}.${body}.${signature}, ${head}.${body}.${signature}`, no('malformed')],
    ['too large', made({ more: 'x'.repeat(9000) }), no('malformed')],
    ['alg none, unsigned', `${unsigned({ ...HEADER, alg: 'none' })}.`, no('malformed')],
    ['alg none, a signature all the same', forged({ ...HEADER, alg: 'none' }, said()), no('signature')],
    [
      'a public key as a secret',
      `${hmac}.${createHmac('sha256', secret).update(hmac).digest('base64url')}`,
      no('signature'),
    ],
    ['an access token', signed(claims()), no('type')],
    ['a client assertion of SMART', made({}, { ...HEADER, typ: 'JWT' }), no('type')],
    ['no type', made({}, { alg: 'ES384', kid: 'p1' }), no('type')],
    ['a key in the header', forged({ ...HEADER, jwk: jwk('es384', 'p1') }, said()), no('type')],
    ['a critical header', forged({ ...HEADER, crit: ['exp'] }, said()), no('type')],
    ['another key', made({}, HEADER, KEYS.es384b.privateKey), no('signature')],
    ['a changed payload', `${head}.${encoded(said({ sub: 'nurse-8' }))}.${signature}`, no('signature')],
    ['an unknown key', made({}, { ...HEADER, kid: 'p9' }), no('signature')],
    ['no key named', made({}, { alg: 'ES384', typ: HEADER.typ }), no('signature')],
    [
      'an algorithm that SMART has not',
      made({}, { ...HEADER, alg: 'ES256', kid: 'p3' }, KEYS.es256.privateKey),
      no('signature'),
    ],
    ['for another service', made({ aud: 'https://other.example/fhir' }), no('audience')],
    ['for the token endpoint', made({ aud: 'https://hospital.example/token' }), no('audience')],
    ['for several', made({ aud: [AUDIENCE, 'https://other.example/fhir'] }), no('audience')],
    ['for nobody', made({ aud: undefined }), no('audience')],
    ['lives 301 seconds', made({ exp: SECONDS + 301 }), no('claims')],
    ['lives backwards', made({ iat: SECONDS + 10, exp: SECONDS + 10 }), no('claims')],
    ['for ever', made({ exp: undefined }), no('claims')],
    ['since never', made({ iat: undefined }), no('claims')],
    ['a time in words', made({ exp: String(SECONDS + 60) }), no('claims')],
    ['not before, in words', made({ nbf: 'now' }), no('claims')],
    ['expired', made({ iat: SECONDS - 300, exp: SECONDS }), no('expired')],
    ['from the future', made({ iat: SECONDS + 31, exp: SECONDS + 60 }), no('not-yet-valid')],
    ['not before the future', made({ nbf: SECONDS + 31 }), no('not-yet-valid')],
    ['no id', made({ jti: undefined }), no('claims')],
    ['an empty id', made({ jti: '' }), no('claims')],
    ['no subject', made({ sub: undefined }), no('claims')],
    ['issued by another client', made({ iss: 'lab' }), no('client')],
    ['issued by nobody', made({ iss: undefined }), no('client')],
    ['with the token of another client', made(), no('client'), service('lab')],
    ['signed by another client', made({ iss: 'lab' }, HEADER, privateKey), no('signature'), service('lab')],
    ['of a client without keys', made({ iss: 'plain' }), no('client'), service('plain')],
    [
      'of a client named like a prototype',
      made({ iss: '__proto__' }),
      no('client'),
      { ...PAS, client: '__proto__' },
    ],
    ['of another issuer’s client', made(), no('client'), { ...PAS, issuer: 'https://other.example' }],
    ['with a token of a person', made(), no('client'), callerReader(HOSPITAL)(claims({ client_id: 'pas' }))],
    [
      'with a token that names a user already',
      made(),
      no('client'),
      service('pas', { extensions: extensions({}, { user_id: 'u' }) }),
    ],
    ['keys that cannot be had', made({ iss: 'gone' }), 'unavailable token-keys-unavailable', service('gone')],
    ['an organisation it may not speak for', ihe({ subject_organization_id: 'RNU' }), no('claims')],
    ['several roles', ihe({ subject_role: [{ code: 'a' }, { code: 'b' }] }), no('claims')],
    [
      'a purpose of another system',
      ihe({ purpose_of_use: [{ system: 'https://x.example', code: 'TREAT' }] }),
      no('claims'),
    ],
    ['a name that is an object', ihe({ subject_name: {} }), no('claims')],
  ];
  for (const [title, assertion, wanted, caller] of table)
    t.equal(await outcome(assertions, assertion, caller), wanted, title);
  const incomplete: Readonly<Record<string, Promise<string>>> = {
    'no name': ihe({ subject_name: undefined }),
    'no organisation': ihe({ subject_organization_id: undefined }),
    'no role': ihe({ subject_role: undefined }),
    'no purpose': ihe({ purpose_of_use: undefined }),
    'no reason': made({ extensions: extensions({}, { reason: undefined }) }),
    'a blank reason': made({ extensions: extensions({}, { reason: ' ' }) }),
    nothing: made({ extensions: undefined }),
    'the client as its own user': made({ sub: 'pas' }),
  };
  for (const [title, assertion] of Object.entries(incomplete))
    t.equal(await outcome(assertions, assertion), 'forbidden assertion-incomplete', title);
  t.equal(await outcome(assertions, made()), 'nurse-7', 'and none of these bars an honest one');
});

t.test('T-14: an assertion is good once', async (t) => {
  const assertions = fresh();
  const one = await made();
  t.equal(await outcome(assertions, one), 'nurse-7');
  t.equal(await outcome(assertions, one), 'unauthenticated assertion-replayed', 'again');
  t.equal(
    await outcome(assertions, one, PAS, NOW + 299_000),
    'unauthenticated assertion-replayed',
    'at its end',
  );
  t.equal(
    await outcome(assertions, one, PAS, NOW + 300_000),
    'unauthenticated assertion-expired',
    'and after it',
  );
  const same = made({ jti: 'same', sub: 'nurse-8' });
  t.equal(await outcome(assertions, made({ jti: 'same' })), 'nurse-7');
  t.equal(
    await outcome(assertions, same),
    'unauthenticated assertion-replayed',
    'the id counts, not the rest',
  );
  const lab = made({ iss: 'lab', jti: 'same' }, { ...HEADER, kid: 'l1' }, KEYS.es384b.privateKey);
  t.equal(await outcome(assertions, lab, service('lab')), 'nurse-7', 'ids are a client’s own');
  const id = { jti: 'forged-first' };
  t.match(await outcome(assertions, made(id, HEADER, KEYS.es384b.privateKey)), /signature/);
  t.equal(await outcome(assertions, made(id)), 'nurse-7', 'a forgery uses up no id');
  const many = await made();
  const all = await Promise.all(Array.from({ length: 50 }, () => outcome(assertions, many)));
  t.equal(all.filter((one) => one === 'nurse-7').length, 1, 'one of fifty at once');
  const restarted = fresh(undefined, NOW + 60_000);
  const again = await made();
  t.equal(
    await outcome(restarted, again, PAS, NOW + 61_000),
    'unauthenticated assertion-expired',
    'after a restart',
  );
  t.equal(await outcome(restarted, made({ iat: SECONDS + 60 }), PAS, NOW + 61_000), 'nurse-7');
});

t.test('what is remembered is bounded, and nothing is forgotten early', async (t) => {
  const assertions = fresh(new SeenOnce(2));
  const [first, second] = [await made({ exp: SECONDS + 60 }), await made()];
  t.equal(await outcome(assertions, first), 'nurse-7');
  t.equal(await outcome(assertions, second), 'nurse-7');
  t.equal(await outcome(assertions, made()), 'unavailable assertions-full', 'a third is refused');
  t.equal(
    await outcome(assertions, first),
    'unauthenticated assertion-replayed',
    'rather than the first forgotten',
  );
  const lab = made({ iss: 'lab' }, { ...HEADER, kid: 'l1' }, KEYS.es384b.privateKey);
  t.equal(await outcome(assertions, lab, service('lab')), 'nurse-7', 'others have room of their own');
  const later = NOW + 100_000;
  t.equal(await outcome(assertions, made(), PAS, later), 'nurse-7', 'what has expired makes room');
  t.equal(await outcome(assertions, second, PAS, later), 'unauthenticated assertion-replayed');
});
