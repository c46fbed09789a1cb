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
