import { servedByCode } from '../fhir/served.ts';
import type { GuardFinding } from './guards.ts';
import type { LoadResult } from './ports.ts';
import type { RestrictionCounts, TypeCount } from './records.ts';
import type { RefusalRule } from './refusal.ts';

/**
 * What a load did, for the source's engineers and our own: counts and sentences, no personal data. Codes of practices are
 * among it where the configuration names them.
 */
export interface Certificate {
  readonly source: string;
  readonly result: LoadResult;
  /** why it was refused, or at which step it failed */
  readonly reason?: { readonly rule: RefusalRule | 'failure' | 'guard'; readonly sentence: string };
  /** absent where the manifest could not be read */
  readonly businessDate?: string;
  readonly kind?: 'full' | 'delta';
  readonly sequence?: number;
  /** SHA-256 of the manifest, hex */
  readonly manifest?: string;
  readonly loadNumber?: number;
  readonly publication?: number;
  /** load that published the same extract before: of a duplicate */
  readonly sameAs?: number;
  /** the held load that a human released, and that this one loaded again */
  readonly releases?: number;
  /** crashed loads of the source that this run undid */
  readonly undone: readonly number[];
  readonly files: readonly FileCount[];
  /** columns of CSV files that are not read: never a value of theirs */
  readonly columns: readonly ColumnNote[];
  /** by FHIR type */
  readonly types: Readonly<Record<string, TypeTally>>;
  readonly identity: IdentityTally;
  readonly consent: ConsentTally;
  /** every guard that was judged; empty where the load did not come so far */
  readonly guards: readonly GuardFinding[];
  /** rejected rows that an earlier extract had too, and were rejected then: of those that are recorded */
  readonly rejectedBefore: number;
  /** claims of profiles that a row misses: a warning, never a reason to reject */
  readonly profileWarnings: number;
  readonly timings: readonly { readonly phase: LoadPhase; readonly milliseconds: number }[];
  /** largest resident size of this process that was seen between steps */
  readonly peakMemoryBytes: number;
}

export interface FileCount {
  readonly name: string;
  readonly type: string;
  readonly rows: number;
  readonly sha256: string;
}

export interface ColumnNote {
  readonly file: string;
  readonly column: string;
  /** `never-held`: may not be sent, and was dropped; `not-read`: nothing that we know of */
  readonly why: 'never-held' | 'not-read';
  /** cells with anything in them */
  readonly filled: number;
}

export interface TypeTally {
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly deleted: number;
  /** by rule */
  readonly rejected: Readonly<Record<string, number>>;
  /** not shared: by type, category, code or date */
  readonly withheld: number;
  /** not held: no agreement, closed case */
  readonly refused: number;
  /** of a type that we do not serve, or that its source may not send */
  readonly notServed: number;
  /** Medication and Binary to which no person's row refers */
  readonly unreferenced: number;
  /** purged by a delta, and not there */
  readonly absent: number;
}

export interface IdentityTally {
  readonly newPeople: number;
  readonly accepted: number;
  /** local patients by reason */
  readonly quarantined: Readonly<Record<string, number>>;
  readonly unmatched: number;
  readonly withheld: number;
  readonly refused: Readonly<Record<string, number>>;
}

export interface ConsentTally extends RestrictionCounts {
  /** statements about health sharing that were read, both ways */
  readonly optOutStatements: number;
  readonly agreementsInForce: number;
  /** consents that are no longer or not yet meant to count: draft, inactive, entered in error */
  readonly ignored: number;
}

export type LoadPhase =
  | 'open'
  | 'stage'
  | 'unbundle'
  | 'scan'
  | 'patients'
  | 'consents'
  | 'restrict'
  | 'identify'
  | 'compare'
  | 'map'
  | 'apply'
  | 'copies'
  | 'guard'
  | 'publish';

type Column = Exclude<keyof TypeTally, 'rejected'>;
type Counts = { [Name in Column]: number } & { rejected: Record<string, number> };

/** Counts while a load runs. */
export class Tally {
  readonly #types = new Map<string, Counts>();
  readonly #timings = new Map<LoadPhase, number>();
  readonly columns: ColumnNote[] = [];
  /** rows that may not be held, by type and reason */
  readonly refusedBy = new Map<string, Map<string, number>>();
  #peak = 0;
  guards: readonly GuardFinding[] = [];
  rejectedBefore = 0;
  identity: IdentityTally = {
    newPeople: 0,
    accepted: 0,
    quarantined: {},
    unmatched: 0,
    withheld: 0,
    refused: {},
  };
  consent: ConsentTally = {
    optedOut: 0,
    agreementsEnded: 0,
    restricted: 0,
    optOutStatements: 0,
    agreementsInForce: 0,
    ignored: 0,
  };

  count(type: string, column: Column, by = 1): void {
    this.#of(type)[column] += by;
  }

  /** Counts what may not be held, by reason. */
  refuse(type: string, reason: string): void {
    this.count(type, 'refused');
    const reasons = this.refusedBy.get(type) ?? new Map<string, number>();
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    this.refusedBy.set(type, reasons);
  }

  reject(type: string, rule: string, by = 1): void {
    const { rejected } = this.#of(type);
    rejected[rule] = (rejected[rule] ?? 0) + by;
  }

  countAll(column: Column, counts: readonly TypeCount[]): void {
    for (const { type, count } of counts) this.count(servedByCode(type), column, count);
  }

  spent(phase: LoadPhase, milliseconds: number): void {
    this.#timings.set(phase, (this.#timings.get(phase) ?? 0) + milliseconds);
  }

  memory(bytes: number): void {
    this.#peak = Math.max(this.#peak, bytes);
  }

  get types(): Readonly<Record<string, TypeTally>> {
    const sorted = [...this.#types].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted.map(([type, counts]) => [type, { ...counts, rejected: { ...counts.rejected } }]),
    );
  }

  get rejected(): number {
    const rules = [...this.#types.values()].flatMap((counts) => Object.values(counts.rejected));
    return rules.reduce((sum, each) => sum + each, 0);
  }

  total(column: Column): number {
    return [...this.#types.values()].reduce((sum, counts) => sum + counts[column], 0);
  }

  get timings(): Certificate['timings'] {
    return [...this.#timings].map(([phase, milliseconds]) => ({
      phase,
      milliseconds: Math.round(milliseconds),
    }));
  }

  get peakMemoryBytes(): number {
    return this.#peak;
  }

  #of(type: string): Counts {
    let counts = this.#types.get(type);
    if (counts === undefined) {
      counts = {
        new: 0,
        changed: 0,
        unchanged: 0,
        deleted: 0,
        rejected: {},
        withheld: 0,
        refused: 0,
        notServed: 0,
        unreferenced: 0,
        absent: 0,
      };
      this.#types.set(type, counts);
    }
    return counts;
  }
}
