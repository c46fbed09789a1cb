import { csvRecords, csvRefusal } from '../csv.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { columnsOf, type TableName } from './tables.ts';

export interface CsvRow {
  /** of the record's first character; the header is line 1 */
  readonly line: number;
  /** as many as the table has columns, without white space around them */
  readonly cells: readonly string[];
}

/**
 * Reads a table strictly: RFC 4180, UTF-8 without byte order mark, exactly the table's columns in their order.
 *
 * @throws Refusal for a file that cannot be read without guessing, or that has more or fewer rows than the manifest
 * says (an unclosed quotation mark swallows rows)
 */
export async function* readTable(file: StagedFile, table: TableName): AsyncGenerator<CsvRow> {
  const columns = columnsOf(table);
  let rows = -1;
  let line = 1;
  try {
    for await (const record of csvRecords(file)) {
      const { record: cells, info } = record;
      rows += 1;
      if (rows === 0) {
        if (cells.length !== columns.length || cells.some((name, index) => name !== columns[index])) {
          throw new Refusal(
            'header',
            `The file ${file.name} does not have exactly the agreed columns in their order.`,
          );
        }
      } else if (cells.length !== columns.length) {
        throw new Refusal('csv', `The file ${file.name} has ${cells.length} columns in line ${line}.`);
      } else {
        yield { line, cells: cells.map((cell) => cell.trim()) };
      }
      line = info.lines + 1;
    }
  } catch (error) {
    throw csvRefusal(error, file, line);
  }
  if (rows === -1) throw new Refusal('header', `The file ${file.name} has no header.`);
  if (rows !== file.rows) {
    throw new Refusal('row-count', `The file ${file.name} has ${rows} rows; the manifest says ${file.rows}.`);
  }
}
