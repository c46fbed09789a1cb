import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { after, chain, NO_HEAD, type Position } from '../../src/audit/batch.ts';
import { checkpointHash, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { historyEntry, type KeyHistory, readKeyHistory } from '../../src/audit/key-history.ts';
import type {
  LogEntry,
  LoggedEvent,
  LogReader,
  StoredBatch,
  StoredCheckpoint,
  StoredTombstone,
} from '../../src/audit/log-reader.ts';
import { LogState } from '../../src/audit/log-state.ts';
import { seal } from '../../src/audit/seal.ts';
import { type VerifyReport, verifyLog } from '../../src/audit/verify.ts';
import { entry, GOVERNANCE, PATIENT, SERVICE, STAFF, SYSTEM } from './occurrences.ts';

/** Rows of the audit log, as they lie in its tables, free to be altered. */
export interface Rows {
  batches: StoredBatch[];
  events: (LoggedEvent & { readonly shard: number })[];
  checkpoints: StoredCheckpoint[];
}

/** A log with everything that an attacker could have, and what outsiders hold. */
export interface SealedLog {
  readonly rows: Rows;
  readonly keys: KeyHistory;
  /** the key in use, one that was retired before the log began, and one that is nobody's */
  readonly signing: { readonly own: KeyObject; readonly old: KeyObject; readonly foreign: KeyObject };
  /** checkpoints as a witness holds them */
  readonly witnessed: readonly string[];
}

/** The rows read as the port promises, by month and place. */
export class RowsReader implements LogReader {
  readonly #rows: Rows;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  async shards(): Promise<readonly number[]> {
    const { batches, events } = this.#rows;
    return [...new Set([...batches, ...events].map(({ shard }) => shard))].sort((a, b) => a - b);
  }

  async *batches(shard: number, from: number): AsyncGenerator<readonly StoredBatch[]> {
    const own = this.#rows.batches.filter((one) => one.shard === shard && one.batch >= from);
    yield own.sort((a, b) => a.batch - b.batch);
  }

  async *events(shard: number, fromSeq: number, fromMonth?: string): AsyncGenerator<readonly LogEntry[]> {
    const own = this.#rows.events.filter((one) => {
      if (one.shard !== shard) return false;
      const month = fromMonth ?? one.month;
      return one.month > month || (one.month === month && one.seq >= fromSeq);
    });
    own.sort((a, b) => (a.month === b.month ? a.seq - b.seq : a.month < b.month ? -1 : 1));
    // in pieces, as a database answers
    for (let at = 0; at < own.length; at += 7) yield own.slice(at, at + 7);
  }

  async *checkpoints(from: number): AsyncGenerator<readonly StoredCheckpoint[]> {
    yield this.#rows.checkpoints.filter(({ no }) => no >= from).sort((a, b) => a.no - b.no);
  }

  async tombstones(): Promise<readonly StoredTombstone[]> {
    return [];
  }
}

const DAY = 86_400_000;
const CALLERS = [STAFF, SYSTEM, PATIENT, GOVERNANCE];

/**
 * A log of two shards over the end of a month, with a checkpoint after every few batches and a few events after the last.
 *
 * @param batches of each shard
 */
export function sealedLog(batches = 12): SealedLog {
  const [own, old, foreign] = Array.from({ length: 3 }, () => generateKeyPairSync('ed25519').privateKey);
  if (own === undefined || old === undefined || foreign === undefined) throw new Error('No keys were made.');
  const began = Date.UTC(2031, 0, 31, 12);
  const keys = readKeyHistory(
    JSON.stringify({
      keys: [
        { ...historyEntry(old, new Date(began - 400 * DAY)), to: new Date(began - DAY).toISOString() },
        historyEntry(own, new Date(began - DAY)),
      ],
    }),
  );
  const rows: Rows = { batches: [], events: [], checkpoints: [] };
  const positions = [0, 1].map(
    (shard): Position => ({ shard, nextBatch: 0, nextSeq: 0, head: NO_HEAD, recorded: 0 }),
  );
  let at = began;
  for (let round = 0; round < batches; round += 1) {
    for (const [shard, position] of positions.entries()) {
      at += 3_600_000;
      positions[shard] = addBatch(rows, position, 1 + ((round * 5 + shard * 3) % 7), at);
    }
    if (round % 3 === 1) addCheckpoint(rows, own, at + 60_000);
  }
  return { rows, keys, signing: { own, old, foreign }, witnessed: rows.checkpoints.map(({ jws }) => jws) };
}

function addBatch(rows: Rows, position: Position, count: number, at: number): Position {
  const sealed = Array.from({ length: count }, (_, i) =>
    seal(
      entry({ at: at + i, caller: CALLERS[(position.nextSeq + i) % 4] ?? STAFF }, i % 3),
      SERVICE,
      at + i,
      randomBytes(16),
    ),
  );
  const batch = chain(position, '00000000-0000-4000-8000-000000000000', sealed);
  const { shard, month, firstSeq, root, prevHead, head, recorded } = batch;
  const n = sealed.length;
  const treeSize = firstSeq + n;
  rows.batches.push({
    shard,
    batch: batch.batch,
    month,
    firstSeq,
    n,
    root,
    prevHead,
    head,
    treeSize,
    recorded,
  });
  rows.events.push(...sealed.map((event, i) => ({ ...event, shard, month, seq: firstSeq + i })));
  return after(batch);
}

/** Signs where the rows stand, after the last checkpoint there is. */
export function addCheckpoint(rows: Rows, key: KeyObject, time: number): void {
  const state = LogState.beginning();
  for (const batch of rows.batches) {
    const own = rows.events.filter(
      (one) => one.shard === batch.shard && one.seq >= batch.firstSeq && one.seq < batch.firstSeq + batch.n,
    );
    own.sort((a, b) => a.seq - b.seq);
    state.grow(batch, Buffer.concat(own.map(({ leaf }) => leaf)));
  }
  const last = rows.checkpoints.at(-1);
  const log = '5c1a6f0e-0f0d-4b77-9d8a-2d0c0c0f9a11';
  const no = (last?.no ?? 0) + 1;
  const previous = last === undefined ? {} : { previous: checkpointHash(last.jws) };
  const next = { ...state.next(log, time, 'policy-7', '1.0.0'), no, ...previous };
  const jws = signCheckpoint(next, key);
  rows.checkpoints.push({ no, recorded: time, jws, frontiers: state.frontiers() });
}

export async function* held(witnessed: readonly string[]): AsyncGenerator<{ witness: string; jws: string }> {
  for (const jws of witnessed) yield { witness: 'the witness', jws };
}

export function verified(log: SealedLog, rows: Rows = log.rows): Promise<VerifyReport> {
  return verifyLog(new RowsReader(rows), { keys: log.keys, witnessed: held(log.witnessed) });
}
