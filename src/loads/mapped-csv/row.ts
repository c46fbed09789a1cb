import { type CellReading, readCell } from './cells.ts';
import type { CodeMap, Column, MappedCode, Mapping, RowTest } from './mapping.ts';

/** Why nothing is made of a row: the column, and a hint without any value. */
export interface CellFault {
  readonly rule: 'cell' | 'code' | 'id';
  readonly element: string;
  readonly hint: string;
}

/** What is looked up while rows of one table are read. */
export interface TableTerms {
  readonly columns: ReadonlyMap<string, Column>;
  readonly codes: ReadonlyMap<
    string,
    { readonly map: CodeMap; readonly codes: ReadonlyMap<string, MappedCode> }
  >;
}

export function tableTerms(mapping: Mapping, columns: Readonly<Record<string, Column>>): TableTerms {
  // as maps: a name such as __proto__ or constructor finds nothing in them
  return {
    columns: new Map(Object.entries(columns)),
    codes: new Map(
      Object.entries(mapping.codeMaps ?? {}).map(([name, map]) => [
        name,
        { map, codes: new Map(Object.entries(map.codes)) },
      ]),
    ),
  };
}

/**
 * One row, as one resource looks at it: every cell that it draws on and that cannot be read is noted, and reads as
 * empty.
 */
export class Row {
  readonly #terms: TableTerms;
  readonly #cells: ReadonlyMap<string, string>;
  readonly #faults = new Map<string, CellFault>();

  constructor(terms: TableTerms, cells: ReadonlyMap<string, string>) {
    this.#terms = terms;
    this.#cells = cells;
  }

  /** the first one found */
  get fault(): CellFault | undefined {
    return this.#faults.values().next().value;
  }

  isFaulty(column: string): boolean {
    return this.#faults.has(column);
  }

  note(fault: CellFault): void {
    if (!this.#faults.has(fault.element)) this.#faults.set(fault.element, fault);
  }

  passes({ column, is }: RowTest): boolean {
    return is.includes(this.#cells.get(column) ?? '');
  }

  value(column: string): string | boolean | undefined {
    const kind = this.#terms.columns.get(column);
    const reading: CellReading =
      kind === undefined ? { ok: false, hint: 'no column' } : readCell(kind, this.#cells.get(column) ?? '');
    if (reading.ok) return reading.value;
    this.note({ rule: 'cell', element: column, hint: reading.hint });
    return undefined;
  }

  text(column: string | undefined): string | undefined {
    const value = column === undefined ? undefined : this.value(column);
    if (value === undefined) return undefined;
    // of a number its digits, without the mark
    return this.#terms.columns.get(column ?? '')?.type === 'number'
      ? this.#cells.get(column ?? '')
      : String(value);
  }

  /** Whether a column that restricts does so: what cannot be read might, and does. */
  restricts(column: string): boolean {
    return this.value(column) === true || this.isFaulty(column);
  }

  /** A cell by a code map; undefined where it is empty, or is not in the map and may not be kept. */
  coded(column: string, mapName: string): MappedCode | undefined {
    const text = this.text(column) ?? '';
    const { map, codes } = this.#terms.codes.get(mapName) ?? {};
    if (this.isFaulty(column)) return undefined;
    const entry = codes?.get(text);
    if (entry !== undefined) {
      const system = entry.code === undefined ? undefined : (entry.system ?? map?.system);
      return { ...entry, ...(system !== undefined && { system }) };
    }
    if (text === '') return undefined;
    if (map?.unmapped === 'text') return { display: text };
    this.note({ rule: 'code', element: column, hint: `not among the codes of the map ${mapName}` });
    return undefined;
  }

  /**
   * An id of the source as FHIR writes ids. Other characters than letters, digits and hyphens are written as their
   * bytes (`.2F`), and parts are joined by two points, so that no two ids become one.
   *
   * @param name put before the columns' values: ids of two kinds of rows may be alike
   */
  id(columns: readonly string[], name?: string): string | undefined {
    const parts = columns.map((column) => this.text(column) ?? '');
    const empty = columns.find((_, index) => parts[index] === '');
    if (empty !== undefined) {
      this.note({ rule: 'id', element: empty, hint: 'empty, and part of an id' });
      return undefined;
    }
    const id = [...(name === undefined ? [] : [name]), ...parts].map(idPart).join('..');
    if (id.length <= MAX_ID) return id;
    this.note({
      rule: 'id',
      element: columns.join(', '),
      hint: `longer than the ${MAX_ID} characters of an id`,
    });
    return undefined;
  }
}

const MAX_ID = 64;

function idPart(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `.${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
