import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { FORMAT, ID, PRETTY } from '../fhir/search/common.ts';
import { foldString } from '../fhir/search/fold.ts';
import {
  type ParameterDefinition,
  type ParameterTable,
  type ParsedParameter,
  parameterTable,
  type SearchValue,
} from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import { searchset } from '../record/bundle.ts';
import type { ConformanceResource } from './conformance.ts';
import { type AnswerFormat, negotiate } from './negotiation.ts';
import { pairsOf, withQuery } from './query.ts';
import { PLAIN_TABLE } from './searches.ts';
import { sendFhir } from './send.ts';
import type { HttpServices } from './services.ts';

const STATUS_SYSTEM = 'http://hl7.org/fhir/publication-status';

/** What our own profiles and code systems are searched by. */
export const CONFORMANCE_PARAMETERS: readonly ParameterDefinition[] = [
  ID,
  { name: 'url', type: 'uri', multiple: false },
  { name: 'name', type: 'string', multiple: false },
  { name: 'version', type: 'token', multiple: false },
  { name: 'status', type: 'token', multiple: false },
];

const CONFORMANCE_TABLE = parameterTable(...CONFORMANCE_PARAMETERS, FORMAT, PRETTY);

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
      const { search, format } = understood(request, CONFORMANCE_TABLE);
      const found = resources.filter((resource) => search.every((asked) => matches(resource, asked)));
      const body = searchset({
        baseUrl: disclosure.baseUrl,
        self: withQuery(type, pairsOf(request)),
        total: found.length,
        entries: found,
        issues: [],
        now: disclosure.now(),
      });
      return sendFhir(reply, body, format);
    });
    app.get<{ Params: { id: string } }>(`/${type}/:id`, open, async (request, reply) => {
      const { format } = understood(request, PLAIN_TABLE);
      const found = resources.find(({ id }) => id === request.params.id);
      if (found === undefined) throw new Problem('not-found', 'There is no such resource.');
      return sendFhir(reply, found.body, format);
    });
  }
}

function understood(
  request: FastifyRequest,
  table: ParameterTable,
): { readonly search: readonly ParsedParameter[]; readonly format: AnswerFormat } {
  const pairs = pairsOf(request);
  const search = parseSearch(pairs, table, { base: '' });
  return { search, format: negotiate(request.headers.accept, pairs) };
}

function matches(resource: ConformanceResource, { name, values }: ParsedParameter): boolean {
  return (
    name === FORMAT.name || name === PRETTY.name || values.some((value) => matchesOne(resource, name, value))
  );
}

function matchesOne(resource: ConformanceResource, name: string, value: SearchValue): boolean {
  switch (value.kind) {
    case 'id':
      return resource.id === value.id;
    case 'uri':
      return resource.url === value.uri;
    case 'string':
      return foldString(resource.name).startsWith(foldString(value.text));
    case 'token':
      return name === 'status'
        ? resource.status === value.code && (value.system ?? STATUS_SYSTEM) === STATUS_SYSTEM
        : resource.version === value.code && (value.system ?? '') === '';
    default:
      return false;
  }
}
