import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { Refusal } from './refusal.ts';
import type { StagedFile } from './staging.ts';

/** Longer than any record of a plain table: what is longer is a quotation mark that nobody closed. */
const MAX_RECORD_CHARACTERS = 64 * 1024;

interface CsvRecord {
  readonly record: readonly string[];
  /** lines read by the end of the record */
  readonly info: { readonly lines: number };
}

/**
 * The records of a file, its header among them: RFC 4180, UTF-8, lines that end in CRLF or LF. A byte order mark is
 * part of the first cell.
 *
 * @throws CsvError or TypeError for a file that cannot be read: `csvRefusal` says why
 */
async function* csvRecords(file: StagedFile): AsyncGenerator<CsvRecord> {
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

/** A row of a table. */
export interface TableRecord {
  /** of the record's first character; the header is line 1 */
  readonly line: number;
  readonly record: readonly string[];
}

/**
 * The rows of a table that has a header. How many cells each has is for the caller to judge.
 *
 * @param readHeader given the first record
 * @throws Refusal for a file that cannot be read without guessing, or that has more or fewer rows than the manifest
 * says (an unclosed quotation mark swallows rows)
 */
export async function* tableRecords(
  file: StagedFile,
  readHeader: (record: readonly string[]) => void,
): AsyncGenerator<TableRecord> {
  let records = 0;
  let line = 1;
  try {
    for await (const { record, info } of csvRecords(file)) {
      records += 1;
      if (records === 1) readHeader(record);
      else yield { line, record };
      line = info.lines + 1;
    }
  } catch (error) {
    throw csvRefusal(error, file, line);
  }
  if (records === 0) throw new Refusal('header', `The file ${file.name} has no header.`);
  const rows = records - 1;
  if (rows !== file.rows) {
    throw new Refusal('row-count', `The file ${file.name} has ${rows} rows; the manifest says ${file.rows}.`);
  }
}

async function* decoded(blocks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const block of blocks) yield decoder.decode(block, { stream: true });
  yield decoder.decode();
}

/**
 * Why a file's records cannot be read, in words for the source's engineers.
 *
 * @param line where the record begins that could not be read
 * @returns any other error as it is
 */
function csvRefusal(error: unknown, file: StagedFile, line: number): unknown {
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
