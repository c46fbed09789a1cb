import { tableRecords } from '../csv.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import type { TableMapping } from './mapping.ts';

export interface TableRow {
  /** of the record's first character; the header is line 1 */
  readonly line: number;
  /** by the names of the mapping's columns, without white space around them */
  readonly cells: ReadonlyMap<string, string>;
}

const BYTE_ORDER_MARK = '\ufeff';

/**
 * Reads a table strictly, but for the order of its columns, which are known by their names.
 *
 * @throws Refusal for a file that cannot be read without guessing, or that has more or fewer rows than the manifest
 * says (an unclosed quotation mark swallows rows)
 */
export async function* readMappedTable(file: StagedFile, table: TableMapping): AsyncGenerator<TableRow> {
  let width = 0;
  let places: ReadonlyMap<string, number> = new Map();
  const readHeader = (record: readonly string[]): void => {
    width = record.length;
    places = placesOf(record, file, table);
  };
  for await (const { line, record } of tableRecords(file, readHeader)) {
    if (record.length !== width) {
      throw new Refusal(
        'csv',
        `The file ${file.name} has ${record.length} columns in line ${line}, and ${width} in its header.`,
      );
    }
    yield { line, cells: cellsOf(record, places) };
  }
}

function cellsOf(record: readonly string[], places: ReadonlyMap<string, number>): TableRow['cells'] {
  const cells = new Map<string, string>();
  for (const [name, place] of places) cells.set(name, (record[place] ?? '').trim());
  return cells;
}

function placesOf(
  record: readonly string[],
  file: StagedFile,
  table: TableMapping,
): ReadonlyMap<string, number> {
  const header = record.map((name) => name.trim());
  // trimming takes the mark for white space
  if (record[0]?.startsWith(BYTE_ORDER_MARK)) {
    throw new Refusal(
      'file-encoding',
      `The file ${file.name} begins with a byte order mark: send UTF-8 without one.`,
    );
  }
  if (header.some((name) => name.includes('\0'))) {
    throw new Refusal('file-encoding', `The file ${file.name} is not UTF-8: its header holds zero bytes.`);
  }
  const places = new Map(header.map((name, place) => [name, place]));
  const isNamed = (name: string): boolean => Object.hasOwn(table.columns, name);
  if (places.size !== header.length) {
    const place = header.findIndex((name, index) => header.indexOf(name) !== index);
    const name = header[place] ?? '';
    const what = isNamed(name) ? `the column "${name}"` : `its column ${place + 1}`;
    throw new Refusal('header', `The header of ${file.name} has ${what} twice.`);
  }
  const wanted = Object.keys(table.columns);
  const missing = wanted.filter((name) => !places.has(name)).map((name) => `"${name}"`);
  const others = header.flatMap((name, place) => (isNamed(name) ? [] : [place + 1]));
  // told by their places: where the header is missing they are somebody's data
  const more = others.length === 0 ? '' : `column ${some(others)}, which the mapping does not name`;
  if (missing.length > 0) {
    const instead = more === '' ? '' : `, and has ${more}`;
    throw new Refusal('header', `The header of ${file.name} lacks ${some(missing)}${instead}.`);
  }
  if (more !== '' && table.otherColumns !== 'ignore') {
    throw new Refusal('header', `The header of ${file.name} has ${more}.`);
  }
  return new Map(wanted.map((name) => [name, places.get(name) ?? 0]));
}

function some(list: readonly (string | number)[]): string {
  const shown = list.slice(0, 5).join(', ');
  return list.length > 5 ? `${shown} and ${list.length - 5} more` : shown;
}
