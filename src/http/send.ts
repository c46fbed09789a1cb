import type { FastifyReply } from 'fastify';
import { indented } from '../fhir/indent.ts';
import type { Released } from '../record/disclose.ts';
import type { AnswerFormat } from './negotiation.ts';

/** Sends JSON of a resource as the client asked for it. */
export function sendFhir(reply: FastifyReply, json: string, format: AnswerFormat): FastifyReply {
  return reply.type(format.contentType).send(format.pretty ? indented(json) : json);
}

/**
 * Sends what was released. `Last-Modified` says what `meta.lastUpdated` of the body says, in whole seconds; no validator
 * comes with it, and no condition on it is understood, so that it tells nothing of what may not be read.
 * `X-Audit-Receipt` is the hash of the account of the answer: whoever keeps it can tell whether that is still in the log.
 */
export function sendReleased(
  reply: FastifyReply,
  released: Released,
  format: AnswerFormat,
  baseUrl: string,
): FastifyReply {
  const { lastModified, next } = released;
  // RFC 8288: a table has no other place to say where it goes on
  if (next !== undefined) reply.header('link', `<${baseUrl}/${next}>; rel="next"`);
  if (lastModified !== undefined) reply.header('last-modified', new Date(lastModified).toUTCString());
  reply.header('x-audit-receipt', released.receipt);
  return sendFhir(reply.header('cache-control', 'no-store'), released.send(), format);
}
