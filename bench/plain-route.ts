import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as later } from 'node:timers';
import Fastify from 'fastify';
import type { Caller } from '../src/access/caller.ts';
import { TokenVerifier } from '../src/access/token.ts';
import { Journal } from '../src/audit/journal.ts';
import { readConfiguration } from '../src/config.ts';
import { recordDatabase, startDatabase } from '../src/database-start.ts';
import { packageRoot } from '../src/package-root.ts';
import { searchset } from '../src/record/bundle.ts';
import { AuditWriter } from '../src/storage/audit-writer.ts';

/*
 * What a server without rules would be: a verified token, the same rows from the same table, the same Bundle, and the same
 * account of it, durable before it is sent; nobody asks whether it may be. It measures what governance costs, and with
 * `unaudited` what the account costs. It is no part of the service and shares its parts, not its door.
 *
 * Arguments: configuration file, data folder, database URL, `audited` or `unaudited`.
 */
const [file, data, url, mode] = process.argv.slice(2);
const configuration = readConfiguration(
  { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' },
  packageRoot(),
);
const started = await startDatabase(configuration, () => {});
const database = recordDatabase(started);
const reading = {
  fetch: (address: string, init: RequestInit) => fetch(address, init),
  readFile: (path: string) => readFile(path, 'utf8'),
};
const tokens = new TokenVerifier(configuration.issuers, reading);
const committed = { batches: 0, events: 0 };
const journal = new Journal({
  service: { site: 'bench', observer: 'bench', baseUrl: configuration.fhirBase },
  writer: new AuditWriter(started.journal),
  later: (milliseconds, call) => {
    const timer = later(call, milliseconds);
    return () => clearTimeout(timer);
  },
  random: randomBytes,
  observe: (happening) => {
    if (happening.what !== 'committed') return;
    committed.batches += 1;
    committed.events += happening.events;
  },
});
await journal.start();

interface Stored {
  readonly id: string;
  readonly personId: string;
  readonly version: number;
  readonly type: number;
  readonly body: string;
}

const OPEN = `select v.resource_id::text, v.person_id::text, v.valid_from, v.type, v.body from record.resource_version v
  where v.valid_to = 9223372036854775807`;
const ONE = {
  name: 'plain-one',
  text: `${OPEN} and v.person_id = (select person_id from record.resource_key where resource_id = $1::uuid)
    and v.resource_id = $1::uuid`,
};
const ALL = { name: 'plain-all', text: `${OPEN} and v.person_id = $1::uuid` };

async function stored(statement: typeof ONE, id: string): Promise<readonly Stored[]> {
  const rows = await database.read(statement, [id]);
  return rows.map(([key, person, version, type, body]) => ({
    id: String(key),
    personId: String(person),
    version: Number(version),
    type: Number(type),
    body: String(body),
  }));
}

async function account(
  caller: Caller,
  what: 'read' | 'everything',
  rows: readonly Stored[],
  path: string,
  requestId: string,
): Promise<void> {
  if (mode !== 'audited') return;
  const [first] = rows;
  await journal.append({
    occurrence: {
      id: randomUUID(),
      at: Date.now(),
      requestId,
      what,
      caller,
      clientAddress: '127.0.0.1',
      ...(first === undefined
        ? {}
        : { personId: first.personId, resource: `${path}/_history/${first.version}` }),
      rawRequest: `GET ${path}`,
      outcome: { code: '0' },
    },
    released: rows.map(({ id, version, body }) => ({ madeOf: [{ id, version }], text: body })),
    publication: 1,
  });
}

const app = Fastify({ logger: false });
app.get('/fhir/:type/:id', async (request, reply) => {
  const { type, id } = request.params as { readonly type: string; readonly id: string };
  const caller = await tokens.verify(request.headers.authorization, Date.now());
  const rows = await stored(ONE, id);
  const [row] = rows;
  if (row === undefined) return reply.code(404).send();
  await account(caller, 'read', rows, `${type}/${id}`, request.id);
  return reply
    .header('cache-control', 'no-store')
    .type('application/fhir+json; charset=utf-8')
    .send(row.body);
});
app.get('/fhir/Patient/:id/$everything', async (request, reply) => {
  const { id } = request.params as { readonly id: string };
  const caller = await tokens.verify(request.headers.authorization, Date.now());
  const rows = await stored(ALL, id);
  const body = searchset({
    baseUrl: configuration.fhirBase,
    self: `Patient/${id}/$everything`,
    total: rows.length,
    entries: rows.map((row) => ({
      type: String(row.type),
      id: row.id,
      body: row.body,
      mode: 'match' as const,
    })),
    issues: [],
    now: Date.now(),
  });
  await account(caller, 'everything', rows, `Patient/${id}`, request.id);
  return reply.header('cache-control', 'no-store').type('application/fhir+json; charset=utf-8').send(body);
});
app.get('/committed', () => committed);
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
process.stdout.write(`${typeof address === 'object' ? (address?.port ?? 0) : 0}\n`);
