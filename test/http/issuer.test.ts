import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import nock from 'nock';
import t from 'tap';
import { testService } from '../support/service.ts';

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
