import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { accountsForRoot } from '../../src/storage/embedded/account.ts';
import { initialise, newRecord } from '../../src/storage/embedded/cluster.ts';
import { packagedBinaries, packageFolder } from '../../src/storage/embedded/package.ts';
import { postmasterOf } from '../../src/storage/embedded/postmaster.ts';
import { startEmbedded } from '../../src/storage/embedded.ts';
import {
  account,
  another,
  ask,
  closed,
  folderOf,
  noPackage,
  noSystem,
  nothing,
  notLinux,
  notRoot,
  orphan,
  place,
  start,
  system,
  toRemove,
} from './embedded-starts.ts';

const any = { systemBinaries: system };
const CREATE = 'create table kept as select 1 as n';
const SELECT = 'select n from kept';
const KEPT = [{ n: 1 }];

// Some thirty servers are started one after the other: on a busy machine that takes longer than tap waits by itself.
t.setTimeout(240_000);

t.test('root lends the cluster to its owner, else postgres, else nobody, never to root', async (t) => {
  const [superuser, nobody] = ['root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:', 'nobody:x:65534:65534::/:'];
  const passwd = `${superuser}\n${nobody}\npostgres:x:101:104::/pg:\nann:x:7:8::/a:`;
  const table: [string, number | undefined, string[]][] = [
    [passwd, undefined, ['postgres', 'nobody']],
    [passwd, 7, ['ann', 'postgres', 'nobody']],
    [passwd, 0, ['postgres', 'nobody']],
    [`${superuser}\n${nobody}`, undefined, ['nobody']],
    [`${superuser}\npostgres:x:0:0::/:`, undefined, []],
    ['', undefined, []],
  ];
  for (const [entries, owner, names] of table) {
    const found = accountsForRoot(entries, owner).map(({ name }) => name);
    t.strictSame(found, names);
  }
});

t.test('what a start cannot do is said in one sentence', { skip: nothing }, async (t) => {
  const folder = await place();
  const refused = (dataFolder: string, message: RegExp, settings: Record<string, string> = {}) =>
    t.rejects(startEmbedded({ dataFolder, say: () => undefined, settings, ...any }), {
      name: 'EmbeddedError',
      message,
    });
  const [file, future, strange] = [path.join(folder, 'file'), path.join(folder, 'f'), path.join(folder, 's')];
  const [lost, fresh] = [path.join(folder, 'lost'), path.join(folder, 'fresh')];

  await writeFile(file, '');
  await refused(path.join(file, 'data'), /^The data folder .* cannot be written \(ENOTDIR\).*database\.url/);

  await mkdir(path.join(future, 'pg15'), { recursive: true });
  await writeFile(path.join(future, 'pg15/PG_VERSION'), '99\n');
  await refused(future, /pg15 was made by PostgreSQL 99, .*install PostgreSQL 99.*database\.url/);

  await mkdir(path.join(strange, 'pg15/photos'), { recursive: true });
  await refused(strange, /pg15 is not a PostgreSQL data directory/);

  await mkdir(lost);
  const gone = { directory: '/nowhere/pg15', user: 'postgres', password: 'x', initialised: true };
  await writeFile(path.join(lost, 'pg15.json'), JSON.stringify(gone));
  await refused(lost, /says that the database is in \/nowhere\/pg15, and it is not there/);
  await writeFile(path.join(lost, 'pg15.json'), '{"directory":');
  await refused(lost, /pg15\.json is damaged/);

  const banana = { shared_buffers: 'banana' };
  await refused(fresh, /did not start .* its log .* ends: .*invalid value .*shared_buffers/, banana);
  for (const name of ['listen_addresses', 'port', 'Work Mem', 'hba_file']) {
    await refused(fresh, /cannot be given/, { [name]: '*' });
  }
  const [record = ''] = (await readdir(fresh)).filter((name) => name.endsWith('.json'));
  await rm(path.join(fresh, record));
  await refused(fresh, /which holds the password .* is missing/);
});

t.test('the private cluster is durable and closed to others', { skip: nothing }, async (t) => {
  const folder = path.join(await place(), 'data');
  const cluster = await start(t, folder, { ...any, settings: { work_mem: '5MB' } });
  const { port, major, password } = cluster;
  const url = cluster.url('postgres');
  t.match(cluster, { host: '127.0.0.1', origin: system ? 'system' : 'npm' });
  t.match(cluster.said, [/^Making a private database/, /^Starting PostgreSQL/, /is ready on 127\.0\.0\.1/]);

  const expected = {
    ...{ listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'on', data_checksums: 'on' },
    ...{ max_parallel_workers_per_gather: '0', work_mem: '5120', server_encoding: 'UTF8', TimeZone: 'UTC' },
    ...{ log_error_verbosity: 'terse', log_min_error_statement: 'panic', port: String(port) },
  };
  const rows = await ask(url, 'select name, setting from pg_settings');
  const settings = Object.fromEntries(rows.map((row) => [row['name'], row['setting']]));
  for (const [name, value] of Object.entries(expected)) t.equal(settings[name], value, name);
  const ways = 'select distinct auth_method, datcollate from pg_hba_file_rules, pg_database';
  t.strictSame(await ask(url, ways), [{ auth_method: 'scram-sha-256', datcollate: 'C' }]);
  await t.rejects(ask(url.replace(password, 'guess'), 'select 1'), { code: '28P01' });

  const directory = await folderOf(folder, major);
  t.equal((await stat(path.join(folder, `pg${major}.json`))).mode & 0o777, 0o600);
  t.equal((await stat(directory)).uid, account?.uid, 'the cluster is not root’s');
  if (notLinux) return t.comment(notLinux);
  const pid = (await postmasterOf(directory))?.pid;
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  const names = variables.map((variable) => variable.replace(/=.*/s, ''));
  // tap adds its own to every process that a test starts, whatever environment it is given
  const known = /^(|PATH|TZ|LC_.*|PGDATA|PGLOCALEDIR|PGSYSCONFDIR|_TAPJS_.*|NODE_OPTIONS)$/;
  t.strictSame(
    names.filter((name) => !known.test(name)),
    [],
    'its environment holds nothing of ours',
  );
  const status = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  t.equal(status[3], String(pid), 'it leads a session of its own, which Ctrl-C does not reach');
});

t.test('data and port outlive restarts, crashes and other users', { skip: nothing }, async (t) => {
  const folder = path.join(await place(), 'data');
  const cluster = await start(t, folder, any);
  const { port } = cluster;
  const url = cluster.url('postgres');
  const directory = await folderOf(folder, cluster.major);
  await ask(url, CREATE);
  const second = await start(t, folder, { ...any, settings: { work_mem: '6MB' } });
  t.equal(second.port, port, 'a second process joins the server that runs');
  await cluster.stop();
  t.strictSame(await ask(url, SELECT), KEPT, 'and keeps it while the first one goes');
  await second.stop();
  await second.stop();
  t.equal(await postmasterOf(directory), undefined, 'the last one stops it');

  const blocker = createServer().listen(port, '127.0.0.1');
  const third = await start(t, folder, any);
  t.not(third.port, port, 'a taken port is avoided');
  t.strictSame(await ask(third.url('postgres'), SELECT), KEPT);
  blocker.close();
  await third.stop();
  const fourth = await start(t, folder, any);
  t.equal(fourth.port, third.port, 'the port is remembered');

  const [backend] = await ask(
    fourth.url('postgres'),
    "select pid from pg_stat_activity where backend_type = 'walwriter'",
  );
  process.kill(Number(backend?.['pid']), 'SIGKILL');
  while (!fourth.said.some((sentence) => sentence.includes('broke off'))) await sleep(20);
  const held = () => ask(fourth.url('postgres'), "select 1 from pg_locks where locktype = 'advisory'");
  while ((await held().catch(() => [])).length === 0) await sleep(20);
  await (await start(t, folder, any)).stop();
  t.strictSame(await ask(fourth.url('postgres'), SELECT), KEPT, 'after a recovery it still counts as used');

  // A crash leaves postmaster.pid behind, and by the next start its number may be any process's: here our own.
  process.kill((await postmasterOf(directory))?.pid ?? 0, 'SIGKILL');
  while ((await postmasterOf(directory)) !== undefined) await sleep(20);
  const pidFile = path.join(directory, 'postmaster.pid');
  await writeFile(pidFile, (await readFile(pidFile, 'utf8')).replace(/^\d+/, String(process.pid)));
  const fifth = await start(t, folder, any);
  t.strictSame(await ask(fifth.url('postgres'), SELECT), KEPT, 'a crash loses nothing');
});

t.test('without a system PostgreSQL the package serves', { skip: noPackage }, async (t) => {
  const folder = path.join(await place(), 'data');
  const first = await start(t, folder, { systemBinaries: false });
  t.equal(first.origin, 'npm');
  await ask(first.url('postgres'), CREATE);
  await first.stop();
  const again = await start(t, folder, { systemBinaries: true });
  t.equal(again.major, first.major, 'from then on the data choose the programs, not preference');
  t.strictSame(await ask(again.url('postgres'), SELECT), KEPT);
});

t.test('data of a major that is not here are refused', { skip: noSystem || noPackage }, async (t) => {
  const folder = path.join(await place(), 'data');
  const cluster = await start(t, folder);
  await cluster.stop();
  const manifest = await readFile(path.join(packageFolder() ?? '', 'package.json'), 'utf8');
  if (Number.parseInt(JSON.parse(manifest).version, 10) === cluster.major) {
    return t.comment('skipped: package and system are of the same major');
  }
  const message = new RegExp(`install PostgreSQL ${cluster.major}`);
  await t.rejects(start(t, folder, { systemBinaries: false }), { name: 'EmbeddedError', message });
});

t.test('a package without library links runs from a copy', { skip: noPackage || notLinux }, async (t) => {
  const [home, bare] = [await place(), await place()];
  const noLinks = async (source: string) => !(await lstat(source)).isSymbolicLink();
  await cp(packageFolder() ?? '', bare, { recursive: true, filter: noLinks });
  const before = (await readdir(path.join(bare, 'native/lib'))).sort();
  const said: string[] = [];
  const say = (sentence: string) => said.push(sentence);
  if (account === undefined) throw new Error('there is no account');
  const found = await packagedBinaries(account, home, undefined, say, bare);
  t.match(said, [/^Copying PostgreSQL/]);
  if ('why' in found) throw new Error(found.why);
  t.ok(found.bin.startsWith(home));
  t.strictSame((await readdir(path.join(bare, 'native/lib'))).sort(), before, 'the package stays as it is');
  const record = newRecord(home, { origin: 'npm', ...found });
  await initialise(account, { origin: 'npm', ...found }, record);
  t.ok(existsSync(path.join(record.directory, 'PG_VERSION')), 'the copy can make a cluster');
  await packagedBinaries(account, home, undefined, say, bare);
  t.equal(said.length, 1, 'and is made once');
});

t.test('an orphaned server is taken over if it is the right one', { skip: nothing }, async (t) => {
  const folder = path.join(await place(), 'data');
  const asked = { ...any, settings: { work_mem: '7MB' } };
  const port = await orphan(t, folder, asked);
  const cluster = await start(t, folder, asked);
  const directory = await folderOf(folder, cluster.major);
  t.equal(cluster.port, port);
  t.match(cluster.said, [/^A PostgreSQL already runs/, /is ready/]);
  await ask(cluster.url('postgres'), CREATE);
  await cluster.stop();
  t.equal(await postmasterOf(directory), undefined, 'it stops like any other');

  await orphan(t, folder, asked);
  const changed = await start(t, folder, { ...any, settings: { work_mem: '8MB' } });
  t.match(changed.said, [/already runs/, /other settings/]);
  t.strictSame(await ask(changed.url('postgres'), 'show work_mem'), [{ work_mem: '8MB' }]);
  await changed.stop();

  const file = path.join(folder, `pg${cluster.major}.json`);
  const record = await readFile(file, 'utf8');
  const message = /is not the one that .*pg\d+\.json describes/;
  for (const wrong of [cluster.password, JSON.parse(record).system]) {
    await orphan(t, folder, asked);
    await writeFile(file, record.replace(wrong, '1234567890'));
    await t.rejects(start(t, folder, asked), { name: 'EmbeddedError', message });
    t.equal(await postmasterOf(directory), undefined, 'a server that is not the described one is stopped');
    await writeFile(file, record);
  }
  const right = await start(t, folder, asked);
  t.strictSame(await ask(right.url('postgres'), SELECT), KEPT, 'and loses nothing');
});

t.test('of first starts at the same moment one makes the cluster', { skip: nothing }, async (t) => {
  const folder = path.join(await place(), 'data');
  const starts = [1, 2, 3].map(() => another(folder, 'stop', any));
  const codes = await Promise.all(starts.map((child) => new Promise((end) => child.once('exit', end))));
  t.strictSame(codes, [0, 0, 0]);
  const left = (await readdir(folder)).map((name) => name.replace(/\d+/, '')).sort();
  t.strictSame(left, ['pg', 'pg.json', 'pg.log']);
});

t.test('below a closed folder the data live elsewhere and are found again', { skip: notRoot }, async (t) => {
  const shut = path.join(await place(), 'closed');
  await mkdir(shut);
  await chmod(shut, 0o700);
  const [folder, copied] = [path.join(shut, 'data'), path.join(shut, 'copied')];
  const cluster = await start(t, folder, any);
  const directory = await folderOf(folder, cluster.major);
  toRemove(path.dirname(directory));
  t.notOk(directory.startsWith(shut));
  t.match(cluster.said.join('\n'), `the database lives in ${path.dirname(directory)}`);
  await ask(cluster.url('postgres'), CREATE);
  await cluster.stop();
  const again = await start(t, folder, any);
  t.strictSame(await ask(again.url('postgres'), SELECT), KEPT);
  await again.stop();

  await cp(folder, copied, { recursive: true });
  const message = /is a copy: the database it names belongs to/;
  await t.rejects(start(t, copied, any), { name: 'EmbeddedError', message });
  await rm(folder, { recursive: true });
  await start(t, copied, any);
  t.equal(await folderOf(copied, cluster.major), directory, 'a moved data folder takes its data along');
});

t.test('an ordinary user needs no other account', { skip: closed }, async (t) => {
  const folder = await place();
  await chmod(folder, 0o777);
  const { uid = 0, gid = 0 } = account ?? {};
  const child = another(path.join(folder, 'data'), 'stop', any, { uid, gid });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  t.match(await text(child.stdout), `"uid":${uid}`);
  t.equal(await exit, 0);
});
