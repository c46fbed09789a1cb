import type { Batch, BatchOutcome, BatchWriter, InDoubt, Position, Resumed } from '../../src/audit/batch.ts';
import { after, NO_HEAD } from '../../src/audit/batch.ts';

/** What becomes of a batch or of a resumption: the ways in which a database and the line to it can fail. */
export type Fate =
  | 'commit'
  /** committed, but the answer is lost */
  | 'answer-lost'
  /** lost before the commit, and nobody is told */
  | 'lost'
  | 'not-written'
  | 'throws';

/** A log in memory that takes and refuses batches as it is told, and otherwise behaves as the port asks. */
export class MemoryLog implements BatchWriter {
  readonly batches: Batch[] = [];
  /** fates of the next batches; `commit` when there are no more */
  fates: Fate[] = [];
  /** resumptions that fail from now on */
  unreachable = 0;
  shard = 0;
  resumptions = 0;
  released = false;
  /** what writes wait for */
  gate: Promise<void> = Promise.resolve();
  /** `recorded` that a shard without batches starts from */
  floor = 0;

  async resume(inDoubt?: InDoubt): Promise<Resumed> {
    this.resumptions += 1;
    if (this.unreachable > 0) {
      this.unreachable -= 1;
      throw new Error('The database is away.');
    }
    const position = this.#position();
    if (inDoubt === undefined) return { position };
    const written = this.batches.some(({ uuid }) => uuid === inDoubt.uuid);
    return { position, found: written ? 'written' : 'not-written' };
  }

  async write(batch: Batch): Promise<BatchOutcome> {
    await this.gate;
    const fate = this.fates.shift() ?? 'commit';
    const expected = this.#position();
    const continues =
      batch.shard === expected.shard &&
      batch.batch === expected.nextBatch &&
      batch.firstSeq === expected.nextSeq &&
      batch.prevHead.equals(expected.head);
    if (!continues)
      return { outcome: 'not-written', cause: new Error('The batch does not continue the log.') };
    if (fate === 'commit' || fate === 'answer-lost') this.batches.push(batch);
    if (fate === 'throws') throw new Error('Nobody expected this.');
    if (fate === 'commit') return { outcome: 'committed' };
    return { outcome: fate === 'not-written' ? 'not-written' : 'unknown', cause: new Error(fate) };
  }

  async release(): Promise<void> {
    this.released = true;
  }

  #position(): Position {
    const last = this.batches.filter(({ shard }) => shard === this.shard).at(-1);
    if (last !== undefined) return after(last);
    return { shard: this.shard, nextBatch: 0, nextSeq: 0, head: NO_HEAD, recorded: this.floor };
  }
}
