import type { ColumnNote } from '../certificate.ts';
import { csvRecords, csvRefusal } from '../csv.ts';
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
  let header: Header | undefined;
  let rows = 0;
  let line = 1;
  const filled: number[] = [];
  try {
    for await (const { record, info } of csvRecords(file)) {
      if (header === undefined) {
        header = readHeader(file, table, record);
      } else if (record.length !== header.width) {
        throw new Refusal('csv', `The file ${file.name} has ${record.length} columns in line ${line}.`);
      } else {
        rows += 1;
        for (const [index, { place }] of header.others.entries()) {
          if (record[place]?.trim() !== '') filled[index] = (filled[index] ?? 0) + 1;
        }
        yield { line, cells: header.places.map((place) => record[place]?.trim() ?? '') };
      }
      line = info.lines + 1;
    }
  } catch (error) {
    throw csvRefusal(error, file, line);
  }
  if (header === undefined) throw new Refusal('header', `The file ${file.name} has no header.`);
  if (rows !== file.rows) {
    throw new Refusal('row-count', `The file ${file.name} has ${rows} rows; the manifest says ${file.rows}.`);
  }
  for (const [index, { column, why }] of header.others.entries()) {
    note({ file: file.name, column, why, filled: filled[index] ?? 0 });
  }
}
