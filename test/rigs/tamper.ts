import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Random } from '../../demo/county/random.ts';
import { faultLine } from '../../src/audit/fault.ts';
import { Journal } from '../../src/audit/journal.ts';
import { historyEntry, type KeyHistory, readKeyHistory } from '../../src/audit/key-history.ts';
import { type VerifyReport, verifyLog } from '../../src/audit/verify.ts';
import { Checkpoints } from '../../src/checkpoints.ts';
import { StoredLog } from '../../src/storage/audit-log-reader.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { CheckpointStore } from '../../src/storage/checkpoint-store.ts';
import { makeWitness, witnessAt } from '../../src/witness.ts';
import { entry, GOVERNANCE, later, PATIENT, random, SERVICE, STAFF, SYSTEM } from '../support/occurrences.ts';
import { held, type Rows, type SealedLog } from '../support/sealed-log.ts';
import { isWhole } from '../support/second-verifier.ts';
import { copyOf, isLocated, OPERATORS } from '../support/tampering.ts';
import { Ground } from './ground.ts';
import { disarm, readRows, writeRows } from './tamper-database.ts';

/**
 * Alters an audit log in its database, written there by two journals and sealed by checkpoints, in every way of
 * `support/tampering.ts` at random places, and looks whether both verifiers find it, and ours where.
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const RUNS = Number(values.runs);
const SEED = Number(values.seed);
const ROUNDS = 12;
const DAY = 86_400_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Keys {
  readonly history: KeyHistory;
  readonly signing: SealedLog['signing'];
}

function makeKeys(): Keys {
  const make = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
  const [own, old, foreign] = [make(), make(), make()];
  const now = Date.now();
  const retired = {
    ...historyEntry(old, new Date(now - 400 * DAY)),
    to: new Date(now - 30 * DAY).toISOString(),
  };
  const keys = [retired, historyEntry(own, new Date(now - 30 * DAY))];
  return { history: readKeyHistory(JSON.stringify({ keys })), signing: { own, old, foreign } };
}

/** The log as it is written in service, over the end of a month. */
async function write(url: string, folder: string, { history, signing }: Keys): Promise<SealedLog> {
  const place = { file: join(folder, 'witness', 'checkpoints.jws') };
  mkdirSync(join(folder, 'witness'), { recursive: true });
  await makeWitness(place);
  const witness = witnessAt(place);
  const checkpoints = new Checkpoints({
    store: new CheckpointStore({ url }),
    key: signing.own,
    keys: history,
    witnesses: [witness],
    policyVersion: 'policy-7',
    version: '1.0.0',
    now: Date.now,
    everySeconds: 60,
    observe: (happening) => {
      if (happening.what !== 'made')
        throw new Error(`The log could not be sealed: ${JSON.stringify(happening)}`);
    },
  });
  const journals = [0, 1].map(
    () => new Journal({ service: SERVICE, writer: new AuditWriter({ url }), later, random }),
  );
  for (const journal of journals) await journal.start();
  const callers = [STAFF, SYSTEM, PATIENT, GOVERNANCE];
  for (let round = 0; round < ROUNDS; round += 1) {
    const at = Date.now() + (round < ROUNDS / 2 ? 0 : 40 * DAY);
    for (const [number, journal] of journals.entries()) {
      const events = 1 + ((round * 5 + number * 3) % 7);
      const one = (i: number) => entry({ at, caller: callers[(round + i) % 4] ?? STAFF }, i % 3);
      await Promise.all(Array.from({ length: events }, (_, i) => journal.append(one(i))));
    }
    if (round % 3 === 1) await checkpoints.make(true);
  }
  for (const journal of journals) await journal.drain();
  const witnessed: string[] = [];
  for await (const jws of witness.all()) witnessed.push(jws);
  const log = await StoredLog.open({ url });
  const rows = await readRows(log);
  await log.close();
  return { rows, keys: history, signing, witnessed };
}

async function verify(url: string, { keys, witnessed }: SealedLog): Promise<VerifyReport> {
  const log = await StoredLog.open({ url });
  try {
    return await verifyLog(log, { keys, witnessed: held(witnessed) });
  } finally {
    await log.close();
  }
}

interface Tally {
  runs: number;
  found: number;
  located: number;
  second: number;
}

async function run(
  client: pg.Client,
  url: string,
  log: SealedLog,
  number: number,
  tally: Tally,
): Promise<void> {
  const names = Object.keys(OPERATORS);
  const name = names[number % names.length] ?? '';
  const rows: Rows = copyOf(log.rows);
  const altered = OPERATORS[name]?.(rows, new Random(SEED, 'tamper', number), log);
  if (altered === undefined) return;
  try {
    await writeRows(client, rows, log.rows);
  } catch (error) {
    // a byte that no text of PostgreSQL can hold: nobody can write it, and it counts as no run
    if (error instanceof pg.DatabaseError && error.code === '22P05') return;
    throw error;
  }
  const report = await verify(url, log);
  tally.runs += 1;
  if (report.result === 'altered') tally.found += 1;
  if (isLocated(report.faults, altered)) tally.located += 1;
  else
    say(
      `run ${number}, ${name}: ${JSON.stringify(altered)}, told: ${report.faults.slice(0, 3).map(faultLine).join('; ')}`,
    );
  // what is kept of the trees is only ours to begin from: the second verifier does without
  const second = name === 'damage what is kept of the trees' || !(await isWhole(asTheSecondReads(log, rows)));
  if (second) tally.second += 1;
  else say(`run ${number}, ${name}: the second verifier found nothing`);
  await writeRows(client, log.rows, rows);
}

function asTheSecondReads(log: SealedLog, rows: Rows): Parameters<typeof isWhole>[0] {
  return { ...rows, witnessed: log.witnessed, keys: [...log.keys.values()] };
}

async function main(): Promise<number> {
  const ground = await Ground.make();
  try {
    await ground.copy('tamper', 'migrated');
    const url = ground.url('tamper');
    const log = await write(url, ground.folder, makeKeys());
    const client = await ground.client('tamper');
    await disarm(client);
    const before = await verify(url, log);
    const { events, batches } = log.rows;
    say(
      `${events.length} events in ${batches.length} batches, ${log.rows.checkpoints.length} checkpoints: ${before.result}`,
    );
    const tallies = new Map<string, Tally>();
    for (let number = 0; number < RUNS; number += 1) {
      const name = Object.keys(OPERATORS)[number % Object.keys(OPERATORS).length] ?? '';
      const tally = tallies.get(name) ?? { runs: 0, found: 0, located: 0, second: 0 };
      tallies.set(name, tally);
      await run(client, url, log, number, tally);
    }
    const after = await verify(url, log);
    await client.end();
    const sum = (of: keyof Tally): number =>
      [...tallies.values()].reduce((total, tally) => total + tally[of], 0);
    for (const [name, { runs, found, located, second }] of tallies)
      say(
        `  ${name.padEnd(52)} ${String(runs).padStart(4)} runs, ${found} found, ${located} located, ${second} by the second`,
      );
    const [runs, found, located, second] = [sum('runs'), sum('found'), sum('located'), sum('second')];
    say(
      `${runs} runs of ${tallies.size} operators: ${found} found, ${located} located, ${second} by the second verifier; seed ${SEED}`,
    );
    say(`the log itself, before and after: ${before.result}, ${after.result}`);
    const sound = before.result === 'whole' && after.result === 'whole';
    return sound && runs > 0 && [found, located, second].every((one) => one === runs) ? 0 : 1;
  } finally {
    await ground.close();
  }
}

process.exitCode = await main();
