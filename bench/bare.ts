import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

/** The reference: a Fastify route that sends the same bytes from memory, to anybody, with nothing in between. */
const body = readFileSync(process.argv[2] ?? '', 'utf8');
const app = Fastify({ logger: false });
app.get('/*', (_request, reply) => {
  reply.header('cache-control', 'no-store').type('application/fhir+json; charset=utf-8').send(body);
});
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
process.stdout.write(`${typeof address === 'object' ? (address?.port ?? 0) : 0}\n`);
