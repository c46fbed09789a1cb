import type { FastifyInstance } from 'fastify';
import type { HttpServices } from './services.ts';

/** `/livez`: the process runs. `/readyz`: it can answer. `/metrics`: figures. `/loads`: sources and their loads. None holds personal data. */
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
  app.get('/loads', { config }, async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type('application/json')
      .send({ sources: await services.loads() }),
  );
}
