/** A date or time without a zone is Europe/London, everywhere (DESIGN 10). */

const FORMAT = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/London',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

let cachedMinute = Number.NaN;
let cachedDay = '';

/**
 * The day it is in London, `YYYY-MM-DD`.
 *
 * @param millis since the epoch
 */
export function londonDay(millis: number): string {
  // a day begins on a whole minute in every zone London has had since 1847
  const minute = Math.floor(millis / 60_000);
  if (minute !== cachedMinute) {
    cachedDay = FORMAT.format(minute * 60_000);
    cachedMinute = minute;
  }
  return cachedDay;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const HOUR = 3_600_000;

/**
 * When the clocks of London show a time on a day. A time that a day has twice is its first; one that a day does not have
 * is as long after midnight as it says.
 *
 * @param day `YYYY-MM-DD`
 * @param time `hh:mm`
 * @returns milliseconds since the epoch
 */
export function londonInstant(day: string, time: string): number {
  const inWinter = Date.parse(`${day}T${time}:00Z`);
  return CLOCK.format(inWinter - HOUR) === time ? inWinter - HOUR : inWinter;
}
