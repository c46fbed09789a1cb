import { matchesDate } from './date.ts';
import { foldString } from './fold.ts';
import { type IndexedParameter, indexedParameters } from './indexed.ts';
import { type Fields, fieldsOf, hasValue, itemsOf, partsOf, valuesIn } from './line.ts';
import type { NumberValue, ParsedParameter, SearchValue } from './parameter.ts';

/**
 * Whether a resource meets one parameter of a search, judged by its search line alone: the one matcher for stored, live
 * and aggregated resources (R4 search.html). Pure. Chains and `_has` need other resources too: see `world.ts`.
 */

/** A resource as far as a search looks at it. */
export interface Searched {
  readonly type: string;
  readonly id: string;
  /** as `searchLine` makes it */
  readonly line: string;
}

type StringValue = Extract<SearchValue, { readonly kind: 'string' }>;

/**
 * @param parameter read against the table of the resource's type; neither chained nor `_has`
 * @param now milliseconds since 1970 UTC: what `ap` is measured from
 */
export function matchesParameter(searched: Searched, parameter: ParsedParameter, now: number): boolean {
  const { name, suffix, values } = parameter;
  if (name === '_id') return values.some((value) => value.kind === 'id' && value.id === searched.id);
  const indexed = indexedParameters(searched.type).get(name);
  if (indexed === undefined) return false;
  if (suffix === ':missing')
    return values.some((value) => isMissing(searched, name, indexed) === wantsMissing(value));
  const found = matchesAny(searched, name, indexed, suffix, values, now);
  return suffix === ':not' ? !found : found;
}

function wantsMissing(value: SearchValue): boolean {
  return value.kind === 'missing' && value.missing;
}

function isMissing(
  { type, line }: Searched,
  name: string,
  { of, only, parts, components, bases }: IndexedParameter,
): boolean {
  const all = indexedParameters(type);
  if (of !== undefined) return !valuesIn(line, of).some((value) => value.startsWith(`${only}/`));
  const missing = (part: string | undefined): boolean => {
    const found = part === undefined ? undefined : all.get(part);
    return part === undefined || found === undefined || isMissing({ type, id: '', line }, part, found);
  };
  if (parts !== undefined) return parts.every(missing);
  if (components !== undefined && bases === undefined) return components.some((each) => missing(each.name));
  return !hasValue(line, name);
}

function matchesAny(
  searched: Searched,
  name: string,
  indexed: IndexedParameter,
  suffix: ParsedParameter['suffix'],
  values: readonly SearchValue[],
  now: number,
): boolean {
  const { of = name, only, parts, components } = indexed;
  if (parts !== undefined) return parts.some((part) => matchesNamed(searched, part, suffix, values, now));
  if (components !== undefined) {
    return values.some(
      (value) => value.kind === 'composite' && matchesTogether(searched, name, indexed, value.parts, now),
    );
  }
  for (const raw of valuesIn(searched.line, of)) {
    if (only !== undefined && !raw.startsWith(`${only}/`)) continue;
    const fields = fieldsOf(raw);
    if (values.some((value) => matchesFields(fields, suffix, value, now))) return true;
  }
  return false;
}

function matchesNamed(
  searched: Searched,
  name: string | undefined,
  suffix: ParsedParameter['suffix'],
  values: readonly SearchValue[],
  now: number,
): boolean {
  const indexed = name === undefined ? undefined : indexedParameters(searched.type).get(name);
  return (
    name !== undefined && indexed !== undefined && matchesAny(searched, name, indexed, suffix, values, now)
  );
}

/** @param wanted what each part of a composite must be */
function matchesTogether(
  searched: Searched,
  name: string,
  { bases, components = [] }: IndexedParameter,
  wanted: readonly SearchValue[],
  now: number,
): boolean {
  // components anywhere in the resource: each occurs with every other
  if (bases === undefined) {
    return components.every((component, index) => {
      const part = wanted[index];
      return part !== undefined && matchesNamed(searched, component.name, undefined, [part], now);
    });
  }
  return valuesIn(searched.line, name).some((raw) =>
    partsOf(raw).every((found, index) => {
      const part = wanted[index];
      return part !== undefined && matchesFields(fieldsOf(found), undefined, part, now);
    }),
  );
}

/** One value of a line against one value asked for. */
function matchesFields(
  fields: Fields,
  suffix: ParsedParameter['suffix'],
  value: SearchValue,
  now: number,
): boolean {
  switch (value.kind) {
    case 'token':
      return matchesToken(fields, value.system, value.code);
    case 'string':
      return matchesString((suffix === ':text' ? fields[2] : fields[0]) ?? '', suffix, value);
    case 'date':
      return matchesDate(value.prefix, value.range, rangeOf(fields), now);
    case 'reference':
      return matchesReference(fields[0] ?? '', value.type, value.id);
    case 'identifier':
      return fields[2] === value.value && (value.system === undefined || (fields[1] ?? '') === value.system);
    case 'of-type':
      return fields[1] === value.value && itemsOf(fields[3] ?? '').includes(`${value.system}|${value.code}`);
    case 'number':
      return matchesNumber(value, fields);
    case 'quantity':
      return matchesUnit(fields, value.system, value.code) && matchesNumber(value.number, fields);
    case 'uri':
      return matchesUri(fields[0] ?? '', suffix, value.uri);
    default:
      return false;
  }
}

/** Codes regardless of case: to find too much harms less than to miss (R4 search.html#token). */
function matchesToken(
  [system = '', code = '']: Fields,
  wanted: string | undefined,
  wantedCode: string | undefined,
): boolean {
  if (wanted !== undefined && wanted !== system) return false;
  if (wantedCode === undefined) return true;
  return (
    code === wantedCode ||
    (code.length === wantedCode.length && code.toLowerCase() === wantedCode.toLowerCase())
  );
}

/** What is asked for is the same from one resource to the next. */
const ASKED = new WeakMap<StringValue, string>();

function matchesString(found: string, suffix: ParsedParameter['suffix'], wanted: StringValue): boolean {
  if (suffix === ':exact') return found === wanted.text;
  let asked = ASKED.get(wanted);
  if (asked === undefined) {
    asked = foldString(wanted.text);
    ASKED.set(wanted, asked);
  }
  // nothing but punctuation: taken as it is, since nothing would be left to compare with
  const [text, sought] = asked === '' ? [found.trim(), wanted.text.trim()] : [foldString(found), asked];
  return suffix === ':contains' ? text.includes(sought) : text.startsWith(sought);
}

function rangeOf([from = '', to = '']: Fields): { readonly from: number; readonly to: number } {
  return {
    from: from === '' ? Number.NEGATIVE_INFINITY : Number(from),
    to: to === '' ? Number.POSITIVE_INFINITY : Number(to),
  };
}

function matchesReference(literal: string, type: string | undefined, id: string): boolean {
  if (type !== undefined) return literal === `${type}/${id}`;
  // an id is what stands behind the type: the end of a canonical address is none
  return literal.endsWith(`/${id}`) && literal.indexOf('/') === literal.length - id.length - 1;
}

/** `system` absent: any unit; empty: none given, the code or the unit's own text decides (R4 search.html#quantity). */
function matchesUnit(
  [, , system = '', code = '', unit = '']: Fields,
  wanted: string | undefined,
  wantedCode: string | undefined,
): boolean {
  if (wantedCode === undefined) return true;
  if (wanted === undefined || wanted === '') return code === wantedCode || unit === wantedCode;
  return system === wanted && code === wantedCode;
}

/** What is asked for with `eq`, `ne` and `ap` is as wide as its digits; for the others it is that very number. */
function matchesNumber({ prefix, value, from, to }: NumberValue, fields: Fields): boolean {
  const target = rangeOf(fields);
  // a double may not tell the end of the range from the number itself
  const within = from <= target.from && (target.to < to || target.to === value);
  const slack = Math.abs(value) / 10;
  switch (prefix) {
    case 'eq':
      return within;
    case 'ne':
      return !within;
    case 'gt':
      return target.to > value;
    case 'lt':
      return target.from < value;
    case 'ge':
      return target.to >= value;
    case 'le':
      return target.from <= value;
    case 'sa':
      return target.from > value;
    case 'eb':
      return target.to < value;
    case 'ap':
      return target.to >= value - slack && target.from <= value + slack;
  }
}

/** A canonical URL with a version is found without it too (R4 references.html#canonical). */
function matchesUri(found: string, suffix: ParsedParameter['suffix'], wanted: string): boolean {
  if (suffix === ':below')
    return found === wanted || found.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`);
  if (suffix === ':above')
    return found === wanted || wanted.startsWith(found.endsWith('/') ? found : `${found}/`);
  return found === wanted || found.startsWith(`${wanted}|`);
}
