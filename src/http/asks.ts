import type { Ask, PersonReference, RecordPart } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';
import { countOf, MAX_COUNT, valuesNamed } from '../fhir/search/common.ts';
import type { DateRange } from '../fhir/search/date.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';
import { parseSearch } from '../fhir/search/parse.ts';
import { PLAIN_RESULTS } from '../fhir/search/results.ts';
import { isServed, type ServedTypeName, served } from '../fhir/served.ts';
import type { PageQuestion } from '../record/page-token.ts';
import { askOfSearch, resultsFor } from './ask-search.ts';
import { idOfOurs, requireId } from './ids.ts';
import { withQuery } from './query.ts';
import {
  AS_AT_TABLE,
  BESIDE_PAGE,
  EVERYTHING_TABLE,
  HISTORY_TABLE,
  PLAIN_TABLE,
  readTable,
} from './searches.ts';
import type { HttpServices } from './services.ts';

/** A question as it came: an address and a query, nothing of it judged yet. */
export interface Question extends PageQuestion {
  /** of a version: `versionId` as written */
  readonly version?: string;
}

/** A question as understood, with the self link that says how it was understood, and what a further page asks. */
export interface Understood {
  readonly ask: Ask;
  readonly self: string;
  readonly again: PageQuestion;
}

type Pairs = PageQuestion['query'];

/**
 * Reads a question; one with a page token is the question inside the token, gone on from where that page begins.
 *
 * @throws Problem naming the parameter that cannot be understood, or what is missing
 */
export function understand(services: HttpServices, caller: Caller, question: Question): Understood {
  const page = furtherPage(services, caller, question);
  const asked = page?.question ?? question;
  const { baseUrl, now } = services.disclosure;
  const ask = askOf(asked, question.version, baseUrl, now());
  const path = pathOf(question);
  return {
    ask: page === undefined ? ask : { ...ask, after: page.after },
    // only parameters that were understood get this far: the self link repeats them all
    self: withQuery(path, question.query),
    again: {
      interaction: asked.interaction,
      type: asked.type,
      query: asked.query,
      ...(asked.id !== undefined && { id: asked.id }),
    },
  };
}

function askOf(
  { interaction, type, id = '', query }: PageQuestion,
  version: string | undefined,
  baseUrl: string,
  now: number,
): Ask {
  if (!isServed(type)) throw new Problem('not-found', 'There is no such resource.');
  switch (interaction) {
    case 'read':
      return { ...askOfOne(type, id, query), interaction };
    case 'vread':
      return { ...askOfOne(type, id, query), interaction, version: versionOf(version) };
    case 'history-instance':
      return askOfHistory(type, id, query);
    case 'everything':
      return askOfEverything(id, query);
    case 'as-at':
      return askOfAsAt(id, query, now);
    case 'as-seen':
      parseSearch(query, PLAIN_TABLE, { base: baseUrl });
      return askOfAsSeen(id);
    case 'summary':
      parseSearch(query, PLAIN_TABLE, { base: baseUrl });
      return { interaction, type: 'Patient', person: personOf('Patient', requireId(id)), count: MAX_COUNT };
    case 'search-type':
      return askOfSearch(type, query, baseUrl, now);
    case 'match':
    case 'explain-access':
    case 'declare-relationship':
      throw new Problem('invalid', `$${interaction} is asked by POST, with a Parameters body.`);
  }
}

/** @throws Problem `invalid` for what is no FHIR id, `unsupported` for parameters */
function askOfOne(type: ServedTypeName, id: string, query: Pairs): Omit<Ask, 'interaction'> {
  requireId(id);
  const { summary, elements } = resultsFor(type, parseSearch(query, readTable(type), { base: '' }));
  if (summary === 'count')
    throw new Problem('invalid', 'One resource has no count.', { expression: ['_summary'] });
  const known = idOfOurs(id);
  const whole = summary === 'false' && elements === undefined;
  const part = { ...PLAIN_RESULTS, summary, ...(elements === undefined ? {} : { elements }) };
  return { type, id: known, person: personOf(type, known), count: 1, ...(whole ? {} : { results: part }) };
}

/** A version that cannot be one of ours is not found like any other that is not there. */
function versionOf(version: string | undefined): number {
  if (version === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(version)) {
    throw new Problem('invalid', 'The version is not a FHIR id.', { expression: ['versionId'] });
  }
  return /^[1-9]\d{0,14}$/.test(version) ? Number(version) : 0;
}

function personOf(type: ServedTypeName, id: string): PersonReference {
  if (type === 'Patient') return { by: 'person-id', id: idOfOurs(id) };
  return served(type).keeping === 'directory' || type === 'AuditEvent'
    ? { by: 'none' }
    : { by: 'resource', id };
}

function askOfHistory(type: ServedTypeName, id: string, query: Pairs): Ask {
  const known = idOfOurs(requireId(id));
  const search = parseSearch(query, HISTORY_TABLE, { base: '' });
  const [since, at] = [momentOf(search, '_since'), momentOf(search, '_at')];
  const from = since === undefined ? at : { from: since.from, to: Number.POSITIVE_INFINITY };
  if (since !== undefined && at !== undefined) {
    throw new Problem('invalid', 'Give either _since or _at.', { expression: ['_since', '_at'] });
  }
  return {
    interaction: 'history-instance',
    type,
    id: known,
    person: personOf(type, known),
    count: countOf(search) || MAX_COUNT,
    results: resultsFor(type, search),
    ...(from === undefined ? {} : { versionsFrom: from }),
  };
}

/** `Patient/[id]/$everything` (R4 patient-operation-everything). */
function askOfEverything(id: string, query: Pairs): Ask {
  const person = personOf('Patient', requireId(id));
  const search = parseSearch(query, EVERYTHING_TABLE, { base: '' });
  const [since, start, end] = ['_since', 'start', 'end'].map((name) => momentOf(search, name));
  const types = typesOf(search);
  const part: RecordPart = {
    ...(types.length === 0 ? {} : { types }),
    ...(since === undefined ? {} : { since: since.from }),
    ...(start === undefined && end === undefined
      ? {}
      : { care: { from: start?.from ?? Number.NEGATIVE_INFINITY, to: end?.to ?? Number.POSITIVE_INFINITY } }),
  };
  const count = countOf(search);
  return {
    interaction: 'everything',
    type: 'Patient',
    person,
    count: count || MAX_COUNT,
    ...(Object.keys(part).length === 0 ? {} : { part }),
    ...(count === 0 ? { results: { ...PLAIN_RESULTS, summary: 'count' } as const } : {}),
  };
}

function typesOf(search: readonly ParsedParameter[]): readonly ServedTypeName[] {
  const values = valuesNamed(search, '_type');
  return values.flatMap((value) => (value.kind === 'choice' ? [value.choice] : [])).filter(isServed);
}

/** `Patient/[id]/$as-at` (docs/decisions/0024). */
function askOfAsAt(id: string, query: Pairs, now: number): Ask {
  const person = personOf('Patient', requireId(id));
  const search = parseSearch(query, AS_AT_TABLE, { base: '' });
  const instant = momentOf(search, 'instant');
  // a day or a minute is no instant: what was published meanwhile would be neither in it nor not
  if (instant === undefined || instant.to - instant.from > 1000)
    throw new Problem('invalid', 'Give the instant: a date and time to the second, with its zone.', {
      expression: ['instant'],
    });
  if (instant.from > now)
    throw new Problem('invalid', 'The instant has not come yet.', { expression: ['instant'] });
  const [types, count] = [typesOf(search), countOf(search)];
  return {
    interaction: 'as-at',
    type: 'Patient',
    person,
    asAt: instant.from,
    count: count || MAX_COUNT,
    ...(types.length === 0 ? {} : { part: { types } }),
    ...(count === 0 ? { results: { ...PLAIN_RESULTS, summary: 'count' } as const } : {}),
  };
}

/** `AuditEvent/[id]/$as-seen` (docs/decisions/0064): whom the event is about is found out once it may be looked at. */
function askOfAsSeen(id: string): Ask {
  const known = idOfOurs(requireId(id).toLowerCase());
  const person = { by: 'none' } as const;
  return { interaction: 'as-seen', type: 'AuditEvent', id: known, person, looksInto: ['Patient'], count: 1 };
}

function momentOf(search: readonly ParsedParameter[], name: string): DateRange | undefined {
  const [value] = valuesNamed(search, name);
  return value?.kind === 'date' ? value.range : undefined;
}

/** The address of a question, as links give it. */
function pathOf({ interaction, type, id, version }: Question): string {
  switch (interaction) {
    case 'read':
      return `${type}/${id}`;
    case 'vread':
      return `${type}/${id}/_history/${version}`;
    case 'history-instance':
      return `${type}/${id}/_history`;
    case 'everything':
    case 'summary':
    case 'as-at':
    case 'as-seen':
      return `${type}/${id}/$${interaction}`;
    case 'match':
    case 'explain-access':
    case 'declare-relationship':
      return `${type}/$${interaction}`;
    case 'search-type':
      return type;
  }
}

/**
 * The page that a token asks for: `Type?_page=token`, with a `_count` beside it at most, which clients that rebuild links
 * add, and what says how the answer is written.
 *
 * @returns undefined for a question without a token
 */
function furtherPage(services: HttpServices, caller: Caller, { interaction, type, id, query }: Question) {
  const tokens = query.filter(([name]) => name === '_page');
  const [token] = tokens;
  if (token === undefined) return undefined;
  const beside = query.filter(([name]) => name !== '_page');
  if (tokens.length > 1 || beside.some(([name]) => !BESIDE_PAGE.has(name))) throw wrongPage();
  parseSearch(beside, BESIDE_PAGE, { base: '' });
  const { disclosure } = services;
  const page = disclosure.pageTokens.open(token[1], caller, disclosure.now());
  const { question } = page;
  if (question.type !== type || question.interaction !== interaction || question.id !== id) throw wrongPage();
  return page;
}

function wrongPage(): Problem {
  const message = 'A page token goes with the address it was given for, and with no other parameter.';
  return new Problem('invalid', message, { expression: ['_page'] });
}
