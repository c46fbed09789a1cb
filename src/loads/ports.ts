import type { ContributionVerdict } from '../identity/contribution.ts';
import type { Demographics } from '../identity/demographics.ts';
import type { GuardFinding, Movement } from './guards.ts';
import type {
  CareStanding,
  Contribution,
  CopyPlace,
  JudgedContribution,
  LimitedOptOut,
  OptOutRecord,
  PatientRecord,
  PatientState,
  PurgedRow,
  ReferencedCopy,
  RejectedRow,
  RestrictedRow,
  RestrictionCounts,
  RowOwner,
  RowPlace,
  StagedRow,
  TypeCount,
} from './records.ts';

/**
 * What a load needs of storage and of the audit log. A load works in a session: a connection of its own that holds the
 * source's lock, working tables that nobody else sees, and changes that become visible all together at publication.
 */

/** `held`: a guard tripped, nothing is published, and somebody has to decide */
export type LoadResult = 'published' | 'duplicate' | 'refused' | 'failed' | 'held';

/** What the audit log is told of a load. Details hold no personal data. */
export interface LoadEvent {
  /** `restricting`: consents, agreements or restrictions are about to take effect ahead of the load itself */
  readonly result: LoadResult | 'restricting';
  readonly source: string;
  readonly details: Readonly<Record<string, string>>;
}

/** Resolves when the event is durable. Nothing is published or restricted before. */
export type LoadAudit = (event: LoadEvent) => Promise<void>;

export interface LoadStore {
  /**
   * Waits for another load of the source to end, takes the source's lock and undoes what a crashed load left.
   *
   * @param keyFingerprint of the key that makes resource ids: a database made with another key is not touched
   * @throws Error when the lock is not to be had in time, or the database belongs to another key or source list
   */
  open(source: LoadSource, keyFingerprint: string): Promise<LoadSession>;
}

export interface LoadSource {
  readonly number: number;
  readonly code: string;
  /** whether its S-flags restrict the person (health), or its agreements are required (social care) */
  readonly sector: 'health' | 'social-care';
}

export interface LastPublished {
  readonly loadNo: number;
  readonly sequence: number;
  readonly businessDate: string;
  readonly fileTypes: readonly string[];
}

export interface LoadStart {
  readonly businessDate: string;
  readonly sequence: number;
  readonly kind: 'full' | 'delta';
  readonly format: string;
  readonly manifestHash: Buffer;
  readonly fileTypes: readonly string[];
  /** milliseconds since the epoch */
  readonly startedAt: number;
  /** the held load whose extract is loaded again */
  readonly releases?: number;
}

/** A load that waits for somebody's decision. */
export interface HeldLoad {
  readonly manifestHash: Buffer;
  readonly guards: readonly GuardFinding[];
}

/** Takes every row of the extract in one pass. `write` only buffers: await `flush` now and then, `end` at the end. */
export interface RowWriter {
  /** @param localId of rows that are stored once per person who refers to them */
  write(file: number, line: number, start: number, length: number, hash: Buffer, localId?: string): void;
  flush(): Promise<void>;
  end(): Promise<void>;
}

export interface LoadSession {
  /** loads that had crashed and were undone when the session was opened */
  readonly undone: readonly number[];
  /** newest publication when the session was opened */
  readonly horizon: number;
  lastPublished(): Promise<LastPublished | undefined>;
  /** a load of this source, where it is held */
  held(loadNo: number): Promise<HeldLoad | undefined>;
  /** load that already published exactly this manifest */
  publishedAs(manifestHash: Buffer): Promise<number | undefined>;
  /** @returns the load number */
  begin(start: LoadStart): Promise<number>;
  rows(): Promise<RowWriter>;
  readonly patients: PatientPhase;
  readonly consents: ConsentPhase;
  readonly resources: ResourcePhase;
  /**
   * One short transaction that makes the load what readers see.
   *
   * @param judge decides anew where another source's publication changed an identity meanwhile
   * @param agrees whether another source's patient agrees with an identity that this load establishes
   * @param certificate made from the publication's number, stored with the load
   * @returns the publication's number
   */
  publish(
    judge: (contribution: Contribution) => ContributionVerdict,
    agrees: (established: Demographics, candidate: Demographics) => boolean,
    certificate: (publication: number) => string,
  ): Promise<number>;
  /**
   * Takes back what the load has changed, on a new connection, and says how it ended.
   *
   * @returns the publication where the load turns out to be published: the connection broke over its COMMIT
   */
  abandon(state: Exclude<LoadResult, 'published'>, certificate: string): Promise<number | undefined>;
  close(): Promise<void>;
}

/** The source's own patients, and who they are. */
export interface PatientPhase {
  /**
   * Takes over, unread, the patients whose row is as it was.
   *
   * @param file -1 where the extract has no such file
   * @param takesTestNumbers whether numbers of the test range are taken: what was judged otherwise is read again
   */
  recognise(file: number, takesTestNumbers: boolean): Promise<void>;
  /** Patient rows that are new or changed, in order of lines. */
  unread(afterLine: number, limit: number): Promise<readonly RowPlace[]>;
  /** NHS numbers of the people whom somebody has confirmed waiting patients to be, by local id. */
  matched(): Promise<ReadonlyMap<string, string>>;
  add(patients: readonly PatientRecord[]): Promise<void>;
  /** The row cannot be read: the patient stands as it was known. */
  keep(localIds: readonly string[]): Promise<void>;
  /** S-flags of rows that are not taken as they are: by their numbers, and by what is stored of them. After `keep`. */
  restrict(rows: readonly RestrictedRow[]): Promise<void>;
  /** Ends the reading of patients; those that a delta neither brings nor purges stand. Two rows of one id with different content: neither is believed (`duplicate-id`). */
  merge(): Promise<void>;
  /** NHS numbers by local id, of this extract or else of an earlier one. */
  numbers(localIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  custodians(): Promise<readonly string[]>;
  /** Withholds the patients of these organisations, marks those who may not be held, and finds whom to judge. */
  bar(custodians: readonly string[], care: boolean): Promise<void>;
  unjudged(afterNumber: string, limit: number): Promise<readonly Contribution[]>;
  /** @returns how many numbers had no person before */
  settle(judged: readonly JudgedContribution[]): Promise<number>;
  /** numbers of local patients by state and reason */
  counts(): Promise<
    readonly { readonly state: PatientState; readonly reason: string; readonly count: number }[]
  >;
}

export interface ConsentPhase {
  /** Where each of the source's people stands (social care sources): all of them, every night. */
  stand(standings: readonly CareStanding[]): Promise<void>;
  /** The last word on each number. */
  optOuts(records: readonly OptOutRecord[], limited: readonly LimitedOptOut[]): Promise<void>;
  /**
   * Applies what restricts, in a transaction of its own.
   *
   * @param agreementsWhole the extract has its file of agreements: those it does not give have ended
   * @param confirm called before COMMIT when there is anything to restrict
   */
  restrict(
    agreementsWhole: boolean,
    confirm: (counts: RestrictionCounts) => Promise<void>,
  ): Promise<RestrictionCounts>;
}

export interface ResourcePhase {
  /**
   * Compares the extract's rows with what is stored, and finds what is unchanged and what must be read.
   *
   * @param by `row`: every row is a resource; `patient`: all rows of a patient together are one
   * @returns people of whom a delta brings one patient as somebody else, and another stands unread
   */
  compare(by: 'row' | 'patient', patientFile: number): Promise<number>;
  /** Rows of a file that are not recognised, in order of lines. */
  unread(file: number, afterLine: number, limit: number): Promise<readonly RowPlace[]>;
  owners(localIds: readonly string[]): Promise<ReadonlyMap<string, RowOwner>>;
  /** People of resources of this source, staged or stored. */
  ownersOf(resourceIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  stage(rows: readonly StagedRow[], references: readonly ReferencedCopy[]): Promise<void>;
  /** Resources whose rows cannot be read: what is stored of them stands. */
  keep(resourceIds: readonly string[]): Promise<void>;
  keepCopies(type: number, localIds: readonly string[]): Promise<void>;
  /** @returns how many of them an earlier extract of the source had too, and were rejected */
  reject(rows: readonly RejectedRow[]): Promise<number>;
  /** @returns rows whose id another row of different content has too: none of them is taken */
  settle(): Promise<readonly { readonly file: number; readonly line: number; readonly type: number }[]>;
  /** Adds and changes what is staged, in chunks that nobody sees. */
  apply(
    progress: (done: number, total: number) => void,
  ): Promise<{ readonly added: readonly TypeCount[]; readonly changed: readonly TypeCount[] }>;
  /**
   * Notes what a delta purges, or brings and is not taken. Of patients before `patients.merge`.
   *
   * @returns rows of which nothing is stored
   */
  purge(rows: readonly PurgedRow[]): Promise<readonly TypeCount[]>;
  /** Deletes what is stored and was not in the extract; of a delta what it purges, and what has become nobody's. */
  deleteUnseen(copies: boolean): Promise<readonly TypeCount[]>;
  /**
   * Finds the copies nobody refers to any more, and those to be made. Call after the referring rows are applied.
   *
   * @param files of the types that are stored once per person who refers to them
   * @returns rows to which nobody refers
   */
  compareCopies(
    files: readonly { readonly file: number; readonly type: number }[],
  ): Promise<readonly TypeCount[]>;
  unreadCopies(file: number, afterLine: number, limit: number): Promise<readonly CopyPlace[]>;
  unchanged(): Promise<readonly TypeCount[]>;
  /** what is stored of the source, this load applied */
  stored(): Promise<readonly TypeCount[]>;
  /** patients by practice (custodian), as published and as in this extract, whatever their state */
  practices(): Promise<readonly Movement[]>;
}
