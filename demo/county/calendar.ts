/** Days as whole numbers since 1970-01-01, so that dates can be drawn, compared and printed cheaply. */

export type Day = number;

const MILLISECONDS = 86_400_000;
const PRINTED = new Map<Day, string>();

/** @throws RangeError when the text is not a day of the calendar as `YYYY-MM-DD` */
export function dayOf(text: string): Day {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  const day = time / MILLISECONDS;
  if (Number.isNaN(time) || dateText(day) !== text) throw new RangeError(`Not a date (YYYY-MM-DD): ${text}`);
  return day;
}

/** `YYYY-MM-DD` */
export function dateText(day: Day): string {
  const known = PRINTED.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * MILLISECONDS).toISOString().slice(0, 10);
  PRINTED.set(day, text);
  return text;
}

/** A FHIR instant in UTC; minutes past the end of the day run into the next one. */
export function instantText(day: Day, minute: number): string {
  const inDay = minute % 1440;
  const hour = String(Math.floor(inDay / 60)).padStart(2, '0');
  const rest = String(inDay % 60).padStart(2, '0');
  return `${dateText(day + Math.floor(minute / 1440))}T${hour}:${rest}:00Z`;
}

/** whole years between two days */
export function yearsBetween(from: Day, to: Day): number {
  return Math.floor((to - from) / 365.25);
}
