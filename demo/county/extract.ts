import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CountySource, ManifestFile } from './model.ts';

/** One source's extract on disk: the files, then the manifest that makes them count. */

const FULL = 1 << 18;

class ExtractFile {
  readonly name: string;
  readonly type: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #pending = '';
  #rows = 0;

  constructor(name: string, type: string, handle: FileHandle) {
    this.name = name;
    this.type = type;
    this.#handle = handle;
  }

  add(line: string, counts = true): void {
    this.#pending += `${line}\n`;
    if (counts) this.#rows += 1;
  }

  get waiting(): number {
    return this.#pending.length;
  }

  async flush(): Promise<void> {
    const bytes = Buffer.from(this.#pending, 'utf8');
    this.#pending = '';
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at);
      at += bytesWritten;
    }
  }

  async close(): Promise<ManifestFile> {
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
    return { name: this.name, type: this.type, rows: this.#rows, sha256: this.#hash.digest('hex') };
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

export class ExtractWriter {
  readonly source: CountySource;
  readonly #folder: string;
  readonly #files: ReadonlyMap<string, ExtractFile>;

  private constructor(source: CountySource, folder: string, files: ReadonlyMap<string, ExtractFile>) {
    this.source = source;
    this.#folder = folder;
    this.#files = files;
  }

  /** Opens the files of an extract; one that was complete in the folder is no longer. */
  static async open(root: string, source: CountySource): Promise<ExtractWriter> {
    const folder = join(root, source.code);
    await mkdir(folder, { recursive: true });
    await rm(join(folder, 'manifest.json'), { force: true });
    const suffix = source.format === 'lcs-csv' ? 'csv' : 'ndjson';
    const files = new Map<string, ExtractFile>();
    for (const type of source.types) {
      const name = `${type}.${suffix}`;
      files.set(type, new ExtractFile(name, type, await open(join(folder, name), 'w')));
    }
    return new ExtractWriter(source, folder, files);
  }

  /**
   * @param counts false for a header line, which is not a row
   * @throws Error when the source sends no rows of the type
   */
  add(type: string, line: string, counts = true): void {
    const file = this.#files.get(type);
    if (file === undefined) throw new Error(`The source ${this.source.code} has no file of ${type}.`);
    file.add(line, counts);
  }

  /** Writes what has gathered, so that memory stays flat. */
  async flush(): Promise<void> {
    for (const file of this.#files.values()) if (file.waiting > FULL) await file.flush();
  }

  async close(businessDate: string, sequence: number): Promise<readonly ManifestFile[]> {
    const files: ManifestFile[] = [];
    for (const file of this.#files.values()) files.push(await file.close());
    const { code, format } = this.source;
    const manifest = { format, source: code, businessDate, sequence, kind: 'full', files };
    const unfinished = join(this.#folder, 'manifest.json.tmp');
    await writeFile(unfinished, `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(unfinished, join(this.#folder, 'manifest.json'));
    return files;
  }

  /** Leaves the extract without a manifest: nobody will read it. */
  async abandon(): Promise<void> {
    for (const file of this.#files.values()) await file.abandon();
  }
}
