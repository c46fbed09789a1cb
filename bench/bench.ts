import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { demoToken, makeIssuerKeys } from '../demo/issuer.ts';
import { packageRoot } from '../src/package-root.ts';
import { startEmbedded } from '../src/storage/embedded.ts';
import { child } from './child.ts';
import { type LoadFigures, measureLoads } from './loads.ts';
import { type Comparison, compare, type Spread, type Target } from './measure.ts';
import { manyRowsText, measureManyRows } from './million.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    // nights of so many rows instead of everything else
    rows: { type: 'string' },
  },
});
const WINDOWS = values.quick ? 7 : 11;
const SECONDS = values.quick ? 2 : 4;
const PEOPLE = values.quick ? 4000 : 12_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface People {
  readonly resources: readonly string[];
  readonly fifty: string;
}

/** Single reads: conditions of many people, drawn at random. The record: the person with exactly 50 rows. */
async function people(url: string, fiftyNumber: string): Promise<People> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const conditions = await client.query<{ id: string }>(
    `select r.resource_id::text as id from record.resource_version r
     where r.type = 8 and r.source = 1 and not exists (select from record.restriction x where x.person_id = r.person_id)
       and not exists (select from record.person_number n join record.opt_out o using (nhs_number) where n.person_id = r.person_id)
       and r.labels = '{}' order by md5(r.resource_id::text) limit 500`,
  );
  const fifty = await client.query<{ id: string }>(
    'select person_id::text as id from record.person_number where nhs_number = $1',
    [fiftyNumber],
  );
  await client.end();
  return { resources: conditions.rows.map((row) => row.id), fifty: fifty.rows[0]?.id ?? '' };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-bench-'));
  // open to the account of the database, or the cluster would be put elsewhere and left there
  chmodSync(folder, 0o755);
  const cluster = await startEmbedded({ dataFolder: join(folder, 'cluster'), say });
  const children: ChildProcess[] = [];
  try {
    const data = join(folder, 'data');
    mkdirSync(join(data, 'keys'), { recursive: true });
    await makeIssuerKeys(join(data, 'keys'));
    const demo = JSON.parse(readFileSync(join(packageRoot(), 'demo', 'config.json'), 'utf8')) as object;
    const config = join(folder, 'config.json');
    const base = 'http://127.0.0.1:8080/fhir';
    const limits = { requestsPerMinute: 1e9, peoplePerUserHour: 1e9, peoplePerClientHour: 1e9 };
    writeFileSync(config, JSON.stringify({ ...demo, fhirBase: base, limits }));
    const admin = new pg.Client({ connectionString: cluster.url('postgres') });
    await admin.connect();
    await admin.query('create database bench');
    const file = await admin.query<{ pid: string }>(
      "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid",
    );
    const postmaster = Number(file.rows[0]?.pid);
    await admin.end();
    const url = cluster.url('bench');
    const colleague = { kind: 'staff', organisation: 'RXQ', role: 'consultant' } as const;
    const bearer = await demoToken(join(data, 'keys'), base, colleague);
    if (values.rows !== undefined) {
      const paths = async (): Promise<readonly string[]> =>
        (await people(url, '')).resources.map((id) => `/fhir/Observation/${id}`);
      const headers = { authorization: `Bearer ${bearer}` };
      const rows = Number(values.rows);
      const found = await measureManyRows({ folder, config, data, url, rows, paths, headers, say });
      const text = values.json ? JSON.stringify(found, undefined, 2) : manyRowsText(found).join('\n');
      process.stdout.write(`${text}\n`);
      return;
    }
    say(`Loading a county of ${PEOPLE} people …`);
    const loads = await measureLoads({ folder, config, data, url, people: PEOPLE });
    const cases = JSON.parse(readFileSync(join(folder, 'night-1', 'cases.json'), 'utf8')) as {
      cases: { name: string; nhsNumber: string }[];
    };
    const chosen = await people(url, cases.cases.find((one) => one.name === 'record-of-50')?.nhsNumber ?? '');
    const headers = { authorization: `Bearer ${bearer}` };
    const service = await child('service.js', [config, data, url]);
    children.push(service.process);
    const at = `http://127.0.0.1:${service.line}`;
    const common = { url: at, pid: service.process.pid ?? 0, postmaster };
    const single: Target = {
      ...common,
      requests: chosen.resources.map((id) => ({ path: `/fhir/Observation/${id}`, headers })),
    };
    const record: Target = {
      ...common,
      requests: [{ path: `/fhir/Patient/${chosen.fifty}/$everything`, headers }],
    };
    const comparisons: Comparison[] = [];
    for (const [name, target] of [
      ['audited single read', single],
      ['audited 50-resource record', record],
    ] as const) {
      say(`Measuring: ${name} beside a bare route …`);
      const bytes = join(folder, `${comparisons.length}.json`);
      writeFileSync(bytes, await (await fetch(`${at}${target.requests[0]?.path}`, { headers })).text());
      const bare = await child('bare.js', [bytes]);
      children.push(bare.process);
      const reference: Target = {
        url: `http://127.0.0.1:${bare.line}`,
        pid: bare.process.pid ?? 0,
        requests: [{ path: '/x', headers: {} }],
      };
      comparisons.push(await compare(name, target, reference, WINDOWS, SECONDS));
      bare.process.kill();
    }
    report(comparisons, loads);
  } finally {
    for (const one of children) one.kill('SIGKILL');
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(comparisons: readonly Comparison[], loads: LoadFigures): void {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ machine, comparisons, loads }, undefined, 2)}\n`);
    return;
  }
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  out(
    `${machine.cores} × ${machine.cpu}, Node ${machine.node}; 32 connections, load generator and PostgreSQL on the same machine`,
  );
  for (const one of comparisons) {
    const { service, reference } = one;
    out('');
    out(
      `${one.name}: ${ratioText(one.ratio)} of the bare route's rate (${one.windows - one.discarded} of ${one.windows} window pairs)`,
    );
    out(`  service  ${line(service)}, PostgreSQL CPU ${service.postgresMicros.toFixed(0)} µs`);
    out(`  bare     ${line(reference)}`);
  }
  out('');
  out(`loads, ${loads.rows} rows of ${loads.people} people:`);
  out(`  plain COPY of the same rows   ${rate(loads.copy)}`);
  for (const [name, value] of [
    ['first night', loads.first],
    ['unchanged night', loads.unchanged],
    ['1 % changed', loads.changed],
  ] as const) {
    out(`  ${name.padEnd(29)} ${rate(value)}  (${(value / loads.copy).toFixed(3)} of COPY)`);
  }
  out(`  peak memory of the loader     ${(loads.peakMemoryBytes / 1048576).toFixed(0)} MiB`);
}

function line(figures: Comparison['service']): string {
  return `${figures.perSecond.toFixed(0).padStart(6)} /s  p50 ${figures.p50} ms  p99 ${figures.p99} ms  Node CPU ${figures.nodeMicros.toFixed(0)} µs`;
}

function ratioText(ratio: Spread | 'inconclusive'): string {
  if (ratio === 'inconclusive')
    return 'inconclusive: too few quiet windows; the figures below are not a result';
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  return `${percent(ratio.median)} (${percent(ratio.min)} to ${percent(ratio.max)})`;
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en-GB').padStart(9)} rows/s`;
}

await main();
