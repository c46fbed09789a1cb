import type { ServedTypeName } from '../../fhir/served.ts';
import { codesOf, type Json } from './reading.ts';
import type { ReadRow, RecordRows } from './rows.ts';
import type { Cell } from './xhtml.ts';

/** A section of the summary: which rows belong in it, and what its table says of each. */
export interface SectionRule {
  readonly title: string;
  /** the section's LOINC code, with LOINC's own words for it */
  readonly loinc: { readonly code: string; readonly display: string };
  readonly types: readonly ServedTypeName[];
  /** whether a row of these types belongs here; what was entered in error is never asked about */
  takes(resource: Json): boolean;
  /** drops what another row of the section already shows */
  without?(chosen: readonly ReadRow[]): readonly ReadRow[];
  /** the date or time that the rows stand by, newest first */
  when(resource: Json): string;
  readonly columns: readonly string[];
  /** as many as there are columns */
  cells(row: ReadRow, record: RecordRows): readonly Cell[];
  /** no more than the newest so many */
  readonly most?: number;
  /** only the newest of those that say the same here */
  newestOf?(resource: Json): string;
  /** social care has such items too */
  readonly socialCare?: true;
}

/** Whether a status, or any of its codes, is one of these. */
export function isOneOf(status: unknown, codes: readonly string[]): boolean {
  return codesOf(status).some((code) => codes.includes(code));
}
