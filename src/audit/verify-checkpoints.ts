import { type Checkpoint, checkpointHash, openCheckpoint } from './checkpoint.ts';
import type { Faults } from './fault.ts';
import { SignatureError } from './jws.ts';
import type { KeyHistory } from './key-history.ts';
import type { StoredCheckpoint } from './log-reader.ts';
import { frontiersOf } from './log-state.ts';

/** A checkpoint as it is held outside, and by whom. */
export interface Witnessed {
  readonly witness: string;
  readonly jws: string;
}

/** The chain of checkpoints, each checked on its own and against the one before, and then against those held outside. */
export class CheckpointVerifier {
  readonly #keys: KeyHistory;
  readonly #faults: Faults;
  /** hashes of what is stored, by number */
  readonly #stored = new Map<number, string>();
  #last: Checkpoint | undefined;
  #expected: number;
  #previous: string | undefined;

  /** @param since a checkpoint that is believed: the chain is followed from there */
  constructor(keys: KeyHistory, faults: Faults, since?: { readonly no: number }) {
    this.#keys = keys;
    this.#faults = faults;
    this.#expected = since?.no ?? 1;
  }

  /** The newest that could be believed. */
  get last(): Checkpoint | undefined {
    return this.#last;
  }

  /** @returns the checkpoint where it can be believed */
  add({ no, recorded, jws, frontiers }: StoredCheckpoint): Checkpoint | undefined {
    const where = { checkpoint: no };
    if (no !== this.#expected) this.#faults.add('a checkpoint is missing before this one', where);
    const first = this.#stored.size === 0 && no === this.#expected && no > 1;
    const previous = this.#previous;
    this.#expected = no + 1;
    this.#previous = checkpointHash(jws);
    this.#stored.set(no, this.#previous);
    const checkpoint = this.#opened(jws, no);
    if (checkpoint === undefined) return undefined;
    if (checkpoint.no !== no) this.#faults.add('it has the number of another', where);
    // what comes before the checkpoint that is begun with is not looked at
    if (!first && checkpoint.previous !== previous)
      this.#faults.add('it does not follow the checkpoint before', where);
    if (Date.parse(checkpoint.time) !== recorded)
      this.#faults.add('its time is not the one it was signed with', where);
    if (frontiersOf(checkpoint, frontiers) === undefined)
      this.#faults.add('its frontiers are not those that were signed', where);
    if (this.#last !== undefined) this.#follows(checkpoint, this.#last);
    this.#last = checkpoint;
    return checkpoint;
  }

  /** What outsiders hold must be what is stored, byte by byte. @returns how many they hold */
  async compare(witnessed: AsyncIterable<Witnessed>, since = 1): Promise<number> {
    const stored = new Set(this.#stored.values());
    let held = 0;
    for await (const { witness, jws } of witnessed) {
      held += 1;
      if (stored.has(checkpointHash(jws))) continue;
      const checkpoint = this.#opened(jws, undefined, `held by ${witness}`);
      if (checkpoint === undefined || checkpoint.no < since) continue;
      const what = this.#stored.has(checkpoint.no)
        ? `${witness} holds another one: the log was rewritten`
        : `${witness} holds it, and it is not in the log: the log's end was cut off`;
      this.#faults.add(what, { checkpoint: checkpoint.no });
    }
    return held;
  }

  #follows(checkpoint: Checkpoint, last: Checkpoint): void {
    const where = { checkpoint: checkpoint.no };
    if (checkpoint.log !== last.log) this.#faults.add('it is of another log', where);
    if (Date.parse(checkpoint.time) < Date.parse(last.time)) this.#faults.add('time runs backwards', where);
    for (const { shard, size } of last.shards) {
      const now = checkpoint.shards.find((state) => state.shard === shard);
      if (now === undefined || now.size < size) this.#faults.add('the shard has shrunk', { ...where, shard });
    }
  }

  #opened(jws: string, no: number | undefined, who = ''): Checkpoint | undefined {
    try {
      return openCheckpoint(jws, this.#keys);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const sentence =
        who === '' ? error.message : `a checkpoint ${who} cannot be believed. ${error.message}`;
      this.#faults.add(sentence, no === undefined ? {} : { checkpoint: no });
      return undefined;
    }
  }
}
