import { isCalendarDay } from '../primitives.ts';

/**
 * Dates of FHIR as ranges of time, and how a search compares them (R4 search.html#date and #prefix).
 * A date, or a time without zone, is Europe/London, summer time included.
 */

/** `from` inclusive, `to` exclusive, in milliseconds since 1970 UTC; infinite where a period has no end. */
export interface DateRange {
  readonly from: number;
  readonly to: number;
}

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export const PREFIXES: readonly Prefix[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:[0-5]\d)?$/;

/**
 * The time that a date, dateTime or instant covers: `2024-02` the whole month, `2024-02-01T10:00` one minute.
 * A local time that summer time skips is read as if the clock had not yet changed; one that occurs twice as the first.
 * @returns undefined for what is no date of the calendar or no time (24:00, 30 February, year 0000)
 */
export function dateRange(text: string): DateRange | undefined {
  const date = DATE.exec(text);
  if (date !== null) return days(date[1] ?? '', date[2], date[3]);
  const time = DATE_TIME.exec(text);
  return time === null ? undefined : moment(time);
}

/**
 * The time that a Period covers; without start or end it is open on that side. One that ends before it starts, which is
 * a slip of the sender, covers what is between: whoever looks for either date finds it.
 * @returns undefined where it has neither, or one that is no date
 */
export function periodRange(period: {
  readonly start?: string;
  readonly end?: string;
}): DateRange | undefined {
  const start = period.start === undefined ? undefined : dateRange(period.start);
  const end = period.end === undefined ? undefined : dateRange(period.end);
  if (start === undefined && (end === undefined || period.start !== undefined)) return undefined;
  if (end === undefined && period.end !== undefined) return undefined;
  if (start !== undefined && end !== undefined && end.to <= start.from)
    return { from: end.from, to: start.to };
  return { from: start?.from ?? Number.NEGATIVE_INFINITY, to: end?.to ?? Number.POSITIVE_INFINITY };
}

/**
 * Whether a resource's time matches a searched one. `ge` and `le` find whatever has time in the searched range or beyond
 * it: an encounter from January into February is one of `ge2024-02`, though it neither lies in February nor goes on after
 * it, which is all that R4's words for them ask.
 * @param now milliseconds; `ap` widens the searched range by a tenth of its distance from now
 */
export function matchesDate(prefix: Prefix, searched: DateRange, target: DateRange, now: number): boolean {
  const within = searched.from <= target.from && target.to <= searched.to;
  switch (prefix) {
    case 'eq':
      return within;
    case 'ne':
      return !within;
    case 'gt':
      return target.to > searched.to;
    case 'lt':
      return target.from < searched.from;
    case 'ge':
      return target.to > searched.from;
    case 'le':
      return target.from < searched.to;
    case 'sa':
      return target.from >= searched.to;
    case 'eb':
      return target.to <= searched.from;
    case 'ap': {
      const slack = Math.max(searched.from - now, now - searched.to, 0) / 10;
      return target.to > searched.from - slack && target.from < searched.to + slack;
    }
  }
}

function days(year: string, month: string | undefined, day: string | undefined): DateRange | undefined {
  const y = Number(year);
  const m = Number(month ?? 1);
  const d = Number(day ?? 1);
  if (!isCalendarDay(y, m, d)) return undefined;
  const next: readonly [number, number, number] =
    month === undefined ? [y + 1, 1, 1] : day === undefined ? [y, m + 1, 1] : [y, m, d + 1];
  return { from: fromLondon(utc(y, m, d)), to: fromLondon(utc(...next)) };
}

function moment(parts: RegExpExecArray): DateRange | undefined {
  const [, year, month, day, hour, minute, second, fraction, zone] = parts;
  if (!isCalendarDay(Number(year), Number(month), Number(day))) return undefined;
  const local =
    utc(Number(year), Number(month), Number(day)) +
    Number(hour) * HOUR +
    Number(minute) * MINUTE +
    Number(second ?? 0) * 1000 +
    Number((fraction ?? '').padEnd(3, '0').slice(0, 3));
  const offset = zone === undefined ? undefined : zoneOffset(zone);
  if (Number.isNaN(offset)) return undefined;
  const from = offset === undefined ? fromLondon(local) : local - offset;
  return { from, to: from + precision(second, fraction) };
}

function precision(second: string | undefined, fraction: string | undefined): number {
  if (second === undefined) return MINUTE;
  return 10 ** (3 - Math.min(fraction?.length ?? 0, 3));
}

/** @returns milliseconds, NaN beyond 14:00, the widest zone that FHIR knows */
function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0;
  const size = Number(zone.slice(1, 3)) * HOUR + Number(zone.slice(4, 6)) * MINUTE;
  if (size > 14 * HOUR) return Number.NaN;
  return zone.startsWith('-') ? -size : size;
}

/** Date.UTC reads the years 0 to 99 as 1900 to 1999. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day);
}

/** @param local a London clock's reading, as if it were UTC */
function fromLondon(local: number): number {
  const before = londonOffset(local - DAY);
  const after = londonOffset(local + DAY);
  if (before === after) return local - before;
  const candidates = [local - before, local - after].filter((each) => each + londonOffset(each) === local);
  return candidates.length > 0 ? Math.min(...candidates) : local - before;
}

const LONDON = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  calendar: 'gregory',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

/** Formatting costs microseconds and London's clock changes on the hour, so an hour's offset is kept. */
const OFFSETS = new Map<number, number>();
const MAX_OFFSETS = 100_000;

function londonOffset(instant: number): number {
  const hour = Math.floor(instant / HOUR);
  const known = OFFSETS.get(hour);
  if (known !== undefined) return known;
  if (OFFSETS.size >= MAX_OFFSETS) OFFSETS.clear();
  const offset = readOffset(hour * HOUR);
  OFFSETS.set(hour, offset);
  return offset;
}

function readOffset(instant: number): number {
  const parts = new Map(LONDON.formatToParts(instant).map((part) => [part.type, Number(part.value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = utc(part('year'), part('month'), part('day'));
  return local + part('hour') * HOUR + part('minute') * MINUTE + part('second') * 1000 - instant;
}
