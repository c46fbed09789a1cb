/**
 * A Bundle's JSON read as it streams by: the members of the outermost object, and the entries one by one. What is inside
 * of them is passed over by its brackets and strings, and left to JSON.parse.
 */

/** Why a text is no Bundle that can be read, in a few words. */
export class BundleFault extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BundleFault';
  }
}

export interface ScannedEntry {
  /** from 1 */
  readonly entry: number;
  /** offset of its first byte */
  readonly start: number;
  readonly length: number;
  /** valid only until the next block; absent when it is longer than allowed */
  readonly bytes?: Buffer;
}

export interface BundleParts {
  /** a member other than `entry` */
  member(name: string, value: unknown): void;
  entry(entry: ScannedEntry): void;
}

const DEEPEST = 100;
const [QUOTE, ESCAPE, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

type Expected =
  | 'object'
  | 'first name'
  | 'name'
  | 'colon'
  | 'value'
  | 'comma or end'
  | 'first entry'
  | 'entry'
  | 'comma or end of entries'
  | 'nothing';

export class BundleScanner {
  readonly #parts: BundleParts;
  readonly #longest: number;
  readonly #names = new Set<string>();
  #expected: Expected = 'object';
  /** bytes in the blocks before this one */
  #offset = 0;
  #name = '';
  #entries = 0;
  /** the value that is being passed over */
  #within: 'composite' | 'string' | 'bare' | undefined;
  #start = 0;
  #length = 0;
  #kept: Buffer[] = [];
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param longest bytes of an entry or member that are kept */
  constructor(longest: number, parts: BundleParts) {
    this.#longest = longest;
    this.#parts = parts;
  }

  /** @throws BundleFault at what cannot be in a Bundle */
  take(block: Buffer): void {
    let at = 0;
    while (at < block.length) at = this.#within === undefined ? this.#step(block, at) : this.#pass(block, at);
    this.#offset += block.length;
  }

  /**
   * @returns the number of entries
   * @throws BundleFault when the text ended too soon
   */
  end(): number {
    if (this.#expected !== 'nothing') throw new BundleFault('it ends too soon');
    return this.#entries;
  }

  #step(block: Buffer, at: number): number {
    const byte = block[at] ?? 0;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
    if (this.#begins(byte)) {
      this.#within = byte === QUOTE ? 'string' : byte === OPEN || byte === OPEN_LIST ? 'composite' : 'bare';
      this.#start = this.#offset + at;
      this.#length = 0;
      this.#kept = [];
      this.#depth = 0;
      this.#inString = false;
      return this.#pass(block, at);
    }
    const next = NEXT[this.#expected]?.[byte];
    if (next === undefined) throw new BundleFault('it is not a JSON object as a Bundle is');
    this.#expected = next;
    return at + 1;
  }

  /** Whether a name or value begins here. */
  #begins(byte: number): boolean {
    const isName = this.#expected === 'first name' || this.#expected === 'name';
    if (isName) return byte === QUOTE;
    if (byte === COMMA || byte === COLON || byte === CLOSE || byte === CLOSE_LIST) return false;
    if (this.#expected === 'value') return this.#name !== 'entry';
    return this.#expected === 'entry' || this.#expected === 'first entry';
  }

  #pass(block: Buffer, from: number): number {
    const end = this.#endOf(block, from);
    const part = block.subarray(from, end ?? block.length);
    this.#length += part.length;
    // the block is used again: what is kept of it beyond must be a copy
    if (this.#length > this.#longest) this.#kept = [];
    else this.#kept.push(end === undefined ? Buffer.from(part) : part);
    if (end === undefined) return block.length;
    this.#within = undefined;
    this.#emit();
    return end;
  }

  /** @returns index after the value, or undefined where it goes on in the next block */
  #endOf(block: Buffer, from: number): number | undefined {
    if (this.#within === 'bare') {
      for (let at = from; at < block.length; at += 1) {
        const byte = block[at] ?? 0;
        if (byte <= 0x20 || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST) return at;
      }
      return undefined;
    }
    for (let at = from; at < block.length; at += 1) {
      const byte = block[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === ESCAPE) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 0) return at + 1;
        }
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN || byte === OPEN_LIST) {
        this.#depth += 1;
        if (this.#depth > DEEPEST) throw new BundleFault('it is nested too deeply');
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      }
    }
    return undefined;
  }

  #emit(): void {
    const isWhole = this.#length <= this.#longest;
    const [first] = this.#kept;
    const bytes = this.#kept.length === 1 && first !== undefined ? first : Buffer.concat(this.#kept);
    this.#kept = [];
    if (this.#expected === 'entry' || this.#expected === 'first entry') {
      this.#entries += 1;
      this.#expected = 'comma or end of entries';
      const place = { entry: this.#entries, start: this.#start, length: this.#length };
      this.#parts.entry({ ...place, ...(isWhole && { bytes }) });
      return;
    }
    if (!isWhole) throw new BundleFault('a member other than entry is too long');
    const value = parsed(bytes);
    if (this.#expected === 'value') {
      this.#expected = 'comma or end';
      this.#parts.member(this.#name, value);
      return;
    }
    this.#name = String(value);
    if (this.#names.has(this.#name)) throw new BundleFault('a member stands twice');
    this.#names.add(this.#name);
    this.#expected = 'colon';
  }
}

const NEXT: Readonly<Partial<Record<Expected, Readonly<Record<number, Expected>>>>> = {
  object: { [OPEN]: 'first name' },
  'first name': { [CLOSE]: 'nothing' },
  colon: { [COLON]: 'value' },
  // of `entry`: any other value begins by itself
  value: { [OPEN_LIST]: 'first entry' },
  'comma or end': { [COMMA]: 'name', [CLOSE]: 'nothing' },
  'first entry': { [CLOSE_LIST]: 'comma or end' },
  'comma or end of entries': { [COMMA]: 'entry', [CLOSE_LIST]: 'comma or end' },
};

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new BundleFault('a member other than entry is not JSON');
  }
}
