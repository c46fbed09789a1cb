import t from 'tap';
import type { Algorithm } from '../../src/access/issuers.ts';
import { usableKeys } from '../../src/access/key-set.ts';
import { KeySource } from '../../src/access/keys.ts';
import { TokenVerifier } from '../../src/access/token.ts';
import {
  claims,
  forged,
  HEADER,
  HOSPITAL,
  jwk,
  KEYS,
  KeyServer,
  NOW,
  outcomeOf,
  signed,
} from './token-issuer.ts';

const WHERE = 'https://hospital.example/jwks';
const OLD = jwk('es384', 'k1');
const NEW = jwk('es384b', 'k2');
const SIGNATURE = 'unauthenticated token-signature';
const UNAVAILABLE = 'unavailable token-keys-unavailable';

/** a token of a long life, so that only the keys decide */
const long = (more: object = {}): Record<string, unknown> => claims({ exp: NOW / 1000 + 3580, ...more });
const byOld = await signed(long());
const byNew = await signed(long(), { ...HEADER, kid: 'k2' }, KEYS.es384b.privateKey);

function start(keys: readonly object[]): { tokens: TokenVerifier; server: KeyServer } {
  const server = new KeyServer({ [WHERE]: { keys } });
  return { server, tokens: new TokenVerifier([HOSPITAL], server) };
}

t.test('keys are read when needed, and once for many', async (t) => {
  const { tokens, server } = start([OLD]);
  t.equal(server.reads.length, 0, 'not before');
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(tokens, byOld)));
  t.strictSame(new Set(outcomes), new Set(['staff']));
  for (let second = 0; second < 30; second += 1) await outcomeOf(tokens, byOld, NOW + second * 1000);
  t.equal(server.reads.length, 1);
});

t.test('a new key is taken when its first token comes', async (t) => {
  const { tokens, server } = start([OLD]);
  t.equal(await outcomeOf(tokens, byOld), 'staff');
  server.sets.set(WHERE, { keys: [OLD, NEW] });
  t.equal(await outcomeOf(tokens, byNew, NOW + 5000), SIGNATURE, 'within the cooldown nothing is read');
  t.equal(await outcomeOf(tokens, byNew, NOW + 10_000), 'staff');
  t.equal(server.reads.length, 2);
});

t.test('ids that nobody knows cause one reading per cooldown', async (t) => {
  const { tokens, server } = start([OLD]);
  for (let at = 0; at < 30_000; at += 100) {
    await outcomeOf(tokens, forged({ ...HEADER, kid: `k${at}` }, long()), NOW + at);
  }
  t.equal(server.reads.length, 3, '300 tokens in 30 seconds');
});

t.test('a removed key is gone within 60 seconds, remembered token or not', async (t) => {
  for (const idle of [true, false]) {
    const { tokens, server } = start([OLD]);
    t.equal(await outcomeOf(tokens, byOld), 'staff');
    server.sets.set(WHERE, { keys: [NEW] });
    if (!idle) {
      t.equal(await outcomeOf(tokens, byOld, NOW + 29_000), 'staff');
      t.equal(await outcomeOf(tokens, byOld, NOW + 40_000), 'staff', 'read again beside this request');
      while ((await outcomeOf(tokens, byNew, NOW + 40_001)) !== 'staff') await new Promise(setImmediate);
      t.equal(await outcomeOf(tokens, byOld, NOW + 40_001), SIGNATURE, 'and gone with the next');
    }
    t.equal(
      await outcomeOf(tokens, byOld, NOW + 59_000),
      SIGNATURE,
      idle ? 'idle until then' : 'busy until then',
    );
    t.equal(await outcomeOf(tokens, byNew, NOW + 59_000), 'staff');
  }
});

t.test('another key under the same id is another key', async (t) => {
  const { tokens, server } = start([OLD]);
  t.equal(await outcomeOf(tokens, byOld), 'staff');
  server.sets.set(WHERE, { keys: [jwk('es384b', 'k1')] });
  t.equal(await outcomeOf(tokens, byOld, NOW + 60_000), SIGNATURE);
  server.sets.set(WHERE, { keys: [OLD, jwk('es384b', 'k1')] });
  t.equal(await outcomeOf(tokens, byOld, NOW + 120_000), SIGNATURE, 'two under one id are none');
});

t.test('a key that stays is not imported again', async (t) => {
  const server = new KeyServer({ [WHERE]: { keys: [OLD] } });
  const source = new KeySource({ url: WHERE }, ['ES384'], server);
  const before = await source.find('k1', 'ES384', NOW);
  server.sets.set(WHERE, { keys: [OLD, NEW] });
  const after = await source.find('k1', 'ES384', NOW + 60_000);
  t.equal(server.reads.length, 2);
  t.ok(before !== undefined && before === after);
  t.equal(before !== undefined && (await source.holds('k1', before, NOW + 200_000)), true);
});

t.test('while the issuer is down its keys serve for an hour', async (t) => {
  const { tokens, server } = start([OLD]);
  t.equal(await outcomeOf(tokens, byOld), 'staff');
  server.sets.delete(WHERE);
  for (const minutes of [1, 10, 40, 59]) {
    t.equal(await outcomeOf(tokens, byOld, NOW + minutes * 60_000), 'staff', `${minutes} minutes`);
  }
  const later = await signed(claims({ iat: NOW / 1000 + 3600, exp: NOW / 1000 + 3900 }));
  t.equal(await outcomeOf(tokens, later, NOW + 3_600_000), UNAVAILABLE, 'an hour');
  server.sets.set(WHERE, { keys: [OLD] });
  t.equal(await outcomeOf(tokens, later, NOW + 3_605_000), UNAVAILABLE, 'it is not asked again at once');
  t.equal(await outcomeOf(tokens, later, NOW + 3_610_000), 'staff', 'and then it is');
});

t.test('what is no key set changes nothing', async (t) => {
  for (const answer of [
    '<html>',
    '[]',
    '{}',
    '{"keys":{}}',
    JSON.stringify({ keys: Array(101).fill(OLD) }),
    JSON.stringify({ keys: [OLD], pad: 'x'.repeat(262_144) }),
  ]) {
    const { tokens, server } = start([OLD]);
    server.sets.set(WHERE, answer);
    t.equal(await outcomeOf(tokens, byOld), UNAVAILABLE, `first: ${answer.slice(0, 9)}`);
    server.sets.set(WHERE, { keys: [OLD] });
    t.equal(await outcomeOf(tokens, byOld, NOW + 20_000), 'staff');
    server.sets.set(WHERE, answer);
    t.equal(await outcomeOf(tokens, byOld, NOW + 80_000), 'staff', `then: ${answer.slice(0, 9)}`);
  }
  const { tokens, server } = start([OLD]);
  await outcomeOf(tokens, byOld);
  server.sets.set(WHERE, { keys: [] });
  t.equal(await outcomeOf(tokens, byOld, NOW + 60_000), SIGNATURE, 'an empty set is a set');
});

t.test('an error page is no key set, and a key set that moved is not followed', async (t) => {
  const requests: RequestInit[] = [];
  const source = new KeySource({ url: WHERE }, ['ES384'], {
    readFile: async () => '',
    fetch: async (_url, init) => {
      requests.push(init);
      return new Response(JSON.stringify({ keys: [OLD] }), { status: 203 });
    },
  });
  await t.rejects(source.find('k1', 'ES384', NOW), { message: /cannot be verified just now/ });
  t.equal(requests[0]?.redirect, 'error');
  t.ok(requests[0]?.signal);
});

t.test('a key verifies what its own type and its issuer allow', async (t) => {
  const usable = (key: object, algorithms: readonly Algorithm[] = ['RS256', 'ES384']): readonly string[] =>
    usableKeys(JSON.stringify({ keys: [key] }), algorithms).map((one) => one.algorithm);
  t.strictSame(usable(jwk('rsa', 'r')), ['RS256']);
  t.strictSame(usable(jwk('rsa', 'r'), ['RS256', 'RS384']), ['RS256', 'RS384']);
  t.strictSame(usable(jwk('rsa', 'r', { alg: 'RS384' })), []);
  t.strictSame(usable(jwk('es384', 'e')), ['ES384']);
  t.strictSame(usable(jwk('es256', 'e')), []);
  t.strictSame(usable(jwk('small', 's')), [], 'RSA of 1024 bits');
  const { n } = KEYS.small.publicKey.export({ format: 'jwk' });
  const stretched = Buffer.concat([Buffer.alloc(128), Buffer.from(String(n), 'base64url')]).toString(
    'base64url',
  );
  t.strictSame(usable(jwk('small', 's', { n: stretched })), [], 'nor made longer by zeros');
});

t.test('keys in a file are read again like any other', async (t) => {
  const server = new KeyServer({ 'keys/hospital.json': { keys: [OLD] } });
  const tokens = new TokenVerifier([{ ...HOSPITAL, keys: { file: 'keys/hospital.json' } }], server);
  t.equal(await outcomeOf(tokens, byOld), 'staff');
  server.sets.set('keys/hospital.json', { keys: [NEW] });
  t.equal(await outcomeOf(tokens, byNew, NOW + 60_000), 'staff');
  t.equal(await outcomeOf(tokens, byOld, NOW + 60_000), SIGNATURE);
});

t.test("a clock that goes back makes no key fresh, and one issuer's trouble is not another's", async (t) => {
  const { tokens, server } = start([OLD]);
  await outcomeOf(tokens, byOld, NOW + 3_000_000);
  server.sets.set(WHERE, { keys: [NEW] });
  t.equal(await outcomeOf(tokens, byOld, NOW), SIGNATURE);
  const other = { ...HOSPITAL, issuer: 'https://down.example', keys: { url: 'https://down.example/jwks' } };
  const both = new TokenVerifier([HOSPITAL, other], new KeyServer({ [WHERE]: { keys: [OLD] } }));
  t.equal(await outcomeOf(both, await signed(long({ iss: 'https://down.example' }))), UNAVAILABLE);
  t.equal(await outcomeOf(both, byOld), 'staff');
});
