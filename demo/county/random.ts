/**
 * Randomness that is the same everywhere: a stream of numbers from the seed, what they are for, and whom. A source's
 * rows for a person come from a stream of their own, so that adding a draw in one place moves nothing elsewhere.
 */

function mix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

function hashed(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export class Random {
  #state: number;

  /** @param purpose what the stream is for; @param index whom (a person's or a household's number) */
  constructor(seed: number, purpose: string, index: number) {
    this.#state = mix(mix(mix(seed) ^ hashed(purpose)) + mix(index ^ 0x5bd1e995));
  }

  /** from 0 up to, not including, 1 */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return mix(this.#state) / 0x1_0000_0000;
  }

  /** a whole number, both ends included */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** @throws Error when the list is empty */
  pick<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.next() * list.length)];
    if (one === undefined) throw new Error('There is nothing to pick from.');
    return one;
  }
}
