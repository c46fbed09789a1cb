import { createPublicKey, type KeyObject } from 'node:crypto';
import { isObject } from '../access/strict-json.ts';
import { thumbprint } from './jws.ts';

/** One key that signs or has signed checkpoints and tombstones, and when. */
export interface HistoryKey {
  readonly kid: string;
  /** public, Ed25519 */
  readonly key: KeyObject;
  /** milliseconds since the epoch: signatures of this time and later are believed */
  readonly from: number;
  /** and before this one; absent: still in use */
  readonly to?: number;
}

/** Every key that there ever was, by `kid`. It is kept by people, outside the database. */
export type KeyHistory = ReadonlyMap<string, HistoryKey>;

const MEMBERS: ReadonlySet<string> = new Set(['kty', 'crv', 'x', 'kid', 'from', 'to']);

/**
 * Reads a key history: a JWK Set (RFC 7517) of public Ed25519 keys, each with the members `from` and, once it is
 * retired, `to`: instants (RFC 3339) between which what it signed is believed.
 *
 * @throws Error naming the first fault
 */
export function readKeyHistory(text: string): KeyHistory {
  const content: unknown = parsed(text);
  const keys = isObject(content) ? content['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('a key history is JSON with "keys"');
  const history = new Map<string, HistoryKey>();
  for (const [index, entry] of keys.entries()) {
    const key = historyKey(entry, `keys[${index}]`);
    if (history.has(key.kid)) throw new Error(`keys[${index}] is there twice`);
    history.set(key.kid, key);
  }
  return history;
}

/** The key that a signature of that time may be of; undefined where there is none. */
export function keyAt(history: KeyHistory, kid: string, time: number): KeyObject | undefined {
  const entry = history.get(kid);
  if (entry === undefined || time < entry.from || time >= (entry.to ?? Number.POSITIVE_INFINITY))
    return undefined;
  return entry.key;
}

/** A key as an entry of a key history, in use from then on. */
export function historyEntry(key: KeyObject, from: Date): Readonly<Record<string, string>> {
  const pub = key.type === 'private' ? createPublicKey(key) : key;
  const { kty, crv, x } = pub.export({ format: 'jwk' });
  return {
    kty: String(kty),
    crv: String(crv),
    x: String(x),
    kid: thumbprint(key),
    from: from.toISOString(),
  };
}

function historyKey(entry: unknown, where: string): HistoryKey {
  if (!isObject(entry)) throw new Error(`${where} is no object`);
  const { kty, crv, x, kid, from, to } = entry;
  const foreign = Object.keys(entry).find((name) => !MEMBERS.has(name));
  // a private key has no business in a file that is given to others
  if (foreign !== undefined) throw new Error(`${where} has a member that is not of a history: ${foreign}`);
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string')
    throw new Error(`${where} must be a public Ed25519 key: kty OKP, crv Ed25519, x`);
  const key = publicKeyOf(x, where);
  if (kid !== undefined && kid !== thumbprint(key))
    throw new Error(`${where}.kid is not the key's thumbprint`);
  const end = to === undefined ? {} : { to: instant(to, `${where}.to`) };
  return { kid: thumbprint(key), key, from: instant(from, `${where}.from`), ...end };
}

function publicKeyOf(x: string, where: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch (error) {
    throw new Error(`${where}.x is no Ed25519 key`, { cause: error });
  }
}

function instant(value: unknown, where: string): number {
  const time =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(value)
      ? Date.parse(value)
      : Number.NaN;
  if (Number.isNaN(time)) throw new Error(`${where} must be an instant, as 2026-01-31T00:00:00Z`);
  return time;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
