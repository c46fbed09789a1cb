import type { Occurrence, ReleasedResource } from './occurrence.ts';

/** What the journal is given to write. */
export interface AuditEntry {
  readonly occurrence: Occurrence;
  /** in the order of the answer */
  readonly released: readonly ReleasedResource[];
  /** publication the released versions were read at */
  readonly publication: number;
  /** UUID: who was counted anew against the limits of people asked for; absent: nobody (`record/people-asked.ts`) */
  readonly asked?: string;
}

/** Proof that an entry is durable. Only the journal makes one, after COMMIT (`src/audit/journal.ts`). */
export type { Receipt } from './journal.ts';
