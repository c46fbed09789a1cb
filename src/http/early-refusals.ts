import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { Problem, type ProblemKind } from '../fhir/problem.ts';
import { isAccounted } from '../record/account.ts';
import { recordRejected } from '../record/rejected.ts';
import { accountOf, attempted, authenticate } from './known-caller.ts';
import type { HttpServices } from './services.ts';
import { clientAddress } from './strict-request.ts';
import type { UnauthenticatedCounter } from './unauthenticated.ts';

/** Callers remembered in one minute; beyond that their refusals are only counted. */
const MOST_CALLERS = 10_000;

/** What is counted of a request that nothing limits, where it is not told as an event. */
const COUNTED_AS: Readonly<Partial<Record<ProblemKind, string>>> = {
  throttled: 'throttled',
  unavailable: 'busy',
  invalid: 'ambiguous-request',
};

/**
 * Accounts for requests that were refused before a route could: too many, an address that cannot be decoded, headers
 * that mean two things, a service that is busy; a body that is too large or of a type that is not read.
 *
 * Nothing limits the former, so they must be no lever: no signature is checked for them, and the log has an event for
 * each caller, address and minute, the others in the count of unauthenticated refusals. The latter came past the limit,
 * and each has an event of its own.
 */
export class EarlyRefusals {
  readonly #services: HttpServices;
  readonly #unauthenticated: UnauthenticatedCounter;
  #minute = 0;
  readonly #seen = new Set<string>();

  constructor(services: HttpServices, unauthenticated: UnauthenticatedCounter) {
    this.#services = services;
    this.#unauthenticated = unauthenticated;
  }

  /**
   * @param before what refused it before anything of it was read: its address, or that the service is busy
   * @returns the problem to answer: `unavailable` where the account of a known caller's could not be written
   */
  async account(
    problem: Problem,
    before: 'address' | 'busy' | undefined,
    request: FastifyRequest,
  ): Promise<Problem> {
    if (isAccounted(problem)) return problem;
    const { kind } = problem;
    const unlimited = before !== undefined || kind === 'throttled' || kind === 'invalid';
    if (!unlimited && kind !== 'too-large' && kind !== 'unsupported-media') return problem;
    const counted = before === 'address' ? 'undecodable-address' : (COUNTED_AS[kind] ?? kind);
    const caller = unlimited ? await this.#firstInMinute(counted, request) : await this.#caller(request);
    if (caller === undefined) return problem;
    try {
      const about = { ...accountOf(request, caller), what: attempted(request) };
      await recordRejected(this.#services.disclosure, about, problem);
      return problem;
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }

  /** Nobody known is counted and keeps the answer: what is wrong with the body is no secret. */
  async #caller(request: FastifyRequest): Promise<Caller | undefined> {
    return authenticate(this.#services, this.#unauthenticated, request).catch(() => undefined);
  }

  async #firstInMinute(counted: string, request: FastifyRequest): Promise<Caller | undefined> {
    const now = this.#services.disclosure.now();
    // of two tokens either could be somebody else's
    const { rawHeaders } = request.raw;
    const tokens = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'authorization');
    const token = tokens.length === 1 ? request.headers.authorization : undefined;
    const caller = await this.#services.tokens.remembered(token, now);
    if (caller !== undefined && this.#isFirst(caller, counted, request, now)) return caller;
    this.#unauthenticated.count(clientAddress(request), counted);
    return undefined;
  }

  #isFirst(caller: Caller, counted: string, request: FastifyRequest, now: number): boolean {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) this.#seen.clear();
    this.#minute = minute;
    const key = JSON.stringify([counted, caller.issuer, caller.subject, clientAddress(request)]);
    if (this.#seen.has(key) || this.#seen.size >= MOST_CALLERS) return false;
    this.#seen.add(key);
    return true;
  }
}
