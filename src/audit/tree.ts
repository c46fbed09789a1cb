import { hash } from 'node:crypto';
import { HASH_LENGTH, nodeHash } from './merkle.ts';

/**
 * The log of a shard as one Merkle tree that only grows (RFC 6962 section 2.1). Kept are the roots of its full subtrees,
 * at most one of each height: enough to go on, and to know the root at every size.
 */
export class Frontier {
  /** by height; a full subtree of 2^height leaves */
  readonly #peaks: (Buffer | undefined)[] = [];
  #size = 0;

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  add(leaf: Uint8Array): void {
    let carried: Buffer = Buffer.from(leaf);
    let height = 0;
    for (let peak = this.#peaks[height]; peak !== undefined; peak = this.#peaks[height]) {
      carried = nodeHash(peak, carried);
      this.#peaks[height] = undefined;
      height += 1;
    }
    this.#peaks[height] = carried;
    this.#size += 1;
  }

  /** Merkle Tree Hash; of no leaves the hash of nothing. */
  root(): Buffer {
    let root: Buffer | undefined;
    for (const peak of this.#peaks) {
      if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root);
    }
    return root === undefined ? hash('sha256', '', 'buffer') : Buffer.from(root);
  }

  /** The peaks, highest first: one for each bit that is set in the size. */
  encode(): Buffer {
    return Buffer.concat(this.#peaks.filter((peak) => peak !== undefined).reverse());
  }

  /** @throws RangeError when the bytes are not those of a tree of this size */
  static decode(size: number, bytes: Uint8Array): Frontier {
    const heights = heightsOf(size);
    if (bytes.length !== heights.length * HASH_LENGTH) throw new RangeError('Not the frontier of that size.');
    const frontier = new Frontier();
    for (const [i, height] of heights.entries()) {
      frontier.#peaks[height] = Buffer.from(bytes.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
    }
    frontier.#size = size;
    return frontier;
  }
}

/** Bytes of the frontier of a tree with so many leaves. */
export function frontierLength(size: number): number {
  return heightsOf(size).length * HASH_LENGTH;
}

/** Bits that are set, highest first; sizes beyond 2^32 have no bit operators. */
function heightsOf(size: number): readonly number[] {
  const heights: number[] = [];
  for (let rest = size, height = 0; rest > 0; rest = Math.floor(rest / 2), height += 1) {
    if (rest % 2 === 1) heights.unshift(height);
  }
  return heights;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The audit path of one leaf (RFC 6962 section 2.1.1), made while the leaves of its tree pass by in order. */
export class PathBuilder {
  readonly #index: number;
  readonly #size: number;
  /** of the siblings, nearest to the leaf first */
  readonly #ranges: readonly Range[];
  readonly #siblings: readonly Frontier[];
  /** ranges in the order of their leaves */
  readonly #order: readonly number[];
  #next = 0;
  #current = 0;

  /** @throws RangeError when the tree has no such leaf */
  constructor(index: number, size: number) {
    if (!(index >= 0 && index < size)) throw new RangeError('The tree has no such leaf.');
    this.#index = index;
    this.#size = size;
    this.#ranges = siblingsOf(index, size);
    this.#siblings = this.#ranges.map(() => new Frontier());
    this.#order = this.#ranges.map((_, i) => i).sort((a, b) => this.#from(a) - this.#from(b));
  }

  /** The next leaf, from the first of the tree on. */
  add(leaf: Uint8Array): void {
    const place = this.#next;
    this.#next += 1;
    if (place === this.#index || place >= this.#size) return;
    while ((this.#ranges[this.#order[this.#current] ?? -1]?.to ?? this.#size) <= place) this.#current += 1;
    this.#siblings[this.#order[this.#current] ?? -1]?.add(leaf);
  }

  /** @throws RangeError before all leaves have passed */
  path(): readonly Buffer[] {
    if (this.#next < this.#size) throw new RangeError('Leaves are missing.');
    return this.#siblings.map((sibling) => sibling.root());
  }

  #from(range: number): number {
    return this.#ranges[range]?.from ?? 0;
  }
}

/** Subtrees beside the way from a leaf up to the root, by the recursive definition of the RFC. */
function siblingsOf(index: number, size: number): readonly Range[] {
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    let split = 1;
    while (split * 2 < to - from) split *= 2;
    const middle = from + split;
    if (index < middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  return ranges;
}

/**
 * The root that a leaf, its place and its path lead to (the algorithm of RFC 9162 section 2.1.3.2): the leaf is in the
 * tree exactly if that is the tree's root.
 *
 * @returns undefined where no path of a tree of that size looks so
 */
export function rootFromPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Buffer | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size)
    return undefined;
  let [place, last] = [index, size - 1];
  let root: Buffer = Buffer.from(leaf);
  for (const sibling of path) {
    if (last === 0 || sibling.length !== HASH_LENGTH) return undefined;
    if (place % 2 === 1 || place === last) {
      root = nodeHash(sibling, root);
      while (place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)];
    } else {
      root = nodeHash(root, sibling);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}
