import type { Random } from '../../demo/county/random.ts';
import { type ClinicalRow, isCare, PEOPLE, type Said, type SourceCode } from './nights-county.ts';
import type { Published } from './nights-model.ts';

/** What a source knows: it changes every day, whatever becomes of its extracts. */
export class Truth {
  readonly source: SourceCode;
  readonly people: readonly number[];
  rows = new Map<string, ClinicalRow>();
  readonly optOuts = new Map<number, { out: boolean; at: string }>();
  readonly agreed = new Map<number, boolean>();
  readonly flagged = new Set<number>();
  #next = 0;

  constructor(source: SourceCode, random: Random) {
    this.source = source;
    const everybody = Array.from({ length: PEOPLE }, (_, person) => person);
    this.people = isCare(source)
      ? everybody.filter((person) => person % 2 === (source === 'lcs' ? 1 : 0))
      : everybody;
    for (const person of this.people) {
      for (let n = isCare(source) ? 1 : random.whole(2, 4); n > 0; n -= 1) this.add(person);
      if (isCare(source) && random.chance(0.8)) this.agreed.set(person, random.chance(0.8));
    }
  }

  add(person: number): void {
    const id = `${this.source.slice(0, 2)}-${person}-${this.#next}`;
    this.#next += 1;
    this.rows.set(id, { id, person, value: 1 });
  }

  /** A day passes: values change, rows come and go, people decide. */
  live(random: Random, at: string): void {
    for (let n = random.whole(0, 3); n > 0; n -= 1) this.change(random);
    if (random.chance(0.5)) this.add(random.pick(this.people));
    const removable = [...this.rows.values()].filter(
      ({ person }) => !isCare(this.source) || this.#has(person) > 1,
    );
    if (removable.length > 40 && random.chance(0.5)) this.rows.delete(random.pick(removable).id);
    if (random.chance(0.25)) this.decide(random, at);
  }

  change(random: Random): void {
    const row = random.pick([...this.rows.values()]);
    this.rows.set(row.id, { ...row, value: row.value + 1 });
  }

  /** Somebody opts out or in again, is restricted or no longer, agrees, refuses or is not asked any more. */
  decide(random: Random, at: string, only?: 'restricting'): void {
    const person = random.pick(this.people);
    if (this.source === 'gp') {
      const out = only === 'restricting' || !(this.optOuts.get(person)?.out ?? false);
      if (only === undefined && random.chance(0.3)) this.flagged.add(person);
      else if (only === undefined && random.chance(0.5)) this.flagged.clear();
      else this.optOuts.set(person, { out, at });
    } else if (isCare(this.source)) {
      if (random.chance(0.3)) this.agreed.delete(person);
      else this.agreed.set(person, only === undefined && !(this.agreed.get(person) ?? false));
    }
  }

  #has(person: number): number {
    return [...this.rows.values()].filter((row) => row.person === person).length;
  }

  /** Everything, as a full extract. */
  full(sequence: number, businessDate: string, gzip: boolean): Said {
    return {
      source: this.source,
      sequence,
      businessDate,
      kind: 'full',
      people: this.people,
      rows: [...this.rows.values()],
      purged: [],
      optOuts: new Map(this.optOuts),
      agreed: new Map(this.agreed),
      flagged: new Set(this.flagged),
      broken: new Set(),
      twice: new Map(),
      gzip,
    };
  }

  /** What differs from the last extract that was published. */
  delta(said: Said, last: Published): Said {
    const rows = said.rows.filter(({ id, value }) => last.rows.get(id)?.value !== value);
    const purged = [...last.rows.keys()].filter((id) => !this.rows.has(id));
    return { ...said, kind: 'delta', rows, purged };
  }
}
