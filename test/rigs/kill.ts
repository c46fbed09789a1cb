import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateCounty } from '../../demo/county/generate.ts';
import { Random } from '../../demo/county/random.ts';
import { demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import { faultLine } from '../../src/audit/fault.ts';
import { verifyStored } from '../../src/audit-desk.ts';
import { type Configuration, readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { loadExtract } from '../../src/load.ts';
import { StoredLog } from '../../src/storage/audit-log-reader.ts';
import { wire } from '../../src/wire.ts';
import { repositoryRoot } from '../support/root.ts';
import { Ground, killServer } from './ground.ts';

/**
 * Kills the service, or its PostgreSQL with all its processes, under reads, and looks whether anything was disclosed that
 * is not in the audit log, and whether the log is whole. Then the same with mutants, which must be caught.
 */
const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    mutants: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const CYCLES = Number(values.cycles);
const MUTANT_CYCLES = Number(values.mutants);
const SEED = Number(values.seed);
const READERS = 12;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface World {
  readonly ground: Ground;
  readonly configuration: Configuration;
  readonly file: string;
  readonly data: string;
  readonly token: string;
  readonly ids: readonly string[];
}

type Victim = 'service' | 'database';
type Mutant = 'none' | 'answer-early' | 'commit-lazily';

interface Outcome {
  requests: number;
  disclosed: number;
  unaudited: number;
  /** audited, and not delivered: allowed */
  undelivered: number;
  readonly faults: string[];
}

async function prepare(ground: Ground): Promise<World> {
  await ground.copy('kill', 'migrated');
  const content = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  Object.assign(content, {
    fhirBase: 'http://127.0.0.1:8080/fhir',
    logLevel: 'silent',
    limits: { requestsPerMinute: 1e9 },
    // sealed while it is killed, too
    audit: { everySeconds: 1 },
  });
  const file = join(ground.folder, 'config.json');
  writeFileSync(file, JSON.stringify(content));
  const data = join(ground.folder, 'data');
  const env = { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: ground.url('kill'), MCR_PORT: '0' };
  const configuration = readConfiguration(env, repositoryRoot());
  const keys = join(data, 'keys');
  mkdirSync(keys, { recursive: true });
  await makeIssuerKeys(keys);
  const service = await wire(configuration, await startDatabase(configuration, () => {}));
  const extracts = join(ground.folder, 'extracts');
  await generateCounty(extracts, { seed: 7, people: 60, businessDate: '2026-11-22' });
  await loadExtract(service, 'gp', join(extracts, 'gp'));
  await service.close();
  const user = {
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  } as const;
  const token = await demoToken(keys, configuration.fhirBase, user);
  const rows = await ground.sql(
    'kill',
    'select resource_id::text as id from record.resource_version where type = 3 limit 40',
  );
  return { ground, configuration, file, data, token, ids: rows.map(({ id }) => String(id)) };
}

async function started(
  { ground, file, data }: World,
  mutant: Mutant,
): Promise<{ child: ChildProcess; base: string }> {
  const program = fileURLToPath(new URL('./kill-service.js', import.meta.url));
  const child = spawn(process.execPath, [program, file, data, ground.url('kill'), mutant], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('The service has no output.');
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, base: `http://127.0.0.1:${port}/fhir` };
}

async function cycle(
  world: World,
  number: number,
  victim: Victim,
  mutant: Mutant,
  tally: Outcome,
): Promise<void> {
  const random = new Random(SEED, `kill ${victim} ${mutant}`, number);
  const { child, base } = await started(world, mutant);
  const name = `${mutant}-${victim}-${number}`;
  const disclosed: string[] = [];
  let stop = false;
  const reader = async (lane: number): Promise<void> => {
    for (let n = 0; !stop; n += 1) {
      const requestId = `${name}-${lane}-${n}`;
      const id = world.ids[(lane * 7 + n) % world.ids.length] ?? '';
      tally.requests += 1;
      try {
        const answer = await fetch(`${base}/Condition/${id}`, {
          headers: { authorization: `Bearer ${world.token}`, 'x-request-id': requestId },
        });
        // the beginning of a body that came was released, whole or not
        if (answer.status === 200) disclosed.push(requestId);
        await answer.arrayBuffer();
      } catch {
        if (victim === 'service') return;
        await sleep(5);
      }
    }
  };
  const readers = Array.from({ length: READERS }, (_, lane) => reader(lane));
  await sleep(random.whole(300, 900));
  if (victim === 'database') {
    killServer(await world.ground.postmaster());
    await sleep(150);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  stop = true;
  await Promise.all(readers);
  if (victim === 'database') await world.ground.restart();
  await judge(world, name, disclosed, tally);
}

async function judge(
  world: World,
  name: string,
  disclosed: readonly string[],
  tally: Outcome,
): Promise<void> {
  // the session of the killed service may still be committing what it was sent
  await sessionsEnded(world.ground);
  const rows = await world.ground.sql(
    'kill',
    `select request_id as id from audit.event where request_id like '${name}-%'`,
  );
  const audited = new Set(rows.map(({ id }) => String(id)));
  const unaudited = disclosed.filter((id) => !audited.has(id)).length;
  tally.disclosed += disclosed.length;
  tally.unaudited += unaudited;
  tally.undelivered += audited.size - (disclosed.length - unaudited);
  if (disclosed.length === 0) tally.faults.push(`${name}: nothing was disclosed, so nothing was tried`);
  const log = await StoredLog.open({ url: world.ground.url('kill') });
  try {
    const report = await verifyStored(world.configuration, log, {});
    tally.faults.push(...report.faults.slice(0, 3).map((fault) => `${name}: ${faultLine(fault)}`));
  } finally {
    await log.close();
  }
}

async function sessionsEnded(ground: Ground): Promise<void> {
  let left: readonly Record<string, unknown>[] = [];
  for (let tries = 0; tries < 600; tries += 1) {
    left = await ground.sql(
      'kill',
      `select application_name as name, state, wait_event, query from pg_stat_activity
       where application_name like 'my-care-record mcr%'`,
    );
    if (left.length === 0) return;
    await sleep(50);
  }
  throw new Error(`Sessions of the killed service did not end: ${JSON.stringify(left)}`);
}

async function series(world: World, victim: Victim, mutant: Mutant, cycles: number): Promise<Outcome> {
  const tally: Outcome = { requests: 0, disclosed: 0, unaudited: 0, undelivered: 0, faults: [] };
  for (let number = 0; number < cycles; number += 1) {
    await cycle(world, number, victim, mutant, tally);
    // a mutant is caught once
    if (mutant !== 'none' && tally.unaudited > 0) break;
  }
  say(
    `${mutant.padEnd(14)} ${victim.padEnd(9)} ${cycles} kills at most, ${tally.requests} requests, ${tally.disclosed} disclosed, ` +
      `${tally.unaudited} of them unaudited, ${tally.undelivered} audited and not delivered, ${tally.faults.length} faults of the log`,
  );
  return tally;
}

async function main(): Promise<number> {
  const ground = await Ground.make();
  try {
    const world = await prepare(ground);
    const sound: Outcome[] = [];
    // of three kills one is the database's
    sound.push(await series(world, 'service', 'none', Math.ceil((CYCLES * 2) / 3)));
    sound.push(await series(world, 'database', 'none', Math.floor(CYCLES / 3)));
    for (const fault of sound.flatMap(({ faults }) => faults).slice(0, 10)) say(`  ${fault}`);
    const early = await series(world, 'service', 'answer-early', MUTANT_CYCLES);
    const lazy = await series(world, 'database', 'commit-lazily', MUTANT_CYCLES);
    const caught = [early, lazy].filter(({ unaudited }) => unaudited > 0).length;
    const unaudited = sound.reduce((sum, one) => sum + one.unaudited, 0);
    const faults = sound.reduce((sum, one) => sum + one.faults.length, 0);
    say(
      `disclosed and not audited: ${unaudited}; faults of the log: ${faults}; mutants caught: ${caught} of 2; seed ${SEED}`,
    );
    return unaudited === 0 && faults === 0 && caught === 2 ? 0 : 1;
  } finally {
    await ground.close();
  }
}

process.exitCode = await main();
