import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';

const MAX_RECORD_CHARACTERS = 4096;

/** The records of a small CSV file as they are read, header included; how many cells each has is not looked at. */
export async function* csvRecords(path: string): AsyncGenerator<readonly string[]> {
  const parser = parse({ max_record_size: MAX_RECORD_CHARACTERS, relax_column_count: true, trim: true });
  // an error on the way destroys the parser with it, and so reaches its reader
  pipeline(createReadStream(path), parser, () => {});
  for await (const record of parser) yield record as readonly string[];
}
