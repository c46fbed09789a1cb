import { type ClinicalRow, isCare, marker, type Said, SOURCES, type SourceCode } from './nights-county.ts';

/**
 * What must be seen after each load, written from the documents (docs/onboarding-a-source.md, DESIGN 7), in memory,
 * with nothing of the loader's.
 */

export interface Published {
  readonly sequence: number;
  readonly businessDate: string;
  readonly rows: ReadonlyMap<string, ClinicalRow>;
  /** whose contribution is not believed */
  readonly quarantined: ReadonlySet<number>;
}

/** What a person's record must show: everything, or that they opted out, or nothing at all. */
export interface Expected {
  readonly state: 'shown' | 'opted-out' | 'restricted';
  readonly markers: readonly string[];
}

export interface Movement {
  readonly new: number;
  readonly changed: number;
  readonly deleted: number;
}

export class Model {
  readonly #published = new Map<SourceCode, Published>();
  readonly #optedOut = new Map<number, { out: boolean; at: string }>();
  readonly #restricted = new Set<number>();
  readonly #agreed = new Map<SourceCode, Set<number>>();

  copy(): Model {
    const other = new Model();
    for (const [source, state] of this.#published) other.#published.set(source, state);
    for (const [person, state] of this.#optedOut) other.#optedOut.set(person, state);
    for (const person of this.#restricted) other.#restricted.add(person);
    for (const [source, people] of this.#agreed) other.#agreed.set(source, new Set(people));
    return other;
  }

  last(source: SourceCode): Published | undefined {
    return this.#published.get(source);
  }

  /** An extract that is whole and in sequence: what restricts counts, whatever becomes of the rest. */
  restrict(said: Said, filesAreWhole: boolean): void {
    for (const [person, { out, at }] of said.optOuts) if (out) this.#enter(person, true, at);
    for (const person of said.flagged) this.#restricted.add(person);
    if (!isCare(said.source)) return;
    const agreed = this.#agreed.get(said.source) ?? new Set();
    for (const person of agreed) {
      const given = said.agreed.get(person);
      if (given === false || (given === undefined && filesAreWhole)) agreed.delete(person);
    }
  }

  /** An extract that is published, after what restricts. @returns what moved */
  publish(said: Said): Movement {
    const { source, conflict } = said;
    for (const [person, { out, at }] of said.optOuts) this.#enter(person, out, at);
    if (source === 'gp') {
      for (const person of said.people) if (!said.flagged.has(person)) this.#restricted.delete(person);
    }
    const agreed = new Set([...said.agreed].flatMap(([person, given]) => (given ? [person] : [])));
    if (isCare(source)) this.#agreed.set(source, agreed);
    const before = this.#published.get(source)?.rows ?? new Map<string, ClinicalRow>();
    const quarantined = new Set(conflict === undefined ? [] : [conflict.person]);
    const rows = new Map(said.kind === 'delta' ? before : []);
    for (const id of said.purged) rows.delete(id);
    for (const row of said.rows) {
      const rejected = said.broken.has(row.id) || said.twice.get(row.id) === 'otherwise';
      const now = rejected ? before.get(row.id) : row;
      const held = !quarantined.has(row.person) && (!isCare(source) || agreed.has(row.person));
      if (now !== undefined && held) rows.set(row.id, now);
      else rows.delete(row.id);
    }
    const { sequence, businessDate } = said;
    this.#published.set(source, { sequence, businessDate, rows, quarantined });
    return moved(before, rows);
  }

  /** @returns the person's record as everybody may see it who may see all of it */
  of(person: number): Expected {
    if (this.#restricted.has(person)) return { state: 'restricted', markers: [] };
    if (this.#optedOut.get(person)?.out) return { state: 'opted-out', markers: [] };
    const markers = SOURCES.flatMap((source) => {
      if (isCare(source) && !this.#agreed.get(source)?.has(person)) return [];
      const rows = [...(this.#published.get(source)?.rows.values() ?? [])];
      return rows.filter((row) => row.person === person).map((row) => marker(source, row));
    });
    return { state: 'shown', markers: markers.sort() };
  }

  #enter(person: number, out: boolean, at: string): void {
    const before = this.#optedOut.get(person);
    if (before === undefined || before.at < at || (before.at === at && out)) {
      this.#optedOut.set(person, { out, at });
    }
  }
}

function moved(before: ReadonlyMap<string, ClinicalRow>, after: ReadonlyMap<string, ClinicalRow>): Movement {
  const found = { new: 0, changed: 0, deleted: 0 };
  for (const [id, row] of after) {
    const old = before.get(id);
    if (old === undefined) found.new += 1;
    else if (old.value !== row.value) found.changed += 1;
  }
  for (const id of before.keys()) if (!after.has(id)) found.deleted += 1;
  return found;
}
