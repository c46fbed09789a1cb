import { batchHead, NO_HEAD } from './batch.ts';
import { type Checkpoint, checkpointHash, hexHash, openCheckpoint } from './checkpoint.ts';
import type { KeyHistory } from './key-history.ts';
import type { StoredBatch, StoredCheckpoint } from './log-reader.ts';
import { HASH_LENGTH, merkleRoot } from './merkle.ts';
import { Frontier, frontierLength } from './tree.ts';

interface Shard {
  batches: number;
  head: Buffer;
  readonly frontier: Frontier;
}

/** The log is not what was signed: nothing more is signed until people have looked. */
export class AlteredLog extends Error {
  override readonly name = 'AlteredLog';
}

/**
 * The trees of a checkpoint, by shard, from what is kept of them beside it.
 *
 * @returns undefined where they do not lead to the roots that were signed
 */
export function frontiersOf(
  { shards }: Checkpoint,
  bytes: Buffer,
): ReadonlyMap<number, Frontier> | undefined {
  const found = new Map<number, Frontier>();
  let offset = 0;
  for (const { shard, size, root } of shards) {
    const length = frontierLength(size);
    const own = bytes.subarray(offset, offset + length);
    const frontier = own.length === length ? Frontier.decode(size, own) : undefined;
    if (frontier === undefined || hexHash(frontier.root()) !== root) return undefined;
    found.set(shard, frontier);
    offset += length;
  }
  return offset === bytes.length ? found : undefined;
}

/** Where every shard stands: at the last checkpoint, then grown by the batches since, each of them checked. */
export class LogState {
  readonly #shards: Map<number, Shard>;
  readonly #last: { readonly checkpoint: Checkpoint; readonly jws: string } | undefined;

  private constructor(shards: Map<number, Shard>, last?: { checkpoint: Checkpoint; jws: string }) {
    this.#shards = shards;
    this.#last = last;
  }

  /** Before the first checkpoint. */
  static beginning(): LogState {
    return new LogState(new Map());
  }

  /**
   * @throws SignatureError where the checkpoint cannot be believed
   * @throws AlteredLog where its frontiers are not those of the roots that were signed
   */
  static at({ no, jws, frontiers }: StoredCheckpoint, keys: KeyHistory): LogState {
    const checkpoint = openCheckpoint(jws, keys);
    if (checkpoint.no !== no) throw new AlteredLog(`Checkpoint ${no} has the number of another.`);
    const kept = frontiersOf(checkpoint, frontiers);
    if (kept === undefined)
      throw new AlteredLog(`The frontiers of checkpoint ${no} are not those that were signed.`);
    const shards = new Map<number, Shard>();
    for (const { shard, batches, head } of checkpoint.shards) {
      const frontier = kept.get(shard) ?? new Frontier();
      shards.set(shard, { batches, head: Buffer.from(head, 'hex'), frontier });
    }
    return new LogState(shards, { checkpoint, jws });
  }

  /** The checkpoint that it began with. */
  get last(): Checkpoint | undefined {
    return this.#last?.checkpoint;
  }

  batchesOf(shard: number): number {
    return this.#shards.get(shard)?.batches ?? 0;
  }

  /**
   * @param leaves hashes of the batch's events, each joined to the one before
   * @throws AlteredLog where the batch does not continue the shard's log, or does not hold these events
   */
  grow(batch: StoredBatch, leaves: Buffer): void {
    const { shard, firstSeq, n } = batch;
    const known = this.#shards.get(shard) ?? { batches: 0, head: NO_HEAD, frontier: new Frontier() };
    const hashes = Array.from({ length: leaves.length / HASH_LENGTH }, (_, i) =>
      leaves.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
    );
    const sound =
      batch.batch === known.batches &&
      firstSeq === known.frontier.size &&
      batch.prevHead.equals(known.head) &&
      hashes.length === n &&
      n > 0 &&
      merkleRoot(hashes).equals(batch.root) &&
      batchHead(batch).equals(batch.head);
    if (!sound) throw new AlteredLog(`Batch ${batch.batch} of shard ${shard} is not what was written.`);
    for (const leaf of hashes) known.frontier.add(leaf);
    this.#shards.set(shard, { ...known, batches: batch.batch + 1, head: batch.head });
  }

  /** The checkpoint of where it stands now. @param log the log's id, where there is no checkpoint yet */
  next(log: string, time: number, policyVersion: string, version: string): Checkpoint {
    const last = this.#last;
    return {
      log: last?.checkpoint.log ?? log,
      no: (last?.checkpoint.no ?? 0) + 1,
      // a clock that was set back must not make the log look altered
      time: new Date(Math.max(time, Date.parse(last?.checkpoint.time ?? '') || 0)).toISOString(),
      ...(last === undefined ? {} : { previous: checkpointHash(last.jws) }),
      shards: this.#sorted().map(([shard, { batches, head, frontier }]) => ({
        shard,
        batches,
        size: frontier.size,
        root: hexHash(frontier.root()),
        head: hexHash(head),
      })),
      policyVersion,
      version,
    };
  }

  /** As they are stored beside the checkpoint. */
  frontiers(): Buffer {
    return Buffer.concat(this.#sorted().map(([, { frontier }]) => frontier.encode()));
  }

  #sorted(): readonly (readonly [number, Shard])[] {
    return [...this.#shards].sort(([a], [b]) => a - b);
  }
}
