/**
 * Checks of FHIR R4 primitive values, as functions of one pass over the text. The regular expressions of the
 * specification are not used where they backtrack (base64Binary), refuse what the prose allows (white space outside
 * ASCII in string), or accept what does not exist (30 February). http://hl7.org/fhir/R4/datatypes.html#primitive
 */

const MAX_STRING_LENGTH = 1024 * 1024;

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(Z|[+-]\d\d:[0-5]\d)$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?$/;
const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const NO_SPACE = /^\S+$/;
const OUTER_OR_DOUBLE_SPACE = /^\s|\s\s|\s$/;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Whether a day exists in the Gregorian calendar.
 * @param month 1 to 12
 */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  if (month === 2) {
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    return day <= (leap ? 29 : 28);
  }
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

/** Text with content: no control characters but tab and line ends, no lone surrogates, not white space alone. */
export function isText(value: string): boolean {
  // a visible ASCII character is content; other alphabets have spaces of their own
  let content = false;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 32) {
      if (unit !== 9 && unit !== 10 && unit !== 13) return false;
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
      const low = unit < 0xdc00 ? value.charCodeAt(i + 1) : Number.NaN;
      if (!(low >= 0xdc00 && low <= 0xdfff)) return false;
      i++;
    } else if (unit > 32 && unit < 127) {
      content = true;
    }
  }
  return content || value.trim() !== '';
}

function isString(value: string): boolean {
  return value.length <= MAX_STRING_LENGTH && isText(value);
}

function isDate(value: string): boolean {
  const parts = DATE.exec(value);
  return parts !== null && isCalendarDay(Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1));
}

function isInstant(value: string): boolean {
  const parts = DATE_TIME.exec(value);
  if (parts === null || !isCalendarDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return false;
  const zone = parts[5] ?? '';
  return zone === 'Z' || zone.slice(1) <= '14:00';
}

function isDateTime(value: string): boolean {
  return value.length <= 10 ? isDate(value) : isInstant(value);
}

/** Groups of four characters, padding at the end only; white space is allowed anywhere, as in the R4 expression. */
function isBase64(value: string): boolean {
  let characters = 0;
  let padding = 0;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit === 32 || unit === 9 || unit === 10 || unit === 13) continue;
    characters++;
    if (unit === 61) padding++;
    else if (padding > 0 || !isBase64Character(unit)) return false;
  }
  return characters > 0 && characters % 4 === 0 && padding <= 2;
}

function isBase64Character(unit: number): boolean {
  return (
    (unit >= 97 && unit <= 122) ||
    (unit >= 65 && unit <= 90) ||
    (unit >= 48 && unit <= 57) ||
    unit === 43 ||
    unit === 47
  );
}

function isUri(value: string): boolean {
  return NO_SPACE.test(value) && isText(value);
}

/** Primitive types that are JSON strings, by the names that the generated schema uses as `format`. */
export const PRIMITIVE_FORMATS: { readonly [type: string]: (value: string) => boolean } = {
  base64Binary: isBase64,
  canonical: isUri,
  code: (value) => isText(value) && !OUTER_OR_DOUBLE_SPACE.test(value),
  date: isDate,
  dateTime: isDateTime,
  id: (value) => ID.test(value),
  instant: isInstant,
  markdown: isString,
  oid: (value) => OID.test(value),
  string: isString,
  time: (value) => TIME.test(value),
  uri: isUri,
  url: isUri,
  uuid: (value) => UUID.test(value),
  xhtml: isText,
};
