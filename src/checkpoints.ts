import { type KeyObject, randomUUID } from 'node:crypto';
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import { openCheckpoint, signCheckpoint } from './audit/checkpoint.ts';
import { SignatureError } from './audit/jws.ts';
import type { KeyHistory } from './audit/key-history.ts';
import { AlteredLog, LogState } from './audit/log-state.ts';
import type { CheckpointSession, CheckpointStore } from './storage/checkpoint-store.ts';
import type { Witness } from './witness.ts';

/** What became of a turn. `altered`: people must look; nothing more is signed meanwhile. */
export type CheckpointHappening =
  | { readonly what: 'made'; readonly no: number; readonly time: number }
  | { readonly what: 'altered'; readonly sentence: string }
  | { readonly what: 'witness-away'; readonly witness: string }
  | { readonly what: 'failed'; readonly cause: unknown };

export interface CheckpointOptions {
  readonly store: CheckpointStore;
  /** private, Ed25519, in the key history */
  readonly key: KeyObject;
  readonly keys: KeyHistory;
  readonly witnesses: readonly Witness[];
  readonly policyVersion: string;
  readonly version: string;
  readonly now: () => number;
  readonly everySeconds: number;
  readonly observe: (happening: CheckpointHappening) => void;
}

/** A log to which nobody wrote is sealed once an hour: that it stands still is worth knowing too. */
const QUIET = 3_600_000;

/**
 * Seals the log every minute: reads what was added, checks it, signs where every shard stands, and gives the checkpoint
 * to the witnesses. Several processes take turns; whoever comes when the newest is young has only to deliver.
 */
export class Checkpoints {
  readonly #options: CheckpointOptions;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.make(), this.#options.everySeconds * 1000);
    void this.make();
  }

  /** The last one seals what was written until now. */
  async stop(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.make(true);
  }

  /** One turn after the other. Never throws: what happened is told. @param atOnce also where the newest is young */
  make(atOnce = false): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#options.store.turn((session) => this.#take(session, atOnce));
      } catch (error) {
        this.#tell(
          error instanceof AlteredLog || error instanceof SignatureError
            ? { what: 'altered', sentence: error.message }
            : { what: 'failed', cause: error },
        );
      }
    });
    return this.#turn;
  }

  async #take(session: CheckpointSession, atOnce: boolean): Promise<void> {
    // first what witnesses hold: a log that was cut off or put back is not signed again
    const behind = await this.#compare(session);
    await this.#seal(session, atOnce);
    for (const { witness, held } of behind) await this.#deliver(session, witness, held);
  }

  async #compare(session: CheckpointSession): Promise<readonly { witness: Witness; held: number }[]> {
    const present: { witness: Witness; held: number }[] = [];
    for (const witness of this.#options.witnesses) {
      let jws: string | undefined;
      try {
        jws = await witness.last();
      } catch {
        this.#tell({ what: 'witness-away', witness: witness.name });
        continue;
      }
      if (jws === undefined) {
        present.push({ witness, held: 0 });
        continue;
      }
      const { no } = openCheckpoint(jws, this.#options.keys);
      const stored = await session.one(no);
      if (stored?.jws !== jws)
        throw new AlteredLog(
          `Checkpoint ${no}, held by ${witness.name}, is not in the database: it was cut off, rewritten, or put back from a backup. Run "mcr audit verify".`,
        );
      present.push({ witness, held: no });
    }
    return present;
  }

  async #seal(session: CheckpointSession, atOnce: boolean): Promise<void> {
    const { key, keys, now, everySeconds, policyVersion, version } = this.#options;
    const last = await session.last();
    const age = last === undefined ? Number.POSITIVE_INFINITY : now() - last.recorded;
    if (!atOnce && age < everySeconds * 900) return;
    const state = last === undefined ? LogState.beginning() : LogState.at(last, keys);
    const grown = await this.#grow(session, state);
    if (!grown && age < QUIET) return;
    const checkpoint = state.next(randomUUID(), now(), policyVersion, version);
    const jws = signCheckpoint(checkpoint, key);
    // what nobody could believe is not written: the key must be in the history, and in use
    openCheckpoint(jws, keys);
    const time = Date.parse(checkpoint.time);
    await session.add(checkpoint.no, time, jws, state.frontiers());
    this.#tell({ what: 'made', no: checkpoint.no, time });
  }

  async #grow(session: CheckpointSession, state: LogState): Promise<boolean> {
    let grown = state.last === undefined;
    const shards = await session.shards();
    for (const { shard, batches } of state.last?.shards ?? [])
      if ((shards.get(shard) ?? 0) < batches)
        throw new AlteredLog(`Shard ${shard} has fewer batches than were signed: its end was cut off.`);
    for (const [shard, batches] of shards) {
      const from = state.batchesOf(shard);
      if (batches <= from) continue;
      grown = true;
      for await (const piece of session.batches(shard, from)) {
        for (const { batch, leaves } of piece) state.grow(batch, leaves);
        await turnOfOthers();
      }
    }
    return grown;
  }

  async #deliver(session: CheckpointSession, witness: Witness, held: number): Promise<void> {
    try {
      for await (const missing of session.after(held))
        for (const { no, jws } of missing) await witness.add(no, jws);
    } catch {
      this.#tell({ what: 'witness-away', witness: witness.name });
    }
  }

  #tell(happening: CheckpointHappening): void {
    this.#options.observe(happening);
  }
}
