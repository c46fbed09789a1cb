import type { Interaction } from '../access/ask.ts';
import { indexedParameters } from '../fhir/search/indexed.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../fhir/served.ts';
import { SEARCHES } from './searches.ts';

/**
 * What can be asked, as one table: the routes, the CapabilityStatement and the OpenAPI document are made from it, so that
 * none of them says what another does not.
 */

/** Types whose versions are kept: each read as it was, as far as it may be seen now. */
export const VERSIONED: readonly ServedTypeName[] = SERVED_NAMES.filter((type) =>
  ['clinical', 'referenced', 'directory'].includes(served(type).keeping),
);

/** Interactions of the REST API with a type; operations are apart. */
export function interactionsOf(
  type: ServedTypeName,
): readonly Exclude<
  Interaction,
  'everything' | 'match' | 'summary' | 'as-at' | 'explain-access' | 'as-seen' | 'declare-relationship'
>[] {
  return [
    'read',
    ...(VERSIONED.includes(type) ? (['vread', 'history-instance'] as const) : []),
    ...(SEARCHES[type] === undefined ? [] : (['search-type'] as const)),
  ];
}

export interface Operation {
  readonly name: string;
  /** canonical URL of its OperationDefinition */
  readonly definition: string;
  readonly types: readonly ServedTypeName[];
  readonly level: 'type' | 'instance';
  readonly methods: readonly ('GET' | 'POST')[];
  readonly documentation: string;
}

const HL7 = 'http://hl7.org/fhir/OperationDefinition';

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'everything',
    definition: `${HL7}/Patient-everything`,
    types: ['Patient'],
    level: 'instance',
    methods: ['GET', 'POST'],
    documentation:
      'The record, with the state of every source. _type, _since, start, end, _count. What has no date of care is in every period.',
  },
  {
    name: 'match',
    definition: `${HL7}/Patient-match`,
    types: ['Patient'],
    level: 'type',
    methods: ['POST'],
    documentation:
      'One certain match or none, never a list: by NHS number and birth date, or by family and given name, birth date, gender and postcode.',
  },
  {
    name: 'summary',
    definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary',
    types: ['Patient'],
    level: 'instance',
    methods: ['GET'],
    documentation: 'An International Patient Summary document of what the caller may see.',
  },
  {
    name: 'as-at',
    definition: 'https://mycarerecord.example/fhir/OperationDefinition/patient-as-at',
    types: ['Patient'],
    level: 'instance',
    methods: ['GET'],
    documentation:
      'The record as it was published at an instant, with the state of every source then, for governance with a case. instant, _type, _count.',
  },
  {
    name: 'explain-access',
    definition: 'https://mycarerecord.example/fhir/OperationDefinition/explain-access',
    types: ['AuditEvent'],
    level: 'type',
    methods: ['POST'],
    documentation:
      'For information governance, with a case number: what each rule of access made of a past request, or would make of one.',
  },
  {
    name: 'as-seen',
    definition: 'https://mycarerecord.example/fhir/OperationDefinition/as-seen',
    types: ['AuditEvent'],
    level: 'instance',
    methods: ['GET'],
    documentation:
      'For a subject access request or an incident, with its case number: what the request of an event released, each resource as it was sent, proven by what was sealed with the event.',
  },
  {
    name: 'declare-relationship',
    definition: 'https://mycarerecord.example/fhir/OperationDefinition/declare-relationship',
    types: ['Patient'],
    level: 'type',
    methods: ['POST'],
    documentation:
      'Declares that the user cares for a person: patient (id) or identifier (NHS number), reason, hours. Their organisation says whether that is enough.',
  },
  {
    name: 'validate',
    definition: `${HL7}/Resource-validate`,
    types: SERVED_NAMES,
    level: 'type',
    methods: ['POST'],
    documentation: 'Checks a resource as a load checks a row. Nothing of it is kept.',
  },
];

/** References along which something can come with a type: `Type:parameter`. */
export function includesOf(type: ServedTypeName): readonly string[] {
  if (SEARCHES[type] === undefined || type === 'AuditEvent') return [];
  const beyond = (target: ServedTypeName): boolean =>
    served(type).keeping === 'directory' && served(target).keeping !== 'directory';
  return referenceParameters(type)
    .filter(({ targets }) => targets.some((target) => !beyond(target)))
    .map(({ name }) => `${type}:${name}`);
}

/** References of other types along which they come with a type. */
export function revIncludesOf(type: ServedTypeName): readonly string[] {
  const { keeping } = served(type);
  if (SEARCHES[type] === undefined || keeping === 'directory' || type === 'AuditEvent') return [];
  return SERVED_NAMES.filter(
    (source) => served(source).keeping !== 'directory' && source !== 'AuditEvent',
  ).flatMap((source) =>
    referenceParameters(source)
      .filter(({ targets }) => targets.includes(type))
      .map(({ name }) => `${source}:${name}`),
  );
}

function referenceParameters(
  type: ServedTypeName,
): readonly { name: string; targets: readonly ServedTypeName[] }[] {
  return [...indexedParameters(type)].flatMap(([name, { type: kind, targets = [] }]) => {
    if (kind !== 'reference') return [];
    const reachable = SERVED_NAMES.filter(
      (each) => each !== 'AuditEvent' && (targets.length === 0 || targets.includes(each)),
    );
    return reachable.length === 0 ? [] : [{ name, targets: reachable }];
  });
}
