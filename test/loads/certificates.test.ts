import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { compactVerify } from 'jose';
import t from 'tap';
import { thumbprint } from '../../src/audit/jws.ts';
import { csvCell, csvLine } from '../../src/audit/spreadsheet.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { certificatePage } from '../../src/loads/certificate-page.ts';
import { decisionFault } from '../../src/loads/history.ts';
import { type SignedCertificate, signCertificate, verifyCertificate } from '../../src/loads/signature.ts';

const CERTIFICATE: Certificate = {
  source: 'gp',
  result: 'held',
  reason: { rule: 'guard', sentence: 'Stored in total: 5 instead of 100, 95 % fewer; the limit is 10 %.' },
  businessDate: '2026-11-22',
  sequence: 7,
  manifest: 'ab'.repeat(32),
  loadNumber: 12,
  undone: [11],
  files: [{ name: 'Observation.ndjson', type: 'Observation', rows: 8, sha256: 'cd'.repeat(32) }],
  types: {
    Observation: {
      new: 1,
      changed: 2,
      unchanged: 3,
      deleted: 95,
      rejected: { structure: 1, 'unknown-person': 4 },
      withheld: 0,
      refused: 0,
      notServed: 0,
      unreferenced: 0,
      absent: 0,
    },
  },
  columns: [],
  identity: {
    newPeople: 1,
    accepted: 9,
    quarantined: { 'identity-conflict': 2 },
    unmatched: 3,
    withheld: 0,
    refused: {},
  },
  consent: {
    optedOut: 1,
    agreementsEnded: 0,
    restricted: 0,
    optOutStatements: 4,
    agreementsInForce: 0,
    ignored: 0,
  },
  guards: [
    { guard: 'shrink', scope: 'total', of: 100, found: 5, percent: 95, limit: 10, outcome: 'exceeded' },
    {
      guard: 'shrink',
      scope: 'practice',
      name: 'K1',
      of: 60,
      found: 60,
      percent: 0,
      limit: 30,
      outcome: 'within',
    },
  ],
  rejectedBefore: 4,
  profileWarnings: 0,
  timings: [{ phase: 'map', milliseconds: 17 }],
  peakMemoryBytes: 100 * 1024 * 1024,
};

const keys = generateKeyPairSync('ed25519');

t.test('a signed certificate is read back with the public key, by us and by any JWS library', async (t) => {
  const signed = signCertificate(CERTIFICATE, keys.privateKey);
  t.same(verifyCertificate(JSON.stringify(signed, undefined, 2), keys.publicKey), CERTIFICATE);
  const compact = `${signed.protected}.${signed.payload}.${signed.signature}`;
  const { payload, protectedHeader } = await compactVerify(compact, keys.publicKey);
  t.same(JSON.parse(new TextDecoder().decode(payload)), CERTIFICATE);
  t.equal(protectedHeader.kid, thumbprint(keys.publicKey));
});

t.test('a certificate that was changed, or is not ours, is not believed', async (t) => {
  const signed = signCertificate(CERTIFICATE, keys.privateKey);
  const refused = (file: unknown, why: RegExp, what: string, key = keys.publicKey): void => {
    t.throws(() => verifyCertificate(typeof file === 'string' ? file : JSON.stringify(file), key), why, what);
  };
  const encoded = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const published = encoded({ ...CERTIFICATE, result: 'published' });
  refused({ ...signed, payload: published }, /signature is wrong/, 'another payload');
  const other = generateKeyPairSync('ed25519');
  refused(signed, /another key/, 'another key', other.publicKey);
  const forged = signCertificate(CERTIFICATE, other.privateKey);
  const dressed = { alg: 'EdDSA', kid: thumbprint(keys.publicKey), typ: 'mcr-load-certificate+json' };
  refused(
    { ...forged, protected: encoded(dressed) },
    /signature is wrong/,
    'the name of our key on a foreign signature',
  );
  for (const header of [
    { ...dressed, alg: 'none' },
    { ...dressed, crit: ['b64'], b64: false },
    { ...dressed, typ: 'JWT' },
  ]) {
    const mine = encoded(header);
    const signature = sign(undefined, Buffer.from(`${mine}.${signed.payload}`), keys.privateKey).toString(
      'base64url',
    );
    refused({ payload: signed.payload, protected: mine, signature }, /another way/, JSON.stringify(header));
  }
  for (const file of [
    '',
    '[]',
    'null',
    '{}',
    { ...signed, signature: '' },
    { ...signed, header: {} },
    { ...signed, payload: 1 },
  ]) {
    refused(file, /not a signed certificate/, JSON.stringify(file));
  }
  const flipped = fc.property(
    fc.constantFrom<keyof SignedCertificate>('payload', 'protected', 'signature'),
    fc.nat(),
    fc.integer({ min: 1, max: 63 }),
    (part, at, by) => {
      const text = signed[part];
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const index = at % (text.length - 1);
      const letter = alphabet[(alphabet.indexOf(text[index] ?? '') + by) % 64] ?? '';
      const changed = { ...signed, [part]: `${text.slice(0, index)}${letter}${text.slice(index + 1)}` };
      t.throws(() => verifyCertificate(JSON.stringify(changed), keys.publicKey));
    },
  );
  fc.assert(flipped, { seed: 7, numRuns: 300 });
});

t.test('the page says what the certificate says', async (t) => {
  const page = certificatePage(CERTIFICATE);
  for (const part of [
    /^# Load certificate: gp\n\nHeld for a decision/,
    /95 % fewer; the limit is 10 %\. \(guard\)/,
    /- Crashed loads taken back: 11/,
    /\| Observation \| 1 \| 2 \| 3 \| 95 \| 5 \| 0 \|/,
    /\| Observation \| unknown-person \| 4 \|\n\| Observation \| structure \| 1 \|/,
    /Rejected before, and sent again: 4\./,
    /\| shrink, total \| 100 \| 5 \| 95 % \| 10 % \| exceeded \|/,
    /Practices within their limits: 1\./,
    /\| quarantined: identity-conflict \| 2 \|/,
    /\| unmatched: no verified NHS number \| 3 \|/,
    new RegExp(`\\| Observation\\.ndjson \\| Observation \\| 8 \\| ${'cd'.repeat(32)} \\|`),
    /\| map \| 17 \|/,
  ]) {
    t.match(page, part);
  }
  const { reason: _reason, ...refusedEarly } = {
    ...CERTIFICATE,
    result: 'refused' as const,
    files: [],
    guards: [],
    types: {},
  };
  t.notMatch(certificatePage(refusedEarly), /## Guards|## Files|## Rejected/);
});

t.test('no cell of a CSV is a formula, whatever stands before the sign', async (t) => {
  const cases: readonly [string, string][] = [
    ['structure', '"structure"'],
    ['', '""'],
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\t=1', `"' '=1"`],
    ['\r=1', `"' =1"`],
    ['\ttext', `"' text"`],
    ['\rtext', `"' text"`],
    ['"=1', `"'""=1"`],
    ['  =1', `"'  =1"`],
    [' "\'=1', `"' ""'=1"`],
    ['＝1', `"'=1"`],
    ['＋1', `"'+1"`],
    ['－1', `"'-1"`],
    ['＠a', `"'@a"`],
    ['﹦1', `"'=1"`],
    ['\u2212 1', `"'\u2212 1"`],
    ['\u200b=1', `"'\u200b=1"`],
    ['\ufeff=1', `"'\ufeff=1"`],
    ['\u00a0=1', `"' =1"`],
    ['a\r\n=1', `"a =1"`],
    ['a;=1', `"a;'=1"`],
    ['a,"=1', `"a,""'=1"`],
    ['a\t=1', `"a '=1"`],
    ['a-b, c=d', '"a-b, c=d"'],
  ];
  for (const [text, expected] of cases) t.equal(csvCell(text), expected, JSON.stringify(text));
  t.equal(csvLine(['a', '"b"', '=c']), `"a","""b""","'=c"\r\n`);
  const signs = fc.constantFrom(
    '=',
    '+',
    '-',
    '@',
    '\t',
    '\r',
    '\n',
    ' ',
    '"',
    "'",
    ';',
    ',',
    '＝',
    '﹢',
    'x',
    '\u200b',
    '\u0000',
  );
  const held = fc.property(fc.array(signs, { maxLength: 12 }), (parts) => {
    const cell = csvCell(parts.join(''));
    t.match(cell, /^"(?:[^"\p{Cc}]|"")*"$/u, 'one line, one cell');
    const inside = cell.slice(1, -1).replaceAll('""', '"').normalize('NFKC');
    // by whatever separator a spreadsheet goes, no part begins with a sign
    for (const part of inside.split(/[;,\t]/)) t.notMatch(part, /^[\s"\p{Cf}]*[=+\-@]/u);
  });
  fc.assert(held, { seed: 7, numRuns: 500 });
});

t.test('a decision is somebody’s, has a reason, and names no patient', async (t) => {
  const good = {
    operator: 'Jo O’Neill (iCares)',
    reason: 'Practice K82001 closed on Friday; confirmed by phone',
  };
  t.equal(decisionFault(good), undefined);
  for (const operator of ['', 'x', '=cmd', ' jo', 'a\nb', 'x'.repeat(101)]) {
    t.match(decisionFault({ ...good, operator }), /operator/, JSON.stringify(operator));
  }
  for (const reason of ['', '     ', 'ok', 'two\nlines', 'x'.repeat(501)]) {
    t.match(decisionFault({ ...good, reason }), /one line/, JSON.stringify(reason));
  }
  for (const number of ['9990000018', '999 000 0018', '999-000-0018']) {
    t.match(decisionFault({ ...good, reason: `Patient ${number} asked` }), /no patient/, number);
  }
});
