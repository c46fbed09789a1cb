import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RejectedRow } from '../records.ts';
import type { StagedFile } from '../staging.ts';

const FULL = 256 * 1024;

interface RowFile {
  readonly index: number;
  readonly path: string;
  readonly handle: FileHandle;
  /** of each row the file and the entry it came from: one number of both */
  readonly origins: number[];
  readonly tooLong: string[];
  pending: string[];
  size: number;
  bytes: number;
}

/** NDJSON made from Bundles in staging, a file for each served type, and where each row came from. */
export class RowFiles {
  readonly #folder: string;
  readonly #from: number;
  readonly #files = new Map<string, RowFile>();
  #unopened = new Map<string, [text: string, origin: number][]>();

  /** @param from index of the first file */
  constructor(folder: string, from: number) {
    this.#folder = folder;
    this.#from = from;
  }

  /** Makes a type's file, be it empty. */
  async begin(type: string): Promise<void> {
    if (this.#files.has(type)) return;
    const index = this.#from + this.#files.size;
    const path = join(this.#folder, `rows-${index}`);
    const handle = await open(path, 'wx', 0o600);
    this.#files.set(type, { index, path, handle, origins: [], tooLong: [], pending: [], size: 0, bytes: 0 });
  }

  /** Only buffers: await `flush` now and then. */
  add(type: string, text: string, bundle: number, entry: number): void {
    const origin = bundle * MOST_ENTRIES + entry;
    const file = this.#files.get(type);
    if (file === undefined) {
      const waiting = this.#unopened.get(type);
      if (waiting === undefined) this.#unopened.set(type, [[text, origin]]);
      else waiting.push([text, origin]);
    } else put(file, text, origin);
  }

  /** The id of a row that is too long to be read: what is stored of it stands. */
  async tooLong(type: string, id: string): Promise<void> {
    await this.begin(type);
    this.#files.get(type)?.tooLong.push(id);
  }

  async flush(least = FULL): Promise<void> {
    for (const [type, waiting] of this.#unopened) {
      await this.begin(type);
      const file = this.#files.get(type);
      if (file !== undefined) for (const [text, origin] of waiting) put(file, text, origin);
    }
    this.#unopened.clear();
    for (const file of this.#files.values()) {
      if (file.size < least || file.size === 0) continue;
      const bytes = Buffer.from(file.pending.join(''), 'utf8');
      file.pending = [];
      file.size = 0;
      file.bytes += bytes.length;
      await file.handle.writeFile(bytes);
    }
  }

  async end(): Promise<void> {
    try {
      await this.flush(0);
    } finally {
      for (const { handle } of this.#files.values()) await handle.close();
    }
  }

  get files(): readonly StagedFile[] {
    return [...this.#files].map(([type, { index, path, origins, tooLong, bytes }]) => ({
      name: nameOf(type),
      type,
      rows: origins.length,
      sha256: '',
      sent: path,
      index,
      path,
      bytes,
      ...(tooLong.length > 0 && { tooLong }),
    }));
  }

  /** The row as the source knows it: the Bundle's file, and the entry in it. */
  origin(row: RejectedRow, bundles: readonly StagedFile[]): RejectedRow {
    const type = row.file.slice(1);
    const origin = row.file === nameOf(type) ? this.#files.get(type)?.origins[row.line - 1] : undefined;
    if (origin === undefined) return row;
    const file = bundles[Math.floor(origin / MOST_ENTRIES)]?.name ?? row.file;
    return { ...row, file, line: origin % MOST_ENTRIES };
  }
}

const MOST_ENTRIES = 2 ** 32;

/** No manifest can give a file such a name. */
function nameOf(type: string): string {
  return `*${type}`;
}

function put(file: RowFile, text: string, origin: number): void {
  file.pending.push(text, '\n');
  file.size += text.length + 1;
  file.origins.push(origin);
}
