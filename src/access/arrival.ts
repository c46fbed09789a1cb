import { londonDay, londonInstant } from '../fhir/london.ts';
import type { SourcePolicy } from './policy.ts';

/** When extracts are promised, and since when one is late. */

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY = 86_400_000;
/** How far back a promise is followed: who has been late for longer is late since then. */
const DAYS_BACK = 60;
const MOST_KEPT = 64;

type Promised = Pick<SourcePolicy, 'expectedBy' | 'expectedOn'>;

/** One promised arrival. */
interface Due {
  /** `YYYY-MM-DD`, Europe/London */
  readonly day: string;
  /** milliseconds since the epoch */
  readonly at: number;
}

/** What a source last published. */
export interface Arrived {
  readonly businessDate: string;
  /** milliseconds since the epoch */
  readonly publishedAt: number;
}

/**
 * Since when a source is late. What was due on a day is an extract that was published after the arrival before that one
 * was due, and that describes the day of the arrival before or a later one: last night's, sent again this morning, is
 * still last night's. Each day has one arrival, also the days on which the clocks change.
 *
 * @param last absent: nothing of the source was ever published
 * @param now milliseconds since the epoch
 * @returns the first arrival that was missed, milliseconds since the epoch; undefined: not late, or nothing is promised
 */
export function lateSince(source: Promised, last: Arrived | undefined, now: number): number | undefined {
  const dues = duesOf(source, londonDay(now)).filter(({ at }) => at <= now);
  let since: number | undefined;
  for (const [index, { at }] of dues.entries()) {
    const before = dues[index + 1];
    if (before === undefined) return since;
    if (last !== undefined && last.businessDate >= before.day && last.publishedAt > before.at) return since;
    since = at;
    if (last === undefined) return since;
  }
  return since;
}

const kept = new Map<string, readonly Due[]>();

/** Arrivals of the last days up to the end of today, newest first. */
function duesOf({ expectedBy, expectedOn }: Promised, today: string): readonly Due[] {
  if (expectedBy === undefined) return [];
  const key = `${today} ${expectedBy} ${expectedOn?.join() ?? ''}`;
  let dues = kept.get(key);
  if (dues === undefined) {
    if (kept.size >= MOST_KEPT) kept.clear();
    const noon = Date.parse(`${today}T12:00:00Z`);
    dues = Array.from({ length: DAYS_BACK }, (_, back) => new Date(noon - back * DAY))
      .filter((date) => expectedOn === undefined || expectedOn.includes(WEEKDAYS[date.getUTCDay()] ?? 'sun'))
      .map((date) => date.toISOString().slice(0, 10))
      .map((day) => ({ day, at: londonInstant(day, expectedBy) }));
    kept.set(key, dues);
  }
  return dues;
}
