import { DEFINITIONS } from '../r4.ts';
import { isServed, SERVED_NAMES, type ServedTypeName } from '../served.ts';
import { countOf, valuesNamed } from './common.ts';
import { indexedParameters } from './indexed.ts';
import type { IncludeValue, ParameterDefinition, ParsedParameter, SearchValue } from './parameter.ts';

/** How an answer is to be given: order, size, what comes with it and how much of each (R4 search.html#return). */

export interface SortKey {
  readonly name: string;
  readonly descending: boolean;
}

/** How much of each resource: `count` none at all, `false` all. */
export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';

export interface Include extends Omit<IncludeValue, 'kind'> {
  /** `include`: what the resource refers to; `revinclude`: what refers to it */
  readonly direction: 'include' | 'revinclude';
  /** also from resources that were included */
  readonly iterate: boolean;
}

export interface Results {
  readonly sort: readonly SortKey[];
  readonly includes: readonly Include[];
  readonly summary: Summary;
  /** members to keep beside the mandatory ones; absent: all */
  readonly elements?: readonly string[];
  readonly total: 'none' | 'estimate' | 'accurate';
}

/** An answer as it is given where nothing is said. */
export const PLAIN_RESULTS: Results = { sort: [], includes: [], summary: 'false', total: 'accurate' };

const SUMMARIES: readonly string[] = ['true', 'text', 'data', 'count', 'false'];
const TOTALS: readonly string[] = ['none', 'estimate', 'accurate'];

/** Includes, and keys of an order, of one search. */
const MAX_INCLUDES = 20;
const MAX_SORT_KEYS = 8;

export const SUMMARY = choice('_summary', SUMMARIES);
export const TOTAL = choice('_total', TOTALS);

/** `_elements`: members of the type, of the first level. */
export function elementsParameter(type: ServedTypeName): ParameterDefinition {
  const members = DEFINITIONS[type]?.properties ?? {};
  return {
    name: '_elements',
    type: 'special',
    multiple: false,
    expects: `elements of ${type}, as they are named in JSON`,
    read: (text) =>
      Object.hasOwn(members, text) && !text.startsWith('_') ? { kind: 'choice', choice: text } : undefined,
  };
}

/** `_sort`: parameters of the type, `-` before one for the other way round. */
export function sortParameter(type: ServedTypeName): ParameterDefinition {
  return {
    name: '_sort',
    type: 'special',
    multiple: false,
    expects: 'parameters that have an order, each with - before it for the last first',
    read: (text) => {
      const descending = text.startsWith('-');
      const name = descending ? text.slice(1) : text;
      return isSortable(type, name) ? { kind: 'sort', name, descending } : undefined;
    },
  };
}

function isSortable(type: ServedTypeName, name: string): boolean {
  if (name === '_id') return true;
  const indexed = indexedParameters(type).get(name);
  return indexed !== undefined && indexed.type !== 'composite' && indexed.parts === undefined;
}

/** `_include` and `_revinclude`, from or to the type searched; with `:iterate` from or to what comes with it. */
export function includeParameters(type: ServedTypeName): readonly ParameterDefinition[] {
  const definition = (name: string, suits: (value: IncludeValue) => boolean): ParameterDefinition => ({
    name,
    type: 'special',
    multiple: true,
    list: false,
    suffixes: [':iterate'],
    expects: 'written as Type:reference or Type:reference:Type; * is not supported',
    read: (text) => {
      const value = readInclude(text);
      return value !== undefined && suits(value) ? value : undefined;
    },
  });
  return [
    definition('_include', () => true),
    definition('_revinclude', ({ target }) => target === undefined || isServed(target)),
    // what it must start from is judged with its modifier, in `resultsOf`
  ].map((each) => ({ ...each, expects: `${each.expects}; without :iterate it starts from ${type}` }));
}

function readInclude(text: string): IncludeValue | undefined {
  const [, source = '', parameter = '', target] =
    /^([A-Z][A-Za-z]{0,63}):([a-z][a-zA-Z-]{0,63})(?::([A-Z][A-Za-z]{0,63}))?$/.exec(text) ?? [];
  const indexed = isReachable(source) ? indexedParameters(source).get(parameter) : undefined;
  if (indexed?.type !== 'reference') return undefined;
  const { targets = [] } = indexed;
  if (target !== undefined && (!isServed(target) || (targets.length > 0 && !targets.includes(target))))
    return undefined;
  return { kind: 'include', source, parameter, ...(target !== undefined && { target }) };
}

/** The audit log is a question of its own. */
function isReachable(type: string): boolean {
  return isServed(type) && type !== 'AuditEvent';
}

/** Types that an include may bring. */
export function typesBrought({ direction, source, parameter, target }: Include): readonly ServedTypeName[] {
  if (direction === 'revinclude') return isServed(source) ? [source] : [];
  if (target !== undefined) return isServed(target) ? [target] : [];
  const { targets = [] } = indexedParameters(source).get(parameter) ?? {};
  return SERVED_NAMES.filter((type) => isReachable(type) && (targets.length === 0 || targets.includes(type)));
}

/**
 * What a search says of its results.
 *
 * @returns a sentence in the place of results that go against each other
 */
export function resultsOf(
  type: ServedTypeName,
  search: readonly ParsedParameter[],
): Results | { readonly fault: string; readonly parameter: string } {
  const includes = search.flatMap(includeOf);
  const summary = countOf(search) === 0 ? 'count' : choiceOf<Summary>(search, SUMMARY.name, 'false');
  const elements = valuesNamed(search, '_elements').flatMap((value) =>
    value.kind === 'choice' ? [value.choice] : [],
  );
  const wrong = includes.find((include) => !include.iterate && !startsFrom(type, include));
  if (wrong !== undefined) {
    return { fault: `starts from ${type}, or says :iterate`, parameter: `_${wrong.direction}` };
  }
  if (valuesNamed(search, '_sort').length > MAX_SORT_KEYS)
    return { fault: `may have ${MAX_SORT_KEYS} keys at most`, parameter: '_sort' };
  if (includes.length > MAX_INCLUDES)
    return { fault: `may be given ${MAX_INCLUDES} times at most`, parameter: '_include' };
  if (includes.length > 0 && summary === 'text')
    return { fault: 'cannot be text where something is included', parameter: '_summary' };
  if (elements.length > 0 && summary !== 'false' && summary !== 'count') {
    return { fault: 'goes without _elements: each says how much of a resource', parameter: '_summary' };
  }
  return {
    sort: valuesNamed(search, '_sort').flatMap((value) =>
      value.kind === 'sort' ? [{ name: value.name, descending: value.descending }] : [],
    ),
    includes,
    summary,
    ...(elements.length > 0 && { elements }),
    total: choiceOf(search, TOTAL.name, 'accurate'),
  };
}

function startsFrom(type: ServedTypeName, { direction, source, parameter, target }: Include): boolean {
  if (direction === 'include') return source === type;
  if (target !== undefined) return target === type;
  const { targets = [] } = indexedParameters(source).get(parameter) ?? {};
  return targets.length === 0 || targets.includes(type);
}

function includeOf({ name, suffix, values }: ParsedParameter): Include[] {
  if (name !== '_include' && name !== '_revinclude') return [];
  const direction = name === '_include' ? 'include' : 'revinclude';
  return values.flatMap((value) => {
    if (value.kind !== 'include') return [];
    const { source, parameter, target } = value;
    return [
      {
        direction,
        source,
        parameter,
        ...(target !== undefined && { target }),
        iterate: suffix === ':iterate',
      },
    ];
  });
}

function choice(name: string, choices: readonly string[]): ParameterDefinition {
  const read = (text: string): SearchValue | undefined =>
    choices.includes(text) ? { kind: 'choice', choice: text } : undefined;
  return {
    name,
    type: 'special',
    multiple: false,
    list: false,
    expects: `one of ${choices.join(', ')}`,
    read,
  };
}

function choiceOf<T extends string>(search: readonly ParsedParameter[], name: string, otherwise: T): T {
  const [value] = valuesNamed(search, name);
  // read by `choice`, so that it is one of T
  return value?.kind === 'choice' ? (value.choice as T) : otherwise;
}
