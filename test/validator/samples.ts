import type { DemoTokenOptions } from '../../demo/issuer.ts';
import { SERVED_NAMES, type ServedTypeName, served } from '../../src/fhir/served.ts';

/*
 * What is asked of the service, so that every kind of answer is seen by the validator. A new kind of answer is a new
 * row. Rows are asked in this order. In paths and bodies:
 *
 *   {person of showcase}           the id of a named person of the county
 *   {number of showcase}           their NHS number
 *   {id of search Condition}       the id in an earlier row's answer (of its first match)
 *   {version of search Condition}  its meta.versionId
 *   {next of first page}           the path of an earlier row's next link
 *   {Medication in search X}       the id of the first reference to a Medication in an earlier row's answer
 *   {today}                        the day, UTC
 */

export interface Sample {
  readonly name: string;
  /** rows of one kind are one line of the report */
  readonly kind: string;
  readonly as: CallerName;
  /** below the FHIR base */
  readonly path: string;
  readonly status: number;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** not built yet: a refusal to do it is no failure */
  readonly later?: true;
}

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;

/** Who asks; `self: name` is that person of the county. An impostor has a token that nobody signed. */
export const CALLERS = {
  nobody: undefined,
  impostor: undefined,
  gp: GP,
  'social worker': { kind: 'staff', organisation: 'bucks-council', role: 'social-worker', user: 'sw-asha' },
  officer: { kind: 'governance', organisation: 'mcr-ig', role: 'central-monitoring', user: 'ig-1' },
  system: { kind: 'system' },
  'gp who is staff-patient': { ...GP, organisation: 'K82001', user: 'gp-smith', notOwnRecord: false },
  'gp without a reason': { ...GP, reason: ' ' },
  'self: showcase': { kind: 'patient' },
  'self: labelled': { kind: 'patient' },
  'self: opted-out': { kind: 'patient' },
} as const satisfies Readonly<Record<string, DemoTokenOptions | undefined>>;

export type CallerName = keyof typeof CALLERS;

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const FHIR_JSON = { 'content-type': 'application/fhir+json' };
const BY_NUMBER = 'identifier=https://fhir.nhs.uk/Id/nhs-number%7C';

function get(kind: string, name: string, as: CallerName, path: string, status = 200): Sample {
  return { kind, name, as, path, status };
}

function post(kind: string, name: string, path: string, body: object, status = 200): Sample {
  const sent = { method: 'POST', headers: FHIR_JSON, body: JSON.stringify(body) } as const;
  return { kind, name, as: 'gp', path, status, ...sent };
}

/** Whose rows of a type are looked at; everybody else has the showcase's. */
const WHO: Readonly<Partial<Record<ServedTypeName, string>>> = {
  Task: 'adult-agreed',
  Provenance: 'long-record',
};

/** Everything that a search of a type finds, and one of it by itself. */
function ofType(type: ServedTypeName): readonly Sample[] {
  const { keeping } = served(type);
  const read = get('read', `read ${type}`, 'gp', `${type}/{id of search ${type}}`);
  switch (keeping) {
    case 'person':
    case 'referenced':
      return [];
    case 'directory':
      return [get('search', `search ${type}`, 'gp', `${type}?_count=10`), read];
    default:
      if (type === 'AuditEvent') return [];
      return [
        get('search', `search ${type}`, 'gp', `${type}?patient={person of ${WHO[type] ?? 'showcase'}}`),
        read,
      ];
  }
}

/** People whose whole record is looked at: between them they have rows of every partner and every oddity. */
const WHOLE_RECORDS = [
  'long-record',
  'showcase',
  'adult-agreed',
  'adult-refused',
  'elements',
  'labelled',
  'deceased',
  'markup-name',
  'child-not-given',
  'opted-out-then-in',
  'identity-conflict',
  'only-gp',
] as const;

const METADATA: readonly Sample[] = [get('metadata', 'metadata', 'nobody', 'metadata')];

const RECORDS: readonly Sample[] = [
  ...WHOLE_RECORDS.flatMap((name) => [
    get('read', `read Patient ${name}`, 'gp', `Patient/{person of ${name}}`),
    get('$everything', `everything of ${name}`, 'gp', `Patient/{person of ${name}}/$everything`),
  ]),
  get(
    '$everything',
    'everything, first page',
    'social worker',
    'Patient/{person of showcase}/$everything?_count=5',
  ),
  get('$everything', 'everything, second page', 'social worker', '{next of everything, first page}'),
  get('$everything', 'everything, last page', 'gp', '{next of everything of long-record}'),
  get('$everything', 'own record', 'self: showcase', 'Patient/{person of showcase}/$everything'),
  get('$everything', 'own record, labelled', 'self: labelled', 'Patient/{person of labelled}/$everything'),
];

const TYPES: readonly Sample[] = [
  get('search', 'search Patient by number', 'gp', `Patient?${BY_NUMBER}{number of showcase}`),
  {
    ...get('search', 'search Patient by POST', 'gp', 'Patient/_search'),
    ...{ method: 'POST', headers: FORM, body: `${BY_NUMBER}{number of deceased}` },
  },
  ...SERVED_NAMES.flatMap(ofType),
  get('read', 'read Medication', 'gp', 'Medication/{Medication in everything of deceased}'),
  get('read', 'read Binary', 'gp', 'Binary/{Binary in everything of showcase}'),
  get('search', 'search, first page', 'gp', 'Observation?patient={person of long-record}&_count=2'),
  get('search', 'search, second page', 'gp', '{next of search, first page}'),
  get('empty search', 'nobody of that number', 'gp', `Patient?${BY_NUMBER}9434765919`),
  get('empty search', 'nothing of that type', 'gp', 'Procedure?patient={person of only-gp}'),
  get(
    'empty search',
    'no such organisation',
    'gp',
    'Organization?identifier=https://fhir.nhs.uk/Id/ods-organization-code%7CNONE',
  ),
];

const OUTCOMES: readonly Sample[] = [
  get('outcome entry', 'opted out', 'gp', 'Condition?patient={person of opted-out}'),
  get('outcome entry', 'opted out, everything', 'gp', 'Patient/{person of opted-out}/$everything'),
  get('outcome entry', 'a source out of date', 'gp', 'Encounter?patient={person of showcase}'),
];

const CONSENTS: readonly Sample[] = [
  get('consent', 'own consent, opted out', 'self: opted-out', 'Consent?patient={person of opted-out}'),
  get('consent', 'agreement of a child', 'gp', 'Consent?patient={person of showcase}'),
  get('consent', 'agreement of an adult', 'gp', 'Consent?patient={person of adult-agreed}'),
];

const REFUSALS: readonly Sample[] = [
  get('refusal', '400 unknown parameter', 'gp', 'Condition?patient={person of showcase}&colour=blue', 400),
  get('refusal', '400 no id', 'gp', 'Condition/not_an_id', 400),
  get('refusal', '400 no person named', 'gp', 'Observation', 400),
  get('refusal', '400 wrong check digit', 'gp', `Patient?${BY_NUMBER}9990000011`, 400),
  get('refusal', '401 without a token', 'nobody', 'Patient/{person of showcase}', 401),
  get('refusal', '401 bad token', 'impostor', 'Patient/{person of showcase}', 401),
  get('refusal', '403 opted out', 'gp', 'Patient/{person of opted-out}', 403),
  get('refusal', '403 own record', 'gp who is staff-patient', 'Patient/{person of staff-patient}', 403),
  get('refusal', '403 no reason', 'gp without a reason', 'Patient/{person of showcase}', 403),
  get('refusal', '403 system alone', 'system', 'Patient/{person of showcase}', 403),
  get('refusal', '404 restricted', 'gp', 'Patient/{person of restricted}', 404),
  get('refusal', '404 no such type', 'gp', 'Cake/1', 404),
  { ...get('refusal', '405 update', 'gp', 'Patient/{person of showcase}', 405), method: 'PUT' },
  { ...get('refusal', '405 delete', 'gp', 'Condition/{id of search Condition}', 405), method: 'DELETE' },
  {
    ...get('refusal', '406 XML', 'gp', 'Patient/{person of showcase}', 406),
    headers: { accept: 'application/fhir+xml' },
  },
  {
    ...get('refusal', '413 long form', 'gp', 'Patient/_search', 413),
    ...{ method: 'POST', headers: FORM, body: `family=${'x'.repeat(70_000)}` },
  },
  {
    ...get('refusal', '415 XML form', 'gp', 'Patient/_search', 415),
    ...{ method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<Patient/>' },
  },
  {
    ...get('refusal', '503 completeness required', 'gp', 'Encounter?patient={person of showcase}', 503),
    headers: { prefer: 'completeness=required' },
  },
];

const DEMOGRAPHICS = {
  resourceType: 'Patient',
  identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '{number of showcase}' }],
  name: [{ family: 'Testley', given: ['Mina'] }],
  birthDate: '2016-05-14',
};

const OBSERVATION = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
};

const BATCH = {
  resourceType: 'Bundle',
  type: 'batch',
  entry: [
    'Patient/{person of showcase}',
    'Condition?patient={person of showcase}',
    'Patient/{person of opted-out}',
    'Patient/{person of restricted}',
    'Condition?colour=blue',
  ].map((url) => ({ request: { method: 'GET', url } })),
};

function parameters(...parameter: readonly object[]): object {
  return { resourceType: 'Parameters', parameter };
}

const FURTHER: readonly Sample[] = [
  get('vread', 'vread', 'gp', 'Condition/{id of search Condition}/_history/{version of search Condition}'),
  get('history', 'history of one', 'gp', 'Condition/{id of search Condition}/_history'),
  get(
    'include',
    'include',
    'gp',
    'MedicationRequest?patient={person of showcase}&_include=MedicationRequest:medication',
  ),
  get('include', 'revinclude', 'gp', 'Condition?patient={person of showcase}&_revinclude=Provenance:target'),
  get('summary, elements', 'summary', 'gp', 'Observation?patient={person of showcase}&_summary=true'),
  get('summary, elements', 'summary of a read', 'gp', 'Patient/{person of showcase}?_summary=true'),
  get('summary, elements', 'count', 'gp', 'Observation?patient={person of showcase}&_summary=count'),
  get('summary, elements', 'data', 'gp', 'Patient/{person of showcase}?_summary=data'),
  get('summary, elements', 'elements', 'gp', 'Condition?patient={person of showcase}&_elements=code'),
  post('$match', 'match', 'Patient/$match', parameters({ name: 'resource', resource: DEMOGRAPHICS })),
  post(
    '$match',
    'match, certain ones only',
    'Patient/$match',
    parameters(
      { name: 'resource', resource: DEMOGRAPHICS },
      { name: 'onlyCertainMatches', valueBoolean: true },
    ),
  ),
  post('batch', 'batch', '', BATCH),
  ...(['showcase', 'long-record', 'only-gp', 'opted-out-then-in'] as const).map((name) =>
    get('IPS', `summary of ${name}`, 'gp', `Patient/{person of ${name}}/$summary`),
  ),
  post(
    '$validate',
    'validate, valid',
    'Observation/$validate',
    parameters({ name: 'resource', resource: OBSERVATION }),
  ),
  post(
    '$validate',
    'validate, invalid',
    'Observation/$validate',
    parameters({ name: 'resource', resource: { ...OBSERVATION, status: 'banana' } }),
  ),
  ...['StructureDefinition', 'CodeSystem', 'ValueSet', 'SearchParameter'].flatMap((type) => [
    get('definition', `search ${type}`, 'gp', type),
    get('definition', `read ${type}`, 'gp', `${type}/{id of search ${type}}`),
  ]),
];

/** Last, so that the audit log holds everything above. */
const AUDIT: readonly Sample[] = [
  get('audit', 'about one person', 'officer', 'AuditEvent?date={today}&patient={person of showcase}'),
  get('audit', 'who saw my record', 'self: showcase', 'AuditEvent?date={today}&patient={person of showcase}'),
  get('audit', 'all of today', 'officer', 'AuditEvent?date={today}&_count=1000'),
  get('audit', 'one event', 'officer', 'AuditEvent/{id of all of today}'),
];

export const SAMPLES: readonly Sample[] = [
  ...METADATA,
  ...RECORDS,
  ...TYPES,
  ...OUTCOMES,
  ...CONSENTS,
  ...REFUSALS,
  ...FURTHER,
  ...AUDIT,
];
