import type { ColumnNote } from '../certificate.ts';
import { tableRecords } from '../csv.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { type Header, readHeader } from './header.ts';
import type { TableName } from './tables.ts';

export interface CsvRow {
  /** of the record's first character; the header is line 1 */
  readonly line: number;
  /** of the table's columns in their order, without white space around them */
  readonly cells: readonly string[];
}

/**
 * Reads a table strictly: RFC 4180, UTF-8 without byte order mark, all of the table's columns in any order.
 *
 * @param note told at the end of each column that is not read
 * @throws Refusal for a file that cannot be read without guessing, or that has more or fewer rows than the manifest
 * says (an unclosed quotation mark swallows rows)
 */
export async function* readTable(
  file: StagedFile,
  table: TableName,
  note: (column: ColumnNote) => void,
): AsyncGenerator<CsvRow> {
  let header: Header = { width: 0, places: [], others: [] };
  const filled: number[] = [];
  const takeHeader = (names: readonly string[]): void => {
    header = readHeader(file, table, names);
  };
  for await (const { line, record } of tableRecords(file, takeHeader)) {
    if (record.length !== header.width) {
      throw new Refusal('csv', `The file ${file.name} has ${record.length} columns in line ${line}.`);
    }
    for (const [index, { place }] of header.others.entries()) {
      if (record[place]?.trim() !== '') filled[index] = (filled[index] ?? 0) + 1;
    }
    yield { line, cells: header.places.map((place) => record[place]?.trim() ?? '') };
  }
  for (const [index, { column, why }] of header.others.entries()) {
    note({ file: file.name, column, why, filled: filled[index] ?? 0 });
  }
}
