import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { operationOutcome } from '../fhir/outcome.ts';
import { PROBLEM_TABLE, Problem } from '../fhir/problem.ts';
import type { EarlyRefusals } from './early-refusals.ts';
import { formatOfError } from './negotiation.ts';
import { SEARCHES } from './searches.ts';
import { sendFhir } from './send.ts';
import type { HttpServices } from './services.ts';
import { nameRequest } from './trace.ts';

/** What Fastify itself refuses, as one of our kinds. Anything else that is thrown is a defect. */
const FASTIFY: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem('too-large', 'The body is larger than this service takes.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Problem('unsupported-media', 'Searches by POST send application/x-www-form-urlencoded.'),
  FST_ERR_CTP_EMPTY_TYPE: () =>
    new Problem('unsupported-media', 'Searches by POST send application/x-www-form-urlencoded.'),
  FST_ERR_BAD_URL: () => new Problem('invalid', 'The request target is not a valid URL path.'),
  FST_ERR_MAX_PARAM_LENGTH: () => new Problem('invalid', 'The request target is too long.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new Problem('invalid', 'The body is not as long as was said.'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Problem('invalid', 'The body is not valid.'),
  FST_UNDER_PRESSURE: () =>
    new Problem('unavailable', 'The service is busy. Try again shortly.', { retryAfter: 5 }),
};

/** What Fastify refuses before it looks for a route, or at anything of a request. */
const BEFORE: Readonly<Record<string, 'address' | 'busy'>> = {
  FST_ERR_BAD_URL: 'address',
  FST_ERR_MAX_PARAM_LENGTH: 'address',
  FST_UNDER_PRESSURE: 'busy',
};

/**
 * The one place where a failure becomes an answer: an OperationOutcome, without detail of ours or of anybody. What was
 * refused before a route saw it is accounted for here.
 */
export function errorDoor(services: HttpServices, early: EarlyRefusals) {
  return async (
    error: FastifyError | Error,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    let problem = asProblem(services, error);
    try {
      problem = await early.account(problem, 'code' in error ? BEFORE[error.code] : undefined, request);
    } catch (failure) {
      problem = asProblem(services, failure instanceof Error ? failure : error);
    }
    return answerProblem(problem, request, reply);
  };
}

export function answerProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status } = PROBLEM_TABLE[problem.kind];
  if (problem.kind === 'unauthenticated') {
    const { reason = '' } = problem.detail;
    // RFC 6750, 3.1: of an assertion the token is not to blame
    const blameless = reason === 'token-missing' || reason.startsWith('assertion-');
    const error = blameless ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer realm="My Care Record"${error}`);
  }
  if (problem.kind === 'method-not-allowed') reply.header('allow', allowed(request));
  if (problem.detail.retryAfter !== undefined) reply.header('retry-after', String(problem.detail.retryAfter));
  nameRequest(request, reply);
  reply.code(status).header('cache-control', 'no-store');
  return sendFhir(reply, JSON.stringify(operationOutcome(problem)), formatOfError(request));
}

/** RFC 9110, 15.5.6: what the address takes. Searches by POST have an address of their own. */
function allowed(request: FastifyRequest): string {
  const [path = ''] = (request.raw.url ?? '').split('?');
  const [, type = ''] = /\/([A-Za-z]+)\/_search$/.exec(path) ?? [];
  return Object.hasOwn(SEARCHES, type) ? 'GET, HEAD, POST' : 'GET, HEAD';
}

function asProblem(services: HttpServices, error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error;
  const code = 'code' in error ? error.code : '';
  const known = FASTIFY[code];
  if (known !== undefined && Object.hasOwn(FASTIFY, code)) return known();
  if ('statusCode' in error && error.statusCode === 429) {
    return new Problem('throttled', 'Too many requests. Wait before trying again.', { retryAfter: 60 });
  }
  const id = services.disclosure.randomUUID();
  services.logDefect(id, error);
  return new Problem('defect', `Something went wrong here. Quote ${id} when you report it.`);
}
