import type { ColumnNote } from '../certificate.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { isForbiddenColumn } from './never.ts';
import { columnsOf, type TableName } from './tables.ts';

/** What the first line of a table says: where the agreed columns are, and which others there are. */
export interface Header {
  readonly width: number;
  /** of each agreed column, in the table's order: its place in the file */
  readonly places: readonly number[];
  readonly others: readonly OtherColumn[];
}

/** A column that is not read, with its filled cells counted. */
export interface OtherColumn extends Pick<ColumnNote, 'column' | 'why'> {
  readonly place: number;
}

/** Of a column that is named in a certificate: what is longer or odder may be data and not a name. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/**
 * Finds the agreed columns wherever they stand.
 *
 * @throws Refusal where one is missing or repeated, or a name is none
 */
export function readHeader(file: StagedFile, table: TableName, names: readonly string[]): Header {
  const agreed = columnsOf(table);
  const missing = agreed.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new Refusal('header', `The file ${file.name} lacks the column(s) ${missing.join(', ')}.`);
  }
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) {
    throw new Refusal('header', `The file ${file.name} has two columns of one name.`);
  }
  const others = names.flatMap((column, place) => (agreed.includes(column) ? [] : [{ column, place }]));
  if (others.some(({ column }) => !NAME.test(column))) {
    throw new Refusal(
      'header',
      `The file ${file.name} has a column whose name is not letters, digits and _ beginning with a letter.`,
    );
  }
  return {
    width: names.length,
    places: agreed.map((column) => names.indexOf(column)),
    others: others.map(({ column, place }) => ({
      column,
      place,
      why: isForbiddenColumn(column) ? ('never-held' as const) : ('not-read' as const),
    })),
  };
}
