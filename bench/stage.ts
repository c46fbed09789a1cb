import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { demoToken, makeIssuerKeys } from '../demo/issuer.ts';
import { packageRoot } from '../src/package-root.ts';
import { startEmbedded } from '../src/storage/embedded.ts';
import { type Child, child } from './child.ts';

/** What everything is measured on: a database, a configuration whose limits nothing reaches, and somebody's token. */
export interface Stage {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly url: string;
  /** process id of the database */
  readonly postmaster: number;
  readonly headers: Readonly<Record<string, string>>;
  /** a program of this folder, ended with everything else */
  run(program: string, args: readonly string[]): Promise<Child>;
}

/** Sets the stage, has `work` done, and leaves nothing behind. */
export async function onStage(
  say: (line: string) => void,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
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
    const colleague = { kind: 'staff', organisation: 'RXQ', role: 'consultant' } as const;
    const bearer = await demoToken(join(data, 'keys'), base, colleague);
    await work({
      folder,
      config,
      data,
      url: cluster.url('bench'),
      postmaster: await newDatabase(cluster.url('postgres')),
      headers: { authorization: `Bearer ${bearer}` },
      async run(program, args) {
        const started = await child(program, args);
        children.push(started.process);
        return started;
      },
    });
  } finally {
    for (const one of children) one.kill('SIGKILL');
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the database of the bench. @returns the process id of its server */
async function newDatabase(url: string): Promise<number> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query('create database bench');
  const file = await admin.query<{ pid: string }>(
    "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid",
  );
  await admin.end();
  return Number(file.rows[0]?.pid);
}

/** Whom and what is read: conditions of many people, in no order of theirs; and the person with exactly 50 rows. */
export interface Chosen {
  readonly resources: readonly string[];
  readonly fifty: string;
}

export async function choose(url: string, fiftyNumber: string): Promise<Chosen> {
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
