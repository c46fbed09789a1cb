import { Problem } from '../fhir/problem.ts';
import type { Caller, StaffCaller, SystemCaller } from './caller.ts';
import type { Algorithm, IssuerConfiguration } from './issuers.ts';
import { hasForeignHeader, isSigned, LEEWAY, type OpenedJws, openedJws, typeOf } from './jws.ts';
import { type KeyReading, KeySource } from './keys.ts';
import { refuseAssertion } from './refuse-token.ts';
import { SeenOnce } from './seen-once.ts';
import type { JsonObject } from './strict-json.ts';
import { type AssertionReader, assertionReader } from './token-caller.ts';

/** `typ` of the header: an assertion made for another purpose, or an access token, is none of these (RFC 8725, 3.11). */
const TYPE = 'mcr-user-assertion+jwt';
const LARGEST = 8192;
/** Seconds. */
const LONGEST_LIFE = 300;
/** As for a client's other assertions (SMART App Launch 2.2, asymmetric authentication). */
const ALGORITHMS: readonly Algorithm[] = ['ES384', 'RS384'];

/** A client that may name users. */
interface Client {
  readonly audience: readonly string[];
  readonly keys: KeySource;
  readonly read: AssertionReader;
}

/**
 * Users whom Backend Services clients name, request by request (DESIGN 4: header `MCR-User-Assertion`). The access token
 * proves the client; the assertion, signed by the client's registered key, says for whom it asks. Each is good for one
 * request to this process, and none is older than the process: a restart forgets nothing that could be used again.
 */
export class UserAssertions {
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #since: number;
  readonly #seen: SeenOnce;

  /**
   * @param issuers checked before
   * @param since milliseconds since the epoch: from when this process remembers
   */
  constructor(
    issuers: readonly IssuerConfiguration[],
    reading: KeyReading,
    since: number,
    seen = new SeenOnce(),
  ) {
    this.#since = Math.floor(since / 1000);
    this.#seen = seen;
    this.#clients = new Map(
      issuers.flatMap((issuer) =>
        Object.entries(issuer.clients ?? {}).flatMap(([id, { keys }]) => {
          if (keys === undefined) return [];
          const source = new KeySource(keys, ALGORITHMS, reading);
          const client = { audience: issuer.audience, keys: source, read: assertionReader(issuer) };
          return [[nameOf(issuer.issuer, id), client] as const];
        }),
      ),
    );
  }

  /**
   * The staff member for whom a client asks.
   *
   * @param caller whom the access token proves
   * @param assertion the header's only value
   * @param now milliseconds since the epoch
   * @throws Problem `unauthenticated` with a reason of ASSERTION_REFUSALS; `forbidden`, reason `assertion-incomplete`,
   *   where a sound assertion does not name all of user, organisation, role, purpose and reason; `unavailable` where the
   *   client's keys cannot be had, or where it has too many assertions in use
   */
  async userOf(caller: Caller, assertion: string, now: number): Promise<StaffCaller> {
    const name = nameOf(caller.issuer, caller.client);
    const client = caller.kind === 'system' ? this.#clients.get(name) : undefined;
    if (client === undefined) throw refuseAssertion('assertion-client');
    const claims = await this.#verified(client, caller as SystemCaller, assertion, now);
    const id = claims['jti'];
    if (typeof id !== 'string' || id === '') throw refuseAssertion('assertion-claims');
    const taken = this.#seen.take(name, id, (Number(claims['exp']) + LEEWAY) * 1000, now);
    if (taken === 'again') throw refuseAssertion('assertion-replayed');
    if (taken === 'full')
      throw new Problem('unavailable', 'Too many user assertions are in use. Try again shortly.', {
        reason: 'assertions-full',
        retryAfter: LONGEST_LIFE,
      });
    const user = this.#read(client, caller as SystemCaller, claims);
    if (user !== undefined) return user;
    throw new Problem(
      'forbidden',
      'The user assertion must name user, organisation, role, purpose and reason.',
      { reason: 'assertion-incomplete' },
    );
  }

  /** Everything that is cheap comes before the signature. */
  async #verified(client: Client, caller: SystemCaller, assertion: string, now: number): Promise<JsonObject> {
    if (assertion.length > LARGEST) throw refuseAssertion('assertion-malformed');
    const opened = openedJws(assertion);
    if (opened === undefined) throw refuseAssertion('assertion-malformed');
    const { header, claims } = opened;
    if (typeOf(header) !== TYPE || hasForeignHeader(header)) throw refuseAssertion('assertion-type');
    if (claims['iss'] !== caller.client) throw refuseAssertion('assertion-client');
    if (!client.audience.some((one) => one === claims['aud'])) throw refuseAssertion('assertion-audience');
    this.#checkTimes(claims, now / 1000);
    if (!(await isOf(client, assertion, opened, now))) throw refuseAssertion('assertion-signature');
    return claims;
  }

  #checkTimes({ iat, exp, nbf = iat }: JsonObject, seconds: number): void {
    if (![iat, exp, nbf].every(Number.isFinite)) throw refuseAssertion('assertion-claims');
    const [issued, expires, notBefore] = [Number(iat), Number(exp), Number(nbf)];
    const life = expires - issued;
    if (life <= 0 || life > LONGEST_LIFE) throw refuseAssertion('assertion-claims');
    if (seconds >= expires || issued < this.#since) throw refuseAssertion('assertion-expired');
    // written so that a time that is not a number refuses
    if (!(seconds >= Math.max(issued, notBefore) - LEEWAY)) throw refuseAssertion('assertion-not-yet-valid');
  }

  #read(client: Client, caller: SystemCaller, claims: JsonObject): StaffCaller | undefined {
    try {
      return client.read(caller, claims);
    } catch (error) {
      if (error instanceof Problem && error.kind === 'unauthenticated')
        throw refuseAssertion('assertion-claims');
      throw error;
    }
  }
}

function nameOf(issuer: string, client: string): string {
  return JSON.stringify([issuer, client]);
}

async function isOf(client: Client, assertion: string, { header }: OpenedJws, now: number): Promise<boolean> {
  const algorithm = ALGORITHMS.find((one) => one === header['alg']);
  const { kid } = header;
  if (algorithm === undefined || typeof kid !== 'string' || kid === '') return false;
  const key = await client.keys.find(kid, algorithm, now);
  return key !== undefined && isSigned(assertion, key);
}
