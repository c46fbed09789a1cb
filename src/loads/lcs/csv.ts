import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { columnsOf, type TableName } from './tables.ts';

/** Longer than any record of these tables: what is longer is a quotation mark that nobody closed. */
const MAX_RECORD_CHARACTERS = 64 * 1024;

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
    for await (const record of records(file)) {
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
    throw refusalOf(error, file, line);
  }
  if (rows === -1) throw new Refusal('header', `The file ${file.name} has no header.`);
  if (rows !== file.rows) {
    throw new Refusal('row-count', `The file ${file.name} has ${rows} rows; the manifest says ${file.rows}.`);
  }
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function* records(file: StagedFile): AsyncGenerator<CsvRecord> {
  const parser = parse({
    bom: false,
    info: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    skip_empty_lines: false,
  });
  // an error on the way destroys the parser with it, and so reaches its reader
  pipeline(createReadStream(file.path), decoded, parser, () => {});
  for await (const record of parser) yield record as CsvRecord;
}

async function* decoded(blocks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const block of blocks) yield decoder.decode(block, { stream: true });
  yield decoder.decode();
}

function refusalOf(error: unknown, file: StagedFile, line: number): unknown {
  if (error instanceof CsvError) {
    return new Refusal(
      'csv',
      `The file ${file.name} cannot be read as CSV from line ${line} on (${error.code}).`,
    );
  }
  if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new Refusal('file-encoding', `The file ${file.name} is not UTF-8, somewhere after line ${line}.`);
  }
  return error;
}
