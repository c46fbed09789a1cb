import type { DateRange, Prefix } from './date.ts';

/** What a search may ask: declared per interaction in a table, and read from a query by `parseSearch`. */

export type ParameterType =
  | 'token'
  | 'string'
  | 'date'
  | 'reference'
  | 'number'
  | 'quantity'
  | 'uri'
  | 'composite'
  | 'special';

/** What may follow a parameter's name: a modifier (`:exact`, `:Patient`) or a chain (`.identifier`). */
export type Suffix = `:${string}` | `.${string}`;

/** Reads the value of an identifier: the canonical value, or undefined where it cannot be one (check digit). */
export type IdentifierReader = (value: string) => string | undefined;

/** One search parameter. What is not declared is refused. */
export interface ParameterDefinition {
  readonly name: string;
  readonly type: ParameterType;
  /** may be repeated; each further occurrence narrows the search (AND) */
  readonly multiple: boolean;
  /** may hold several values between commas, of which one must match (OR); true unless said otherwise */
  readonly list?: boolean;
  /** modifiers and chains that are allowed; none unless given */
  readonly suffixes?: readonly Suffix[];
  /** date, number, quantity: prefixes that are allowed; all unless given */
  readonly prefixes?: readonly Prefix[];
  /** reference: types it may point to */
  readonly targets?: readonly string[];
  /** reference: the parameters of a type that a chain leads to; a type without a table has no chains */
  readonly chain?: (type: string) => ParameterTable | undefined;
  /** reference: it may hold canonical URLs, which are not of this server */
  readonly canonical?: boolean;
  /** reference by identifier, token: systems that are allowed, with how their values are read; any unless given */
  readonly identifiers?: ReadonlyMap<string, IdentifierReader>;
  /** composite: its parts, in order */
  readonly components?: readonly ParameterDefinition[];
  /** special, or a narrower grammar than the type's: reads one value; undefined refuses it */
  readonly read?: (text: string) => SearchValue | undefined;
  /** completes the sentence "<name> must be ..." for a value that was refused; the type's own words unless given */
  readonly expects?: string;
}

export type ParameterTable = ReadonlyMap<string, ParameterDefinition>;

/** @throws Error when a name is declared twice */
export function parameterTable(...definitions: readonly ParameterDefinition[]): ParameterTable {
  const table = new Map<string, ParameterDefinition>();
  for (const definition of definitions) {
    if (table.has(definition.name))
      throw new Error(`The search parameter ${definition.name} is declared twice.`);
    table.set(definition.name, definition);
  }
  return table;
}

/** One value that a search asks for, its escapes resolved. */
export type SearchValue =
  | TokenValue
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'date'; readonly prefix: Prefix; readonly text: string; readonly range: DateRange }
  | { readonly kind: 'reference'; readonly type?: string; readonly id: string }
  | { readonly kind: 'identifier'; readonly system?: string; readonly value: string }
  | NumberValue
  | QuantityValue
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'composite'; readonly parts: readonly SearchValue[] }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'choice'; readonly choice: string }
  | { readonly kind: 'sort'; readonly name: string; readonly descending: boolean }
  | IncludeValue
  | OfTypeValue
  | { readonly kind: 'missing'; readonly missing: boolean };

/** `system` absent: any system; empty: no system (`|code`). `code` absent: any code of the system (`system|`). */
export interface TokenValue {
  readonly kind: 'token';
  readonly system?: string;
  readonly code?: string;
}

/** A decimal and the range that its digits imply: 100 is 99.5 up to 100.5 (search.html#number). */
export interface NumberValue {
  readonly kind: 'number';
  readonly prefix: Prefix;
  readonly value: number;
  readonly from: number;
  readonly to: number;
}

/** A number with its unit; `system` and `code` absent: any unit, `system` empty: none. */
export interface QuantityValue {
  readonly kind: 'quantity';
  readonly number: NumberValue;
  readonly system?: string;
  readonly code?: string;
}

/** `Encounter:service-provider:Organization`: from which type, along which parameter, only to which type. */
export interface IncludeValue {
  readonly kind: 'include';
  readonly source: string;
  readonly parameter: string;
  readonly target?: string;
}

/** An identifier by the code of its type and its value (`:of-type`). */
export interface OfTypeValue {
  readonly kind: 'of-type';
  readonly system: string;
  readonly code: string;
  readonly value: string;
}

/** One occurrence of a parameter in a query. */
export interface ParsedParameter {
  readonly name: string;
  readonly suffix?: Suffix;
  /** at least one; none where `chained` or `having` says what is asked */
  readonly values: readonly SearchValue[];
  /** `subject:Patient.name=…`: what the resource at the reference's end must meet, for each type that it may be of */
  readonly chained?: readonly ChainedParameter[];
  /** `_has:Observation:patient:code=…`: what a resource that refers to this one must meet */
  readonly having?: HavingParameter;
}

export interface ChainedParameter {
  readonly type: string;
  readonly parameter: ParsedParameter;
}

export interface HavingParameter {
  readonly type: string;
  /** its parameter that refers */
  readonly reference: string;
  readonly parameter: ParsedParameter;
}
