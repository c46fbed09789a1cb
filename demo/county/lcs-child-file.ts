import type { Day } from './calendar.ts';
import { dateText } from './calendar.ts';
import type { LcsRow, LcsTable } from './lcs-tables.ts';
import type { County, Person } from './person.ts';
import { Random } from './random.ts';

export function lcsPersonId(index: number): string {
  return String(700_000 + index);
}

/** One child's folder, being written. */
export class ChildFile {
  readonly rows: LcsRow[] = [];
  readonly id: string;
  readonly random: Random;
  readonly person: Person;
  readonly start: Day;
  /** last day of everything, where the case is closed */
  readonly end: string;
  readonly referral: string;

  constructor(person: Person, county: County) {
    this.person = person;
    this.id = lcsPersonId(person.index);
    this.random = new Random(county.seed, 'lcs', person.index);
    this.start = Math.max(county.anchor - this.random.whole(40, 700), person.birthDay + 10);
    this.end = person.lcs.open ? '' : dateText(Math.max(county.anchor - 21, this.start + 7));
    this.referral = `R${this.id}`;
  }

  add(table: LcsTable, ...values: readonly string[]): void {
    this.rows.push({ table, values });
  }
}
