import { createHash } from 'node:crypto';
import type { LoadContext } from '../context.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { isLocalId } from './cells.ts';
import { readTable } from './csv.ts';
import { forbiddenTable, KEPT_IDENTIFIER } from './never.ts';
import { type RowFault, RowJudge } from './row-judge.ts';
import {
  type Cells,
  CHILD_COLUMN,
  type ChildTable,
  isTable,
  namedCells,
  TABLE_NAMES,
  type TableName,
} from './tables.ts';

/**
 * A folder is held in memory while it is loaded, about half a kilobyte a row: a child's rows are spread over all of
 * its files. More rows than these are refused; a council's open cases and their history are far fewer.
 */
export const MAX_FOLDER_ROWS = 500_000;

export interface Child {
  /** line of the person's row, or of the child's first row where there is none */
  line: number;
  /** the person's row is there but cannot be read */
  faulty: boolean;
  /** a row of agreements cannot be read: none of the others is believed */
  agreementUnreadable: boolean;
  readonly rows: { readonly [T in ChildTable]: Cells<T>[] };
}

export interface Folder {
  readonly children: ReadonlyMap<string, Child>;
  readonly workers: ReadonlyMap<string, Cells<'ssd_professionals'>>;
}

/**
 * Reads all tables of an LCS folder and sorts their rows by child.
 *
 * @throws Refusal when a table is missing, is not ours, may not be sent, or cannot be read as agreed
 */
export async function readFolder(context: LoadContext): Promise<Folder> {
  const { files, rejects, tally, progress, watch } = context;
  checkTables(files);
  const total = files.reduce((sum, file) => sum + file.rows, 0);
  if (total > MAX_FOLDER_ROWS) {
    throw new Refusal('too-many-rows', `The folder has ${total} rows; at most ${MAX_FOLDER_ROWS} are taken.`);
  }
  const sorter = new RowSorter();
  const judge = new RowJudge();
  let done = 0;
  for (const table of TABLE_NAMES) {
    const file = files.find((each) => each.type === table);
    if (file === undefined) continue;
    for await (const { line, cells } of readTable(file, table, (note) => tally.columns.push(note))) {
      const named = namedCells(table, cells);
      const fault = judge.fault(table, cells, named);
      if (fault !== undefined) {
        const hash = createHash('sha256')
          .update(JSON.stringify([table, cells]))
          .digest();
        rejects.add(table, { file: file.name, line, hash, ...fault });
        sorter.fault(table, named, line, fault);
      } else if (isKept(table, named)) sorter.take(table, named, line);
      else {
        tally.count(table, 'withheld');
        watch?.withheld(table, `an identifier that is not a ${KEPT_IDENTIFIER}`);
      }
      done += 1;
      if (done % 10_000 === 0) progress('scan', done, total);
    }
    await rejects.flush();
  }
  return sorter;
}

function checkTables(files: readonly StagedFile[]): void {
  for (const { name, type } of files) {
    const holds = forbiddenTable(type);
    if (holds !== undefined) {
      throw new Refusal(
        'file-forbidden',
        `The file ${name} (${holds}) must not be sent and was not opened: send the folder without it.`,
      );
    }
  }
  const types = files.map((file) => file.type);
  const missing = TABLE_NAMES.find((table) => !types.includes(table));
  if (missing !== undefined) {
    throw new Refusal('file-missing', `The folder has no ${missing}: an empty table is sent as its header.`);
  }
  const unknown = files.find((file) => !isTable(file.type));
  if (unknown !== undefined)
    throw new Refusal('file-unexpected', `The file ${unknown.name} is no table of ours.`);
}

/** Of linked identifiers the council's own number of the case alone is kept: the others are not even held here. */
function isKept(table: TableName, named: Readonly<Record<string, string>>): boolean {
  if (table !== 'ssd_linked_identifiers') return true;
  return named['link_identifier_type']?.toLowerCase() === KEPT_IDENTIFIER;
}

class RowSorter implements Folder {
  readonly children = new Map<string, Child>();
  readonly workers = new Map<string, Cells<'ssd_professionals'>>();

  take(table: TableName, named: Readonly<Record<string, string>>, line: number): void {
    if (table === 'ssd_professionals') {
      const worker = named as Cells<'ssd_professionals'>;
      this.workers.set(worker.prof_professional_id, worker);
      return;
    }
    const rows: object[] = this.#child(table, named, line).rows[table];
    rows.push(named);
  }

  /**
   * A row that is not taken takes nothing with it, but a child's agreement is not read from the others then. Where
   * its child's id is none, it is nobody's: no child has such an id, and storage might not take it. What a row says of
   * the agreement of somebody who is not in the folder counts: it may be their withdrawal.
   */
  fault(table: TableName, named: Readonly<Record<string, string>>, line: number, fault: RowFault): void {
    if (table !== 'ssd_person' && table !== 'mcr_sharing_agreements') return;
    if (!isLocalId(named[CHILD_COLUMN[table]] ?? '')) return;
    if (fault.rule === 'unknown-person') this.take(table, named, line);
    else if (table === 'mcr_sharing_agreements') this.#child(table, named, line).agreementUnreadable = true;
    else this.#child(table, named, line).faulty = true;
  }

  #child(table: ChildTable, named: Readonly<Record<string, string>>, line: number): Child {
    const id = named[CHILD_COLUMN[table]] ?? '';
    let child = this.children.get(id);
    if (child === undefined) {
      child = { line, faulty: false, agreementUnreadable: false, rows: emptyRows() };
      this.children.set(id, child);
    }
    return child;
  }
}

function emptyRows(): Child['rows'] {
  return {
    ssd_person: [],
    ssd_cin_episodes: [],
    ssd_linked_identifiers: [],
    ssd_involvements: [],
    ssd_contacts: [],
    ssd_cin_assessments: [],
    ssd_cin_plans: [],
    ssd_cp_plans: [],
    ssd_cla_episodes: [],
    ssd_cla_care_plan: [],
    ssd_cla_placement: [],
    ssd_cla_health: [],
    ssd_cla_immunisations: [],
    ssd_sdq_scores: [],
    ssd_missing: [],
    mcr_relations: [],
    mcr_sharing_agreements: [],
  };
}
