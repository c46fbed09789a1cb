import type { AuditReader } from './audit/reader.ts';
import { type PeopleAsked, WINDOW } from './record/people-asked.ts';

/** How often a process learns whom the others have counted, milliseconds. */
const EVERY = 2000;
/** An event becomes readable some time after it is recorded: so much of what was read is read again. */
const OVERLAP = 60_000;

/**
 * Lets the limits of people asked for hold over several processes and across restarts: reads from the audit log whom
 * all of them have counted. Between two looks a user can be ahead of a limit by what the other processes have shown
 * them in that time.
 */
export class PeopleWatch {
  readonly #people: PeopleAsked;
  readonly #reader: Pick<AuditReader, 'counted'>;
  readonly #now: () => number;
  readonly #trouble: () => void;
  #readTo = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  /** @param trouble called when the log cannot be read: until it can, this process counts alone */
  constructor(
    people: PeopleAsked,
    reader: Pick<AuditReader, 'counted'>,
    now: () => number,
    trouble: () => void,
  ) {
    this.#people = people;
    this.#reader = reader;
    this.#now = now;
    this.#trouble = trouble;
  }

  /** Looks once, and from then on every two seconds. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), EVERY);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Never fails, and never twice at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const now = this.#now();
    try {
      const from = Math.max(this.#readTo - OVERLAP, now - WINDOW);
      this.#people.learn(await this.#reader.counted(from, now), now);
      this.#readTo = now;
    } catch {
      this.#trouble();
    }
  }
}
