import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** Whoever keeps checkpoints where neither the database nor its people can change them: a file or folder elsewhere. */
export interface Witness {
  /** for people */
  readonly name: string;
  /** The newest it holds. @throws Error where it cannot be reached */
  last(): Promise<string | undefined>;
  /** Durable when it returns. @throws Error where it cannot be written */
  add(no: number, jws: string): Promise<void>;
  /** Everything it holds, oldest first. @throws Error where it cannot be reached */
  all(): AsyncIterable<string>;
}

/** Where a witness is: one of the two. */
export type WitnessPlace = { readonly file: string } | { readonly folder: string };

export function witnessAt(place: WitnessPlace): Witness {
  return 'file' in place ? new FileWitness(place.file) : new FolderWitness(place.folder);
}

/**
 * Makes the file or folder of a witness. A missing one is a witness that is away, not one that has seen nothing: so it
 * is made once, by people; by the demonstration for itself.
 */
export async function makeWitness(place: WitnessPlace): Promise<void> {
  await mkdir('folder' in place ? place.folder : dirname(place.file), { recursive: true });
  if ('file' in place) await writeFile(place.file, '', { flag: 'a' });
}

/** Longer than any checkpoint of 64 shards. */
const TAIL = 128 * 1024;
/** A whole compact JWS with an Ed25519 signature; anything else is half a line that a crash left. */
const WHOLE = /^[\w-]+\.[\w-]+\.[\w-]{86}$/;

/** One line for each checkpoint, appended: a file on another host, or one that can only be appended to. */
class FileWitness implements Witness {
  readonly name: string;
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.name = `the file ${file}`;
  }

  async last(): Promise<string | undefined> {
    const file = await open(this.#file, 'r');
    try {
      const tail = await tailOf(file, TAIL);
      return tail.split('\n').findLast((line) => WHOLE.test(line));
    } finally {
      await file.close();
    }
  }

  async add(_no: number, jws: string): Promise<void> {
    // opened for reading first: a file that is missing is not made
    const reading = await open(this.#file, 'r');
    try {
      const tail = await tailOf(reading, 1);
      const line = tail === '' || tail === '\n' ? `${jws}\n` : `\n${jws}\n`;
      await appended(this.#file, line);
    } finally {
      await reading.close();
    }
  }

  async *all(): AsyncGenerator<string> {
    const lines = createInterface({
      input: createReadStream(this.#file),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const line of lines) if (WHOLE.test(line)) yield line;
  }
}

/** A file for each checkpoint, never written over: a folder of write-once storage. */
class FolderWitness implements Witness {
  readonly name: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.name = `the folder ${folder}`;
  }

  async last(): Promise<string | undefined> {
    const name = (await this.#names()).at(-1);
    return name === undefined ? undefined : this.#read(name);
  }

  async add(no: number, jws: string): Promise<void> {
    const name = `${String(no).padStart(12, '0')}.jws`;
    const part = join(this.#folder, `.${name}.${process.pid}`);
    await writeFile(part, '');
    try {
      await appended(part, `${jws}\n`);
      // a link fails where the name is taken: nothing is ever written over, and half a file is never seen
      await link(part, join(this.#folder, name));
    } finally {
      await unlink(part);
    }
  }

  async *all(): AsyncGenerator<string> {
    for (const name of await this.#names()) yield await this.#read(name);
  }

  async #names(): Promise<readonly string[]> {
    return (await readdir(this.#folder)).filter((name) => /^\d{12}\.jws$/.test(name)).sort();
  }

  async #read(name: string): Promise<string> {
    return (await readFile(join(this.#folder, name), 'utf8')).trim();
  }
}

async function tailOf(file: FileHandle, length: number): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, length));
  await file.read(bytes, 0, bytes.length, size - bytes.length);
  return bytes.toString('utf8');
}

async function appended(path: string, text: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
