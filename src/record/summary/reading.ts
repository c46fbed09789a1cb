import { writeDecimals } from '../../fhir/decimals.ts';
import { dateRange } from '../../fhir/search/date.ts';

/** What a narrative reads from a parsed resource. Anything that is not there, or not what R4 says, reads as ''. */

export type Json = Readonly<Record<string, unknown>>;

/** @param path from member to member, arrays by their first item */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = first(value);
  for (const name of path) {
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? first((found as Json)[name])
        : undefined;
  }
  return found;
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

export function all(value: unknown, name: string): readonly unknown[] {
  const found = typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
  if (found === undefined || found === null) return [];
  return Array.isArray(found) ? found : [found];
}

/** A string or number as text; decimals that were marked read as they were written. */
export function text(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  if (typeof found === 'number') return String(found);
  return typeof found === 'string' ? found : '';
}

/** Codes of a code, a Coding, a CodeableConcept or a list of these, whatever their system. */
export function codesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(codesOf);
  if (typeof value !== 'object' || value === null) return [];
  const { code, coding } = value as Json;
  return [
    ...(typeof code === 'string' ? [code] : []),
    ...(Array.isArray(coding) ? coding : []).flatMap(codesOf),
  ];
}

/** What a CodeableConcept or Coding says in words: its text, else a display, else a code. */
export function concept(value: unknown): string {
  const codings = all(value, 'coding');
  const displays = [
    text(value, 'text'),
    text(value, 'display'),
    ...codings.map((each) => text(each, 'display')),
  ];
  return displays.find((each) => /\S/.test(each)) ?? codesOf(value)[0] ?? '';
}

/** All of a list of CodeableConcepts. */
export function concepts(value: unknown, name: string): string {
  return joined(', ', ...all(value, name).map(concept));
}

export function joined(by: string, ...words: readonly string[]): string {
  return words.filter((each) => each !== '').join(by);
}

/** A Quantity with the digits it came with. */
export function quantity(value: unknown): string {
  const number = at(value, 'value');
  if (typeof number !== 'number' && typeof number !== 'string') return '';
  const digits = writeDecimals(JSON.stringify(number));
  return joined(' ', `${text(value, 'comparator')}${digits}`, text(value, 'unit') || text(value, 'code'));
}

const LONDON = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  calendar: 'gregory',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
});

/** `YYYY-MM-DD HH:MM` as a clock in London shows it. */
export function londonTime(millis: number): string {
  const parts = new Map(LONDON.formatToParts(millis).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`;
}

/** A date as it is, a time as London's clock shows it. */
export function date(value: string): string {
  const range = value.includes('T') ? dateRange(value) : undefined;
  return range === undefined ? value : londonTime(range.from);
}

/** The beginning of a date or time, to sort by; what has none is older than all. */
export function moment(value: string): number {
  return dateRange(value)?.from ?? Number.NEGATIVE_INFINITY;
}

export function period(value: unknown): string {
  const [start, end] = [date(text(value, 'start')), date(text(value, 'end'))];
  if (start === '') return end === '' ? '' : `until ${end}`;
  return end === '' ? `since ${start}` : `${start} to ${end}`;
}
