/** JSON Schema of the configuration file. Unknown members are faults: a misspelt rule is a rule that is not there. */

const text = { type: 'string', minLength: 1 } as const;
const day = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' } as const;
const texts = { type: 'array', items: text } as const;

const days = {
  type: 'object',
  additionalProperties: false,
  required: ['from'],
  properties: { from: day, to: day },
} as const;

const classes = {
  type: 'array',
  items: {
    enum: [
      'demographics',
      'problems',
      'allergies',
      'medicines',
      'immunisations',
      'results',
      'encounters',
      'procedures',
      'documents',
      'plans',
      'consent',
      'audit',
    ],
  },
} as const;

const role = {
  type: 'object',
  additionalProperties: false,
  required: ['classes'],
  properties: {
    classes,
    purposes: texts,
    governance: {
      enum: ['privacy-officer', 'data-protection-officer', 'subject-access', 'central-monitoring'],
    },
    mayOverrideRestriction: { type: 'boolean' },
    mayOverrideOptOut: { type: 'boolean' },
  },
} as const;

const organisation = {
  type: 'object',
  additionalProperties: false,
  required: ['code', 'system', 'name', 'sector', 'agreements', 'roles'],
  properties: {
    code: text,
    system: text,
    name: text,
    sector: { enum: ['health', 'social-care'] },
    agreements: { type: 'array', items: days },
    relationship: { enum: ['required', 'declared', 'off'] },
    declaredHours: { type: 'integer', minimum: 1, maximum: 720 },
    namesStaff: { type: 'boolean' },
    declaredFor: { enum: ['named', 'anyone'] },
    emergencyOverride: { enum: ['on', 'off'] },
    roles: {
      type: 'object',
      additionalProperties: false,
      required: ['base', 'unlisted', 'roles'],
      properties: {
        version: text,
        base: classes,
        unlisted: { enum: ['base', 'refuse'] },
        roles: { type: 'object', additionalProperties: role },
      },
    },
  },
} as const;

const sharedType = {
  type: 'object',
  additionalProperties: false,
  properties: { days, exceptCategories: texts, exceptCodes: texts, exceptElements: texts },
} as const;

const percent = { type: 'number', minimum: 0, maximum: 100 } as const;
const growth = { type: 'number', minimum: 0, maximum: 1_000_000 } as const;

/** Percentages; what is left out is as by default (`loads/guards.ts`). */
const guards = {
  type: 'object',
  additionalProperties: false,
  properties: {
    rejected: {
      type: 'object',
      additionalProperties: false,
      properties: { total: percent, type: percent },
    },
    shrink: {
      type: 'object',
      additionalProperties: false,
      properties: { total: percent, type: percent, practice: percent },
    },
    growth: {
      type: 'object',
      additionalProperties: false,
      properties: { total: growth, type: growth, practice: growth },
    },
    least: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  },
} as const;

const source = {
  type: 'object',
  additionalProperties: false,
  required: [
    'number',
    'code',
    'name',
    'organisation',
    'sector',
    'format',
    'precedence',
    'speaksFor',
    'staleAfterHours',
    'shares',
  ],
  properties: {
    number: { type: 'integer', minimum: 1, maximum: 32767 },
    code: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,40}$' },
    name: text,
    organisation: text,
    sector: { enum: ['health', 'social-care'] },
    format: { enum: ['fhir-ndjson', 'fhir-bundle', 'lcs-csv', 'mapped-csv'] },
    mapping: text,
    precedence: { type: 'integer', minimum: 1 },
    registers: { type: 'boolean' },
    speaksFor: { type: 'array', items: { enum: ['health', 'social-care'] } },
    staleAfterHours: { type: 'number', exclusiveMinimum: 0 },
    expectedBy: { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' },
    expectedOn: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] },
    },
    shares: { type: 'object', additionalProperties: sharedType },
    guards,
  },
} as const;

/** What an issuer's entry holds is checked by `access/issuer-faults.ts`. */
const issuer = { type: 'object', required: ['issuer', 'audience', 'keys'] } as const;

export const CONFIGURATION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['mode', 'organisations', 'sources', 'issuers'],
  properties: {
    mode: { enum: ['demo', 'production'] },
    listen: {
      type: 'object',
      additionalProperties: false,
      properties: { host: text, port: { type: 'integer', minimum: 0, maximum: 65535 } },
    },
    fhirBase: { type: 'string', pattern: '^https?://[^/?#]+(/[^?#]*[^/?#])?$' },
    tlsProxy: texts,
    cors: texts,
    dataFolder: text,
    database: {
      type: 'object',
      additionalProperties: false,
      properties: {
        url: text,
        journalUrl: text,
        auditorUrl: text,
        ownerUrl: text,
        retentionUrl: text,
        systemBinaries: { type: 'boolean' },
      },
    },
    secrets: {
      type: 'object',
      additionalProperties: false,
      required: ['resourceIds', 'staffNumbers', 'pageTokens'],
      properties: { resourceIds: text, staffNumbers: text, pageTokens: text },
    },
    organisations: { type: 'array', minItems: 1, items: organisation },
    sources: { type: 'array', minItems: 1, items: source },
    optOutHides: { type: 'array', items: { enum: ['health', 'social-care'] }, contains: { const: 'health' } },
    testNumbers: { enum: ['allow', 'refuse'] },
    issuers: { type: 'array', minItems: 1, items: issuer },
    authorizationServer: {
      type: 'object',
      additionalProperties: false,
      required: ['issuer', 'tokenEndpoint'],
      properties: { issuer: text, tokenEndpoint: text, jwksUri: text },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: {
        requestsPerMinute: { type: 'integer', minimum: 1 },
        deadlineMs: { type: 'integer', minimum: 50, maximum: 30000 },
        auditSearchMs: { type: 'integer', minimum: 1, maximum: 30000 },
        eventLoopDelayMs: { type: 'integer', minimum: 100, maximum: 60000 },
        peoplePerUserHour: { type: 'integer', minimum: 1 },
        peoplePerClientHour: { type: 'integer', minimum: 1 },
      },
    },
    loads: {
      type: 'object',
      additionalProperties: false,
      properties: {
        certificateKey: text,
        heldDays: { type: 'integer', minimum: 1, maximum: 365 },
        rejectDays: { type: 'integer', minimum: 1, maximum: 3650 },
        inbox: {
          type: 'object',
          additionalProperties: false,
          required: ['folder'],
          properties: {
            folder: text,
            quietSeconds: { type: 'integer', minimum: 1, maximum: 3600 },
            patienceMinutes: { type: 'integer', minimum: 1, maximum: 1440 },
            keepDays: { type: 'integer', minimum: 1, maximum: 365 },
            everySeconds: { type: 'integer', minimum: 1, maximum: 3600 },
          },
        },
      },
    },
    audit: {
      type: 'object',
      additionalProperties: false,
      properties: {
        checkpointKey: text,
        keys: text,
        witnesses: {
          type: 'array',
          items: {
            oneOf: ['file', 'folder'].map((member) => ({
              type: 'object',
              additionalProperties: false,
              required: [member],
              properties: { [member]: text },
            })),
          },
        },
        everySeconds: { type: 'integer', minimum: 1, maximum: 3600 },
        retentionMonths: { type: 'integer', minimum: 12, maximum: 1200 },
      },
    },
    logLevel: { enum: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] },
  },
} as const;
