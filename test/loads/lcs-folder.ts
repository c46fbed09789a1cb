import { columnsOf, TABLE_NAMES, type TableName } from '../../src/loads/lcs/tables.ts';
import type { Given } from './lcs-rows.ts';
import type { ExtractSpec } from './world.ts';

export type Tables = Partial<Record<TableName, readonly Given[] | string>>;

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** A whole folder: tables that are not given are empty. */
export function folder(sequence: number, tables: Tables, more: Partial<ExtractSpec> = {}): ExtractSpec {
  const files = TABLE_NAMES.map((table) => {
    const given = tables[table] ?? [];
    const columns = columnsOf(table);
    const lines =
      typeof given === 'string'
        ? []
        : given.map((each) => columns.map((column) => quoted(each[column] ?? '')).join(','));
    return [
      table,
      typeof given === 'string' ? given : [columns.join(','), ...lines].map((line) => `${line}\n`).join(''),
    ];
  });
  return { source: 'lcs', format: 'lcs-csv', sequence, files: Object.fromEntries(files), ...more };
}
