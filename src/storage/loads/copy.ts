import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FULL = 256 * 1024;
const TEXT_OID = 25;

/**
 * Rows in PostgreSQL's binary COPY format: nothing is escaped or parsed. Values are written one after the other in the
 * order of the columns; `flush` and `end` hand them to the connection, which is busy from the first to the last.
 */
export class BinaryCopy {
  readonly #stream: CopyStreamQuery;
  readonly #ended: Promise<void>;
  #buffer = Buffer.allocUnsafe(2 * FULL);
  #at = 0;

  /** @param target table and columns, trusted text */
  constructor(client: Client, target: string) {
    this.#stream = client.query(copyFrom(`copy ${target} from stdin (format binary)`));
    this.#ended = finished(this.#stream);
    // whoever flushes or ends it learns of its failure
    this.#ended.catch(() => {});
    SIGNATURE.copy(this.#room(SIGNATURE.length), this.#at);
    this.#at += SIGNATURE.length;
  }

  row(columns: number): void {
    this.#room(2).writeInt16BE(columns, this.#at);
    this.#at += 2;
  }

  null(): void {
    this.#int32(-1);
  }

  int16(value: number): void {
    this.#int32(2);
    this.#room(2).writeInt16BE(value, this.#at);
    this.#at += 2;
  }

  int32(value: number): void {
    this.#int32(4);
    this.#int32(value);
  }

  int64(value: number): void {
    this.#int32(8);
    this.#room(8).writeBigInt64BE(BigInt(value), this.#at);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    this.#int32(value.length);
    this.#room(value.length).set(value, this.#at);
    this.#at += value.length;
  }

  /** @param text with hyphens */
  uuid(text: string): void {
    this.#int32(16);
    this.#room(16).write(text.replaceAll('-', ''), this.#at, 'hex');
    this.#at += 16;
  }

  text(value: string): void {
    const start = this.#at;
    // the length is not known before: it is written when the text is
    this.#room(4 + value.length * 3);
    const length = this.#buffer.write(value, start + 4, 'utf8');
    this.#buffer.writeInt32BE(length, start);
    this.#at = start + 4 + length;
  }

  textArray(values: readonly string[]): void {
    const start = this.#at;
    this.#int32(0);
    this.#int32(values.length === 0 ? 0 : 1);
    this.#int32(0);
    this.#int32(TEXT_OID);
    if (values.length > 0) {
      this.#int32(values.length);
      this.#int32(1);
      for (const value of values) this.text(value);
    }
    this.#buffer.writeInt32BE(this.#at - start - 4, start);
  }

  /** Hands on what is buffered when it is much, and waits while the connection is behind. */
  async flush(): Promise<void> {
    if (this.#at < FULL) return;
    if (!this.#hand()) await Promise.race([once(this.#stream, 'drain'), this.#ended]);
  }

  async end(): Promise<void> {
    this.row(-1);
    this.#hand();
    this.#stream.end();
    await this.#ended;
  }

  #hand(): boolean {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    return this.#stream.write(bytes);
  }

  #int32(value: number): void {
    this.#room(4).writeInt32BE(value, this.#at);
    this.#at += 4;
  }

  /** The buffer, with room for so many bytes more. */
  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
      this.#buffer.copy(larger, 0, 0, this.#at);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
