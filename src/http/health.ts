import type { FastifyInstance } from 'fastify';
import { LOADS_PAGE_POLICY, loadsPage, wantsPage } from './loads-page.ts';
import type { HttpServices } from './services.ts';

/** `/livez`: the process runs. `/readyz`: it can answer. `/metrics`: figures. `/loads`: sources and their loads, for a browser as a page. None holds personal data. */
export function healthRoutes(app: FastifyInstance, services: HttpServices): void {
  const config = { policy: 'operations' } as const;
  app.get('/livez', { config }, async (_request, reply) => reply.type('text/plain').send('alive\n'));
  app.get('/readyz', { config }, async (_request, reply) => {
    const missing = await services.unready();
    const ready = missing.length === 0;
    return reply
      .code(ready ? 200 : 503)
      .type('application/json')
      .send({ ready, missing });
  });
  app.get('/metrics', { config }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await services.metrics()),
  );
  app.get('/loads', { config }, async (request, reply) => {
    const sources = await services.loads();
    reply.header('cache-control', 'no-store').header('vary', 'accept');
    if (!wantsPage(request.headers.accept)) return reply.type('application/json').send({ sources });
    return reply
      .header('content-security-policy', LOADS_PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(loadsPage(sources, services.disclosure.now()));
  });
}
