import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { freePort } from './support/free-port.ts';
import { repositoryRoot } from './support/root.ts';

const MAIN = join(repositoryRoot(), 'dist', 'src', 'main.js');
const MCR = join(repositoryRoot(), 'dist', 'src', 'cli', 'mcr.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): { child: ChildProcess; ended: Promise<Ended>; out: () => string } {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let [out, err] = ['', ''];
  child.stdout?.on('data', (data) => {
    out += String(data);
  });
  child.stderr?.on('data', (data) => {
    err += String(data);
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  return { child, ended, out: () => out };
}

const folder = mkdtempSync(join(tmpdir(), 'mcr-start-'));
// open to the account of the database, or the cluster would be put elsewhere and left there
chmodSync(folder, 0o755);
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test(
  'the demonstration starts from nothing on the npm package’s PostgreSQL, and its first curl answers a joined record',
  async (t) => {
    const port = await freePort();
    const env = { MCR_DATA: join(folder, 'data'), MCR_PORT: String(port), MCR_SYSTEM_POSTGRESQL: 'no' };
    const { child, ended, out } = run(MAIN, [], env);
    t.teardown(() => child.kill('SIGKILL'));
    const until = Date.now() + 120_000;
    while (!out().includes('curl -s') && child.exitCode === null && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    t.match(out(), /PostgreSQL 1[89]|PostgreSQL [2-9]\d/, 'not the system’s');
    const [, token, url] = /curl -s -H 'Authorization: Bearer ([^']+)' '([^']+)'/.exec(out()) ?? [];
    const answer = await fetch(url ?? '', { headers: { authorization: `Bearer ${token}` } });
    t.equal(answer.status, 200);
    const bundle = (await answer.json()) as { entry: { resource: { meta?: { source?: string } } }[] };
    const sources = new Set(bundle.entry.flatMap(({ resource }) => resource.meta?.source ?? []));
    t.ok(
      sources.size >= 5,
      `at least five partners: ${[...sources].map((source) => source.split('/').at(-1)).join(', ')}`,
    );
    t.notMatch(out(), /\b999 ?\d{3} ?\d{4}\b.*"msg"/, 'no number in a log line');

    const made = await run(MCR, ['token', '--kind', 'patient', '--nhs-number', '9990000018'], env).ended;
    t.equal(made.code, 0);
    const officer = [
      'token',
      '--kind',
      'governance',
      '--organisation',
      'mcr-ig',
      '--role',
      'central-monitoring',
    ];
    const looking = await run(MCR, officer, env).ended;
    const log = await fetch(
      `http://127.0.0.1:${port}/fhir/AuditEvent?date=${new Date().toISOString().slice(0, 10)}&type=110114,110113`,
      { headers: { authorization: `Bearer ${looking.out.trim()}` } },
    );
    const told = await log.text();
    const jti = (text = ''): string =>
      JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).jti;
    for (const each of [token, made.out.trim(), looking.out.trim()])
      t.match(told, `urn:ietf:params:oauth:jti:${jti(each)}`, 'every token is in the log before it is given');
    t.match(told, /configuration-in-force/, 'and so is what the service works by');

    const second = await run(MAIN, [], env).ended;
    t.equal(second.code, 1);
    t.equal(second.err, `Port ${port} on 127.0.0.1 is taken. Name another with MCR_PORT.\n`);

    child.kill('SIGTERM');
    const { code, out: said } = await ended;
    t.equal(code, 0, 'it stops in order');
    t.match(said, /Stopping/);
    t.equal(statSync(join(folder, 'data')).mode & 0o777, 0o755, 'the database’s account reaches its folder');
    t.equal(statSync(join(folder, 'data', 'keys')).mode & 0o777, 0o700, 'and not the keys');
  },
);

t.test('says in one sentence what keeps it from starting', async (t) => {
  const port = String(await freePort());
  const file = join(folder, 'not-a-folder');
  writeFileSync(file, '');
  const unwritable = await run(MAIN, [], { MCR_DATA: join(file, 'data'), MCR_PORT: port }).ended;
  t.equal(unwritable.code, 1);
  t.match(unwritable.err, /^The data folder .* cannot be written\. Name another with MCR_DATA\.\n$/);
  // a folder that exists, takes no folders and says that they are not there
  const endless = await run(MAIN, [], { MCR_DATA: '/proc/x/y', MCR_PORT: port }).ended;
  t.equal(endless.err, 'The data folder /proc/x/y cannot be written. Name another with MCR_DATA.\n');

  const gone = await run(MAIN, [], {
    MCR_DATA: join(folder, 'other'),
    MCR_PORT: port,
    MCR_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x',
  }).ended;
  t.equal(gone.code, 1);
  t.equal(gone.err, 'The database cannot be reached. Check database.url in the configuration.\n');
});

t.test('names every fault of a configuration with its path', async (t) => {
  const demo = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  const check = async (content: unknown): Promise<Ended> => {
    const file = join(folder, 'config.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return run(MCR, ['config', 'check'], { MCR_CONFIG: file, MCR_DATA: join(folder, 'config-data') }).ended;
  };
  const fine = await check(demo);
  t.equal(fine.code, 0, fine.err);
  t.match(fine.out, /in order/);
  t.notOk(existsSync(join(folder, 'config-data')), 'and checking wrote nothing');

  const broken = structuredClone(demo);
  broken.mdoe = 'demo';
  broken.sources[0].format = 'xml';
  broken.listen.port = 'eighty';
  const shape = await check(broken);
  t.equal(shape.code, 1);
  for (const fault of ['"mdoe"', '/sources/0/format', '/listen/port']) t.match(shape.err, fault);

  const inconsistent = structuredClone(demo);
  inconsistent.sources[1].organisation = 'NOBODY';
  inconsistent.sources[2].number = 1;
  inconsistent.sources[0].shares.Observation = { exceptElements: ['status'] };
  inconsistent.issuers[0].algorithms = ['none'];
  inconsistent.organisations[0].agreements[0] = { from: '2026-02-30', to: '2026-01-01' };
  inconsistent.sources[0].shares.Patient = { days: { from: '2026-01-01', to: '2026-13-01' } };
  inconsistent.tlsProxy = ['10.0.0.1', 'proxy.example', '0.0.0.0/0'];
  inconsistent.secrets = {
    resourceIds: 'missing.hex',
    staffNumbers: 'config.json',
    pageTokens: 'missing.hex',
  };
  const logic = await check(inconsistent);
  for (const fault of [
    '/sources/1/organisation',
    'number 1',
    '/sources/0/shares/Observation/exceptElements',
    '/issuers/0/algorithms',
    '/organisations/0/agreements/0/from: 2026-02-30 is not',
    '/organisations/0/agreements/0: ends',
    '/sources/0/shares/Patient/days/to',
    '/tlsProxy/1: proxy.example',
    '/tlsProxy/2: 0.0.0.0/0',
    '/secrets/resourceIds: the secret cannot be read',
    '/secrets/staffNumbers: the secret in',
    '/secrets/pageTokens',
  ]) {
    t.match(logic.err, fault);
  }

  const production = await check({ ...demo, mode: 'production' });
  t.equal(production.code, 1, 'the demonstration does not run in production mode');
  for (const fault of [
    '/database/url',
    '/database/journalUrl',
    '/secrets',
    '/fhirBase',
    '/tlsProxy',
    'demonstration',
  ]) {
    t.match(production.err, fault);
  }
  t.match((await check('{')).err, /is not JSON/);
});

t.test('the command line tells what it does, and what was called wrongly', async (t) => {
  const overview = await run(MCR, [], {}).ended;
  t.equal(overview.code, 0);
  for (const name of ['serve', 'load', 'sources', 'staff', 'token', 'demo', 'config', 'policy'])
    t.match(overview.out, `  ${name}`);
  t.equal((await run(MCR, ['nonsense'], {}).ended).code, 2);
  t.equal((await run(MCR, ['load', '--nonsense'], {}).ended).code, 2);
  t.equal((await run(MCR, ['load', 'gp'], {}).ended).code, 2);
  const policy = await run(MCR, ['policy'], {}).ended;
  t.equal(
    policy.out,
    readFileSync(join(repositoryRoot(), 'docs', 'policy.md'), 'utf8'),
    'docs/policy.md is in step',
  );
});
