import { hash } from 'node:crypto';

/** What is kept of one owner's names at most: a hash and a time each. */
const MOST = 100_000;

/**
 * Names that may be used once while they are valid: `jti` (RFC 7519, 4.1.7). In this process's memory; an owner who has
 * too many in use gets no more, so that none is ever forgotten early and nobody can push out another's.
 */
export class SeenOnce {
  readonly #most: number;
  readonly #owners = new Map<string, Map<string, number>>();

  /** @param most names in use, of one owner */
  constructor(most = MOST) {
    this.#most = most;
  }

  /**
   * Takes a name, where it is free.
   *
   * @param until milliseconds since the epoch, after which the name needs no remembering
   * @returns `full` where nothing more can be remembered of this owner
   */
  take(owner: string, name: string, until: number, now: number): 'taken' | 'again' | 'full' {
    const names = this.#owners.get(owner) ?? new Map<string, number>();
    this.#owners.set(owner, names);
    const key = hash('sha256', name, 'base64');
    if (names.has(key)) return 'again';
    if (names.size >= this.#most) forgetUntil(names, now);
    if (names.size >= this.#most) return 'full';
    names.set(key, until);
    return 'taken';
  }
}

function forgetUntil(names: Map<string, number>, now: number): void {
  for (const [name, until] of names) if (until < now) names.delete(name);
}
