import { markedDecimal } from '../../fhir/decimals.ts';
import { isCalendarDay, isText } from '../../fhir/primitives.ts';
import { dateRange } from '../../fhir/search/date.ts';
import type { Column } from './mapping.ts';

/** What a cell says. Nothing in it is ever run: a formula is a text like any other. */
export type CellReading =
  /** absent: the cell is empty */
  { readonly ok: true; readonly value?: string | boolean } | { readonly ok: false; readonly hint: string };

const MAX_TEXT = 10_000;
const MAX_CODE = 200;
/** A cell is one line of text; replacement characters are the remains of damage, U+E000 is a mark of our own. */
const UNFIT = /[\t\r\n\ufffd\ue000]/;
/** As FHIR writes a decimal: no thousands, no point without digits. */
const NUMBER = /^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?$/;

/**
 * @param text without white space around it
 * @returns dates as FHIR writes them, numbers with their digits (`markedDecimal`); hints hold no value
 */
export function readCell(column: Column, text: string): CellReading {
  if (column.type === 'boolean') return booleanCell(column, text);
  if (text === '') return column.required === true ? fault('empty, and it must not be') : { ok: true };
  if (UNFIT.test(text) || !isText(text)) return fault('not one line of readable text');
  switch (column.type) {
    case 'text':
      return text.length > MAX_TEXT ? fault(`longer than ${MAX_TEXT} characters`) : { ok: true, value: text };
    case 'code':
      return text.length > MAX_CODE ? fault(`longer than ${MAX_CODE} characters`) : { ok: true, value: text };
    case 'number':
      return NUMBER.test(text)
        ? { ok: true, value: markedDecimal(text) }
        : fault('not a number written as 12 or 12.5');
    case 'date':
      return dateCell(column.format, text);
  }
}

function booleanCell(column: Extract<Column, { type: 'boolean' }>, text: string): CellReading {
  if (column.true.includes(text)) return { ok: true, value: true };
  if (column.false.includes(text)) return { ok: true, value: false };
  if (text !== '') return fault('neither of the texts that mean yes nor of those that mean no');
  return column.required === true ? fault('empty, and it must not be') : { ok: true };
}

const TOKENS = { YYYY: '(?<YYYY>\\d{4})', ...twoDigits('MM', 'DD', 'HH', 'mm', 'ss') } as const;
const TOKEN = /YYYY|MM|DD|HH|mm|ss/g;
const patterns = new Map<string, RegExp | undefined>();

function twoDigits(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, `(?<${name}>\\d{2})`]));
}

/** Whether dates can be read by a format: a whole day in it once, and hours with minutes or no time at all. */
export function isDateFormat(format: string): boolean {
  return patternOf(format) !== undefined;
}

function patternOf(format: string): RegExp | undefined {
  if (!patterns.has(format)) patterns.set(format, compiled(format));
  return patterns.get(format);
}

function compiled(format: string): RegExp | undefined {
  const found: string[] = format.match(TOKEN) ?? [];
  const has = (name: string): boolean => found.includes(name);
  const between = format.replace(TOKEN, '');
  if (format.length > 40 || new Set(found).size !== found.length || !/^[ T/.,:-]*$/.test(between))
    return undefined;
  if (!has('YYYY') || !has('MM') || !has('DD') || has('HH') !== has('mm') || (has('ss') && !has('HH')))
    return undefined;
  const literal = format.replace(/[/.:-]/g, '\\$&');
  return new RegExp(`^${literal.replace(TOKEN, (name) => TOKENS[name as keyof typeof TOKENS])}$`);
}

function dateCell(format: string, text: string): CellReading {
  const groups = patternOf(format)?.exec(text)?.groups;
  const { YYYY = '', MM = '', DD = '', HH, mm = '', ss = '00' } = groups ?? {};
  if (groups === undefined || !isCalendarDay(Number(YYYY), Number(MM), Number(DD)))
    return fault(`not a day of the calendar written as ${format}`);
  const day = `${YYYY}-${MM}-${DD}`;
  if (HH === undefined) return { ok: true, value: day };
  if (Number(HH) > 23 || Number(mm) > 59 || Number(ss) > 59) return fault('not a time of the day');
  return { ok: true, value: `${day}T${HH}:${mm}:${ss}${londonOffset(`${day}T${HH}:${mm}:${ss}`)}` };
}

/** A time without a zone is London's (DESIGN 10); FHIR wants to be told which that was. */
function londonOffset(time: string): string {
  const moment = dateRange(time)?.from ?? 0;
  const minutes = Math.round((Date.parse(`${time}Z`) - moment) / 60_000);
  return `+${String(Math.trunc(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

function fault(hint: string): CellReading {
  return { ok: false, hint };
}
