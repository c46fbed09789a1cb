import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { FORMAT, ID, valuesNamed } from '../fhir/search/common.ts';
import { type ParsedParameter, parameterTable, type SearchValue } from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import { searchset } from '../record/bundle.ts';
import type { ConformanceResource } from './conformance.ts';
import { pairsOf } from './query.ts';
import { READ_TABLE } from './searches.ts';
import type { HttpServices } from './services.ts';
import { requireJson } from './strict-request.ts';

const FHIR_JSON = 'application/fhir+json; charset=utf-8';
const STATUS_SYSTEM = 'http://hl7.org/fhir/publication-status';

const CONFORMANCE_TABLE = parameterTable(
  ID,
  { name: 'url', type: 'uri', multiple: false },
  { name: 'name', type: 'string', multiple: false },
  { name: 'version', type: 'token', multiple: false },
  { name: 'status', type: 'token', multiple: false },
  FORMAT,
);

/**
 * Our own profiles, code systems and value sets: read, and search by `url`, `_id`, `name`, `version` and `status`. They
 * are for anybody, like the CapabilityStatement that names them: nothing in them is about a person.
 */
export function conformanceRoutes(app: FastifyInstance, services: HttpServices): void {
  const open = { config: { policy: 'public' } } as const;
  const { conformance, disclosure } = services;
  for (const type of new Set(conformance.map((resource) => resource.type))) {
    const resources = conformance.filter((resource) => resource.type === type);
    app.get(`/${type}`, open, async (request, reply) => {
      const search = understood(request, CONFORMANCE_TABLE);
      const found = resources.filter((resource) => search.every((asked) => matches(resource, asked)));
      const body = searchset({
        baseUrl: disclosure.baseUrl,
        self: selfOf(type, request),
        total: found.length,
        entries: found,
        issues: [],
        now: disclosure.now(),
      });
      return reply.type(FHIR_JSON).send(body);
    });
    app.get<{ Params: { id: string } }>(`/${type}/:id`, open, async (request, reply) => {
      understood(request, READ_TABLE);
      const found = resources.find(({ id }) => id === request.params.id);
      if (found === undefined) throw new Problem('not-found', 'There is no such resource.');
      return reply.type(FHIR_JSON).send(found.body);
    });
  }
}

function understood(request: FastifyRequest, table: typeof CONFORMANCE_TABLE): readonly ParsedParameter[] {
  const search = parseSearch(pairsOf(request), table, { base: '' });
  const [format] = valuesNamed(search, FORMAT.name);
  requireJson(request.headers.accept, format?.kind === 'string' ? format.text : undefined);
  return search;
}

/** Only parameters that were understood get this far: the self link repeats them all. */
function selfOf(type: string, request: FastifyRequest): string {
  const query = pairsOf(request)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
  return query === '' ? type : `${type}?${query}`;
}

function matches(resource: ConformanceResource, { name, values }: ParsedParameter): boolean {
  return name === FORMAT.name || values.some((value) => matchesOne(resource, name, value));
}

function matchesOne(resource: ConformanceResource, name: string, value: SearchValue): boolean {
  switch (value.kind) {
    case 'id':
      return resource.id === value.id;
    case 'uri':
      return resource.url === value.uri;
    case 'string':
      return folded(resource.name).startsWith(folded(value.text));
    case 'token':
      return name === 'status'
        ? resource.status === value.code && (value.system ?? STATUS_SYSTEM) === STATUS_SYSTEM
        : resource.version === value.code && (value.system ?? '') === '';
    default:
      return false;
  }
}

/** R4 search.html, string: without regard to case and accents. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
