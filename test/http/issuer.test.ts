import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import nock from 'nock';
import pg from 'pg';
import t from 'tap';
import { byNumber, testService } from '../support/service.ts';

const ISSUER = 'https://login.partner.example';

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

async function keyPair(kid: string): Promise<{ readonly key: Key; readonly jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES384', use: 'sig' } };
}

function token(key: Key, kid: string): Promise<string> {
  const claims = {
    client_id: 'partner-ehr',
    scope: 'user/*.rs',
    extensions: {
      ihe_iua: {
        subject_name: 'Pat Partner',
        subject_organization_id: 'https://fhir.nhs.uk/Id/ods-organization-code|RXQ',
        subject_role: [{ code: 'consultant' }],
        purpose_of_use: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
      },
      mcr: { user_id: 'c-9', reason: 'Outpatient clinic', not_own_record: true },
    },
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES384', typ: 'at+jwt', kid })
    .setIssuer(ISSUER)
    .setSubject('c-9')
    .setAudience('http://127.0.0.1:8080/fhir')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
}

t.test('a partner’s own issuer is believed by its key set at a URL, for its own organisation', async (t) => {
  nock.disableNetConnect();
  nock.enableNetConnect('127.0.0.1');
  t.teardown(() => {
    nock.cleanAll();
    nock.enableNetConnect();
  });
  const service = await testService(t, { people: 60 }, (configuration) => {
    const issuers = configuration['issuers'] as unknown[];
    issuers.push({
      issuer: ISSUER,
      audience: ['{fhirBase}'],
      keys: { url: `${ISSUER}/jwks` },
      algorithms: ['ES384'],
      callers: { fixed: 'staff' },
      organisations: ['RXQ'],
    });
  });
  const [one, two] = [await keyPair('k-1'), await keyPair('k-2')];
  const bearer = await token(one.key, 'k-1');

  nock(ISSUER).get('/jwks').reply(503, 'away');
  const away = await service.get('Organization', bearer);
  t.equal(away.status, 503, 'without keys nothing is decided, and nothing shown');

  nock(ISSUER)
    .get('/jwks')
    .reply(200, { keys: [one.jwk] });
  let known = await service.get('Organization', bearer);
  for (let attempt = 0; attempt < 150 && known.status === 503; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    known = await service.get('Organization', bearer);
  }
  t.equal(known.status, 200);
  t.equal(
    (await service.get('Organization', bearer)).status,
    200,
    'the set is kept: no further request was answered',
  );
  t.equal(
    (await service.get('Organization', await token(two.key, 'k-1'))).status,
    401,
    'another key under a known name',
  );

  const patient = await service.get(
    `Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C${service.person('showcase').nhsNumber}`,
    bearer,
  );
  t.equal(patient.json.total, 1, 'and its staff see what their role sees');
});

t.test(
  'a service asks for the users whom it names, request by request, within what it is registered for',
  async (t) => {
    const service = await testService(t, { people: 60 }, (configuration) => {
      const [demo] = configuration['issuers'] as { clients: Record<string, unknown> }[];
      Object.assign(demo?.clients ?? {}, {
        pas: {
          organisation: 'RXQ',
          scopes: ['system/Patient.rs', 'system/Condition.read', 'system/Organization.r'],
          keys: { file: '{dataFolder}/keys/pas.json' },
        },
        unlimited: { organisation: 'RXQ' },
      });
    });
    const pas = await keyPair('pas-1');
    const keys = join(service.configuration.dataFolder, 'keys');
    mkdirSync(keys, { recursive: true });
    writeFileSync(join(keys, 'pas.json'), JSON.stringify({ keys: [pas.jwk] }));
    const said = { user: 'c-9', reason: 'Outpatient clinic', jti: '' };
    const assertion = ({ user, reason, jti }: typeof said, key = pas.key): Promise<string> =>
      new SignJWT({
        extensions: {
          ihe_iua: {
            subject_name: 'Pat Partner',
            subject_organization_id: 'RXQ',
            subject_role: 'consultant',
            purpose_of_use: 'TREAT',
          },
          mcr: { reason, not_own_record: true, relationship: 'Clinic today' },
        },
      })
        .setProtectedHeader({ alg: 'ES384', typ: 'mcr-user-assertion+jwt', kid: 'pas-1' })
        .setIssuer('pas')
        .setSubject(user)
        .setAudience('http://127.0.0.1:8080/fhir')
        .setJti(jti || randomUUID())
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(key);
    const bearer = await service.token({ kind: 'system', client: 'pas', scope: 'system/*.rs' });
    const as = async (path: string, assertion?: string | Promise<string>, token = bearer) =>
      service.get(path, token, assertion === undefined ? {} : { 'mcr-user-assertion': await assertion });
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    t.teardown(() => client.end());
    const eventOf = async (answer: { headers: Readonly<Record<string, unknown>> }): Promise<string> => {
      const id = answer.headers['x-request-id'];
      const { rows } = await client.query('select body from audit.event where request_id = $1', [id]);
      t.equal(rows.length, 1, 'one event of the request');
      return String(rows[0]?.body);
    };

    const showcase = `Patient?identifier=${byNumber(service.person('showcase').nhsNumber)}`;
    t.equal((await as(showcase)).status, 403, 'no user is named: no person is shown');
    t.equal((await as('Organization?_count=1')).status, 403, 'search is not what it is registered for');
    const unlimited = await service.token({ kind: 'system', client: 'unlimited', scope: 'system/*.rs' });
    t.equal(
      (await as('Organization?_count=1', undefined, unlimited)).status,
      403,
      'nor anything, unregistered',
    );

    const found = await as(showcase, assertion({ ...said, jti: 'walk-1' }));
    t.equal(found.status, 200);
    t.equal(found.json.total, 1);
    const event = await eventOf(found);
    for (const part of ['c-9', 'Pat Partner', 'Outpatient clinic', 'walk-1', '"pas"'])
      t.ok(event.includes(part), `${part} is in the event`);
    const id: string = found.json.entry[0].resource.id;
    const problems = await as(`Condition?patient=${id}&_count=1`, assertion(said));
    t.equal(problems.status, 200);
    t.ok(problems.json.total > 1);
    t.equal(
      (await as(`Observation?patient=${id}`, assertion(said))).status,
      403,
      'a type that is not registered',
    );
    const next = problems.json.link.find((l: { relation: string }) => l.relation === 'next').url;
    const page = next.slice('http://127.0.0.1:8080'.length);
    t.equal((await as(page, assertion({ ...said, user: 'c-10' }))).status, 400, 'a page of another user');
    t.equal((await as(page, assertion(said))).status, 200, 'and of the same');

    const one = await assertion(said);
    t.equal((await as(showcase, one)).status, 200);
    const refusals: readonly [
      title: string,
      answer: ReturnType<typeof as>,
      status: number,
      reason: string,
    ][] = [
      ['again', as(showcase, one), 401, 'assertion-replayed'],
      ['another key', as(showcase, assertion(said, (await keyPair('x')).key)), 401, 'assertion-signature'],
      ['no reason', as(showcase, assertion({ ...said, reason: '' })), 403, 'assertion-incomplete'],
      ['a directory, badly', as('Organization/x', 'nonsense'), 401, 'assertion-malformed'],
      ['a client without keys', as(showcase, assertion(said), unlimited), 401, 'assertion-client'],
      [
        'a staff login',
        as(
          showcase,
          assertion(said),
          await service.token({ kind: 'staff', client: 'pas', organisation: 'RXQ' }),
        ),
        401,
        'assertion-client',
      ],
    ];
    for (const [title, asked, status, reason] of refusals) {
      const answer = await asked;
      t.equal(answer.status, status, title);
      t.ok(answer.text.includes(reason), reason);
      t.notMatch(answer.headers['www-authenticate'], /invalid_token/, 'the token is not to blame');
      t.ok((await eventOf(answer)).includes(reason), 'and in the log');
    }
    const twice = await service.service.app.inject({
      url: `/fhir/${showcase}`,
      headers: {
        authorization: `Bearer ${bearer}`,
        'mcr-user-assertion': [await assertion(said), 'x'] as never,
      },
    });
    t.ok([400, 401].includes(twice.statusCode), 'two of them');
    t.equal((await as(showcase, one, 'nobody')).status, 401, 'without a token it says nothing');
  },
);
