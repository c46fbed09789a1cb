import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { after, chain, NO_HEAD, type Position } from '../../src/audit/batch.ts';
import { faultLine } from '../../src/audit/fault.ts';
import { historyEntry, readKeyHistory } from '../../src/audit/key-history.ts';
import { checkProof } from '../../src/audit/proof.ts';
import { seal } from '../../src/audit/seal.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { proofOf } from '../../src/audit-desk.ts';
import { Checkpoints } from '../../src/checkpoints.ts';
import { StoredLog } from '../../src/storage/audit-log-reader.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { CheckpointStore } from '../../src/storage/checkpoint-store.ts';
import { entry, SERVICE } from '../support/occurrences.ts';
import { held } from '../support/sealed-log.ts';
import { Ground } from './ground.ts';

/** How long it takes to seal, verify and prove a log of many events. */
const { values } = parseArgs({ options: { events: { type: 'string', default: '100000' } } });
const EVENTS = Number(values.events);
const BATCH = 500;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The time that passed, and the processor's of this process: on a machine with other work the second is the truer. */
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const [wall, cpu] = [(performance.now() - began) / 1000, (user + system) / 1_000_000];
  say(`${what.padEnd(34)} ${wall.toFixed(3)} s, ${cpu.toFixed(3)} s of our processor`);
  return result;
}

/** Batches through the journal's own writer. */
async function write(url: string): Promise<readonly string[]> {
  const writer = new AuditWriter({ url });
  await writer.resume();
  const some: string[] = [];
  let position: Position = { shard: 0, nextBatch: 0, nextSeq: 0, head: NO_HEAD, recorded: 0 };
  while (position.nextSeq < EVENTS) {
    const sealed = Array.from({ length: Math.min(BATCH, EVENTS - position.nextSeq) }, () => {
      const one = entry({}, 3);
      return seal(one, SERVICE, Math.max(one.occurrence.at, position.recorded), randomBytes(16));
    });
    const batch = chain(position, randomUUID(), sealed);
    const { outcome } = await writer.write(batch);
    if (outcome !== 'committed') throw new Error(`The batch was ${outcome}.`);
    some.push(sealed[0]?.eventId ?? '');
    position = after(batch);
  }
  await writer.release();
  return some;
}

async function main(): Promise<number> {
  const ground = await Ground.make();
  try {
    await ground.copy('million', 'migrated');
    const url = ground.url('million');
    const some = await timed(`write ${EVENTS} events`, () => write(url));
    const { privateKey: key } = generateKeyPairSync('ed25519');
    const keys = readKeyHistory(JSON.stringify({ keys: [historyEntry(key, new Date(0))] }));
    const checkpoints = new Checkpoints({
      store: new CheckpointStore({ url }),
      key,
      keys,
      witnesses: [],
      policyVersion: 'policy-7',
      version: '1.0.0',
      now: Date.now,
      everySeconds: 60,
      observe: ({ what }) => say(`  checkpoint ${what}`),
    });
    await timed('seal all of it', () => checkpoints.make());
    const [stored] = await ground.sql('million', 'select jws from audit.checkpoint');
    const jws = String(stored?.['jws']);
    const log = await StoredLog.open({ url });
    const report = await timed('verify all of it', () => verifyLog(log, { keys, witnessed: held([jws]) }));
    for (const fault of report.faults.slice(0, 3)) say(faultLine(fault));
    const event = some[Math.floor(some.length / 3)] ?? '';
    const proof = JSON.stringify(await timed('prove one event', () => proofOf(log, event, keys)));
    await log.close();
    const [row] = await ground.sql('million', `select body from audit.event where event_id = '${event}'`);
    const body = String(row?.['body']);
    await timed('check the proof offline', async () => checkProof(proof, body, jws, keys));
    say(`a proof has ${proof.length} bytes; the log is ${report.result}: ${report.events} events`);
    return report.result === 'whole' && report.events === EVENTS ? 0 : 1;
  } finally {
    await ground.close();
  }
}

process.exitCode = await main();
