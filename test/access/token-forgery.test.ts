import t from 'tap';
import {
  check,
  claims,
  forged,
  forgedHmac,
  forgedRsa,
  HEADER,
  jwk,
  KEYS,
  OTHER,
  outcomeOf,
  signed,
  signedText,
  tokens,
} from './token-issuer.ts';

t.test('T-02, T-03, T-04: the key fixes the algorithm', async (t) => {
  const pem = KEYS.es384.publicKey.export({ format: 'pem', type: 'spki' });
  const rsaPem = KEYS.rsa.publicKey.export({ format: 'pem', type: 'spki' });
  const [head, body] = (await signed(claims())).split('.');
  await check(t, 'unauthenticated token-signature', {
    none: forged({ ...HEADER, alg: 'none' }),
    None: forged({ ...HEADER, alg: 'None' }),
    nOnE: forged({ ...HEADER, alg: 'nOnE' }),
    'no algorithm': forged({ kid: 'k1', typ: 'at+jwt' }),
    'an algorithm that is a list': forged({ ...HEADER, alg: ['ES384'] }),
    'HS256 with the PEM': forgedHmac('HS256', pem),
    'HS256 with the DER': forgedHmac('HS256', KEYS.es384.publicKey.export({ format: 'der', type: 'spki' })),
    'HS256 with the JWK': forgedHmac('HS256', JSON.stringify(jwk('es384', 'k1'))),
    'RS256 with a PEM for a secret': forgedHmac('RS256', rsaPem),
    'a symmetric key in the set': forgedHmac('HS256', 'secret'),
    'an ES384 key, by an RS256 header': forged({ ...HEADER, alg: 'RS256' }),
    'an ES384 key, by an ES256 header': forged({ ...HEADER, alg: 'ES256' }),
    'PS256 by an RSA key': forgedRsa({ ...HEADER, alg: 'PS256', kid: 'rsa' }, 'sha256', KEYS.rsa.privateKey),
    'RS256 by a key for RS384': forgedRsa(
      { ...HEADER, alg: 'RS256', kid: 'rs384' },
      'sha256',
      KEYS.rsa.privateKey,
    ),
    'RS256 signed, RS384 said': forgedRsa(
      { ...HEADER, alg: 'RS384', kid: 'rsa' },
      'sha256',
      KEYS.rsa.privateKey,
    ),
    'ES512, which nobody may use': forged({ ...HEADER, alg: 'ES512' }),
    EdDSA: forged({ ...HEADER, alg: 'EdDSA', kid: 'ed' }),
    'allowed here, not for that issuer': signed(
      claims({ iss: OTHER.issuer }),
      { ...HEADER, alg: 'RS256', kid: 'o1' },
      KEYS.rsa.privateKey,
    ),
    'another key': signed(claims(), HEADER, KEYS.es384b.privateKey),
    'a payload that was changed': `${head}.${Buffer.from(JSON.stringify(claims({ sub: 'x' }))).toString('base64url')}.${forged(HEADER).split('.')[2]}`,
  });
  await check(t, 'unauthenticated token-malformed', {
    'signature stripped': `${head}.${body}.`,
    'signature and its point stripped': `${head}.${body}`,
  });
});

t.test('T-06: key ids', async (t) => {
  const by = (kid: unknown): string => forged({ ...HEADER, kid });
  const [own, leaked] = [KEYS.es384.privateKey, KEYS.es384b.privateKey];
  await check(t, 'unauthenticated token-signature', {
    unknown: by('nobody'),
    missing: forged({ alg: 'ES384', typ: 'at+jwt' }),
    empty: by(''),
    'a path': by('../../etc/passwd'),
    SQL: by("' OR 1=1"),
    'a list': by(['k1']),
    'a prototype': by('constructor'),
    'another case': by('K1'),
    'there twice, the first': signed(claims(), { ...HEADER, kid: 'twice' }, own),
    'there twice, the second': signed(claims(), { ...HEADER, kid: 'twice' }, leaked),
    'for encryption': by('encryption'),
    'for signing alone': by('signs'),
    'a private key that was published': signed(claims(), { ...HEADER, kid: 'leaked' }, leaked),
    'a point off its curve': by('off-curve'),
    'a key that says another algorithm': by('mislabelled'),
  });
});

t.test('T-07, T-08: other forms of JOSE', async (t) => {
  await check(t, 'unauthenticated token-type', {
    'crit, unknown': forged({ ...HEADER, crit: ['exp'], exp: 1 }),
    'crit, empty': forged({ ...HEADER, crit: [] }),
    'b64 false': forged({ ...HEADER, b64: false, crit: ['b64'] }),
    'b64 alone': forged({ ...HEADER, b64: true }),
    'zip DEF': forged({ ...HEADER, zip: 'DEF' }),
    nested: forged({ ...HEADER, cty: 'JWT' }),
    'a key in the header': forged({ ...HEADER, jwk: jwk('es384', 'k1') }),
  });
  const jwe = Buffer.from(JSON.stringify({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9 })).toString(
    'base64url',
  );
  const [header, payload, signature] = (await signed(claims())).split('.');
  await check(t, 'unauthenticated token-malformed', {
    'JWE, PBES2 with a billion rounds': `${jwe}.AAAA.AAAA.AAAA.AAAA`,
    'JSON serialisation': JSON.stringify({ payload, protected: header, signature }),
    'five parts': `${header}.${payload}.${signature}.AAAA.AAAA`,
    padding: `${header}=.${payload}.${signature}`,
    'a space': `${header}.${payload}. ${signature}`,
  });
});

t.test('T-18: one reading only', async (t) => {
  const text = JSON.stringify(claims());
  const doubled = (more: string): Promise<string> => signed(text.replace('{', `{${more},`));
  const deep = `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`;
  await check(t, 'unauthenticated token-malformed', {
    'aud twice': doubled('"aud":"https://elsewhere.example"'),
    'aud twice, once escaped': doubled('"a\\u0075d":"https://elsewhere.example"'),
    'an escaped name': signed(text.replace('"aud"', '"a\\u0075d"')),
    'twice within': signed(text.replace('"reason":', '"reason":"x","reason":')),
    'twice within a list': signed(text.replace('"code":"nurse"', '"code":"x","code":"nurse"')),
    'twice with space between': doubled('"aud" \t:"x"'),
    'alg twice': forged('{"alg":"none","alg":"ES384","kid":"k1","typ":"at+jwt"}'),
    'a byte order mark': signed(`\ufeff${text}`),
    'a list': signed('[]'),
    null: signed('null'),
    'not JSON': signed('{'),
    'not UTF-8': forged(HEADER, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    'too deep': signed(text.replace('{', `{"deep":${deep},`)),
  });
  await check(t, 'staff', {
    'the same name in two objects, and braces in texts': signed(
      claims({ other: { aud: '{"aud":1,"aud":2}', sub: '"' } }),
    ),
  });
  t.equal(
    await outcomeOf(tokens, respelled()),
    'unauthenticated token-malformed',
    'a token has one spelling',
  );
});

/** A header whose last base64url character has bits to spare, one of them set: well signed, and spelt differently. */
function respelled(): string {
  const header = Buffer.from(JSON.stringify(HEADER).padEnd(46)).toString('base64url');
  const payload = Buffer.from(JSON.stringify(claims())).toString('base64url');
  const other = `${header.slice(0, -1)}B`;
  if (!header.endsWith('A') || !Buffer.from(other, 'base64url').equals(Buffer.from(header, 'base64url'))) {
    throw new Error('the header has no bits to spare');
  }
  return signedText(`${other}.${payload}`);
}

t.test('T-19: signatures that are none', async (t) => {
  const [head, body, signature = ''] = (await signed(claims())).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const as = (changed: Buffer): string => `${head}.${body}.${changed.toString('base64url')}`;
  const one = Buffer.alloc(96);
  one[47] = 1;
  one[95] = 1;
  await check(t, 'unauthenticated token-signature', {
    'r and s zero': as(Buffer.alloc(96)),
    'r and s one': as(one),
    'r and s beyond the order': as(Buffer.alloc(96, 0xff)),
    'a byte short': as(bytes.subarray(0, 95)),
    'a byte long': as(Buffer.concat([bytes, Buffer.alloc(1)])),
    'one half': as(bytes.subarray(0, 48)),
    DER: as(Buffer.concat([Buffer.from([0x30, 0x64]), bytes])),
    'r and s exchanged': as(Buffer.concat([bytes.subarray(48), bytes.subarray(0, 48)])),
    'RSA of 1024 bits': forgedRsa({ ...HEADER, alg: 'RS256', kid: 'small' }, 'sha256', KEYS.small.privateKey),
    'Ed25519 of small order': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
  });
});
