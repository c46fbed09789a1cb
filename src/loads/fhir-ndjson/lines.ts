import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { RowPlace } from '../records.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';

/** Lines of a file by their place, with a bound on memory whatever the file holds. */

/** A longer row is rejected unread. */
export const MAX_LINE_BYTES = 5 * 1024 * 1024;
const BLOCK = 1024 * 1024;
/** An id stands at the beginning of a row, or is not looked for. */
export const HEAD_BYTES = 4_000;
const LINE_FEED = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export interface Line {
  /** from 1 */
  readonly line: number;
  /** offset of its first byte */
  readonly start: number;
  /** without the line feed */
  readonly length: number;
  /** valid only until the next line; absent when it is too long */
  readonly bytes?: Buffer;
  /** of a line that is too long: how it begins */
  readonly head?: Buffer;
}

/**
 * Calls `each` for every line, the last one too where it has no line feed, and `pause` after every block.
 *
 * @returns the number of lines
 * @throws Refusal when the file begins with a byte order mark
 */
export async function scanLines(
  file: StagedFile,
  each: (line: Line) => void,
  pause: (bytes: number) => Promise<void>,
): Promise<number> {
  const handle = await open(file.path);
  try {
    const scanner = new LineScanner(each);
    const block = Buffer.allocUnsafe(BLOCK);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, BLOCK, null);
      if (bytesRead === 0) break;
      if (bytes === 0 && block.subarray(0, 3).equals(BYTE_ORDER_MARK)) {
        throw new Refusal('file-encoding', `The file ${file.name} begins with a byte order mark.`);
      }
      scanner.take(block.subarray(0, bytesRead));
      bytes += bytesRead;
      await pause(bytes);
    }
    return scanner.end();
  } finally {
    await handle.close();
  }
}

class LineScanner {
  readonly #each: (line: Line) => void;
  #line = 0;
  /** offset of the current line's first byte */
  #start = 0;
  /** its bytes in the blocks before this one */
  #kept: Buffer[] = [];
  #length = 0;
  #head: Buffer | undefined;

  constructor(each: (line: Line) => void) {
    this.#each = each;
  }

  take(block: Buffer): void {
    let from = 0;
    for (let at = block.indexOf(LINE_FEED); at !== -1; at = block.indexOf(LINE_FEED, from)) {
      this.#part(block.subarray(from, at));
      this.#emit();
      this.#start += 1;
      from = at + 1;
    }
    const rest = block.subarray(from);
    // the block is used again: what is kept of it must be a copy
    if (rest.length > 0) this.#part(this.#length + rest.length <= MAX_LINE_BYTES ? Buffer.from(rest) : rest);
  }

  end(): number {
    if (this.#length > 0) this.#emit();
    return this.#line;
  }

  #part(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length <= MAX_LINE_BYTES) this.#kept.push(bytes);
    else {
      // a copy: the rest of the line is not held for it
      this.#head ??= Buffer.from(Buffer.concat([...this.#kept, bytes]).subarray(0, HEAD_BYTES));
      this.#kept = [];
    }
  }

  #emit(): void {
    this.#line += 1;
    const [first] = this.#kept;
    const isWhole = this.#length <= MAX_LINE_BYTES;
    const bytes = this.#kept.length === 1 && first !== undefined ? first : Buffer.concat(this.#kept);
    this.#each({
      line: this.#line,
      start: this.#start,
      length: this.#length,
      ...(isWhole && { bytes }),
      ...(this.#head !== undefined && { head: this.#head }),
    });
    this.#head = undefined;
    this.#start += this.#length;
    this.#length = 0;
    this.#kept = [];
  }
}

/** Hashes a row together with the versions that decide what becomes of it: another version is another row. */
export class RowHasher {
  readonly #scratch = Buffer.allocUnsafe(MAX_LINE_BYTES + 32);
  readonly #salt: Buffer;

  /** @param salt 32 bytes: a hash of the versions */
  constructor(salt: Buffer) {
    this.#salt = salt;
  }

  hash(bytes: Buffer): Buffer {
    bytes.copy(this.#scratch, 0);
    this.#salt.copy(this.#scratch, bytes.length);
    return hash('sha256', this.#scratch.subarray(0, bytes.length + 32), 'buffer');
  }
}

const MAX_GAP = 16 * 1024;
const MAX_SPAN = 4 * 1024 * 1024;

/** Reads rows by their places, neighbours together; `places` in order of their starts. At most a few MB at a time. */
export async function* readRows<P extends RowPlace>(
  handle: FileHandle,
  places: readonly P[],
): AsyncGenerator<readonly { readonly place: P; readonly bytes: Buffer }[]> {
  for (let from = 0; from < places.length; ) {
    const first = places[from];
    if (first === undefined) return;
    let to = from + 1;
    let end = first.start + first.length;
    for (let next = places[to]; next !== undefined; next = places[to]) {
      if (next.start - end > MAX_GAP || next.start + next.length - first.start > MAX_SPAN) break;
      end = next.start + next.length;
      to += 1;
    }
    const span = Buffer.allocUnsafe(end - first.start);
    await readFully(handle, span, first.start);
    yield places.slice(from, to).map((place) => {
      const at = place.start - first.start;
      return { place, bytes: span.subarray(at, at + place.length) };
    });
    from = to;
  }
}

async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let read = 0; read < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, read, buffer.length - read, position + read);
    if (bytesRead === 0) throw new Error('A staged file is shorter than it was.');
    read += bytesRead;
  }
}
