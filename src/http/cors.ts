import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** Seconds that a browser may remember what it may send. */
const REMEMBERED = 600;

/**
 * Lets pages of the listed origins read what they are answered (Fetch Standard, CORS): exactly these, compared whole.
 * A page has to bring its token, since no credentials of the browser are taken. Any other origin, `null` too, is
 * answered as though there were no list (attack catalogue H-06). A preflight is answered before anything else is asked.
 *
 * For a scope, before its routes.
 */
export async function allowOrigins(scope: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  const allowed = new Set(origins);
  await scope.register(cors, {
    origin: (origin, answer) => answer(null, origin !== undefined && allowed.has(origin) ? origin : false),
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Accept', 'Prefer', 'X-Request-Id', 'traceparent'],
    exposedHeaders: ['X-Request-Id', 'Last-Modified', 'traceparent', 'Location', 'X-Audit-Receipt'],
    credentials: false,
    maxAge: REMEMBERED,
    strictPreflight: false,
  });
}
