import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.ts';
import { issuerFaults } from './issuer-faults.ts';
import { type IssuerConfiguration, LONGEST_LIFE } from './issuers.ts';
import { hasForeignHeader, isSigned, LEEWAY, openedJws, typeOf } from './jws.ts';
import { type KeyReading, KeySource, type VerificationKey } from './keys.ts';
import { refuseToken } from './refuse-token.ts';
import type { JsonObject } from './strict-json.ts';
import { type CallerReader, callerReader } from './token-caller.ts';

const LARGEST_TOKEN = 8192;
const BEARER = /^bearer +(.*)$/i;
const REMEMBERED_TOKENS = 5000;

/** One configured issuer, ready for use. */
interface Issuer {
  readonly configuration: IssuerConfiguration;
  readonly keys: KeySource;
  readonly read: CallerReader;
}

/**
 * A token whose signature was verified, and by which key. What time can change, its times and whether the key still is
 * the issuer's, is checked every time; the audience is compared with a configuration that does not change.
 */
interface Verified {
  readonly issuer: Issuer;
  readonly kid: string;
  readonly key: VerificationKey;
  readonly times: Times;
  readonly caller: Caller;
}

/** Seconds since the epoch. */
interface Times {
  readonly issuedAt: number;
  readonly expires: number;
  readonly notBefore: number | undefined;
}

/** Turns an access token into the caller it proves (DESIGN 8; attack catalogue 2.3). */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #verified = new LRUCache<string, Verified>({ max: REMEMBERED_TOKENS });

  /**
   * @param reading how key sets are read; they are first read when first needed
   * @throws Error naming every fault of the configuration
   */
  constructor(issuers: readonly IssuerConfiguration[], reading: KeyReading) {
    const faults = issuers.flatMap((issuer, index) =>
      issuerFaults(issuer).map((fault) => `/issuers/${index}${fault}`),
    );
    if (faults.length > 0) throw new Error(faults.join('; '));
    const entries = issuers.map((configuration) => {
      const { issuer, keys, algorithms } = configuration;
      const source = new KeySource(keys, algorithms, reading);
      return [issuer, { configuration, keys: source, read: callerReader(configuration) }] as const;
    });
    this.#issuers = new Map(entries);
    if (this.#issuers.size !== issuers.length) throw new Error('An issuer is configured twice.');
  }

  /**
   * The caller that an `Authorization` header proves.
   *
   * @param authorization the header's only value
   * @param now milliseconds since the epoch
   * @throws Problem `unauthenticated` with a reason of TOKEN_REFUSALS and no detail; `unavailable` when an issuer's
   *   keys cannot be had
   */
  async verify(authorization: string | undefined, now: number): Promise<Caller> {
    const token = bearerToken(authorization);
    const digest = hash('sha256', token, 'base64');
    const remembered = this.#verified.get(digest);
    if (remembered !== undefined) {
      const held = remembered.issuer.keys.holds(remembered.kid, remembered.key, now);
      if (held === true || (await held)) {
        checkTimes(remembered.times, now);
        return remembered.caller;
      }
      this.#verified.delete(digest);
    }
    const verified = await this.#verifyAnew(token, now);
    this.#verified.set(digest, verified);
    return verified.caller;
  }

  /**
   * The caller of a token that was verified before and would be again: for requests that nothing limits, since no
   * signature is checked. A token seen for the first time is nobody's here.
   */
  async remembered(authorization: string | undefined, now: number): Promise<Caller | undefined> {
    const token = BEARER.exec(authorization ?? '')?.[1] ?? '';
    const isKnown = this.#verified.has(hash('sha256', token, 'base64'));
    return isKnown ? this.verify(authorization, now).catch(() => undefined) : undefined;
  }

  /** Everything that is cheap comes before the signature: a stranger's token costs little. */
  async #verifyAnew(token: string, now: number): Promise<Verified> {
    const opened = openedJws(token);
    if (opened === undefined) throw refuseToken('token-malformed');
    const { header, claims } = opened;
    const issuer = this.#issuers.get(string(claims['iss']));
    if (issuer === undefined) throw refuseToken('token-issuer');
    checkType(header, claims, issuer.configuration);
    const times = timesOf(claims, issuer.configuration);
    checkTimes(times, now);
    checkAudience(claims['aud'], issuer.configuration);
    const algorithm = issuer.configuration.algorithms.find((one) => one === header['alg']);
    const { kid } = header;
    if (algorithm === undefined || typeof kid !== 'string' || kid === '')
      throw refuseToken('token-signature');
    const key = await issuer.keys.find(kid, algorithm, now);
    if (key === undefined || !(await isSigned(token, key))) throw refuseToken('token-signature');
    return { issuer, kid, key, times, caller: issuer.read(claims) };
  }
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw refuseToken('token-missing');
  if (authorization.length > LARGEST_TOKEN + 'Bearer '.length) throw refuseToken('token-too-large');
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined || token === '') throw refuseToken('token-missing');
  return token;
}

/**
 * An access token and nothing else: identity tokens, logout tokens and assertions have other types (RFC 9068). A token
 * bound to a key that the caller would have to prove is refused, for no proof is asked here.
 */
function checkType(header: JsonObject, claims: JsonObject, issuer: IssuerConfiguration): void {
  const typ = typeOf(header);
  const allowed = typ === 'at+jwt' || (typ === 'jwt' && issuer.typ?.includes('JWT') === true);
  const other = ['events', 'cnf', 'nonce', 'at_hash'].some((name) => Object.hasOwn(claims, name));
  if (!allowed || hasForeignHeader(header) || other) throw refuseToken('token-type');
}

function timesOf(claims: JsonObject, issuer: IssuerConfiguration): Times {
  const { exp: expires, iat: issuedAt, nbf: notBefore } = claims;
  if (!isTime(expires) || !isTime(issuedAt)) throw refuseToken('token-claims');
  if (notBefore !== undefined && !isTime(notBefore)) throw refuseToken('token-claims');
  const life = expires - issuedAt;
  if (life <= 0 || life > (issuer.maxLifetime ?? LONGEST_LIFE)) throw refuseToken('token-claims');
  return { issuedAt, expires, notBefore };
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}

function checkTimes(times: Times, now: number): void {
  const seconds = now / 1000;
  if (seconds >= times.expires) throw refuseToken('token-expired');
  const earliest = Math.max(times.issuedAt, times.notBefore ?? 0) - LEEWAY;
  // written so that a time that is not a number refuses
  if (!(seconds >= earliest)) throw refuseToken('token-not-yet-valid');
}

function checkAudience(claim: unknown, issuer: IssuerConfiguration): void {
  const audience: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  if (!audience.every((one) => typeof one === 'string')) throw refuseToken('token-claims');
  if (!audience.some((one) => issuer.audience.includes(one))) throw refuseToken('token-audience');
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
