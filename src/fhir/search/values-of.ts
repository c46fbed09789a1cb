import { decimalOf } from '../decimals.ts';
import { localReference } from '../references.ts';
import { type DateRange, dateRange, periodRange } from './date.ts';
import type { Leaf } from './indexed.ts';
import { type Fields, itemsField } from './line.ts';

/** What is written into the search line for one value, by the type of parameter (R4 search.html#ptypes). */

type Json = Readonly<Record<string, unknown>>;

const NONE: readonly Fields[] = [];

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function objects(value: unknown): readonly Json[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each): each is Json => typeof each === 'object' && each !== null);
}

/** Fields: system, code, text, and of an Identifier the codes of its type as items `system|code`. */
export function tokenFields({ is, system = '', systems, where }: Leaf, value: unknown): readonly Fields[] {
  if (typeof value === 'boolean') return [['', String(value)]];
  if (typeof value === 'string') {
    const other = systems !== undefined && Object.hasOwn(systems, value) ? systems[value] : undefined;
    return [[other ?? system, value]];
  }
  if (typeof value !== 'object' || value === null) return NONE;
  const element = value as Json;
  switch (is) {
    case 'CodeableConcept': {
      const codings = objects(element['coding']).map(codingFields);
      return text(element['text']) === '' ? codings : [...codings, ['', '', text(element['text'])]];
    }
    case 'Coding':
      return [codingFields(element)];
    case 'Identifier':
      return [identifierFields(element)];
    case 'Patient':
      return [['', String(isDeceased(element))]];
    case 'ContactPoint':
      return where === undefined || element['system'] === where ? [['', text(element['value'])]] : NONE;
    default:
      return NONE;
  }
}

/** `Patient.deceased.exists() and Patient.deceased != false`: false too of a Patient that says nothing of it. */
function isDeceased({ deceasedBoolean, deceasedDateTime }: Json): boolean {
  return deceasedBoolean === true || deceasedDateTime !== undefined;
}

function codingFields({ system, code, display }: Json): Fields {
  return [text(system), text(code), text(display)];
}

function identifierFields({ system, value, type }: Json): Fields {
  const kinds = objects((type as Json | undefined)?.['coding']).map(
    (each) => `${text(each['system'])}|${text(each['code'])}`,
  );
  return [text(system), text(value), text((type as Json | undefined)?.['text']), itemsField(kinds)];
}

const NAME_PARTS = ['text', 'family', 'given', 'prefix', 'suffix'];
const ADDRESS_PARTS = ['text', 'line', 'city', 'district', 'state', 'country', 'postalCode'];

/** Field: the text as it is. A HumanName is also found as given names and family name in a row. */
export function stringFields({ is }: Leaf, value: unknown): readonly Fields[] {
  if (typeof value === 'string') return [[value]];
  if (typeof value !== 'object' || value === null) return NONE;
  const element = value as Json;
  const parts = (is === 'HumanName' ? NAME_PARTS : is === 'Address' ? ADDRESS_PARTS : []).flatMap((part) =>
    strings(element[part]),
  );
  const whole = is === 'HumanName' ? [...strings(element['given']), ...strings(element['family'])] : [];
  return [...parts, ...(whole.length > 1 ? [whole.join(' ')] : [])].map((part) => [part]);
}

function strings(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each): each is string => typeof each === 'string' && each !== '');
}

/** Fields: from (included) and to (not included), milliseconds since 1970 UTC; empty where it is open on that side. */
export function dateFields({ is }: Leaf, value: unknown): readonly Fields[] {
  if (typeof value === 'string') return rangeFields(dateRange(value));
  if (typeof value !== 'object' || value === null) return NONE;
  if (is === 'Period') return rangeFields(periodRange(value));
  return is === 'Timing' ? timingFields(value as Json) : NONE;
}

/** Only the outer limits of a schedule count, not what it says of the time between (R4 search.html#date). */
function timingFields({ event, repeat }: Json): readonly Fields[] {
  const bounds = (repeat as Json | undefined)?.['boundsPeriod'];
  const ranges = [
    ...strings(event).map(dateRange),
    ...objects(bounds).map((period) => periodRange(period)),
  ].filter((range) => range !== undefined);
  if (ranges.length === 0) return NONE;
  const from = ranges.reduce((earliest, range) => Math.min(earliest, range.from), Number.POSITIVE_INFINITY);
  const to = ranges.reduce((latest, range) => Math.max(latest, range.to), Number.NEGATIVE_INFINITY);
  return rangeFields({ from, to });
}

function rangeFields(range: DateRange | undefined): readonly Fields[] {
  if (range === undefined) return NONE;
  return [[bound(range.from), bound(range.to)]];
}

function bound(value: number): string {
  return Number.isFinite(value) ? String(value) : '';
}

/** Fields: `Type/id` (`Type/` where it is not one of this record, empty where its type is not said either), and of a logical reference its system and value. */
export function referenceFields({ target }: Leaf, value: unknown): readonly Fields[] {
  if (typeof value === 'string') return [[value]];
  if (typeof value !== 'object' || value === null) return NONE;
  const { reference, type, identifier } = value as Json;
  const local = typeof reference === 'string' ? localReference(reference) : undefined;
  if (target !== undefined && (local?.type ?? type) !== target) return NONE;
  const named = objects(identifier)[0];
  const kind = local?.type ?? text(type);
  const literal = kind === '' ? '' : `${kind}/${local?.id ?? ''}`;
  return [[literal, text(named?.['system']), text(named?.['value'])]];
}

/** Fields: lowest and highest value (empty: without bound), system, code, unit. */
export function quantityFields({ is }: Leaf, value: unknown): readonly Fields[] {
  const number = decimalOf(value);
  if (number !== undefined) return [[String(number), String(number)]];
  if (typeof value !== 'object' || value === null) return NONE;
  if (is === 'Range') return boundsFields(value as Json);
  if (is === 'SampledData') return sampledFields(value as Json);
  return oneQuantity(value as Json);
}

function oneQuantity(quantity: Json): readonly Fields[] {
  const value = decimalOf(quantity['value']);
  if (value === undefined) return NONE;
  const comparator = text(quantity['comparator']);
  const [low, high] = boundsOf(value, comparator);
  return [[low, high, ...unitOf(quantity)]];
}

/** `<5` ends just below 5: at the last number that a double can tell from it. */
function boundsOf(value: number, comparator: string): readonly [low: string, high: string] {
  const step = Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
  switch (comparator) {
    case '<':
      return ['', String(value - step)];
    case '<=':
      return ['', String(value)];
    case '>=':
      return [String(value), ''];
    case '>':
      return [String(value + step), ''];
    default:
      return [String(value), String(value)];
  }
}

function unitOf(quantity: Json): Fields {
  return [text(quantity['system']), text(quantity['code']), text(quantity['unit'])];
}

function boundsFields({ low, high }: Json): readonly Fields[] {
  const [from] = objects(low);
  const [to] = objects(high);
  const [lowest, highest] = [decimalOf(from?.['value']), decimalOf(to?.['value'])];
  const unit = from ?? to;
  if (unit === undefined || (lowest === undefined && highest === undefined)) return NONE;
  const crossed = lowest !== undefined && highest !== undefined && lowest > highest;
  const bounds = crossed ? [highest, lowest] : [lowest, highest];
  return [[...bounds.map((each) => String(each ?? '')), ...unitOf(unit)]];
}

/** "Just search on the bounds of the values" (R4, Observation.value-quantity). */
function sampledFields({ origin, factor, data, lowerLimit, upperLimit }: Json): readonly Fields[] {
  const [unit] = objects(origin);
  const zero = decimalOf(unit?.['value']);
  if (unit === undefined || zero === undefined) return NONE;
  const scale = decimalOf(factor) ?? 1;
  const measured = text(data)
    .split(' ')
    .map((each) => (each === '' ? Number.NaN : Number(each) * scale + zero))
    .filter(Number.isFinite);
  const limits = [decimalOf(lowerLimit), decimalOf(upperLimit)].filter((each) => each !== undefined);
  const values = measured.length > 0 ? measured : limits;
  if (values.length === 0) return NONE;
  const [low, high] = values.reduce(
    ([a, b], each) => [Math.min(a, each), Math.max(b, each)],
    [Infinity, -Infinity],
  );
  return [[String(low), String(high), ...unitOf(unit)]];
}

/** Field: the URI. */
export function uriFields(value: unknown): readonly Fields[] {
  return typeof value === 'string' ? [[value]] : NONE;
}
