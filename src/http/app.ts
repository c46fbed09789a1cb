import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { compressLarge } from './compression.ts';
import { allowOrigins } from './cors.ts';
import { docsRoutes } from './docs.ts';
import { EarlyRefusals } from './early-refusals.ts';
import { answerProblem, errorDoor } from './error-door.ts';
import { fhirRoutes } from './fhir-routes.ts';
import { healthRoutes } from './health.ts';
import { applyPreferences } from './prefer.ts';
import { FORM_LIMIT, takeForms } from './request-body.ts';
import { requireRoutePolicies } from './route-policy.ts';
import type { HttpServices } from './services.ts';
import { refuseAmbiguous, requestIdOf } from './strict-request.ts';
import { nameRequest } from './trace.ts';
import { UnauthenticatedCounter } from './unauthenticated.ts';

/**
 * The HTTP edge, without a port. It serialises only what `disclose` released, and problems.
 * The caller listens, and closes it.
 */
export async function buildApp(services: HttpServices): Promise<FastifyInstance> {
  const unauthenticated = new UnauthenticatedCounter(services.account, services.disclosure.randomUUID);
  const door = errorDoor(services, new EarlyRefusals(services, unauthenticated));
  const app = Fastify({
    logger: false,
    bodyLimit: FORM_LIMIT,
    trustProxy: services.proxies.length > 0 ? [...services.proxies] : false,
    requestTimeout: 20_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: {
      ignoreTrailingSlash: false,
      caseSensitive: true,
      maxParamLength: 256,
      querystringParser: () => ({}),
    },
    genReqId: (raw) => requestIdOf(raw.headers['x-request-id'], services.disclosure.randomUUID),
    frameworkErrors: (error, request, reply) => void door(error, request, reply),
  });
  requireRoutePolicies(app);
  takeForms(app);
  app.setErrorHandler(door);
  app.setNotFoundHandler((request, reply) => answerProblem(notHere(request), request, reply));
  app.addHook('onRequest', async (request) => refuseAmbiguous(request));
  app.addHook('onSend', async (request, reply) => nameRequest(request, reply));
  app.addHook('onResponse', async (request, reply) => {
    services.logRequest({
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      requestId: request.id,
    });
  });
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
  await app.register(underPressure, {
    maxEventLoopDelay: services.limits.eventLoopDelayMs,
    exposeStatusRoute: false,
  });
  await app.register(rateLimit, {
    max: services.limits.requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => request.ip,
    errorResponseBuilder: (_request, context) => tooManyRequests(context.ttl),
  });
  const everyMinute = setInterval(() => void unauthenticated.flush(services.disclosure.now()), 60_000);
  everyMinute.unref();
  app.addHook('onClose', async () => {
    clearInterval(everyMinute);
    await unauthenticated.flush(services.disclosure.now());
  });
  healthRoutes(app, services);
  await docsRoutes(app, services);
  await app.register(
    async (scope) => {
      await allowOrigins(scope, services.cors);
      await compressLarge(scope);
      applyPreferences(scope);
      await fhirRoutes(scope, services, unauthenticated, countRequests(app));
    },
    { prefix: '/fhir' },
  );
  return app;
}

/** Counts one more request of the same address, against the limit that requests themselves are counted against. */
function countRequests(app: FastifyInstance): (request: FastifyRequest) => Promise<void> {
  const count = app.createRateLimit();
  return async (request) => {
    const counted = await count(request);
    if (!counted.isAllowed && counted.isExceeded) throw tooManyRequests(counted.ttl);
  };
}

/** @param milliseconds until the minute is over */
function tooManyRequests(milliseconds: number): Problem {
  return new Problem('throttled', 'Too many requests. Wait before trying again.', {
    retryAfter: Math.ceil(milliseconds / 1000),
  });
}

function notHere(request: FastifyRequest): Problem {
  return request.url.startsWith('/fhir')
    ? new Problem('not-found', 'There is no such resource.')
    : new Problem('not-found', 'There is nothing at this address.');
}
