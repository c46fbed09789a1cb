import type { Caller } from '../access/caller.ts';
import type { CountedEvent } from '../audit/reader.ts';
import { fitText } from '../audit/text.ts';
import { userIdOf } from '../audit/users.ts';

/** For how long a person who was asked for counts, milliseconds. */
export const WINDOW = 3_600_000;

/** Distinct people asked for in an hour, at most. */
export interface PeopleLimits {
  readonly perUser: number;
  readonly perClient: number;
}

/** What counting comes to. */
export type Counted =
  /** `fresh`: counted now, to be kept with the event so that other processes learn of it; else it was counted before */
  { readonly outcome: 'counted'; readonly fresh: boolean } | Exceeded;

/** More people than the limit: nothing may be shown, nor said. */
export interface Exceeded {
  readonly outcome: 'exceeded';
  readonly by: 'user' | 'client';
  readonly limit: number;
  /** seconds until there is room for one more */
  readonly retryAfter: number;
  /** the first refusal of this user or client in an hour: to be reported */
  readonly first: boolean;
}

interface Window {
  /** when each was counted, oldest first */
  readonly people: Map<string, number>;
  /** when a refusal was last reported */
  reported: number;
}

/**
 * Counts how many different people each user, and each client, has asked for within an hour. Whoever is asked for
 * counts for an hour from then, found or not, visible or not. What others learn from their processes comes by
 * {@link PeopleAsked.learn}. In one process a limit is never passed, however many requests are in flight: looking and
 * counting are one step.
 */
export class PeopleAsked {
  readonly #limits: PeopleLimits;
  readonly #windows = new Map<string, Window>();

  constructor(limits: PeopleLimits) {
    this.#limits = limits;
  }

  /** @param asked UUID: the person where something of theirs was shown, else a keyed hash of the name asked by */
  count(caller: Caller, asked: string, now: number): Counted {
    const { organisation, agent, client } = askerOf(caller);
    const byUser = agent === undefined ? undefined : this.#window(userKey(organisation, agent), now);
    const byClient = this.#window(clientKey(client), now);
    const { perUser, perClient } = this.#limits;
    if (byUser !== undefined && !hasRoom(byUser, asked, perUser))
      return exceeded('user', byUser, perUser, now);
    if (!hasRoom(byClient, asked, perClient)) return exceeded('client', byClient, perClient, now);
    const newToUser = byUser !== undefined && add(byUser, asked, now);
    const newToClient = add(byClient, asked, now);
    return { outcome: 'counted', fresh: newToUser || newToClient };
  }

  /** A refusal that was to be reported could not be: the next one is. */
  notReported(caller: Caller, by: Exceeded['by']): void {
    const { organisation, agent = '', client } = askerOf(caller);
    const window = this.#windows.get(by === 'user' ? userKey(organisation, agent) : clientKey(client));
    if (window !== undefined) window.reported = Number.NEGATIVE_INFINITY;
  }

  /** What other processes have counted; what is known already changes nothing. */
  learn(counted: readonly CountedEvent[], now: number): void {
    for (const { organisation, agent, client, asked, at } of counted) {
      if (at <= now - WINDOW) continue;
      if (agent !== undefined) add(this.#window(userKey(organisation, agent), now), asked, at);
      add(this.#window(clientKey(client), now), asked, at);
    }
    for (const [key, window] of this.#windows) {
      expire(window, now);
      if (window.people.size === 0) this.#windows.delete(key);
    }
  }

  #window(key: string, now: number): Window {
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = { people: new Map(), reported: Number.NEGATIVE_INFINITY };
      this.#windows.set(key, window);
    }
    expire(window, now);
    return window;
  }
}

/** A caller as the audit log keeps them in its columns. */
export function askerOf(caller: Caller): Pick<CountedEvent, 'organisation' | 'agent' | 'client'> {
  const agent = userIdOf(caller);
  return {
    client: fitText(caller.client),
    ...(caller.kind === 'patient' ? {} : { organisation: fitText(caller.organisation) }),
    ...(agent === undefined ? {} : { agent }),
  };
}

function userKey(organisation: string | undefined, agent: string): string {
  return JSON.stringify([organisation ?? null, agent]);
}

function clientKey(client: string): string {
  return JSON.stringify([client]);
}

function hasRoom({ people }: Window, asked: string, limit: number): boolean {
  return people.has(asked) || people.size < limit;
}

function add({ people }: Window, asked: string, at: number): boolean {
  if (people.has(asked)) return false;
  people.set(asked, at);
  return true;
}

function expire({ people }: Window, now: number): void {
  for (const [asked, at] of people) {
    if (at > now - WINDOW) return;
    people.delete(asked);
  }
}

function exceeded(by: Exceeded['by'], window: Window, limit: number, now: number): Exceeded {
  const [oldest = now] = window.people.values();
  const first = window.reported <= now - WINDOW;
  if (first) window.reported = now;
  return {
    outcome: 'exceeded',
    by,
    limit,
    retryAfter: Math.max(1, Math.ceil((oldest + WINDOW - now) / 1000)),
    first,
  };
}
