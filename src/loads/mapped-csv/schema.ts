/** JSON Schema of a mapping file. What it cannot say is looked for by `mappingFaults`. */

const text = { type: 'string', minLength: 1 } as const;
const texts = { type: 'array', items: { type: 'string' }, minItems: 1 } as const;
const columns = { type: 'array', items: text, minItems: 1 } as const;
const required = { type: 'boolean' } as const;
/** Part of resources' ids. */
const name = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,19}$' } as const;

const rowTest = {
  type: 'object',
  additionalProperties: false,
  required: ['column', 'is'],
  properties: { column: text, is: texts },
} as const;

const column = {
  type: 'object',
  required: ['type'],
  properties: { type: { enum: ['text', 'code', 'number', 'date', 'boolean'] } },
  allOf: [
    {
      if: { properties: { type: { const: 'date' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        required: ['format'],
        additionalProperties: false,
        properties: { type: true, required, format: text },
      },
    },
    {
      if: { properties: { type: { const: 'boolean' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        required: ['true', 'false'],
        additionalProperties: false,
        properties: {
          type: true,
          required,
          true: texts,
          false: { type: 'array', items: { type: 'string' } },
        },
      },
    },
    {
      if: { properties: { type: { enum: ['text', 'code', 'number'] } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { additionalProperties: false, properties: { type: true, required } },
    },
  ],
} as const;

const resource = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'type', 'id', 'elements'],
  properties: {
    name,
    type: text,
    when: rowTest,
    id: columns,
    person: columns,
    nhsNumber: {
      type: 'object',
      additionalProperties: false,
      required: ['column'],
      properties: { column: text, status: text, statusMap: text },
    },
    labels: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['column', 'label'],
        properties: { column: text, label: { enum: ['restricted', 'not-for-patient'] } },
      },
    },
    elements: { type: 'object' },
  },
} as const;

const consent = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'about', 'id', 'person', 'states'],
  properties: {
    name,
    about: { enum: ['social-care', 'health-opt-out'] },
    when: rowTest,
    id: columns,
    person: columns,
    states: text,
    recorded: text,
    start: text,
    end: text,
    givenBy: text,
  },
} as const;

const codeMap = {
  type: 'object',
  additionalProperties: false,
  required: ['unmapped', 'codes'],
  properties: {
    system: text,
    unmapped: { enum: ['reject', 'text'] },
    codes: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        properties: { system: text, code: text, display: text },
      },
    },
  },
} as const;

export const MAPPING_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['title', 'tables'],
  properties: {
    title: text,
    tables: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['columns'],
        properties: {
          columns: { type: 'object', minProperties: 1, additionalProperties: column },
          otherColumns: { enum: ['refuse', 'ignore'] },
          leaveOut: rowTest,
          resources: { type: 'array', items: resource },
          consents: { type: 'array', items: consent },
        },
      },
    },
    codeMaps: { type: 'object', additionalProperties: codeMap },
  },
} as const;
