import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';
import { SERVED_NAMES, type ServedTypeName } from '../fhir/served.ts';
import { disclose } from '../record/disclose.ts';
import { type RejectedRequest, recordRejected } from '../record/rejected.ts';
import { askOfEverything, askOfPage, askOfRead, askOfSearch, type Understood } from './asks.ts';
import { conformanceRoutes } from './conformance-routes.ts';
import { capabilityStatement } from './metadata.ts';
import { pairsOf, rawRequestOf } from './query.ts';
import { SEARCHES } from './searches.ts';
import type { HttpServices } from './services.ts';
import { smartConfiguration } from './smart.ts';
import { clientAddress, requireJson, requiresComplete } from './strict-request.ts';
import type { UnauthenticatedCounter } from './unauthenticated.ts';

const FHIR_JSON = 'application/fhir+json; charset=utf-8';

/** FHIR R4 REST (http.html): read, search-type by GET and POST, `$everything`, metadata. View-only: writes answer 405. */
export function fhirRoutes(
  app: FastifyInstance,
  services: HttpServices,
  unauthenticated: UnauthenticatedCounter,
): void {
  publicRoutes(app, services);
  conformanceRoutes(app, services);
  const answer = discloser(services, unauthenticated);
  const disclosed = { config: { policy: 'disclosed' } } as const;
  for (const type of SERVED_NAMES) {
    app.get<{ Params: { id: string } }>(`/${type}/:id`, disclosed, (request, reply) =>
      answer(request, reply, 'read', (pairs) => askOfRead(type, request.params.id, pairs)),
    );
    if (SEARCHES[type] !== undefined) searchRoutes(app, type, answer, services);
  }
  app.get<{ Params: { id: string } }>('/Patient/:id/$everything', disclosed, (request, reply) =>
    answer(request, reply, 'everything', (pairs, caller) =>
      askOfEverything(services, caller, request.params.id, pairs),
    ),
  );
  refuseWrites(app, services, unauthenticated);
  refuseUnknown(app, services, unauthenticated);
}

function publicRoutes(app: FastifyInstance, services: HttpServices): void {
  const open = { config: { policy: 'public' } } as const;
  const started = new Date(services.disclosure.now()).toISOString();
  const capability = JSON.stringify(
    capabilityStatement(services.disclosure.baseUrl, services.version, started),
  );
  const smart = JSON.stringify(smartConfiguration(services.smart));
  app.get('/metadata', open, async (request, reply) => {
    requireJson(request.headers.accept, formatOf(pairsOf(request)));
    return reply.type(FHIR_JSON).send(capability);
  });
  app.get('/.well-known/smart-configuration', open, async (_request, reply) =>
    reply.header('access-control-allow-origin', '*').type('application/json').send(smart),
  );
}

type Answer = (
  request: FastifyRequest,
  reply: FastifyReply,
  what: RejectedRequest['what'],
  understand: (pairs: readonly (readonly [string, string])[], caller: Caller) => Understood,
) => Promise<FastifyReply>;

function searchRoutes(
  app: FastifyInstance,
  type: ServedTypeName,
  answer: Answer,
  services: HttpServices,
): void {
  const disclosed = { config: { policy: 'disclosed' } } as const;
  const understand = (pairs: readonly (readonly [string, string])[], caller: Caller): Understood =>
    askOfPage(services, caller, pairs, type) ?? askOfSearch(type, pairs, services.disclosure.baseUrl);
  app.get(`/${type}`, disclosed, (request, reply) => answer(request, reply, 'search-type', understand));
  app.post(`/${type}/_search`, disclosed, (request, reply) =>
    answer(request, reply, 'search-type', understand),
  );
}

/** Token, question, disclosure, answer: the same five lines for every interaction. */
function discloser(services: HttpServices, unauthenticated: UnauthenticatedCounter): Answer {
  return async (request, reply, what, understand) => {
    const caller = await authenticate(services, unauthenticated, request);
    const about = accountOf(request, caller);
    let understood: Understood;
    try {
      const pairs = pairsOf(request);
      requireJson(request.headers.accept, formatOf(pairs));
      understood = understand(pairs, caller);
    } catch (error) {
      throw await recordRejected(services.disclosure, { ...about, what }, error);
    }
    const requireComplete = requiresComplete(request.headers['prefer']);
    const released = await disclose(services.disclosure, { ...about, ...understood, requireComplete });
    return reply.header('cache-control', 'no-store').type(FHIR_JSON).send(released.send());
  };
}

async function authenticate(
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
function accountOf(request: FastifyRequest, caller: Caller): Omit<RejectedRequest, 'what'> {
  const rawRequest = rawRequestOf(request);
  return { caller, requestId: request.id, clientAddress: clientAddress(request), rawRequest };
}

/** `_format` beats Accept (R4 http.html, content types). */
function formatOf(pairs: readonly (readonly [string, string])[]): string | undefined {
  return pairs.find(([name]) => name === '_format')?.[1];
}

const WRITES: Readonly<Record<string, RejectedRequest['what']>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** A type that is only read has no search by POST: what is sent there was meant as one all the same. */
function attempted(request: FastifyRequest): RejectedRequest['what'] {
  const [path = ''] = (request.raw.url ?? '').split('?');
  if (request.method === 'POST' && path.endsWith('/_search')) return 'search-type';
  return WRITES[request.method] ?? 'update';
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
      app.route({ method: Object.keys(WRITES), url, ...refused });
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
    const what = request.method === 'GET' ? 'search-type' : attempted(request);
    throw await recordRejected(services.disclosure, { ...accountOf(request, caller), what }, problem);
  });
}
