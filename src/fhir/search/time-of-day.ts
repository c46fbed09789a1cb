/** A time of day or a day of the week, by the clocks of London: `18:30-08:00`, `sat`. */
export type TimeOfDay =
  /** minutes after midnight, `from` included, `to` not; past midnight where `to` is not later */
  | { readonly from: number; readonly to: number }
  /** ISO 8601: 1 is Monday */
  | { readonly weekday: number };

const WEEKDAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** @returns undefined for what is neither */
export function readTimeOfDay(text: string): TimeOfDay | undefined {
  const weekday = WEEKDAYS.indexOf(text.toLowerCase()) + 1;
  if (weekday > 0) return { weekday };
  const [, hour, minute, toHour, toMinute] =
    /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  if (hour === undefined) return undefined;
  const [from, to] = [minutes(hour, minute), minutes(toHour, toMinute)];
  return to > DAY || from === to ? undefined : { from, to };
}

const DAY = 24 * 60;

function minutes(hour: string | undefined, minute: string | undefined): number {
  return Number(hour) * 60 + Number(minute);
}

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** @param millis since the epoch */
export function isAt(time: TimeOfDay, millis: number): boolean {
  const part = new Map(CLOCK.formatToParts(millis).map(({ type, value }) => [type, value]));
  if ('weekday' in time) return WEEKDAYS[time.weekday - 1] === part.get('weekday')?.slice(0, 3).toLowerCase();
  const at = minutes(part.get('hour'), part.get('minute'));
  const { from, to } = time;
  return from < to ? at >= from && at < to : at >= from || at < to;
}
