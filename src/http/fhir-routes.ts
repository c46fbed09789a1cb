import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { SERVED_NAMES } from '../fhir/served.ts';
import { recordRejected } from '../record/rejected.ts';
import { Answering } from './answering.ts';
import type { Question } from './asks.ts';
import { conformanceRoutes } from './conformance-routes.ts';
import { interactionsOf, VERSIONED } from './interactions.ts';
import { accountOf, attempted, authenticate } from './known-caller.ts';
import { capabilityStatement } from './metadata.ts';
import { negotiate } from './negotiation.ts';
import { type CountRequest, operationRoutes } from './operation-routes.ts';
import { pairsOf } from './query.ts';
import { sendFhir } from './send.ts';
import type { HttpServices } from './services.ts';
import { smartConfiguration } from './smart.ts';
import type { UnauthenticatedCounter } from './unauthenticated.ts';

/** FHIR R4 REST (http.html): reads, versions, histories, searches, operations, batches, metadata. View-only: writes answer 405. */
export async function fhirRoutes(
  app: FastifyInstance,
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
  countRequest: CountRequest,
): Promise<void> {
  publicRoutes(app, services);
  conformanceRoutes(app, services);
  const answering = new Answering(services, unauthenticated);
  for (const type of SERVED_NAMES) {
    byGet(app, answering, `/${type}/:id`, ({ id }) => ({ interaction: 'read', type, id }));
    if (!interactionsOf(type).includes('search-type')) continue;
    byGet(app, answering, `/${type}`, () => ({ interaction: 'search-type', type }));
    app.post(`/${type}/_search`, { config: { policy: 'disclosed' } }, (request, reply) =>
      answering.answer(request, reply, { interaction: 'search-type', type }),
    );
  }
  for (const type of VERSIONED) {
    byGet(app, answering, `/${type}/:id/_history`, ({ id }) => ({
      interaction: 'history-instance',
      type,
      id,
    }));
    byGet(app, answering, `/${type}/:id/_history/:version`, ({ id, version }) => ({
      interaction: 'vread',
      type,
      id,
      version,
    }));
  }
  for (const interaction of ['everything', 'summary', 'as-at'] as const) {
    byGet(app, answering, `/Patient/:id/$${interaction}`, ({ id }) => ({ interaction, type: 'Patient', id }));
  }
  byGet(app, answering, '/AuditEvent/:id/$as-seen', ({ id }) => ({
    interaction: 'as-seen',
    type: 'AuditEvent',
    id,
  }));
  await app.register(async (scope) => operationRoutes(scope, services, answering, countRequest));
  refuseWrites(app, services, unauthenticated);
  refuseUnknown(app, services, unauthenticated);
}

interface Params {
  readonly id: string;
  readonly version: string;
}

function byGet(
  app: FastifyInstance,
  answering: Answering,
  url: string,
  question: (params: Params) => Omit<Question, 'query'>,
): void {
  app.get<{ Params: Params }>(url, { config: { policy: 'disclosed' } }, (request, reply) =>
    answering.answer(request, reply, question(request.params)),
  );
}

function publicRoutes(app: FastifyInstance, services: HttpServices): void {
  const open = { config: { policy: 'public' } } as const;
  const started = new Date(services.disclosure.now()).toISOString();
  const capability = JSON.stringify(
    capabilityStatement(
      services.disclosure.baseUrl,
      services.version,
      started,
      services.cors.length > 0,
      services.conformance,
    ),
  );
  const smart = JSON.stringify(smartConfiguration(services.smart));
  app.get('/metadata', open, async (request, reply) => {
    const format = negotiate(request.headers.accept, pairsOf(request));
    return sendFhir(reply, capability, format);
  });
  app.get('/.well-known/smart-configuration', open, async (_request, reply) =>
    reply.header('access-control-allow-origin', '*').type('application/json').send(smart),
  );
}

/** Writes are refused before their body is looked at; those of a known caller are accounted for like any refusal. */
function refuseWrites(
  app: FastifyInstance,
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
): void {
  const refuse = async (request: FastifyRequest): Promise<never> => {
    const caller = await authenticate(services, unauthenticated, request);
    const about = accountOf(request, caller);
    const problem = new Problem(
      'method-not-allowed',
      'The record is view-only: correct an entry at its source.',
    );
    throw await recordRejected(services.disclosure, { ...about, what: attempted(request) }, problem);
  };
  const refused = { config: { policy: 'refused' }, onRequest: refuse, handler: refuse } as const;
  for (const type of SERVED_NAMES) {
    for (const url of [`/${type}`, `/${type}/:id`]) {
      app.route({ method: ['POST', 'PUT', 'PATCH', 'DELETE'], url, ...refused });
    }
  }
}

/** What is no address of ours: 404 to everybody, and of a known caller an event, like any other refusal. */
function refuseUnknown(
  app: FastifyInstance,
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
): void {
  app.setNotFoundHandler(async (request) => {
    const problem = new Problem('not-found', 'There is no such resource.');
    const caller = await authenticate(services, unauthenticated, request).catch(() => undefined);
    if (caller === undefined) throw problem;
    const about = { ...accountOf(request, caller), what: attempted(request) };
    throw await recordRejected(services.disclosure, about, problem);
  });
}
