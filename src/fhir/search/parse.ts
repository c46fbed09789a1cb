import { isText } from '../primitives.ts';
import { Problem, type ProblemKind } from '../problem.ts';
import { splitEscaped } from './escape.ts';
import type {
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

const MAX_PARAMETERS = 100;
const MAX_VALUES = 100;
const MAX_VALUE_LENGTH = 4096;

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

/**
 * Reads a query against the parameters that an interaction declares.
 *
 * @param query names and values in the order they came, URL and form body together, already percent-decoded
 * @returns the parameters in the same order; their values are ORed, the parameters ANDed
 * @throws Problem `unsupported` for an unknown parameter, modifier or chain; `invalid` for a value that cannot be
 * read, an empty value or a repetition that is not allowed; `too-costly` beyond 100 parameters or values
 */
export function parseSearch(
  query: readonly (readonly [name: string, value: string])[],
  table: ParameterTable,
  context: ReadingContext,
): readonly ParsedParameter[] {
  if (query.length > MAX_PARAMETERS) {
    throw new Problem('too-costly', `A search has at most ${MAX_PARAMETERS} parameters.`);
  }
  const seen = new Set<string>();
  return query.map(([name, value]) => {
    const { definition, suffix } = resolve(name, table);
    if (seen.has(definition.name) && !definition.multiple) {
      throw refusal('invalid', name, 'may be given only once');
    }
    seen.add(definition.name);
    return {
      name: definition.name,
      ...(suffix !== undefined && { suffix }),
      values: valuesOf(definition, suffix, value, context),
    };
  });
}

function resolve(
  name: string,
  table: ParameterTable,
): { readonly definition: ParameterDefinition; readonly suffix?: Suffix } {
  const end = name.search(/[:.]/);
  const definition = table.get(end < 0 ? name : name.slice(0, end));
  if (definition === undefined) {
    throw new Problem('unsupported', 'A search parameter is not supported here.', expressing(name));
  }
  if (end < 0) return { definition };
  const suffix = definition.suffixes?.find((each) => each === name.slice(end));
  if (suffix === undefined) {
    throw new Problem(
      'unsupported',
      `A modifier or chain of the search parameter ${definition.name} is not supported.`,
      expressing(name),
    );
  }
  return { definition, suffix };
}

function valuesOf(
  definition: ParameterDefinition,
  suffix: Suffix | undefined,
  value: string,
  context: ReadingContext,
): ParsedParameter['values'] {
  const name = definition.name + (suffix ?? '');
  if (value === '') throw refusal('invalid', name, 'must have a value');
  if (value.length > MAX_VALUE_LENGTH) throw refusal('too-costly', name, 'is too long');
  const texts = definition.list === false ? [value] : splitEscaped(value, ',');
  if (texts.length > MAX_VALUES) throw refusal('too-costly', name, `may have at most ${MAX_VALUES} values`);
  const words = suffix === ':missing' ? 'true or false' : (definition.expects ?? EXPECTED[definition.type]);
  return texts.map((text) => {
    const read = isText(text) ? readValue(definition, suffix, text, context) : undefined;
    if (read === undefined) throw refusal('invalid', name, `must be ${words}`);
    return read;
  });
}

/** @param name a declared name: what the client wrote is not put into a sentence */
function refusal(kind: ProblemKind, name: string, what: string): Problem {
  return new Problem(kind, `The search parameter ${name} ${what}.`, expressing(name));
}

/** The name as written, unless it is no name: then it may hold anything, a number of a person included. */
function expressing(name: string): { readonly expression?: readonly string[] } {
  return /^_{0,2}[A-Za-z][A-Za-z:._-]{0,99}$/.test(name) ? { expression: [name] } : {};
}
