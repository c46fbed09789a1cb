import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';

/** Headers that may come once: Node keeps the first or joins them, and either could be somebody else's. */
const SINGLE = [
  'authorization',
  'mcr-user-assertion',
  'host',
  'content-type',
  'content-length',
  'x-request-id',
  'prefer',
];

/**
 * Refuses what Node and Fastify let through and no honest client sends: a second Host or Authorization header, an
 * absolute-form target, a body where none belongs (attack catalogue T-01, I-17).
 */
export function refuseAmbiguous(request: FastifyRequest): void {
  if (!(request.raw.url ?? '').startsWith('/')) {
    throw new Problem('invalid', 'The request target must be a path.');
  }
  const { rawHeaders } = request.raw;
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (SINGLE.includes(name) && seen.has(name)) {
      throw new Problem('invalid', `The header ${name} may be sent once only.`);
    }
    seen.add(name);
  }
}

/**
 * A request id is the client's where it is a plain token, so that both sides can find the same request. Digits alone are
 * not taken: they could be somebody's number, and request ids are logged.
 */
export function requestIdOf(header: string | string[] | undefined, random: () => string): string {
  return typeof header === 'string' && /^(?![\d._-]*$)[A-Za-z0-9._-]{1,64}$/.test(header) ? header : random();
}

/** The connection's address; where that is a declared proxy's, the client's as the proxy tells it. */
export function clientAddress(request: FastifyRequest): string {
  return isIP(request.ip) === 0 ? 'unknown' : request.ip;
}
