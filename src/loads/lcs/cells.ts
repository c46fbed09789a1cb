import { isText } from '../../fhir/primitives.ts';
import { dateRange } from '../../fhir/search/date.ts';
import { type Kind, TABLES, type TableName } from './tables.ts';

/** What a cell may hold. */

const MAX_TEXT = 1_000;
const PATTERNS: Readonly<Record<Exclude<Kind, 'date' | 'text'>, RegExp>> = {
  id: /^[A-Za-z0-9.-]{1,56}$/,
  reference: /^[A-Za-z0-9.-]{0,56}$/,
  'yes-no': /^[YN]?$/,
  sex: /^[MFU]?$/,
  score: /^(?:\d|[123]\d|40)?$/,
  code: /^[A-Za-z0-9-]{0,32}$/,
};

/** Whether a cell is an id as the source gives its rows. */
export function isLocalId(cell: string): boolean {
  return PATTERNS.id.test(cell);
}

/** In a cell one line of text is expected; replacement characters are the remains of damaged text. */
const UNFIT = /[\t\r\n\ufffd]/;

/**
 * Checks a row's cells.
 * @param cells as many as the table has columns
 * @returns the column at fault, or undefined
 */
export function faultyColumn(table: TableName, cells: readonly string[]): string | undefined {
  return Object.entries<Kind>(TABLES[table]).find(
    ([, kind], index) => !isKind(cells[index] ?? '', kind),
  )?.[0];
}

function isKind(cell: string, kind: Kind): boolean {
  if (kind === 'date')
    return cell === '' || (/^\d{4}-\d{2}-\d{2}$/.test(cell) && dateRange(cell) !== undefined);
  if (kind === 'text') return cell === '' || (cell.length <= MAX_TEXT && isText(cell) && !UNFIT.test(cell));
  return PATTERNS[kind].test(cell);
}
