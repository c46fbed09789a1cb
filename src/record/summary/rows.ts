import { markDecimals } from '../../fhir/decimals.ts';
import { localReference } from '../../fhir/references.ts';
import type { ServedTypeName } from '../../fhir/served.ts';
import { at, codesOf, type Json, text } from './reading.ts';

/** A row that the caller may see: the exact text that is kept. */
export interface SummaryRow {
  readonly type: ServedTypeName;
  readonly id: string;
  readonly body: string;
}

export interface ReadRow extends SummaryRow {
  readonly resource: Json;
}

/** The rows that a summary is made of. Each is parsed once, and only when it is looked into. */
export class RecordRows {
  readonly #rows = new Map<string, SummaryRow>();
  readonly #byType = new Map<ServedTypeName, string[]>();
  readonly #read = new Map<string, ReadRow | undefined>();

  /** @param rows in the record's order; of two with the same id the first counts; Patients are left out */
  constructor(rows: readonly SummaryRow[]) {
    for (const row of rows) {
      const key = `${row.type}/${row.id}`;
      if (row.type === 'Patient' || this.#rows.has(key)) continue;
      this.#rows.set(key, row);
      const keys = this.#byType.get(row.type);
      if (keys === undefined) this.#byType.set(row.type, [key]);
      else keys.push(key);
    }
  }

  /** Rows of some types, a type after the other, without those that were entered in error. */
  of(types: readonly ServedTypeName[]): readonly ReadRow[] {
    return types.flatMap((type) => this.#byType.get(type) ?? []).flatMap((key) => this.#get(key) ?? []);
  }

  /**
   * The row that a reference leads to.
   * @param literal `Type/id`, with or without version
   * @returns undefined where it is not among the rows, or was entered in error
   */
  behind(literal: string): ReadRow | undefined {
    const local = localReference(literal);
    return local === undefined ? undefined : this.#get(`${local.type}/${local.id}`);
  }

  #get(key: string): ReadRow | undefined {
    if (this.#read.has(key)) return this.#read.get(key);
    const row = this.#rows.get(key);
    const read = row === undefined ? undefined : readRow(row);
    this.#read.set(key, read);
    return read;
  }
}

/**
 * A row parsed; one that was parsed before is as it is. Only an Observation's numbers are shown.
 *
 * @returns undefined for what was entered in error
 */
export function readRow(row: SummaryRow | ReadRow): ReadRow | undefined {
  if ('resource' in row) return row;
  const marked = row.type === 'Observation' ? markDecimals(row.body) : undefined;
  const resource = JSON.parse(marked ?? row.body) as Json;
  return isEnteredInError(resource) ? undefined : { ...row, resource };
}

function isEnteredInError(resource: Json): boolean {
  return (
    text(resource, 'status') === 'entered-in-error' ||
    codesOf(at(resource, 'verificationStatus')).includes('entered-in-error')
  );
}
