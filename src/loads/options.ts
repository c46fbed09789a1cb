import type { KeyObject } from 'node:crypto';
import type { Policy } from '../access/policy.ts';
import type { Certificate } from './certificate.ts';
import type { LoadProgress } from './context.ts';
import type { GuardLimits } from './guards.ts';
import type { Mapping } from './mapped-csv/mapping.ts';
import type { LoadAudit, LoadStore } from './ports.ts';

export interface LoadOptions {
  /** of the extract: a manifest and its files */
  readonly folder: string;
  /** code of the source */
  readonly source: string;
  readonly policy: Policy;
  readonly store: LoadStore;
  readonly audit: LoadAudit;
  /** where copies of extracts are kept while they are read; ours alone, a folder per source */
  readonly stagingRoot: string;
  /** where extracts that a guard holds are kept until somebody decides; ours alone, a folder per load */
  readonly heldRoot: string;
  readonly guards: GuardLimits;
  /** the held load whose extract this is: the guards that held it let it pass */
  readonly releases?: number;
  /** makes resource ids; the same for the life of the database */
  readonly resourceKey: KeyObject;
  /** milliseconds since the epoch */
  readonly now: () => number;
  readonly newPersonId: () => string;
  /** of a source of plain CSV, checked */
  readonly mapping?: Mapping;
  readonly progress?: LoadProgress;
  /** resident bytes of this process */
  readonly memory?: () => number;
}

/** A load that ended in an error of ours, after what it had changed was taken back. The cause is the error. */
export class LoadFailed extends Error {
  readonly certificate: Certificate;

  constructor(certificate: Certificate, cause: unknown) {
    super('The load failed; what it had changed was taken back, and the record stands as it was.', { cause });
    this.name = 'LoadFailed';
    this.certificate = certificate;
  }
}
