import { type CryptoKey, importJWK } from 'jose';
import { Problem } from '../fhir/problem.ts';
import type { Algorithm, IssuerKeys } from './issuers.ts';
import { type UsableKey, usableKeys } from './key-set.ts';

/** A public key bound to the one algorithm it verifies. The same object for as long as it stays in the set. */
export interface VerificationKey {
  readonly key: CryptoKey;
  readonly algorithm: Algorithm;
  /** the public members: what makes it this key and no other */
  readonly material: string;
}

/** How key sets are read. Given from outside: this room does no I/O of its own. */
export interface KeyReading {
  readonly fetch: (url: string, init: KeyRequest) => Promise<Response>;
  /** text of a file of ours */
  readonly readFile: (path: string) => Promise<string>;
}

export interface KeyRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** a key set that moved must be configured again, not followed */
  readonly redirect: 'error';
  readonly signal: AbortSignal;
}

/** Milliseconds: from here on the set is read again beside the requests that use it. */
const REFRESH_AFTER = 30_000;
/** From here on a request waits for the set: with the time-out, a change takes effect within 60 seconds. */
const WAIT_AFTER = 50_000;
/** While the issuer cannot be reached its keys serve as long as the longest token, and no longer. */
const KEPT_FOR = 3_600_000;
/** At most one reading in this time for key ids that are not known, and after a failure. */
const COOLDOWN = 10_000;
const TIMEOUT = 5_000;
const LARGEST_SET = 262_144;

/** The keys of one issuer: read when first needed, read again before they are a minute old. */
export class KeySource {
  readonly #keys: IssuerKeys;
  readonly #algorithms: readonly Algorithm[];
  readonly #reading: KeyReading;
  #set: ReadonlyMap<string, VerificationKey> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #underWay: Promise<void> | undefined;

  constructor(keys: IssuerKeys, algorithms: readonly Algorithm[], reading: KeyReading) {
    this.#keys = keys;
    this.#algorithms = algorithms;
    this.#reading = reading;
  }

  /**
   * Whether a key is still one of the issuer's. Answers at once while the set is fresh.
   *
   * @param now milliseconds since the epoch
   */
  holds(kid: string, key: VerificationKey, now: number): boolean | Promise<boolean> {
    if (this.#isFresh(now)) return this.#lookUp(kid, key.algorithm) === key;
    return this.#current(now).then(() => this.#lookUp(kid, key.algorithm) === key);
  }

  /**
   * The issuer's key of that id for that algorithm. An id that is not known has the set read once more, at most once
   * per cooldown, so that strangers' tokens cannot make us hammer the issuer.
   *
   * @throws Problem `unavailable` when there are no keys: never read, or too old to trust
   */
  async find(kid: string, algorithm: Algorithm, now: number): Promise<VerificationKey | undefined> {
    await this.#current(now);
    const found = this.#lookUp(kid, algorithm);
    if (found !== undefined || this.#isCooling(now)) return found;
    await this.#readAgain(now);
    return this.#lookUp(kid, algorithm);
  }

  #lookUp(kid: string, algorithm: Algorithm): VerificationKey | undefined {
    return this.#set?.get(nameOf(kid, algorithm));
  }

  #isFresh(now: number): boolean {
    // a clock that was set back makes no key fresh
    return this.#set !== undefined && now - this.#readAt >= 0 && now - this.#readAt < REFRESH_AFTER;
  }

  #isCooling(now: number): boolean {
    return Math.abs(now - this.#triedAt) < COOLDOWN;
  }

  /** Sees to it that the set is as fresh as it must be. */
  async #current(now: number): Promise<void> {
    if (this.#isFresh(now)) return;
    const age = Math.abs(now - this.#readAt);
    const reading = this.#isCooling(now) ? this.#underWay : this.#readAgain(now);
    if (age >= WAIT_AFTER) await reading;
    if (this.#set === undefined || Math.abs(now - this.#readAt) >= KEPT_FOR) {
      throw new Problem('unavailable', 'Access tokens cannot be verified just now. Try again shortly.', {
        reason: 'token-keys-unavailable',
        retryAfter: COOLDOWN / 1000,
      });
    }
  }

  /** One reading at a time; a failure leaves the set as it is. */
  #readAgain(now: number): Promise<void> {
    this.#triedAt = now;
    this.#underWay ??= this.#read()
      .then(
        (set) => {
          this.#set = set;
          this.#readAt = now;
        },
        () => undefined,
      )
      .finally(() => {
        this.#underWay = undefined;
      });
    return this.#underWay;
  }

  async #read(): Promise<ReadonlyMap<string, VerificationKey>> {
    const text =
      'file' in this.#keys
        ? await this.#reading.readFile(this.#keys.file)
        : await this.#fetched(this.#keys.url);
    const set = new Map<string, VerificationKey>();
    for (const usable of usableKeys(text, this.#algorithms)) {
      const key = this.#unchanged(usable) ?? (await imported(usable));
      if (key !== undefined) set.set(nameOf(usable.kid, usable.algorithm), key);
    }
    return set;
  }

  async #fetched(url: string): Promise<string> {
    const signal = AbortSignal.timeout(TIMEOUT);
    const headers = { accept: 'application/jwk-set+json, application/json' };
    const response = await this.#reading.fetch(url, { headers, redirect: 'error', signal });
    if (response.status !== 200) throw new Error(`The key set answered ${response.status}.`);
    return textWithin(response, LARGEST_SET);
  }

  #unchanged(usable: UsableKey): VerificationKey | undefined {
    const before = this.#lookUp(usable.kid, usable.algorithm);
    return before?.material === materialOf(usable) ? before : undefined;
  }
}

function nameOf(kid: string, algorithm: Algorithm): string {
  return `${algorithm} ${kid}`;
}

function materialOf(usable: UsableKey): string {
  return JSON.stringify(usable.jwk);
}

/** A key that cannot be imported (a point that is not on its curve) is left out, the others stay. */
async function imported(usable: UsableKey): Promise<VerificationKey | undefined> {
  try {
    const key = await importJWK({ ...usable.jwk }, usable.algorithm);
    if (key instanceof Uint8Array) return undefined;
    return { key, algorithm: usable.algorithm, material: materialOf(usable) };
  } catch {
    return undefined;
  }
}

async function textWithin(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > most) throw new Error('The key set is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
