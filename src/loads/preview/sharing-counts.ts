import type { Tally } from '../certificate.ts';
import type { SharingWatch } from '../sharing.ts';
import type { PreviewedType } from './preview.ts';

type Counts = Map<string, number>;

/** Counts what a sharing policy keeps back, by type and reason. */
export class SharingCounts implements SharingWatch {
  readonly #withheld = new Map<string, Counts>();
  readonly #removed = new Map<string, Counts>();
  readonly #leftOut: Counts = new Map();
  /** why whole files were not read, by type */
  readonly #whole = new Map<string, string>();

  withheld(type: string, why: string): void {
    add(this.#withheld, type, why);
  }

  removed(type: string, element: string): void {
    add(this.#removed, type, element);
  }

  leftOut(table: string): void {
    this.#leftOut.set(table, (this.#leftOut.get(table) ?? 0) + 1);
  }

  whole(type: string, why: string): void {
    this.#whole.set(type, why);
  }

  types(tally: Tally): Readonly<Record<string, PreviewedType>> {
    const counted = tally.types;
    const names = [...new Set([...Object.keys(counted), ...this.#leftOut.keys()])].sort();
    return Object.fromEntries(
      names.map((type) => {
        const { new: shared = 0, rejected = {}, notServed = 0, unreferenced = 0 } = counted[type] ?? {};
        const withheld = this.#withheldOf(type, counted[type]?.withheld ?? 0);
        const removed = record(this.#removed.get(type));
        const notHeld = record(tally.refusedBy.get(type));
        return [type, { shared, withheld, removed, notHeld, rejected, notServed, unreferenced }];
      }),
    );
  }

  #withheldOf(type: string, total: number): Readonly<Record<string, number>> {
    const reasons = { ...record(this.#withheld.get(type)) };
    const read = Object.values(reasons).reduce((sum, count) => sum + count, 0);
    const why = this.#whole.get(type) ?? 'the type is not shared';
    if (total > read) reasons[why] = (reasons[why] ?? 0) + total - read;
    const left = this.#leftOut.get(type) ?? 0;
    if (left > 0) reasons['left out by the mapping'] = left;
    return reasons;
  }
}

function add(counts: Map<string, Counts>, type: string, what: string): void {
  const own = counts.get(type) ?? new Map<string, number>();
  own.set(what, (own.get(what) ?? 0) + 1);
  counts.set(type, own);
}

/** Largest first. */
function record(counts: Counts | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries([...(counts ?? [])].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
