import type { FastifyReply, FastifyRequest } from 'fastify';

/** W3C Trace Context, version 00: trace id, parent id, flags. Ids of zeros alone are none. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** @returns the request's `traceparent` as it came; undefined where it is not valid, or there are several */
export function traceOf(request: FastifyRequest): string | undefined {
  const header = request.headers['traceparent'];
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}

/** What both sides find the same request by, on every answer. */
export function nameRequest(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  const trace = traceOf(request);
  if (trace !== undefined) reply.header('traceparent', trace);
}
