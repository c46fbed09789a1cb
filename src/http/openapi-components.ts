/** What the OpenAPI document refers to from everywhere: parameters, schemas, answers. */

export type Json = Readonly<Record<string, unknown>>;

export const FHIR_JSON = 'application/fhir+json';

function query(name: string, description: string, schema: Json = { type: 'string' }): Json {
  return { name, in: 'query', description, schema };
}

function path(name: string, description: string): Json {
  return {
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', pattern: '^[A-Za-z0-9\\-.]{1,64}$' },
  };
}

export const COMPONENTS: Json = {
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'SMART on FHIR access token.',
    },
  },
  parameters: {
    id: path('id', 'The id that the service gave the resource.'),
    version: path('version', 'meta.versionId of the version.'),
    userAssertion: {
      name: 'MCR-User-Assertion',
      in: 'header',
      required: false,
      description:
        "Beside a service's own token: whom it asks for, as a JWS signed with its registered key, good for one request (docs/api.md).",
      schema: { type: 'string' },
    },
    page: query('_page', 'The token of a next link: beside it no other condition.'),
    _count: query('_count', 'Entries a page, at most 1,000; 0 asks for the total alone.', {
      type: 'integer',
      minimum: 0,
    }),
    _format: query('_format', 'json, in one of its names.'),
    _pretty: query('_pretty', 'true: indented.', { type: 'boolean' }),
    _summary: query('_summary', 'How much of each resource.', {
      type: 'string',
      enum: ['true', 'text', 'data', 'count', 'false'],
    }),
    _total: query('_total', 'Whether to count.', { type: 'string', enum: ['none', 'estimate', 'accurate'] }),
    _since: query('_since', 'Stored at this instant or later.'),
  },
  schemas: {
    Resource: {
      type: 'object',
      description: 'A FHIR R4 resource: http://hl7.org/fhir/R4/resourcelist.html',
      required: ['resourceType'],
      properties: { resourceType: { type: 'string' } },
    },
  },
  responses: {
    Refused: {
      description:
        'An OperationOutcome that says what to do: 400, 401, 403, 404, 405, 406, 410, 413, 415, 429, 500, 503, 504.',
      content: { [FHIR_JSON]: { schema: { $ref: '#/components/schemas/Resource' } } },
    },
  },
};
