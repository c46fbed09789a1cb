import type { RejectedRow } from '../records.ts';
import { faultyColumn, isLocalId } from './cells.ts';
import { CHILD_COLUMN, REFERRAL_COLUMN, type TableName } from './tables.ts';

export type RowFault = Pick<RejectedRow, 'rule' | 'element' | 'hint'>;

/**
 * Judges rows one by one: their cells, their ids, and whether the person and the referral that they name are in the
 * folder. The tables must come in the order of `TABLE_NAMES`. A person or referral whose own row cannot be read is in
 * the folder all the same: one fault does not become many.
 */
export class RowJudge {
  readonly #ids = new Map<TableName, Set<string>>();
  /** whose each referral is; empty: its row does not say */
  readonly #referrals = new Map<string, string>();

  /** @param named the same cells by their columns */
  fault(
    table: TableName,
    cells: readonly string[],
    named: Readonly<Record<string, string>>,
  ): RowFault | undefined {
    const [id = ''] = cells;
    const column = faultyColumn(table, cells);
    const ids = this.#idsOf(table);
    const repeated = ids.has(id);
    if (isLocalId(id)) ids.add(id);
    if (table === 'ssd_cin_episodes' && !repeated) this.#remember(id, named['cine_person_id'] ?? '');
    if (column !== undefined) return { rule: 'cell', element: column, hint: 'not what the column holds' };
    if (repeated) return { rule: 'duplicate-id', hint: 'an earlier row has the same id' };
    return this.#stray(table, named);
  }

  #stray(table: TableName, named: Readonly<Record<string, string>>): RowFault | undefined {
    if (table === 'ssd_professionals' || table === 'ssd_person') return undefined;
    const personColumn = CHILD_COLUMN[table];
    const person = named[personColumn] ?? '';
    if (!this.#idsOf('ssd_person').has(person)) {
      return { rule: 'unknown-person', element: personColumn, hint: 'ssd_person has no row of this person' };
    }
    const column = REFERRAL_COLUMN[table];
    const referral = column === undefined ? '' : (named[column] ?? '');
    if (column === undefined || referral === '') return undefined;
    const owner = this.#referrals.get(referral);
    if (owner === person || owner === '') return undefined;
    return owner !== undefined
      ? { rule: 'unknown-referral', element: column, hint: 'the referral is another person’s' }
      : {
          rule: 'unknown-referral',
          element: column,
          hint: 'ssd_cin_episodes has no row of this referral: leave the cell empty where there is none',
        };
  }

  #remember(referral: string, person: string): void {
    this.#referrals.set(referral, isLocalId(person) ? person : '');
  }

  #idsOf(table: TableName): Set<string> {
    let ids = this.#ids.get(table);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(table, ids);
    }
    return ids;
  }
}
