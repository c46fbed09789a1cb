import { Problem } from '../fhir/problem.ts';
import type { Batch, BatchOutcome, BatchWriter, InDoubt, Position, SealedEvent } from './batch.ts';
import { after, chain } from './batch.ts';
import type { JournalHappening, JournalLimits, JournalOptions } from './journal-options.ts';
import { JOURNAL_LIMITS } from './journal-options.ts';
import { SALT_LENGTH } from './merkle.ts';
import type { AuditEntry } from './ports.ts';
import { seal } from './seal.ts';
import { readUuid } from './uuid.ts';
import { notAudited, refuse, WaitingQueue } from './waiting.ts';

/*
 * The journal is always in one of these states:
 *
 * - STARTING: no shard is held. Nothing is accepted. `start()` takes a shard and goes to IDLE; where it cannot, it
 *   throws and STARTING remains.
 * - IDLE: a shard is held, nothing is queued. The first entry goes to WRITING.
 * - WRITING: one batch, and only one, is with the writer; entries that arrive meanwhile queue, and become the next
 *   batch when it returns (there is no timer: a slow commit makes a larger batch). An entry's promise is fulfilled
 *   only after the commit of its batch. An empty queue goes back to IDLE.
 * - RESUMING: the last batch was not committed, or nobody knows. If unknown, everyone who waited for it has been
 *   refused and its events are never sent again: no duplicates. If surely not written, its entries are first in the
 *   queue again (a few times in a row at most). Either way the old connection is dropped, and a shard's log is read
 *   afresh before the next batch: no gaps. Entries are still accepted, and wait.
 * - AWAY: resuming has failed at least once. Everything is refused at once (`hasRoom()` is false), what is queued
 *   stays, and resuming is tried again after 50 ms to 2 s. Success goes to WRITING or IDLE.
 * - DRAINING: `drain()` was called. Nothing is accepted; what is queued is written, or refused if the writer is away.
 * - CLOSED: the shard is given back, or a defect of the program was met. Nothing is accepted, for good.
 *
 * In every state: whoever has waited for `wait` milliseconds is refused, though the event may still be written (it is
 * then audited and not disclosed, never the other way round); `recorded` never decreases within a shard, whatever the
 * clock does; and an entry that cannot be sealed is refused alone, before it can spoil a batch.
 */

const BRAND = Symbol('made by the journal');
const SALTS_AT_ONCE = 256;
/** A batch that was surely not written is tried again until this many resumptions in a row came to nothing. */
const MOST_FRUITLESS = 5;

/** Proof that an event is durable. Only the journal makes one, after COMMIT; it is good for one release. */
class Receipt {
  readonly shard: number;
  readonly seq: number;
  readonly eventId: string;
  /** first 8 bytes of the batch's head, as hex */
  readonly headPrefix: string;
  readonly #leaf: Buffer;
  #spent = false;

  constructor(brand: typeof BRAND, batch: Batch, place: number, { eventId, leaf }: SealedEvent) {
    if (brand !== BRAND) throw new TypeError('Only the journal makes receipts.');
    this.shard = batch.shard;
    this.seq = batch.firstSeq + place;
    this.eventId = eventId;
    this.headPrefix = batch.head.toString('hex', 0, 8);
    this.#leaf = leaf;
  }

  /** True the first time, and never again: one receipt releases one answer. */
  spend(): boolean {
    const first = !this.#spent;
    this.#spent = true;
    return first;
  }

  /**
   * The event's leaf hash, base64url, as clients may keep it: salted, so it says nothing about anybody; and without the
   * place in the log, from which the number of events of a request could be read, and with it what was withheld.
   */
  get leaf(): string {
    return this.#leaf.toString('base64url');
  }

  /** `shard/seq/headPrefix`: for ourselves */
  toString(): string {
    return `${this.shard}/${this.seq}/${this.headPrefix}`;
  }
}

export type { Receipt };

/** The queue in front of the audit log, with group commit: audit log design 4.5. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #limits: JournalLimits;
  readonly #queue: WaitingQueue<Receipt>;
  #position: Position | undefined;
  #inDoubt: InDoubt | undefined;
  #accepting = false;
  #away = false;
  /** resumptions since the last commit */
  #fruitless = 0;
  /** `recorded` of the newest event accepted */
  #newest = 0;
  #writing: Promise<void> | undefined;
  #salts = Buffer.alloc(0);

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#limits = { ...JOURNAL_LIMITS, ...options.limits };
    this.#queue = new WaitingQueue(this.#limits);
  }

  /** Takes a shard. @throws Error as {@link BatchWriter.resume} does: then nothing can be audited or released */
  async start(): Promise<void> {
    const { position } = await this.#options.writer.resume();
    this.#stand(position);
    this.#accepting = true;
  }

  /** Whether an entry would be accepted now. Cheap: ask before fetching anything that could not be released. */
  hasRoom(): boolean {
    return this.#accepting && !this.#away && this.#queue.hasRoom();
  }

  /** Entries not yet committed or refused, the batch being written left out. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Writes an entry durably. Nothing that it names may leave before the receipt is there.
   *
   * @throws Problem `unavailable` when it is not durable, or not known to be; `defect` when the entry cannot be sealed
   */
  append(entry: AuditEntry): Promise<Receipt> {
    if (!this.hasRoom()) return Promise.reject(notAudited('The journal is full, away or closed.'));
    const recorded = Math.max(this.#newest, entry.occurrence.at);
    let sealed: SealedEvent;
    try {
      sealed = seal(entry, this.#options.service, recorded, this.#salt());
    } catch (cause) {
      return Promise.reject(new Problem('defect', 'The request could not be audited.', {}, cause));
    }
    this.#newest = recorded;
    return new Promise((resolve, reject) => {
      const late = (): void => reject(notAudited('The commit took too long.'));
      const forget = this.#options.later(this.#limits.wait, late);
      this.#queue.push({ entry, sealed, resolve, reject, forget });
      this.#writing ??= this.#write().catch((cause) => this.#close(cause));
    });
  }

  /** Accepts nothing more, writes what is queued, gives the shard back. Resolves when that is done or given up. */
  async drain(): Promise<void> {
    this.#accepting = false;
    await this.#writing;
    await this.#options.writer.release();
  }

  async #write(): Promise<void> {
    // whatever else arrives in this turn belongs to the same batch
    await undefined;
    while (this.#queue.length > 0 || this.#position === undefined) {
      if (this.#position === undefined && !(await this.#resume())) break;
      if (this.#position !== undefined && this.#queue.length > 0) await this.#writeBatch(this.#position);
    }
    this.#writing = undefined;
  }

  async #writeBatch(position: Position): Promise<void> {
    const uuid = readUuid(this.#salt(), 0);
    const taken = this.#queue.takeBatch();
    const events = taken.map((waiting) => waiting.sealed);
    const batch = chain(position, uuid, events);
    const result = await this.#send(batch);
    if (result.outcome === 'committed') {
      this.#position = after(batch);
      this.#fruitless = 0;
      for (const [place, waiting] of taken.entries()) {
        waiting.forget();
        waiting.resolve(new Receipt(BRAND, batch, place, waiting.sealed));
      }
      this.#tell({ what: 'committed', shard: batch.shard, events: taken.length });
      return;
    }
    this.#position = undefined;
    this.#inDoubt = { shard: batch.shard, uuid };
    if (result.outcome === 'not-written' && this.#fruitless < MOST_FRUITLESS) this.#queue.putBack(taken);
    else refuse(taken);
    // a time that could not be written must not become everyone's
    this.#newest = Math.max(position.recorded, this.#queue.newest);
    this.#tell({ what: result.outcome === 'unknown' ? 'in-doubt' : 'not-written', cause: result.cause });
  }

  async #send(batch: Batch): Promise<BatchOutcome> {
    try {
      return await this.#options.writer.write(batch);
    } catch (cause) {
      return { outcome: 'unknown', cause };
    }
  }

  /** @returns false when the journal is draining and nothing more can be done */
  async #resume(): Promise<boolean> {
    for (;;) {
      if (this.#fruitless > 0) await this.#pause(Math.min(2000, 25 * 2 ** Math.min(this.#fruitless, 10)));
      this.#fruitless += 1;
      try {
        const { position, found } = await this.#options.writer.resume(this.#inDoubt);
        this.#inDoubt = undefined;
        this.#stand(position);
        this.#away = false;
        const { shard } = position;
        this.#tell({ what: 'resumed', shard, ...(found === undefined ? {} : { found }) });
        return true;
      } catch (cause) {
        this.#away = true;
        this.#tell({ what: 'away', cause });
        if (this.#accepting) continue;
        this.#queue.refuseAll();
        return false;
      }
    }
  }

  /** What is queued may be older than the log resumed at: the clock was stepped back, or the shard is another one. */
  #stand(position: Position): void {
    const { service } = this.#options;
    this.#queue.noOlderThan(position.recorded, (entry) =>
      seal(entry, service, position.recorded, this.#salt()),
    );
    this.#position = position;
    this.#newest = Math.max(position.recorded, this.#queue.newest);
  }

  /** What should never happen: nothing is accepted any more, so that nothing leaves unaudited. */
  #close(cause: unknown): void {
    this.#accepting = false;
    this.#queue.refuseAll();
    this.#tell({ what: 'defect', cause });
  }

  /** An observer's own fault is not the journal's. */
  #tell(happening: JournalHappening): void {
    try {
      this.#options.observe?.(happening);
    } catch {
      // metrics and logs must not stop the audit
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.later(milliseconds, resolve);
    });
  }

  /** Random bytes are drawn in blocks: a call for each event would cost more than hashing it. */
  #salt(): Buffer {
    if (this.#salts.length === 0) {
      this.#salts = Buffer.from(this.#options.random(SALTS_AT_ONCE * SALT_LENGTH));
    }
    const salt = this.#salts.subarray(0, SALT_LENGTH);
    this.#salts = this.#salts.subarray(SALT_LENGTH);
    return salt;
  }
}
