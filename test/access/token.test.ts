import t from 'tap';
import { TOKEN_REFUSALS } from '../../src/access/refuse-token.ts';
import { Problem } from '../../src/fhir/problem.ts';
import {
  AUDIENCE,
  check,
  claims,
  extensions,
  forged,
  HEADER,
  HOSPITAL,
  KEYS,
  LEGACY,
  NOW,
  outcomeOf,
  signed,
  tokens,
} from './token-issuer.ts';

const SECONDS = NOW / 1000;

t.test('a good token of each algorithm is its caller', async (t) => {
  await check(t, 'staff', {
    ES384: signed(claims()),
    ES256: signed(claims(), { ...HEADER, alg: 'ES256', kid: 'k256' }, KEYS.es256.privateKey),
    RS256: signed(claims(), { ...HEADER, alg: 'RS256', kid: 'rsa' }, KEYS.rsa.privateKey),
    'RS384, by a key that says so': signed(
      claims(),
      { ...HEADER, alg: 'RS384', kid: 'rs384' },
      KEYS.rsa.privateKey,
    ),
    'a kid that is no ordinary name': signed(
      claims(),
      { ...HEADER, kid: '__proto__' },
      KEYS.es384b.privateKey,
    ),
    'a media type in full': signed(claims(), { ...HEADER, typ: 'application/AT+JWT' }),
    'several audiences': signed(claims({ aud: ['https://elsewhere.example', AUDIENCE] })),
    'a clock 30 seconds ahead': signed(claims({ iat: SECONDS + 30, nbf: SECONDS + 30 })),
    'the last second': signed(claims({ exp: SECONDS + 0.001 })),
  });
  const token = await signed(claims());
  t.equal((await tokens.verify(`bearer   ${token}`, NOW)).kind, 'staff', 'the scheme has no case');
});

t.test('T-01: no token', async (t) => {
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic dXNlcjpwYXNz',
    `Token ${await signed(claims())}`,
  ]) {
    const error: unknown = await tokens.verify(header, NOW).catch((thrown: unknown) => thrown);
    t.match(error, { kind: 'unauthenticated', detail: { reason: 'token-missing' } }, String(header));
  }
});

t.test('T-09: times', async (t) => {
  await check(t, 'unauthenticated token-expired', {
    now: signed(claims({ exp: SECONDS })),
    'a second ago': signed(claims({ exp: SECONDS - 1 })),
    'a day ago': signed(claims({ iat: SECONDS - 86_700, exp: SECONDS - 86_400 })),
  });
  await check(t, 'unauthenticated token-not-yet-valid', {
    'nbf beyond leeway': signed(claims({ nbf: SECONDS + 31 })),
    'iat beyond leeway': signed(claims({ iat: SECONDS + 31 })),
  });
  await check(t, 'unauthenticated token-claims', {
    'exp missing': signed(claims({ exp: undefined })),
    'exp a text': signed(claims({ exp: String(SECONDS + 290) })),
    'exp 1e20': signed(claims({ exp: 1e20 })),
    'exp beyond numbers': signed(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999')),
    'a life from infinity to infinity': signed(
      JSON.stringify(claims())
        .replace(/"exp":\d+/, '"exp":1e999')
        .replace(/"iat":\d+/, '"iat":1e999'),
    ),
    'exp in milliseconds': signed(claims({ exp: NOW + 1000 })),
    'exp negative': signed(claims({ exp: -1 })),
    'exp null': signed(claims({ exp: null })),
    'iat missing': signed(claims({ iat: undefined })),
    'iat a text': signed(claims({ iat: '1' })),
    'iat after exp': signed(claims({ iat: SECONDS + 20, exp: SECONDS + 10 })),
    'nbf a text': signed(claims({ nbf: '1' })),
    'a life of more than an hour': signed(claims({ exp: SECONDS + 3591 })),
  });
  const token = await signed(claims());
  t.equal(await outcomeOf(tokens, token, NOW + 289_999), 'staff');
  t.equal(
    await outcomeOf(tokens, token, NOW + 290_000),
    'unauthenticated token-expired',
    'times count for a remembered token',
  );
  t.equal(
    await outcomeOf(tokens, token, NOW - 40_001),
    'unauthenticated token-not-yet-valid',
    'when the clock was set back',
  );
  t.equal(
    await outcomeOf(tokens, token, Number.NaN),
    'unauthenticated token-not-yet-valid',
    'when there is no clock',
  );
});

t.test('T-11, T-12, T-13: of the issuer, for us, for access', async (t) => {
  const iss = (issuer: unknown): Promise<string> => signed(claims({ iss: issuer }));
  await check(t, 'unauthenticated token-issuer', {
    'a slash more': iss('https://hospital.example/'),
    'another case': iss('https://Hospital.example'),
    'a look-alike': iss('https://hospital.example.attacker.example'),
    'a homograph': iss('https://hospıtal.example'),
    'a prototype': iss('__proto__'),
    missing: iss(undefined),
    'a list': iss([HOSPITAL.issuer]),
  });
  await check(t, 'unauthenticated token-signature', {
    "another trusted issuer's key": signed(
      claims(),
      { ...HEADER, alg: 'RS384', kid: 'o1' },
      KEYS.rsa.privateKey,
    ),
  });
  await check(t, 'unauthenticated token-audience', {
    'another service': signed(claims({ aud: 'https://elsewhere.example' })),
    'the client (an identity token)': signed(claims({ aud: 'ward-app' })),
    'a slash more': signed(claims({ aud: `${AUDIENCE}/` })),
    'the token endpoint (an assertion)': signed(claims({ aud: 'https://record.example/oauth2/token' })),
    nobody: signed(claims({ aud: [] })),
  });
  await check(t, 'unauthenticated token-claims', {
    'no audience': signed(claims({ aud: undefined })),
    'an audience that is no text': signed(claims({ aud: [AUDIENCE, 7] })),
  });
  await check(t, 'unauthenticated token-type', {
    'no type': forged({ alg: 'ES384', kid: 'k1' }),
    JWT: signed(claims(), { ...HEADER, typ: 'JWT' }),
    'a launch': signed(claims(), { ...HEADER, typ: 'launch+jwt' }),
    'a logout token': signed(claims(), { ...HEADER, typ: 'logout+jwt' }),
    'a logout token in disguise': signed(claims({ events: {} })),
    'bound to a key (T-22)': signed(claims({ cnf: { jkt: 'x' } })),
    'an identity token of a legacy issuer': signed(claims({ iss: LEGACY.issuer, nonce: 'x' }), {
      ...HEADER,
      typ: 'JWT',
    }),
  });
  await check(t, 'staff', {
    'JWT of an issuer that cannot do better': signed(claims({ iss: LEGACY.issuer }), {
      ...HEADER,
      typ: 'JWT',
    }),
  });
});

t.test('a token is 8 kB at most', async (t) => {
  const length = (await signed(claims({ pad: '' }))).length;
  const fits = await signed(claims({ pad: 'x'.repeat(Math.floor(((8192 - length) * 3) / 4) - 3) }));
  const wide = await signed(claims({ extensions: extensions({}, { reason: 'x'.repeat(8000) }) }));
  t.ok(fits.length > 8180 && fits.length <= 8192);
  await check(t, 'staff', { 'as long as it may be': fits });
  await check(t, 'unauthenticated token-too-large', {
    'a kid of 10 kB': forged({ ...HEADER, kid: 'k'.repeat(10_000) }),
    wide,
  });
});

t.test('a token is remembered only where it was verified before, and only while it is good', async (t) => {
  const token = await signed(claims({ jti: 'to-be-remembered' }));
  t.equal(await tokens.remembered(`Bearer ${token}`, NOW), undefined, 'no signature is checked');
  await tokens.verify(`Bearer ${token}`, NOW);
  t.equal((await tokens.remembered(`Bearer ${token}`, NOW))?.kind, 'staff');
  t.equal(await tokens.remembered(`Bearer ${token}`, NOW + 290_000), undefined, 'expired');
  t.equal(await tokens.remembered(`Bearer ${token.slice(0, -2)}`, NOW), undefined, 'another signature');
  for (const header of [undefined, '', 'Bearer ', 'Basic x']) {
    t.equal(await tokens.remembered(header, NOW), undefined, String(header));
  }
});

t.test('a refusal says its class and nothing of the token', async (t) => {
  const token = await signed(claims({ sub: 'canary', aud: 'https://canary.example' }));
  const error: unknown = await tokens.verify(`Bearer ${token}`, NOW).catch((thrown: unknown) => thrown);
  if (!(error instanceof Problem)) throw new Error('a Problem');
  t.strictSame(
    [error.kind, error.message, { ...error.detail }],
    ['unauthenticated', TOKEN_REFUSALS['token-audience'], { reason: 'token-audience' }],
  );
});
