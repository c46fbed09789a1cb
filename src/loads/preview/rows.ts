import { join } from 'node:path';
import type { RowWriter } from '../ports.ts';
import type { RowPlace } from '../records.ts';
import { digest, RecordFile } from './spill.ts';

/** Line, length, offset, hash and the digest of a local id. */
const LENGTH = 4 + 4 + 8 + 16 + 8;
const AT = { line: 0, length: 4, start: 8, hash: 16, id: 32 } as const;

export interface SpiltRow extends RowPlace {
  /** digest of the id of a row that is stored once per person who refers to it; 0: another row */
  readonly id: number;
}

/** Where the rows of an extract are, a file of records for each of its files. */
export class RowSpill implements RowWriter {
  readonly #folder: string;
  readonly #files = new Map<number, RecordFile>();
  readonly #cursors = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  write(file: number, line: number, start: number, length: number, hash: Buffer, localId?: string): void {
    const record = Buffer.alloc(LENGTH);
    record.writeUInt32LE(line, AT.line);
    record.writeUInt32LE(length, AT.length);
    record.writeDoubleLE(start, AT.start);
    hash.copy(record, AT.hash, 0, 16);
    record.writeDoubleLE(localId === undefined ? 0 : digest(localId), AT.id);
    this.#file(file).add(record);
  }

  async flush(): Promise<void> {
    for (const file of this.#files.values()) await file.flush();
  }

  async end(): Promise<void> {
    for (const file of this.#files.values()) await file.flush(0);
  }

  /**
   * The next rows of a file, in the order in which they were written.
   *
   * @param reading whose turn it is: each reads a file from its beginning
   * @param afterLine 0: from the beginning
   */
  async next(reading: string, file: number, afterLine: number, limit: number): Promise<readonly SpiltRow[]> {
    const cursor = `${reading} ${file}`;
    const from = afterLine === 0 ? 0 : (this.#cursors.get(cursor) ?? 0);
    const rows = ((await this.#files.get(file)?.read(from, limit)) ?? []).map((record) => ({
      file,
      line: record.readUInt32LE(AT.line),
      length: record.readUInt32LE(AT.length),
      start: record.readDoubleLE(AT.start),
      hash: record.subarray(AT.hash, AT.hash + 16),
      id: record.readDoubleLE(AT.id),
    }));
    this.#cursors.set(cursor, from + rows.length);
    return rows;
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  #file(index: number): RecordFile {
    let file = this.#files.get(index);
    if (file === undefined) {
      file = new RecordFile(join(this.#folder, `preview-rows-${index}`), LENGTH);
      this.#files.set(index, file);
    }
    return file;
  }
}
