import type { Policy, SourcePolicy } from '../access/policy.ts';
import type { LoadPhase, Tally } from './certificate.ts';
import type { Manifest } from './manifest.ts';
import type { LoadSession } from './ports.ts';
import type { Preparer } from './prepare.ts';
import type { CareStanding, LimitedOptOut, OptOutRecord, RejectedRow } from './records.ts';
import type { SharingWatch } from './sharing.ts';
import type { StagedFile } from './staging.ts';

/** Told now and then while a load runs; `done` and `total` are rows, or bytes while staging. */
export type LoadProgress = (phase: LoadPhase, done: number, total: number) => void;

/** What the steps that read an extract need: a load's session has it, and so has a preview's, which keeps nothing. */
export type ExtractSession = Pick<LoadSession, 'rows' | 'patients' | 'consents' | 'resources'>;

/** What the steps of one load share. */
export interface LoadContext {
  readonly policy: Policy;
  readonly source: SourcePolicy;
  readonly manifest: Manifest;
  readonly files: readonly StagedFile[];
  readonly session: ExtractSession;
  readonly preparer: Preparer;
  readonly tally: Tally;
  readonly rejects: Rejects;
  readonly progress: LoadProgress;
  /** of a preview: told what the sharing policy keeps back */
  readonly watch?: SharingWatch;
}

/** An extract of one format, once its files are staged. The steps are called in this order. */
export interface ExtractReader {
  /** `row`: every row is a resource; `patient`: all rows of a patient together are compared as one */
  readonly comparedBy: 'row' | 'patient';
  /** Reads every row's place and hash. @throws Refusal when a file is not whole */
  scan(): Promise<void>;
  /** Index of the file of patients, -1 without one. */
  readonly patientFile: number;
  patients(): Promise<void>;
  consents(): Promise<ConsentHarvest>;
  resources(): Promise<void>;
  /** Rows that are stored once per person who refers to them. */
  copies(): Promise<void>;
}

export interface ConsentHarvest {
  readonly optOuts: readonly OptOutRecord[];
  readonly limitedOptOuts: readonly LimitedOptOut[];
  readonly standings: readonly CareStanding[];
  readonly optOutStatements: number;
  readonly ignored: number;
  /** false: agreements that are not in the extract are not known to have ended */
  readonly agreementsWhole: boolean;
}

const FLUSH_AT = 1_000;
/** Of one rule in one file so many rows are recorded; all are counted. */
const MAX_RECORDED = 10_000;

/** Collects rejected rows, counts all of them, and hands a bounded number on to be recorded. */
export class Rejects {
  readonly #tally: Tally;
  readonly #session: ExtractSession;
  readonly #recorded = new Map<string, number>();
  #pending: RejectedRow[] = [];
  #place: (row: RejectedRow) => RejectedRow = (row) => row;

  constructor(tally: Tally, session: ExtractSession) {
    this.#tally = tally;
    this.#session = session;
  }

  /** Says from now on where a row stands in the files as they were sent. */
  placed(place: (row: RejectedRow) => RejectedRow): void {
    this.#place = place;
  }

  /** @param type FHIR type, or the table of a CSV folder */
  add(type: string, read: RejectedRow): void {
    const row = this.#place(read);
    this.#tally.reject(type, row.rule);
    const kind = `${row.file} ${row.rule}`;
    const recorded = this.#recorded.get(kind) ?? 0;
    if (recorded >= MAX_RECORDED) return;
    this.#recorded.set(kind, recorded + 1);
    this.#pending.push(row);
  }

  async flush(all = false): Promise<void> {
    if (this.#pending.length === 0 || (!all && this.#pending.length < FLUSH_AT)) return;
    const rows = this.#pending;
    this.#pending = [];
    this.#tally.rejectedBefore += await this.#session.resources.reject(rows);
  }
}
