import { readNhsNumber } from '../identity/nhs-number.ts';
import type { ChangeKind, NumberChange, NumberPair } from '../identity/number-changes.ts';
import { csvRecords } from './csv-file.ts';

/** Files that say which NHS numbers are one person's, and which never are. */

const CHANGE_COLUMNS = ['old_number', 'new_number', 'kind', 'date'];
const UNMERGE_COLUMNS = ['old_number', 'new_number'];
const PAIR_COLUMNS = ['nhs_number', 'other_number'];

/** Faults that are named at most: the rest is counted. */
const MOST_FAULTS = 20;

/**
 * Reads a file of number changes: CSV with the columns `old_number,new_number,kind,date`.
 *
 * @param today `YYYY-MM-DD`: no change is of a later day
 * @throws Error that names every line that cannot be taken and why, never what it holds; then nothing of it counts
 */
export async function readNumberChanges(path: string, today: string): Promise<readonly NumberChange[]> {
  const lineOf = new Map<string, number>();
  return readLines(path, CHANGE_COLUMNS, ([old, next, kind = '', date = ''], line) => {
    const pair = twoNumbers(old, next);
    if (typeof pair === 'string') return pair;
    if (!isKind(kind)) return 'the kind is superseded or merged';
    if (!isDay(date) || date > today) return 'the date is a day, YYYY-MM-DD, and not a later one than today';
    const before = lineOf.get(pair[0]);
    if (before !== undefined) return `the old number is on line ${before} too`;
    lineOf.set(pair[0], line);
    return { oldNumber: pair[0], newNumber: pair[1], kind, changedOn: date };
  });
}

/** Reads changes that are taken back: CSV with the columns `old_number,new_number`. Faults as for changes. */
export function readUnmerges(path: string): Promise<readonly NumberPair[]> {
  return readLines(path, UNMERGE_COLUMNS, ([one, other]) => twoNumbers(one, other));
}

/** Reads pairs that are never linked: CSV with the columns `nhs_number,other_number`. Faults as for changes. */
export function readKeptApart(path: string): Promise<readonly NumberPair[]> {
  return readLines(path, PAIR_COLUMNS, ([one, other]) => twoNumbers(one, other));
}

async function readLines<T extends object>(
  path: string,
  columns: readonly string[],
  read: (cells: readonly string[], line: number) => T | string,
): Promise<readonly T[]> {
  const rows: T[] = [];
  const faults: string[] = [];
  let line = 0;
  for await (const cells of csvRecords(path)) {
    line += 1;
    if (line === 1) {
      if (cells.join() !== columns.join()) throw new Error(`The file has the columns ${columns.join(', ')}.`);
      continue;
    }
    const row = cells.length === columns.length ? read(cells, line) : `it has ${columns.length} cells`;
    if (typeof row === 'string') faults.push(`Line ${line}: ${row}.`);
    else rows.push(row);
  }
  if (line === 0) throw new Error('The file is empty: it has at least its header.');
  if (faults.length === 0) return rows;
  const more = faults.length > MOST_FAULTS ? [`And ${faults.length - MOST_FAULTS} lines more.`] : [];
  throw new Error(['Nothing was changed.', ...faults.slice(0, MOST_FAULTS), ...more].join('\n'));
}

function twoNumbers(one = '', other = ''): NumberPair | string {
  const [a, b] = [readNhsNumber(one), readNhsNumber(other)];
  if (a === undefined || b === undefined) return 'both are NHS numbers with their check digits';
  return a === b ? 'the two numbers are different' : [a, b];
}

function isKind(text: string): text is ChangeKind {
  return text === 'superseded' || text === 'merged';
}

function isDay(text: string): boolean {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
