import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** What a preview must know again of every row is written to files of its own: memory does not grow with the rows. */

const BUFFERED = 64 * 1024;

/** A file of records of one length: written one after the other, read again in that order. */
export class RecordFile {
  readonly length: number;
  readonly #path: string;
  #pending: Buffer[] = [];
  #size = 0;
  #handle: FileHandle | undefined;
  #count = 0;

  /** @param length of a record, bytes */
  constructor(path: string, length: number) {
    this.#path = path;
    this.length = length;
  }

  get count(): number {
    return this.#count;
  }

  add(record: Buffer): void {
    this.#pending.push(record);
    this.#size += record.length;
    this.#count += 1;
  }

  async flush(atLeast = BUFFERED): Promise<void> {
    if (this.#size === 0 || this.#size < atLeast) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#size = 0;
    this.#handle ??= await open(this.#path, 'wx+', 0o600);
    await this.#handle.appendFile(bytes);
  }

  /** Records from one on; fewer at the end. */
  async read(from: number, limit: number): Promise<readonly Buffer[]> {
    await this.flush(0);
    const count = Math.min(limit, this.#count - from);
    if (count <= 0 || this.#handle === undefined) return [];
    const bytes = Buffer.allocUnsafe(count * this.length);
    for (let read = 0; read < bytes.length; ) {
      const at = from * this.length + read;
      const { bytesRead } = await this.#handle.read(bytes, read, bytes.length - read, at);
      if (bytesRead === 0) throw new Error('A file of the preview is shorter than it was.');
      read += bytesRead;
    }
    return Array.from({ length: count }, (_, index) =>
      bytes.subarray(index * this.length, (index + 1) * this.length),
    );
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** A name as a whole number of 52 bits, never 0: of a million names two are alike once in some thousand runs. */
export function digest(name: string): number {
  return Number.parseInt(hash('sha256', name, 'hex').slice(0, 13), 16) || 1;
}

/** A set of such numbers, 12 to 24 bytes each. */
export class DigestSet {
  #slots = new Float64Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(value: number): void {
    if (this.#size * 3 >= this.#slots.length * 2) this.#grow();
    const at = this.#find(value);
    if (this.#slots[at] === value) return;
    this.#slots[at] = value;
    this.#size += 1;
  }

  has(value: number): boolean {
    return this.#slots[this.#find(value)] === value;
  }

  #find(value: number): number {
    const mask = this.#slots.length - 1;
    let at = value % this.#slots.length;
    while (this.#slots[at] !== 0 && this.#slots[at] !== value) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Float64Array(before.length * 2);
    for (const value of before) if (value !== 0) this.#slots[this.#find(value)] = value;
  }
}
