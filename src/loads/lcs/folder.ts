import { createHash } from 'node:crypto';
import type { LoadContext } from '../context.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { type CsvRow, readTable } from './csv.ts';
import {
  type Cells,
  CHILD_COLUMN,
  type ChildTable,
  columnsOf,
  faultyColumn,
  isLocalId,
  isTable,
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
 * @throws Refusal when a table is missing, is not ours, or cannot be read as agreed
 */
export async function readFolder(context: LoadContext): Promise<Folder> {
  const { files, rejects, progress } = context;
  checkTables(files);
  const total = files.reduce((sum, file) => sum + file.rows, 0);
  if (total > MAX_FOLDER_ROWS) {
    throw new Refusal('too-many-rows', `The folder has ${total} rows; at most ${MAX_FOLDER_ROWS} are taken.`);
  }
  const sorter = new RowSorter();
  let done = 0;
  for (const file of files) {
    if (!isTable(file.type)) continue;
    // the first column of every table is its row's id
    const ids = new Set<string>();
    for await (const row of readTable(file, file.type)) {
      const column = faultyColumn(file.type, row.cells);
      const id = row.cells[0] ?? '';
      const fault = column ?? (ids.has(id) ? 'duplicate' : undefined);
      if (fault === undefined) {
        ids.add(id);
        sorter.take(file.type, row);
      } else {
        const repeated = column === undefined;
        const rule = repeated ? 'duplicate-id' : 'cell';
        const hint = repeated ? 'an earlier row has the same id' : 'not what the column holds';
        rejects.add(file.type, {
          file: file.name,
          line: row.line,
          rule,
          hint,
          hash: createHash('sha256')
            .update(JSON.stringify([file.type, row.cells]))
            .digest(),
          ...(column && { element: column }),
        });
        sorter.fault(file.type, row);
      }
      done += 1;
      if (done % 10_000 === 0) progress('scan', done, total);
    }
    await rejects.flush();
  }
  return sorter;
}

function checkTables(files: readonly StagedFile[]): void {
  const types = files.map((file) => file.type);
  const missing = TABLE_NAMES.find((table) => !types.includes(table));
  if (missing !== undefined) {
    throw new Refusal('file-missing', `The folder has no ${missing}: an empty table is sent as its header.`);
  }
  const unknown = files.find((file) => !isTable(file.type));
  if (unknown !== undefined)
    throw new Refusal('file-unexpected', `The file ${unknown.name} is no table of ours.`);
}

class RowSorter implements Folder {
  readonly children = new Map<string, Child>();
  readonly workers = new Map<string, Cells<'ssd_professionals'>>();

  take(table: TableName, { line, cells }: CsvRow): void {
    const named = namedCells(table, cells);
    if (table === 'ssd_professionals') {
      const worker = named as Cells<'ssd_professionals'>;
      this.workers.set(worker.prof_professional_id, worker);
      return;
    }
    const child = this.#child(table, named, line);
    if (table === 'ssd_person') child.line = line;
    const rows: object[] = child.rows[table];
    rows.push(named);
  }

  /**
   * A row that cannot be read takes nothing with it, but a child's agreement is not read from the others then. Where
   * its child's id is none, it is nobody's: no child has such an id, and storage might not take it.
   */
  fault(table: TableName, { line, cells }: CsvRow): void {
    if (table !== 'ssd_person' && table !== 'mcr_sharing_agreements') return;
    const named = namedCells(table, cells);
    if (!isLocalId(named[CHILD_COLUMN[table]] ?? '')) return;
    const child = this.#child(table, named, line);
    if (table === 'mcr_sharing_agreements') child.agreementUnreadable = true;
    else child.faulty = true;
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

function namedCells(table: TableName, cells: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(columnsOf(table).map((column, index) => [column, cells[index] ?? '']));
}

function emptyRows(): Child['rows'] {
  return {
    ssd_person: [],
    ssd_involvements: [],
    ssd_cin_episodes: [],
    ssd_cin_plans: [],
    ssd_cp_plans: [],
    ssd_cla_episodes: [],
    mcr_relations: [],
    mcr_sharing_agreements: [],
  };
}
