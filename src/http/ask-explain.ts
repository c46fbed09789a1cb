import type { Ask, ExplainedRequest, Interaction, PersonReference } from '../access/ask.ts';
import type { GovernanceCaller, StaffCaller } from '../access/caller.ts';
import { parseScopes } from '../access/scopes.ts';
import { Problem } from '../fhir/problem.ts';
import { dateRange } from '../fhir/search/date.ts';
import { isServed, type ServedTypeName } from '../fhir/served.ts';
import { readNhsNumber } from '../identity/nhs-number.ts';
import { idOfOurs } from './ids.ts';
import { operationInputs } from './parameters.ts';

/** Parameters that suppose a request that nobody made. */
const SUPPOSED = [
  'kind',
  'user',
  'organisation',
  'role',
  'purpose',
  'reason',
  'case-number',
  'scope',
  'attests-not-own',
  'relationship',
  'patient',
  'identifier',
  'type',
  'interaction',
  'at',
] as const;

const INTERACTIONS: readonly string[] = [
  'read',
  'vread',
  'history-instance',
  'search-type',
  'everything',
  'match',
  'summary',
] satisfies readonly Interaction[];

/** A supposed declaration holds whenever it is looked at: 1 January 9999, milliseconds. */
const NO_END = Date.UTC(9999, 0);

/** A request is looked for by its own id within this time, milliseconds: the log has no other way to it. */
const LONGEST = 2 * 86_400_000;

/**
 * `AuditEvent/$explain-access`: by `event`, by `request-id` with `date`, or a request that is supposed.
 *
 * @param body the Parameters resource
 * @throws Problem `invalid` naming the parameter that is missing or cannot be understood
 */
export function askOfExplanation(body: Readonly<Record<string, unknown>>): Ask {
  const inputs = operationInputs(body, ['event', 'request-id', 'date', ...SUPPOSED]);
  const given = new Map(inputs.map(({ name, text }) => [name, text]));
  const past = ['event', 'request-id'].filter((name) => given.has(name));
  const supposed = SUPPOSED.filter((name) => given.has(name));
  if (past.length > 1 || (past.length === 1 && supposed.length > 0))
    throw invalid('Give an event, or a request-id with its date, or what is supposed.', past[0] ?? 'event');
  const explained = pastRequest(given) ?? supposition(given);
  const person: PersonReference = explained.by === 'supposition' ? personOf(given) : { by: 'none' };
  return { interaction: 'explain-access', type: 'AuditEvent', person, explained, count: 1 };
}

type Given = ReadonlyMap<string, string | undefined>;

function pastRequest(given: Given): ExplainedRequest | undefined {
  const [event, requestId] = [given.get('event'), given.get('request-id')];
  if (event !== undefined) return { by: 'event', id: idOfOurs(event.toLowerCase()) };
  if (requestId === undefined) return undefined;
  const range = dateRange(given.get('date') ?? '');
  if (range === undefined || range.to - range.from > LONGEST)
    throw invalid('Give the day of the request as date.', 'date');
  return { by: 'request-id', requestId, from: range.from, to: range.to };
}

function supposition(given: Given): ExplainedRequest {
  const interaction = given.get('interaction') ?? 'search-type';
  const type = given.get('type') ?? 'Patient';
  const at = given.get('at');
  const instant = at === undefined ? undefined : dateRange(at)?.from;
  if (!INTERACTIONS.includes(interaction)) throw invalid('There is no such interaction.', 'interaction');
  if (!isServed(type)) throw invalid('There is no such type here.', 'type');
  if (at !== undefined && instant === undefined) throw invalid('Give an instant.', 'at');
  return {
    by: 'supposition',
    caller: callerOf(given),
    interaction: interaction as Exclude<Interaction, 'explain-access'>,
    type: type as ServedTypeName,
    ...(instant === undefined ? {} : { at: instant }),
  };
}

function callerOf(given: Given): StaffCaller | GovernanceCaller {
  const text = (name: string, otherwise = ''): string => given.get(name) ?? otherwise;
  const kind = text('kind', 'staff');
  for (const name of ['user', 'organisation', 'role'])
    if (!given.has(name)) throw invalid('Suppose a user, an organisation and a role.', name);
  const work = {
    issuer: '',
    subject: text('user'),
    client: '',
    tokenId: '',
    scopes: parseScopes(text('scope', 'user/*.rs')),
    user: { id: text('user'), name: '' },
    organisation: text('organisation'),
    role: text('role'),
    attestsNotOwn: text('attests-not-own', 'true') === 'true',
  };
  if (kind === 'governance')
    return { kind, ...work, purpose: text('purpose', 'governance'), caseNumber: text('case-number') };
  if (kind !== 'staff') throw invalid('Suppose staff or governance.', 'kind');
  return {
    kind,
    ...work,
    purpose: text('purpose', 'TREAT'),
    reason: text('reason', 'Supposed'),
    namedBy: 'login',
    ...(given.has('relationship') ? { declares: { reason: text('relationship'), until: NO_END } } : {}),
  };
}

function personOf(given: Given): PersonReference {
  const [id, number] = [given.get('patient'), given.get('identifier')];
  if ((id === undefined) === (number === undefined))
    throw invalid('Suppose one person: patient (id) or identifier (NHS number).', 'patient');
  if (id !== undefined) return { by: 'person-id', id: idOfOurs(id.replace(/^Patient\//, '')) };
  const nhsNumber = readNhsNumber(number ?? '');
  if (nhsNumber === undefined) throw invalid('Give an NHS number with its right check digit.', 'identifier');
  return { by: 'nhs-number', nhsNumber };
}

function invalid(message: string, parameter: string): Problem {
  return new Problem('invalid', message, { expression: [parameter] });
}
