import { isText } from '../primitives.ts';
import { Problem, type ProblemKind } from '../problem.ts';
import { splitEscaped } from './escape.ts';
import type {
  ChainedParameter,
  ParameterDefinition,
  ParameterTable,
  ParameterType,
  ParsedParameter,
  Suffix,
} from './parameter.ts';
import { type ReadingContext, readValue } from './values.ts';

/**
 * Strict reading of a search (specification-facts 6.5, 6.6): what is not declared or cannot be read is refused, never
 * left out of the search, since a condition that is ignored widens the answer.
 */

/** What one search may cost, as the CapabilityStatement states it. */
export const SEARCH_LIMITS = {
  parameters: 100,
  /** of one parameter */
  values: 100,
  /** of all parameters together */
  allValues: 400,
  /** characters of one value, and of the whole query */
  valueLength: 4096,
  length: 8000,
  /** chains and `_has` of one search, and references one after the other in one of them */
  chains: 10,
  chainDepth: 3,
} as const;

/** What the value of each type must be, completing "<name> must be ...". */
const EXPECTED: { readonly [T in ParameterType]: string } = {
  token: 'a code, system|code, |code or system|',
  string: 'text',
  date: 'a date or time of the calendar, with one of the prefixes that are allowed',
  reference: 'the id of a resource, Type/id, or its URL on this server',
  number: 'a number, with one of the prefixes that are allowed',
  quantity: 'a number, or number|system|code',
  uri: 'a URI',
  composite: 'its parts joined by $',
  special: 'one of the values that are allowed',
};

/** Modifiers that need a terminology service, or a hierarchy of codes: nothing here knows what a value set holds. */
const NEEDS_TERMINOLOGY = ['in', 'not-in', 'above', 'below'];

const HAS = /^_has:([A-Z][A-Za-z]{0,63}):([a-z][a-zA-Z-]{0,63}):(.+)$/;
const TYPED_CHAIN = /^:([A-Z][A-Za-z]{0,63})\.(.+)$/;

/**
 * Reads a query against the parameters that an interaction declares.
 *
 * @param query names and values in the order they came, URL and form body together, already percent-decoded
 * @returns the parameters in the same order; their values are ORed, the parameters ANDed
 * @throws Problem `unsupported` for an unknown parameter, modifier or chain; `invalid` for a value that cannot be
 * read, an empty value or a repetition that is not allowed; `too-costly` beyond SEARCH_LIMITS
 */
export function parseSearch(
  query: readonly (readonly [name: string, value: string])[],
  table: ParameterTable,
  context: ReadingContext,
): readonly ParsedParameter[] {
  requireAffordable(query);
  const seen = new Set<string>();
  const parsed = query.map(([name, value]) => {
    const parameter = parseOne(name, value, table, context, name, 0);
    const definition = table.get(parameter.name);
    // a chain or `_has` is a condition of its own each time
    const counted = parameter.chained === undefined && parameter.having === undefined;
    if (counted && seen.has(parameter.name) && definition?.multiple !== true) {
      throw refusal('invalid', name, 'may be given only once');
    }
    if (counted) seen.add(parameter.name);
    return parameter;
  });
  requireFew(parsed);
  return parsed;
}

function requireAffordable(query: readonly (readonly [string, string])[]): void {
  const { parameters, length } = SEARCH_LIMITS;
  if (query.length > parameters) {
    throw new Problem('too-costly', `A search has at most ${parameters} parameters.`);
  }
  const written = query.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (written > length) throw new Problem('too-costly', `A search has at most ${length} characters.`);
}

function requireFew(parsed: readonly ParsedParameter[]): void {
  const { allValues, chains } = SEARCH_LIMITS;
  const values = parsed.reduce((sum, parameter) => sum + valueCount(parameter), 0);
  if (values > allValues) {
    throw new Problem('too-costly', `A search has at most ${allValues} values in all.`);
  }
  if (parsed.filter((each) => each.chained !== undefined || each.having !== undefined).length > chains) {
    throw new Problem('too-costly', `A search has at most ${chains} chains and _has together.`);
  }
}

function valueCount({ values, chained, having }: ParsedParameter): number {
  if (having !== undefined) return valueCount(having.parameter);
  return chained === undefined ? values.length : valueCount(chained[0]?.parameter ?? { name: '', values });
}

/** @param whole the parameter's name as the client wrote it, of which `name` may be the last link */
function parseOne(
  name: string,
  value: string,
  table: ParameterTable,
  context: ReadingContext,
  whole: string,
  depth: number,
): ParsedParameter {
  if (depth > SEARCH_LIMITS.chainDepth) {
    throw new Problem(
      'too-costly',
      `A chain follows at most ${SEARCH_LIMITS.chainDepth} references.`,
      expressing(whole),
    );
  }
  const end = name.search(/[:.]/);
  const definition = table.get(end < 0 ? name : name.slice(0, end));
  if (definition === undefined) {
    throw new Problem('unsupported', 'A search parameter is not supported here.', expressing(whole));
  }
  if (end < 0) return { name, values: valuesOf(definition, undefined, value, context, whole) };
  const rest = name.slice(end);
  const suffix = definition.suffixes?.find((each) => each === rest);
  if (suffix !== undefined) {
    return { name: definition.name, suffix, values: valuesOf(definition, suffix, value, context, whole) };
  }
  const inner = (next: string, type: string): ParsedParameter | undefined => {
    const found = definition.chain?.(type);
    return found === undefined ? undefined : parseOne(next, value, found, context, whole, depth + 1);
  };
  return linked(definition, name, rest, inner) ?? notSupported(definition, rest, whole);
}

/** A chain or `_has`; undefined for what is neither. */
function linked(
  definition: ParameterDefinition,
  name: string,
  rest: string,
  inner: (name: string, type: string) => ParsedParameter | undefined,
): ParsedParameter | undefined {
  if (definition.chain === undefined) return undefined;
  const [, type, reference, next] = HAS.exec(name) ?? [];
  if (definition.name === '_has') {
    if (type === undefined || reference === undefined || next === undefined) return undefined;
    const refers = definition.chain(type)?.get(reference)?.type === 'reference';
    const parameter = refers ? inner(next, type) : undefined;
    return parameter && { name: '_has', values: [], having: { type, reference, parameter } };
  }
  const [, target, after] = TYPED_CHAIN.exec(rest) ?? [];
  if (target !== undefined && after !== undefined) {
    const parameter = mayLeadTo(definition, target) ? inner(after, target) : undefined;
    return parameter && { name: definition.name, values: [], chained: [{ type: target, parameter }] };
  }
  if (!rest.startsWith('.') || rest.length === 1) return undefined;
  const chained = chainedAnywhere(definition, rest.slice(1), inner);
  return chained.length === 0 ? undefined : { name: definition.name, values: [], chained };
}

/** Without a type a chain goes to every type that has the parameter (R4 search.html#chaining). */
function chainedAnywhere(
  definition: ParameterDefinition,
  next: string,
  inner: (name: string, type: string) => ParsedParameter | undefined,
): readonly ChainedParameter[] {
  const first = next.slice(0, next.search(/[:.]|$/));
  return (definition.targets ?? []).flatMap((type) => {
    if (definition.chain?.(type)?.has(first) !== true) return [];
    const parameter = inner(next, type);
    return parameter === undefined ? [] : [{ type, parameter }];
  });
}

function mayLeadTo(definition: ParameterDefinition, type: string): boolean {
  return definition.targets === undefined || definition.targets.includes(type);
}

function notSupported(definition: ParameterDefinition, rest: string, whole: string): never {
  const terminology = definition.type === 'token' && NEEDS_TERMINOLOGY.includes(rest.slice(1));
  const why = terminology ? ': this service has no terminology; list the codes instead' : '';
  throw new Problem(
    'unsupported',
    `A modifier or chain of the search parameter ${definition.name} is not supported${why}.`,
    expressing(whole),
  );
}

function valuesOf(
  definition: ParameterDefinition,
  suffix: Suffix | undefined,
  value: string,
  context: ReadingContext,
  whole: string,
): ParsedParameter['values'] {
  const name = definition.name + (suffix ?? '');
  const refuse = (kind: ProblemKind, what: string): Problem => refusal(kind, name, what, whole);
  if (value === '') throw refuse('invalid', 'must have a value');
  if (value.length > SEARCH_LIMITS.valueLength) throw refuse('too-costly', 'is too long');
  const texts = definition.list === false ? [value] : splitEscaped(value, ',');
  if (texts.length > SEARCH_LIMITS.values)
    throw refuse('too-costly', `may have at most ${SEARCH_LIMITS.values} values`);
  const words = suffix === ':missing' ? 'true or false' : (definition.expects ?? EXPECTED[definition.type]);
  return texts.map((text) => {
    const read = isText(text) ? readValue(definition, suffix, text, context) : undefined;
    if (read === undefined) throw refuse('invalid', `must be ${words}`);
    return read;
  });
}

/**
 * @param name a declared name: what the client wrote is not put into a sentence
 * @param whole what the client wrote, where that is longer
 */
function refusal(kind: ProblemKind, name: string, what: string, whole: string = name): Problem {
  return new Problem(kind, `The search parameter ${name} ${what}.`, expressing(whole));
}

/** The name as written, unless it is no name: then it may hold anything, a number of a person included. */
function expressing(name: string): { readonly expression?: readonly string[] } {
  return /^_{0,2}[A-Za-z][A-Za-z:._-]{0,99}$/.test(name) ? { expression: [name] } : {};
}
