/** Something that is not as it was written, and where. Holds no personal data. */
export interface Fault {
  readonly what: string;
  readonly shard?: number;
  readonly batch?: number;
  readonly seq?: number;
  readonly checkpoint?: number;
}

/** Faults in the order of the log; beyond so many they are only counted. */
export class Faults {
  readonly #most: number;
  readonly found: Fault[] = [];
  #count = 0;

  constructor(most = 100) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  add(what: string, where: Omit<Fault, 'what'> = {}): void {
    this.#count += 1;
    if (this.found.length < this.#most) this.found.push({ what, ...where });
  }
}

/** One line for people: `shard 0, batch 12, seq 345: ...` */
export function faultLine({ what, shard, batch, seq, checkpoint }: Fault): string {
  const place = [
    ...(checkpoint === undefined ? [] : [`checkpoint ${checkpoint}`]),
    ...(shard === undefined ? [] : [`shard ${shard}`]),
    ...(batch === undefined ? [] : [`batch ${batch}`]),
    ...(seq === undefined ? [] : [`seq ${seq}`]),
  ].join(', ');
  return place === '' ? what : `${place}: ${what}`;
}
