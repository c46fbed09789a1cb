import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';
import { type RejectedRequest, recordRejected } from '../record/rejected.ts';
import { rawRequestOf } from './query.ts';
import type { HttpServices } from './services.ts';
import { clientAddress } from './strict-request.ts';
import { traceOf } from './trace.ts';
import type { UnauthenticatedCounter } from './unauthenticated.ts';

/**
 * Who asks: whom the token proves, or the user whom a service names beside its token (header `MCR-User-Assertion`).
 *
 * @throws Problem `unauthenticated`, counted; `unavailable` where the issuer's keys cannot be had; whatever is wrong with
 *   an assertion, accounted for as the service's own request
 */
export async function authenticate(
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
  request: FastifyRequest,
): Promise<Caller> {
  const caller = await provenByToken(services, unauthenticated, request);
  const assertion = request.headers['mcr-user-assertion'];
  if (assertion === undefined) return caller;
  try {
    return await services.assertions.userOf(caller, String(assertion), services.disclosure.now());
  } catch (error) {
    const about = { ...accountOf(request, caller), what: attempted(request) };
    throw await recordRejected(services.disclosure, about, error);
  }
}

async function provenByToken(
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
  request: FastifyRequest,
): Promise<Caller> {
  try {
    return await services.tokens.verify(request.headers.authorization, services.disclosure.now());
  } catch (error) {
    if (error instanceof Problem && error.kind === 'unauthenticated') {
      unauthenticated.count(clientAddress(request), error.detail.reason ?? 'unauthenticated');
    }
    throw error;
  }
}

/** Who asked and how it came, as the account of any outcome keeps it. */
export function accountOf(request: FastifyRequest, caller: Caller): Omit<RejectedRequest, 'what'> {
  const rawRequest = rawRequestOf(request);
  const trace = traceOf(request);
  return {
    caller,
    requestId: request.id,
    ...(trace === undefined ? {} : { trace }),
    clientAddress: clientAddress(request),
    rawRequest,
  };
}

const WRITES: Readonly<Record<string, RejectedRequest['what']>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * What was attempted, as far as method and address tell. A type that is only read has no search by POST: what is sent
 * there was meant as one all the same. Whatever else only asks (GET, HEAD, OPTIONS) is a read or a search.
 */
export function attempted(request: FastifyRequest): RejectedRequest['what'] {
  const [path = ''] = (request.raw.url ?? '').split('?');
  const [, operation] =
    /\/\$(everything|match|summary|validate|explain-access|as-seen|declare-relationship)$/.exec(path) ?? [];
  if (operation !== undefined) return operation as RejectedRequest['what'];
  if (path === '/fhir' || path === '/fhir/') return 'batch';
  const [search, read] = path.startsWith('/fhir/AuditEvent')
    ? (['audit-search', 'audit-read'] as const)
    : (['search-type', 'read'] as const);
  if (request.method === 'POST' && path.endsWith('/_search')) return search;
  return WRITES[request.method] ?? (/^\/fhir\/[A-Za-z]+\/[^/]+$/.test(path) ? read : search);
}
