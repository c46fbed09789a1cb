import type { ParameterDefinition } from '../fhir/search/parameter.ts';
import { isServed, SERVED_NAMES, type ServedTypeName } from '../fhir/served.ts';
import { includesOf, interactionsOf, OPERATIONS, type Operation, revIncludesOf } from './interactions.ts';
import { COMPONENTS, FHIR_JSON, type Json } from './openapi-components.ts';
import { AS_AT_TABLE, EVERYTHING_TABLE, HISTORY_TABLE, readTable, SEARCHES } from './searches.ts';

/**
 * The OpenAPI 3.1 document of the service, made from the tables that the routes are made from. A test compares it with
 * the routes that are registered, and with the file under `openapi/`.
 */

/** As far as it is looked into here. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, object>>;
}

/** @param conformance types of conformance resources that are served */
export function openApiDocument(version: string, conformance: readonly string[]): OpenApi {
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'My Care Record',
      version,
      summary: "Buckinghamshire's shared, view-only health and social care record: a FHIR R4 API.",
      description:
        'Every answer about a person is decided on, audited before it leaves, and says which sources it lacks. The record is view-only. `/fhir/metadata` has the same as a CapabilityStatement.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: [
      ...SERVED_NAMES.map((name) => ({ name })),
      { name: 'system' },
      { name: 'conformance' },
      { name: 'operations' },
    ],
    paths: {
      ...systemPaths(),
      ...Object.assign({}, ...SERVED_NAMES.map(typePaths)),
      ...Object.assign({}, ...conformance.map(conformancePaths)),
      ...healthPaths(),
    },
    components: COMPONENTS,
  };
  return document;
}

function typePaths(type: ServedTypeName): Json {
  const interactions = interactionsOf(type);
  const paths: Record<string, Json> = {
    [`/fhir/${type}/{id}`]: {
      parameters: [ref('id')],
      get: operation(type, 'read', `Read a ${type}`, tableParameters(readTable(type).values())),
    },
  };
  if (interactions.includes('vread')) {
    paths[`/fhir/${type}/{id}/_history`] = {
      parameters: [ref('id')],
      get: operation(type, 'history', `Versions of a ${type}`, [
        ...tableParameters(HISTORY_TABLE.values()),
        ref('page'),
      ]),
    };
    paths[`/fhir/${type}/{id}/_history/{version}`] = {
      parameters: [ref('id'), ref('version')],
      get: operation(type, 'vread', `Read a ${type} as it was`, tableParameters(readTable(type).values())),
    };
  }
  const search = SEARCHES[type];
  if (search !== undefined) {
    const parameters = [...tableParameters(search.table.values(), type), ref('page')];
    const tables = type === 'AuditEvent' ? '; _format=csv or ndjson gives officers a table' : '';
    paths[`/fhir/${type}`] = {
      get: operation(type, 'search', `Search for ${type}${tables}`, parameters),
    };
    paths[`/fhir/${type}/_search`] = {
      post: {
        ...operation(type, 'searchByPost', `Search for ${type}, nothing of it in the address`, []),
        requestBody: {
          description: 'The parameters of the search by GET, as a form.',
          content: {
            'application/x-www-form-urlencoded': {
              schema: { type: 'object', additionalProperties: { type: 'string' } },
            },
          },
        },
      },
    };
  }
  for (const each of OPERATIONS.filter(({ types }) => types.includes(type))) {
    paths[`/fhir/${type}${each.level === 'instance' ? '/{id}' : ''}/$${each.name}`] = operationPath(
      type,
      each,
    );
  }
  return paths;
}

function operationPath(type: ServedTypeName, { name, level, methods, documentation }: Operation): Json {
  const table = { everything: EVERYTHING_TABLE, 'as-at': AS_AT_TABLE }[name];
  const parameters =
    table === undefined
      ? [ref('_format'), ref('_pretty')]
      : [...tableParameters(table.values()), ref('page')];
  const path: Record<string, unknown> = level === 'instance' ? { parameters: [ref('id')] } : {};
  if (methods.includes('GET')) path['get'] = operation(type, name, documentation, parameters);
  if (methods.includes('POST')) {
    path['post'] = {
      ...operation(type, `${name}ByPost`, documentation, []),
      requestBody: {
        required: true,
        content: { [FHIR_JSON]: { schema: { $ref: '#/components/schemas/Resource' } } },
      },
    };
  }
  return path;
}

function operation(tag: string, name: string, summary: string, own: readonly Json[]): Json {
  // what is of a person may be asked for a named user
  const parameters = isServed(tag) ? [...own, ref('userAssertion')] : own;
  return {
    tags: [tag],
    operationId: `${name}${tag}`,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: RESPONSES,
  };
}

const RESPONSES: Json = {
  '200': {
    description: 'The answer, audited.',
    content: { [FHIR_JSON]: { schema: { $ref: '#/components/schemas/Resource' } } },
  },
  default: { $ref: '#/components/responses/Refused' },
};

function ref(name: string): Json {
  return { $ref: `#/components/parameters/${name}` };
}

const SHARED: readonly string[] = ['_count', '_format', '_pretty', '_summary', '_total', '_since'];

function tableParameters(table: Iterable<ParameterDefinition>, type?: ServedTypeName): readonly Json[] {
  return [...table].filter(({ name }) => name !== '_has').map((definition) => parameterOf(definition, type));
}

function parameterOf(
  { name, type, suffixes = [], multiple }: ParameterDefinition,
  of: ServedTypeName | undefined,
): Json {
  if (SHARED.includes(name)) return ref(name);
  const values =
    name === '_include' && of ? includesOf(of) : name === '_revinclude' && of ? revIncludesOf(of) : [];
  const modifiers = suffixes.filter((suffix) => /^:[a-z]/.test(suffix));
  const schema = { type: 'string', ...(values.length === 0 ? {} : { examples: values }) };
  return {
    name,
    in: 'query',
    description: [
      `FHIR ${type}.`,
      ...(modifiers.length === 0 ? [] : [`Modifiers: ${modifiers.join(' ')}`]),
    ].join(' '),
    schema: multiple ? { type: 'array', items: schema } : schema,
    ...(multiple ? { style: 'form', explode: true } : {}),
  };
}

function systemPaths(): Json {
  return {
    '/fhir': {
      post: {
        ...operation('system', 'batch', 'Reads and searches together, each decided and audited on its own', [
          ref('userAssertion'),
        ]),
        requestBody: {
          required: true,
          content: { [FHIR_JSON]: { schema: { $ref: '#/components/schemas/Resource' } } },
        },
      },
    },
    '/fhir/metadata': {
      get: {
        ...operation('system', 'capabilities', 'CapabilityStatement', [ref('_format'), ref('_pretty')]),
        security: [],
      },
    },
    '/fhir/.well-known/smart-configuration': {
      get: { ...operation('system', 'smartConfiguration', 'SMART App Launch discovery', []), security: [] },
    },
  };
}

function conformancePaths(type: string): Json {
  const filter = (name: string): Json => ({ name, in: 'query', schema: { type: 'string' } });
  return {
    [`/fhir/${type}`]: {
      get: {
        ...operation('conformance', `search${type}`, `Our ${type}s`, [
          ...['url', '_id', 'name', 'version', 'status'].map(filter),
          ref('_format'),
        ]),
        security: [],
      },
    },
    [`/fhir/${type}/{id}`]: {
      parameters: [ref('id')],
      get: {
        ...operation('conformance', `read${type}`, `One of our ${type}s`, [ref('_format')]),
        security: [],
      },
    },
  };
}

function healthPaths(): Json {
  const text = (summary: string, name: string): Json => ({
    get: {
      tags: ['operations'],
      operationId: name,
      summary,
      security: [],
      responses: { '200': { description: 'No personal data.' }, default: { description: 'Not ready.' } },
    },
  });
  return {
    '/livez': text('The process runs', 'alive'),
    '/readyz': text('The service can answer', 'ready'),
    '/metrics': text('Figures for Prometheus', 'metrics'),
    '/loads': text('What each source published, and the loads that run or wait', 'loads'),
  };
}
