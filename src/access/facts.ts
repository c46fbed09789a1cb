import type { ServedTypeName } from '../fhir/served.ts';
import type { ConsentLimits } from './consent-limits.ts';
import type { Policy } from './policy.ts';
import type { RelationshipKind } from './relationship-text.ts';

/** All that a decision may know, gathered in one query at one publication. Decisions take it as a value. */
export interface Facts {
  /** milliseconds since the epoch */
  readonly now: number;
  /** `YYYY-MM-DD` in Europe/London */
  readonly today: string;
  readonly policy: Policy;
  /** the horizon: newest publication of all, and per source */
  readonly publication: number;
  /** the instant whose record is read, milliseconds since the epoch; absent: the record is read as it is now */
  readonly at?: number;
  readonly sources: readonly SourceState[];
  /** `absent`: the ask is about nobody; `unknown`: nobody of that id or number is known */
  readonly person: PersonFacts | 'unknown' | 'absent';
  /**
   * keyed HMACs (hex, `staff-number.ts`) of the caller's own NHS numbers. Staff and governance: as their
   * organisation's directory links them; empty: not known. A patient: of the number in the token, always.
   */
  readonly callerNumbers: readonly string[];
  /** keyed HMAC of the NHS number of whom the caller's token is for; absent: it names nobody by a number */
  readonly aboutNumber?: string;
}

/** What a source last published, as of the facts' publication. */
export interface SourceState {
  readonly source: string;
  readonly loadNo: number;
  /** milliseconds since the epoch */
  readonly publishedAt: number;
  readonly businessDate: string;
  /** retention has removed versions that it had then: what is left of it is not all */
  readonly inPart?: true;
}

export interface PersonFacts {
  readonly personId: string;
  /** every person id of the cluster, `personId` among them */
  readonly cluster: readonly string[];
  /**
   * of a record as it was: everybody whose facts are in here, those who were shown as one person then and those who are
   * today; absent: the cluster
   */
  readonly decidedOn?: readonly string[];
  /** keyed HMACs (hex) of every NHS number of the cluster, superseded ones included */
  readonly numbers: readonly string[];
  /** keyed HMACs (hex) of the NHS numbers of whoever lives with the person; read where the caller's own are known */
  readonly household: readonly string[];
  /** folded, as every source has them; read for staff and governance */
  readonly familyNames: readonly string[];
  /** changes whenever consent, agreement, restriction or identity of the person does */
  readonly epoch: number;
  /** the S-flag, from any source */
  readonly restricted: boolean;
  readonly optedOut: boolean;
  /** refusals that are about some organisations, purposes, types or days, and that no later permission has ended */
  readonly limitedOptOuts: readonly ConsentLimits[];
  /** social care agreements by source code */
  readonly agreements: readonly AgreementFact[];
  /** sources that know the person, as far as it matters whether any of them may say so: read with the relationships */
  readonly knownTo: readonly string[];
  /** of the caller's organisation with the person, as sources state them; read where the organisation asks for one */
  readonly relationships: readonly RelationshipFact[];
  /** until when one that the user has declared lasts, milliseconds since the epoch; absent: none was */
  readonly declaredUntil?: number;
  /** sources whose contribution contradicts the established identity: never gathered */
  readonly quarantined: readonly string[];
}

export interface RelationshipFact {
  readonly kind: RelationshipKind;
  /** `YYYY-MM-DD`, both ends included */
  readonly from: string;
  readonly to?: string;
  /** the row that states it: a relationship counts where that row may count */
  readonly row: RowFacts;
}

export interface AgreementFact {
  readonly source: string;
  readonly given: boolean;
  readonly from?: string;
  readonly to?: string;
  /** absent: none */
  readonly limits?: ConsentLimits;
}

/** What decisions know of a stored resource without opening it. */
export interface RowFacts {
  readonly id: string;
  /** empty: about nobody */
  readonly personId: string;
  readonly type: ServedTypeName;
  /** empty for an AuditEvent: the service's own */
  readonly source: string;
  /** `system|code` */
  readonly categories: readonly string[];
  readonly labels: readonly string[];
  readonly codes: readonly string[];
  /** AuditEvent: the organisation of whoever did it; absent where nobody of an organisation did */
  readonly organisation?: string;
  /** AuditEvent: whether its person is a patient of the officer's organisation; absent: not, or not known to be */
  readonly isPatient?: boolean;
  /** AuditEvent found across people: keyed HMACs of the numbers of its person, to be compared with the officer's own */
  readonly numbers?: readonly string[];
}
