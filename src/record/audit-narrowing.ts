import { OBSERVER } from '../audit/agents.ts';
import { PATTERN_OF_KIND } from '../audit/event.ts';
import type { AuditConditions } from '../audit/reader.ts';
import { searchLine } from '../fhir/search/extract.ts';
import type { ParsedParameter, SearchValue } from '../fhir/search/parameter.ts';
import { readTimeOfDay } from '../fhir/search/time-of-day.ts';
import { SearchWorld } from '../fhir/search/world.ts';
import { both, satisfiable } from './audit-conditions.ts';

/** What of the log an officer sees: what their own organisation's people did, and what was done about its patients. */
export interface AuditScope {
  readonly organisation: string;
  /** its patients, where they are few; absent: they are many, and events are looked through for them */
  readonly patients?: readonly string[];
}

/**
 * What the log can be asked for, so that every event that meets the criteria is among what it answers. It may answer
 * more: whoever asks judges (docs/decisions/0062).
 *
 * @param scope absent: events of everybody
 */
export function narrowed(
  criteria: readonly ParsedParameter[],
  given: AuditConditions,
  scope: AuditScope | undefined,
): readonly AuditConditions[] {
  let sets: readonly AuditConditions[] = [...scopes(scope)].map((each) => both(each, given));
  for (const parameter of criteria) {
    const alternatives = narrowing(parameter, scope);
    if (alternatives !== undefined) sets = sets.flatMap((set) => alternatives.map((each) => both(set, each)));
  }
  return sets.filter(satisfiable);
}

function scopes(scope: AuditScope | undefined): readonly AuditConditions[] {
  if (scope?.patients === undefined) return [{}];
  const own = { organisations: [scope.organisation] };
  return scope.patients.length === 0 ? [own] : [own, { personIds: scope.patients }];
}

/** @returns undefined where the columns and the plain text say nothing of it */
function narrowing(
  parameter: ParsedParameter,
  scope: AuditScope | undefined,
): readonly AuditConditions[] | undefined {
  const { name, suffix, values } = parameter;
  switch (name) {
    case 'action':
    case 'type':
    case 'subtype':
      return [{ kinds: kindsMeeting(parameter) }];
    case 'outcome':
      return [{ outcomes: OUTCOMES.filter((outcome) => meets({ outcome: String(outcome) }, parameter)) }];
    case 'mcr-time-of-day':
      return [{ timesOfDay: [values.flatMap(timeOf)] }];
    default:
  }
  if (suffix !== undefined && suffix !== ':identifier' && suffix !== ':exact' && !/^:[A-Z]/.test(suffix))
    return undefined;
  const narrowedBy = BY_VALUE[name];
  return narrowedBy?.(values, scope) ?? contained(name, suffix, values);
}

const OUTCOMES: readonly number[] = [0, 4, 8, 12];

function timeOf(value: SearchValue) {
  return value.kind === 'choice' ? (readTimeOfDay(value.choice) ?? []) : [];
}

/** Action, type and subtype follow from the kind: so the matcher itself says which kinds meet a condition. */
function kindsMeeting(parameter: ParsedParameter): readonly string[] {
  return [...PATTERN_OF_KIND].flatMap(([kind, pattern]) =>
    meets(JSON.parse(pattern) as object, parameter) ? [kind] : [],
  );
}

function meets(event: object, parameter: ParsedParameter): boolean {
  const line = searchLine({ resourceType: 'AuditEvent', ...event });
  return new SearchWorld([], 0).meets({ type: 'AuditEvent', id: '', line }, [parameter]);
}

type ByValue = (
  values: readonly SearchValue[],
  scope: AuditScope | undefined,
) => readonly AuditConditions[] | undefined;

const BY_VALUE: Readonly<Partial<Record<string, ByValue>>> = {
  agent: byAgent,
  entity: (values) => {
    const identifiers = identifiersOf(values);
    if (identifiers === undefined || identifiers.some((each) => TRACE.test(each))) return undefined;
    return columnOf('requestIds', identifiers);
  },
  'mcr-organisation': (values) => columnOf('organisations', codesOf(values)),
  'mcr-purpose': (values) => columnOf('purposes', codesOf(values)),
  'mcr-outcome-reason': (values) => {
    const codes = codesOf(values)?.filter((code) => PLAIN.test(code));
    if (codes?.length !== values.length) return [{ outcomes: [4, 8, 12] }];
    return [{ outcomes: [4, 8, 12], containing: [codes.map((code) => `"outcomeDesc":"${code}"`)] }];
  },
};

/** `traceparent` is an entity with an identifier too, and has no column. */
const TRACE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * A user, a client application or an organisation has that identifier; the service itself has one too, in every event.
 * Of users and clients elsewhere an officer does not read the identifiers.
 */
function byAgent(values: readonly SearchValue[], scope: AuditScope | undefined) {
  const identifiers = identifiersOf(values);
  if (identifiers === undefined || identifiers.includes(OBSERVER)) return undefined;
  const own = scope === undefined ? {} : { organisations: [scope.organisation] };
  const [agents, clients] = [columnOf('agents', identifiers), columnOf('clients', identifiers)];
  const organisations = columnOf('organisations', identifiers);
  if (agents === undefined || clients === undefined || organisations === undefined) return undefined;
  const withSystem = values.every((value) => value.kind === 'identifier' && (value.system ?? '') !== '');
  // clients have no system
  return [...agents, ...(withSystem ? [] : clients)].map((each) => both(each, own)).concat(organisations);
}

function identifiersOf(values: readonly SearchValue[]): readonly string[] | undefined {
  const found = values.flatMap((value) => (value.kind === 'identifier' ? [value.value] : []));
  return found.length === values.length ? found : undefined;
}

function codesOf(values: readonly SearchValue[]): readonly string[] | undefined {
  const found = values.flatMap((value) => (value.kind === 'token' ? (value.code ?? []) : []));
  return found.length === values.length ? found : undefined;
}

type TextColumn = 'agents' | 'clients' | 'organisations' | 'purposes' | 'requestIds';

/** What nobody knew is written as `unknown`, or not at all; a tab is asked for as a space; letters beyond ASCII are folded otherwise. */
function columnOf(
  column: TextColumn,
  values: readonly string[] | undefined,
): readonly AuditConditions[] | undefined {
  const odd = values?.some((value) => value === 'unknown' || /[^\x21-\x7e]/.test(value));
  return values === undefined || odd === true ? undefined : [{ [column]: values }];
}

/** Written in JSON as they are, and folded by nothing but case. */
const PLAIN = /^[A-Za-z0-9._:/|-]{3,200}$/;

/** Parameters whose values stand in the body as they are asked for. */
const IN_BODY: ReadonlySet<string> = new Set([
  'altid',
  'agent',
  'entity',
  'policy',
  'source',
  'mcr-detail-type',
  'mcr-detail-value',
  'mcr-detail',
]);

function contained(
  name: string,
  suffix: ParsedParameter['suffix'],
  values: readonly SearchValue[],
): readonly AuditConditions[] | undefined {
  // strings are folded further, unless they are asked for exactly
  const exact = suffix === ':exact' && ['address', 'agent-name', 'entity-name'].includes(name);
  if (!exact && !IN_BODY.has(name)) return undefined;
  const texts = values.map(textOf);
  const all = texts.flatMap((text) => text ?? []);
  return all.length === texts.length ? [{ containing: [all] }] : undefined;
}

function textOf(value: SearchValue): string | undefined {
  switch (value.kind) {
    case 'token':
      return plain(value.code);
    case 'identifier':
      return plain(value.value);
    case 'string':
      return plain(value.text);
    case 'uri':
      return plain(value.uri);
    case 'reference':
      return plain(value.type === undefined ? `/${value.id}` : `${value.type}/${value.id}`);
    case 'composite': {
      const [type, said] = value.parts.map(textOf);
      if (type === undefined) return undefined;
      return `{"type":"${type}","valueString":"${said === undefined ? '' : `${said}"`}`;
    }
    default:
      return undefined;
  }
}

function plain(text: string | undefined): string | undefined {
  return text !== undefined && PLAIN.test(text) ? text : undefined;
}
