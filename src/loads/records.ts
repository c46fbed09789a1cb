import type { ConsentLimits } from '../access/consent-limits.ts';
import type { ContributionVerdict } from '../identity/contribution.ts';
import type { Demographics } from '../identity/demographics.ts';

/** What passes between the steps of a load and its working tables. */

/** Where a row of the extract is, and what it hashes to (SHA-256 with the versions of mapper and sharing policy). */
export interface RowPlace {
  /** index of the file in the manifest */
  readonly file: number;
  /** from 1; of a CSV file the header is line 1 */
  readonly line: number;
  /** offset in bytes; 0 where rows are kept by other means */
  readonly start: number;
  readonly length: number;
  readonly hash: Buffer;
}

/** Faults that are in the Patient row itself, whatever the policy or other sources say. */
export type PatientFault =
  | 'no-nhs-number'
  | 'nhs-number'
  | 'nhs-number-status'
  /** of the test range, where that is refused: whatever else is wrong */
  | 'test-number'
  /** as above, in a feed whose people without a verified number wait to be matched */
  | 'unverified'
  | 'demographics-missing'
  | 'duplicate-id';

/** A source's own patient, as read from its row. */
export interface PatientRecord {
  readonly localId: string;
  readonly line: number;
  readonly hash: Buffer;
  readonly fault?: PatientFault;
  /** with a right check digit; verified or not */
  readonly nhsNumber?: string;
  /** code of the organisation the rows belong to, where the feed speaks for several */
  readonly custodian?: string;
  readonly restricted: boolean;
  readonly demographics: Demographics;
  /** every name given, folded, as `family<tab>given` */
  readonly names: readonly string[];
  /** keys of the homes given (`householdKeys`) */
  readonly households: readonly string[];
}

/** A Patient row that carries the S-flag and is not taken as it is: whom to restrict. */
export interface RestrictedRow {
  readonly localId?: string;
  /** with right check digits, former ones among them */
  readonly nhsNumbers: readonly string[];
  readonly hash: Buffer;
}

export type PatientState = 'accepted' | 'quarantined' | 'unmatched' | 'withheld' | 'refused';

/** Whose a row of a local patient is, or why it is nobody's. */
export interface RowOwner {
  readonly state: PatientState;
  readonly reason?: string;
  /** when accepted */
  readonly personId?: string;
}

/** Why a social care source's person may not be held, or the agreement that lets it be. */
export interface CareStanding {
  readonly localId: string;
  readonly refusal?: 'no-agreement' | 'closed-case';
  /** what the source has stated about sharing, whether the case is open or not; absent: nothing */
  readonly stated?: 'given' | 'not-given';
  readonly agreement?: AgreementRecord;
}

export interface AgreementRecord {
  readonly resourceId: string;
  readonly givenBy?: string;
  readonly givenByRelationship?: string;
  /** milliseconds since the epoch */
  readonly recordedAt: number;
  /** `YYYY-MM-DD` */
  readonly startDate: string;
  readonly endDate?: string;
  readonly limits?: ConsentLimits;
}

/** The last word of this extract on one number. */
export interface OptOutRecord {
  readonly nhsNumber: string;
  readonly optedOut: boolean;
  /** milliseconds since the epoch */
  readonly enteredAt: number;
  readonly resourceId: string;
}

/** A refusal that is about some organisations, purposes, types or days only. */
export interface LimitedOptOut {
  readonly nhsNumber: string;
  readonly enteredAt: number;
  readonly resourceId: string;
  readonly limits: ConsentLimits;
}

export interface RestrictionCounts {
  readonly optedOut: number;
  readonly agreementsEnded: number;
  readonly restricted: number;
}

/** Everything a source says about one number, and what is established about it. */
export interface Contribution {
  readonly nhsNumber: string;
  readonly personId?: string;
  readonly candidates: readonly Demographics[];
  readonly established?: { readonly source: number; readonly demographics: Demographics };
}

export interface JudgedContribution {
  readonly nhsNumber: string;
  /** taken when the number has no person yet and the verdict needs one */
  readonly newPersonId: string;
  readonly verdict: ContributionVerdict;
}

/** A resource ready to be stored. */
export interface StagedRow {
  readonly resourceId: string;
  /** absent: a directory type, about nobody */
  readonly personId?: string;
  /** code of the type in SERVED */
  readonly type: number;
  readonly categories: readonly string[];
  readonly labels: readonly string[];
  readonly codes: readonly string[];
  /** `system|value`; of directory types only */
  readonly identifiers: readonly string[];
  readonly hash: Buffer;
  /** organisations it shows to care for the person (`relationshipsOf`) */
  readonly relationships: readonly string[];
  /** values of its search parameters (`searchLine`); empty: none */
  readonly searchLine: string;
  readonly body: string;
  readonly file: number;
  readonly line: number;
}

/** A Medication or Binary that a person's row refers to. */
export interface ReferencedCopy {
  /** code of the type in SERVED */
  readonly type: number;
  readonly localId: string;
  readonly personId: string;
  /** of this person's copy */
  readonly resourceId: string;
}

/** A row to copy for the people who refer to it and lack it. */
export interface CopyPlace extends RowPlace {
  readonly personIds: readonly string[];
}

/** What a delta says has been deleted at the source. */
export interface PurgedRow {
  /** code of the type in SERVED */
  readonly type: number;
  readonly localId: string;
  /** ours; of a type that is stored per person who refers to it, of none of the copies */
  readonly resourceId: string;
}

/** A row that was not taken. Never a value, a name or a number. */
export interface RejectedRow {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly element?: string;
  readonly hint: string;
  /** of the row, where it could be read whole: known again when it is sent again */
  readonly hash?: Buffer;
}

export interface TypeCount {
  /** code of the type in SERVED */
  readonly type: number;
  readonly count: number;
}
