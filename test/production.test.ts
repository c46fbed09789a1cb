import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { generateCounty } from '../demo/county/generate.ts';
import { DEMO_ISSUER } from '../demo/issuer.ts';
import { historyEntry } from '../src/audit/key-history.ts';
import { type Configuration, readConfiguration } from '../src/config.ts';
import { startDatabase } from '../src/database-start.ts';
import { loadExtract } from '../src/load.ts';
import { type Service, wire } from '../src/wire.ts';
import { testDatabase } from './support/database.ts';
import { repositoryRoot } from './support/root.ts';

const PROXY = '10.0.0.1';

/** An unmigrated database as docs/operations.md says, and the logins of it under names of this test's own. */
interface Installation {
  readonly folder: string;
  readonly superuser: string;
  readonly serve: string;
  readonly writeAudit: string;
  readonly readAudit: string;
  readonly owner: string;
}

async function install(t: Test): Promise<Installation> {
  const { address, admin } = await testDatabase(t);
  const own = `mcr_own_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const logins = ['serve', 'write_audit', 'read_audit', 'owner'].map((name) => `${own}_${name}`);
  const [serve = '', writeAudit = '', readAudit = '', owner = ''] = logins;
  await admin.query(`
    create role ${serve} login in role mcr_record password '${password}';
    create role ${writeAudit} login in role mcr_journal password '${password}';
    create role ${readAudit} login in role mcr_auditor password '${password}';
    create role ${owner} login createrole password '${password}';`);
  await admin.query(`create database ${own} owner ${owner}`);
  const folder = mkdtempSync(join(tmpdir(), 'mcr-production-'));
  t.teardown(async () => {
    rmSync(folder, { recursive: true, force: true });
    const last = new pg.Client({ connectionString: process.env['MCR_TEST_DATABASE_URL'] });
    await last.connect();
    await last.query(`drop database ${own} with (force)`);
    for (const login of logins) await last.query(`drop role ${login}`);
    await last.end();
  });
  const as = (user?: string): string => {
    const url = new URL(address.url);
    url.pathname = `/${own}`;
    if (user !== undefined) [url.username, url.password] = [user, password];
    return url.href;
  };
  return {
    folder,
    superuser: as(),
    serve: as(serve),
    writeAudit: as(writeAudit),
    readAudit: as(readAudit),
    owner: as(owner),
  };
}

type Adjusted = Readonly<Record<string, unknown>>;

/** The configuration of production, read from a file as the service would. */
function configured(
  { folder, serve, writeAudit, readAudit, owner }: Installation,
  database: Adjusted = {},
  more: Adjusted = {},
): Configuration {
  const demo = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  const names = ['resourceIds', 'staffNumbers', 'pageTokens'];
  for (const name of names)
    writeFileSync(join(folder, `${name}.hex`), `${randomBytes(32).toString('hex')}\n`);
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'checkpoint.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const history = { keys: [historyEntry(privateKey, new Date(Date.now() - 1000))] };
  writeFileSync(join(folder, 'audit-keys.json'), JSON.stringify(history));
  writeFileSync(join(folder, 'checkpoints.jws'), '', { flag: 'a' });
  const content = {
    ...demo,
    mode: 'production',
    audit: {
      checkpointKey: 'checkpoint.pem',
      keys: 'audit-keys.json',
      witnesses: [{ file: 'checkpoints.jws' }],
    },
    fhirBase: 'https://record.example/fhir',
    tlsProxy: [PROXY],
    dataFolder: join(folder, 'data'),
    secrets: Object.fromEntries(names.map((name) => [name, `${name}.hex`])),
    database: { url: serve, journalUrl: writeAudit, auditorUrl: readAudit, ownerUrl: owner, ...database },
    // a name that only resembles the demonstration's
    issuers: [{ ...demo.issuers[0], issuer: 'https://democracy.example/issuer' }],
    logLevel: 'silent',
    limits: { requestsPerMinute: 50 },
    ...more,
  };
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(content));
  return readConfiguration({ MCR_CONFIG: file }, repositoryRoot());
}

t.test('production starts with the logins of the manual, loads, answers and audits', async (t) => {
  const installation = await install(t);
  const configuration = configured(installation);
  const service = await wire(configuration, await startDatabase(configuration, () => {}));
  const extracts = join(installation.folder, 'extracts');
  await generateCounty(extracts, { seed: 7, people: 20, businessDate: '2026-11-22' });
  const certificate = await loadExtract(service, 'gp', join(extracts, 'gp'));
  t.equal(certificate.result, 'published', JSON.stringify(certificate));
  t.equal((await service.app.inject('/readyz')).statusCode, 200);
  const metadata = await service.app.inject('/fhir/metadata');
  t.equal(metadata.json().implementation.url, 'https://record.example/fhir');
  t.equal(metadata.headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");

  await addressesOfClients(t, service);
  await service.checkpoints.make();
  await service.close();
  t.match(
    readFileSync(join(installation.folder, 'checkpoints.jws'), 'utf8'),
    /^[\w-]+\.[\w-]+\.[\w-]{86}\n$/,
    'with the logins of the manual the log is sealed, too',
  );
  const admin = new pg.Client({ connectionString: installation.superuser });
  await admin.connect();
  const { rows } = await admin.query<{ event: string }>(
    'select to_jsonb(e)::text as event from audit.event e',
  );
  await admin.end();
  const events = rows.map(({ event }) => Buffer.from(event)).join('\n');
  t.match(events, '203.0.113.7', 'audited with the address that the proxy told');
  t.match(events, '198.51.100.9', 'or the connection’s');
  t.notMatch(events, '192.0.2.66', 'and never with one that anybody else told');
  t.match(events, /gp practices: published/i, 'the load is audited too');
});

/** Tokens that nobody signed, from two addresses that say who they speak for; only one of them is the proxy. */
async function addressesOfClients(t: Test, { app }: Service): Promise<void> {
  const left = async (remoteAddress: string, forwarded: string): Promise<number> => {
    const answer = await app.inject({
      url: '/fhir/Patient?_id=x',
      remoteAddress,
      headers: { 'x-forwarded-for': forwarded, authorization: 'Bearer nonsense' },
    });
    t.equal(answer.statusCode, 401);
    return Number(answer.headers['x-ratelimit-remaining']);
  };
  t.equal(await left('198.51.100.9', '192.0.2.66'), 49);
  t.equal(await left('198.51.100.9', '192.0.2.67'), 48, 'a forged address is no way around the limit');
  t.equal(await left(PROXY, '203.0.113.7'), 49);
  t.equal(await left(PROXY, '203.0.113.8'), 49, 'clients behind the proxy have a limit each');
  t.equal(
    await left(PROXY, '192.0.2.66, 203.0.113.7'),
    48,
    'what the client wrote before the proxy is not believed',
  );
}

t.test('production refuses each login that serves and could change what is audited', async (t) => {
  const installation = await install(t);
  const { superuser, owner, serve } = installation;
  const refusal = async (database: Adjusted): Promise<string> => {
    try {
      await startDatabase(configured(installation, database), () => {});
      return 'none';
    } catch (error) {
      return String(error);
    }
  };
  t.match(await refusal({ url: superuser }), /database\.url: The login of the service is a superuser/);
  t.match(await refusal({ auditorUrl: superuser }), /database\.auditorUrl: The login .* is a superuser/);
  t.match(await refusal({ journalUrl: superuser }), /database\.journalUrl: The login .* is a superuser/);

  const admin = new pg.Client({ connectionString: superuser });
  await admin.connect();
  t.teardown(() => admin.end());
  t.match(
    await refusal({ journalUrl: owner }),
    /journalUrl cannot connect and act as mcr_journal/,
    'as it comes',
  );
  const nameOf = (url: string): string => new URL(url).username;
  await admin.query(`grant mcr_journal to ${nameOf(owner)}`);
  t.match(
    await refusal({ journalUrl: owner }),
    /database\.journalUrl: The login .* is the owner’s.*own them/,
  );
  await admin.query(`revoke mcr_journal from ${nameOf(owner)}`);

  t.equal(await refusal({}), 'none', 'as the manual says it starts');
  await admin.query(`grant update on audit.batch to ${nameOf(serve)}`);
  t.match(await refusal({}), /database\.url: The login of the service can change or remove audit rows/);
  await admin.query(`revoke update on audit.batch from ${nameOf(serve)}`);
  await admin.query(`alter role ${nameOf(serve)} noinherit createrole`);
  t.match(await refusal({}), /database\.url: .* can change/, 'it could grant itself the owner');
  await admin.query(`alter role ${nameOf(serve)} nocreaterole`);
  await admin.query(`grant ${nameOf(owner)} to ${nameOf(serve)}`);
  t.match(await refusal({}), /database\.url: .* can change/, 'what it could become counts');
});

t.test('production refuses the demonstration’s issuer, no proxy, and a log that nobody seals', async (t) => {
  const installation: Installation = {
    folder: mkdtempSync(join(tmpdir(), 'mcr-production-')),
    superuser: 'x',
    serve: 'x',
    writeAudit: 'x',
    readAudit: 'x',
    owner: 'x',
  };
  t.teardown(() => rmSync(installation.folder, { recursive: true, force: true }));
  const demo = configured(installation).issuers.map((issuer) => ({ ...issuer, issuer: DEMO_ISSUER }));
  t.throws(() => configured(installation, {}, { issuers: demo }), {
    message: /is the demonstration's issuer/,
  });
  t.throws(() => configured(installation, {}, { tlsProxy: [] }), { message: /\/tlsProxy/ });
  const key = { checkpointKey: 'checkpoint.pem' };
  const keys = { ...key, keys: 'audit-keys.json' };
  for (const [audit, message] of [
    [{}, /\/audit: production needs checkpointKey and keys/],
    [keys, /\/audit\/witnesses: production needs a file or folder/],
    [{ ...key, witnesses: [{ file: 'w' }] }, /\/audit: checkpointKey and keys belong together/],
    [{ ...keys, witnesses: [{ file: 'w', folder: 'w' }] }, /\/audit\/witnesses\/0/],
  ] as const)
    t.throws(() => configured(installation, {}, { audit }), { message });
});
