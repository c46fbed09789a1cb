import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Demographics } from '../../identity/demographics.ts';
import type { PatientPhase } from '../ports.ts';
import type {
  CareStanding,
  Contribution,
  JudgedContribution,
  PatientFault,
  PatientRecord,
  PatientState,
  RowOwner,
  RowPlace,
} from '../records.ts';
import type { RowSpill } from './rows.ts';
import { DigestSet, digest } from './spill.ts';

/** What is held of a patient: some 200 bytes. Who they are is in files, by the first digits of the number. */
interface Known {
  fault: PatientFault | undefined;
  readonly hash: number;
  readonly nhsNumber: string | undefined;
  readonly custodian: string | undefined;
  barred: string | undefined;
  verdict: { readonly state: PatientState; readonly reason?: string } | undefined;
  restricted: boolean;
}

interface Written {
  readonly localId: string;
  readonly nhsNumber: string;
  readonly demographics: Demographics;
}

const UNMATCHED: readonly unknown[] = ['no-nhs-number', 'unverified'] satisfies readonly PatientFault[];
const FILES = 100;

/** The patients of an extract, judged by what the extract says alone, as a source's first load would judge them. */
export class PreviewPatients implements PatientPhase {
  readonly #rows: RowSpill;
  readonly #folder: string;
  readonly #isDelta: boolean;
  readonly #known = new Map<string, Known>();
  readonly #files: (FileHandle | undefined)[] = [];
  readonly #pending = new Map<number, string[]>();
  readonly #refusals = new Map<string, 'no-agreement' | 'closed-case' | undefined>();
  #file = -1;
  #isCare = false;
  /** the numbers of one file, in order */
  #page: readonly [nhsNumber: string, written: readonly Written[]][] = [];
  #nextFile = 0;
  readonly #assumed = new DigestSet();

  constructor(rows: RowSpill, folder: string, isDelta: boolean) {
    this.#rows = rows;
    this.#folder = folder;
    this.#isDelta = isDelta;
  }

  /** how many patients rows of a delta are about whom it does not bring */
  get assumed(): number {
    return this.#assumed.size;
  }

  get restricted(): number {
    let count = 0;
    for (const known of this.#known.values()) if (known.restricted) count += 1;
    return count;
  }

  async recognise(file: number): Promise<void> {
    this.#file = file;
  }

  unread(afterLine: number, limit: number): Promise<readonly RowPlace[]> {
    return this.#rows.next('patients', this.#file, afterLine, limit);
  }

  /** What somebody has decided in the matching queue is in the record, and is not asked. */
  async matched(): Promise<ReadonlyMap<string, string>> {
    return new Map();
  }

  async add(patients: readonly PatientRecord[]): Promise<void> {
    for (const { localId, hash, fault, nhsNumber, custodian, restricted, demographics } of patients) {
      const before = this.#known.get(localId);
      const content = hash.readUIntBE(0, 6);
      if (before !== undefined) {
        // the same row twice is one row; two that differ are neither believed
        if (before.hash !== content) before.fault = 'duplicate-id';
        before.restricted ||= restricted;
        continue;
      }
      this.#known.set(localId, {
        fault,
        hash: content,
        nhsNumber,
        custodian,
        barred: undefined,
        verdict: undefined,
        restricted,
      });
      if (nhsNumber === undefined) continue;
      const at = Number(nhsNumber.slice(0, 2));
      const lines = this.#pending.get(at) ?? [];
      lines.push(`${JSON.stringify({ localId, nhsNumber, demographics } satisfies Written)}\n`);
      this.#pending.set(at, lines);
    }
    await this.#write(1_000);
  }

  /** Of a row that cannot be read nothing is known here. */
  async keep(): Promise<void> {}
  async restrict(): Promise<void> {}

  async merge(): Promise<void> {
    await this.#write(0);
  }

  async numbers(localIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(
      localIds.flatMap((localId) => {
        const nhsNumber = this.#known.get(localId)?.nhsNumber;
        return nhsNumber === undefined ? [] : [[localId, nhsNumber] as const];
      }),
    );
  }

  /** Where the source's people stand: those of whom nothing is said have no open case. */
  stand(standings: readonly CareStanding[]): void {
    for (const { localId, refusal } of standings) this.#refusals.set(localId, refusal);
  }

  async custodians(): Promise<readonly string[]> {
    const codes = new Set<string>();
    for (const { custodian } of this.#known.values()) if (custodian !== undefined) codes.add(custodian);
    return [...codes];
  }

  async bar(custodians: readonly string[], care: boolean): Promise<void> {
    const unsigned = new Set(custodians);
    this.#isCare = care;
    for (const [localId, known] of this.#known) {
      if (known.custodian !== undefined && unsigned.has(known.custodian)) known.barred = 'not-signatory';
      else if (care) known.barred = this.#refusals.has(localId) ? this.#refusals.get(localId) : 'closed-case';
    }
  }

  async unjudged(_afterNumber: string, limit: number): Promise<readonly Contribution[]> {
    while (this.#page.length === 0 && this.#nextFile < FILES) {
      this.#page = await this.#numbersOf(this.#nextFile);
      this.#nextFile += 1;
    }
    const found = this.#page.slice(0, limit);
    this.#judging = new Map(found);
    this.#page = this.#page.slice(limit);
    return found.map(([nhsNumber, written]) => ({
      nhsNumber,
      candidates: written.map(({ demographics }) => demographics),
    }));
  }

  #judging: ReadonlyMap<string, readonly Written[]> = new Map();

  async settle(judged: readonly JudgedContribution[]): Promise<number> {
    for (const { nhsNumber, verdict } of judged) {
      const { state } = verdict;
      const seen = state === 'accepted' ? { state } : { state, reason: verdict.reason };
      for (const { localId } of this.#judging.get(nhsNumber) ?? []) {
        const known = this.#known.get(localId);
        if (known !== undefined) known.verdict = seen;
      }
    }
    return judged.filter(({ verdict }) => verdict.state === 'accepted').length;
  }

  async counts(): ReturnType<PatientPhase['counts']> {
    const counts = new Map<string, { state: PatientState; reason: string; count: number }>();
    for (const known of this.#known.values()) {
      const { state, reason = '' } = stateOf(known);
      const entry = counts.get(`${state} ${reason}`) ?? { state, reason, count: 0 };
      entry.count += 1;
      counts.set(`${state} ${reason}`, entry);
    }
    return [...counts.values()];
  }

  owners(localIds: readonly string[]): ReadonlyMap<string, RowOwner> {
    const owners = new Map<string, RowOwner>();
    for (const localId of localIds) {
      const known = this.#known.get(localId);
      if (known !== undefined) {
        const { state, reason } = stateOf(known);
        const whose = state === 'accepted' ? { personId: localId } : {};
        owners.set(localId, { state, ...(reason !== undefined && { reason }), ...whose });
      } else if (this.#isDelta) {
        // who they are the record knows, or nobody: it is not asked here, and said so
        this.#assumed.add(digest(localId));
        owners.set(localId, { state: 'accepted', personId: localId });
      }
    }
    return owners;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file?.close();
  }

  async #numbersOf(file: number): Promise<readonly [string, readonly Written[]][]> {
    if (this.#files[file] === undefined) return [];
    const byNumber = new Map<string, Written[]>();
    for await (const line of createInterface({ input: createReadStream(this.#path(file)) })) {
      const written = JSON.parse(line) as Written;
      const same = byNumber.get(written.nhsNumber);
      if (same === undefined) byNumber.set(written.nhsNumber, [written]);
      else same.push(written);
    }
    if (this.#isCare) for (const written of byNumber.values()) this.#barTogether(written);
    const candidates = [...byNumber].map(
      ([nhsNumber, written]) =>
        [
          nhsNumber,
          written.filter(({ localId }) => {
            const known = this.#known.get(localId);
            return known?.barred === undefined && known?.fault === undefined;
          }),
        ] as [string, readonly Written[]],
    );
    return candidates.filter(([, written]) => written.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** A person of whom one record is refused for want of agreement is refused whole. */
  #barTogether(written: readonly Written[]): void {
    const all = written.map(({ localId }) => this.#known.get(localId));
    if (!all.some((known) => known?.barred === 'no-agreement')) return;
    for (const known of all) if (known !== undefined) known.barred ??= 'no-agreement';
  }

  async #write(atLeast: number): Promise<void> {
    for (const [file, lines] of this.#pending) {
      if (lines.length === 0 || lines.length < atLeast / FILES) continue;
      this.#files[file] ??= await open(this.#path(file), 'wx', 0o600);
      await this.#files[file]?.appendFile(lines.join(''));
      this.#pending.set(file, []);
    }
  }

  #path(file: number): string {
    return join(this.#folder, `preview-patients-${file}`);
  }
}

function stateOf({ barred, fault, verdict }: Known): {
  readonly state: PatientState;
  readonly reason?: string;
} {
  if (barred !== undefined) {
    return { state: barred === 'not-signatory' ? 'withheld' : 'refused', reason: barred };
  }
  if (fault !== undefined)
    return { state: UNMATCHED.includes(fault) ? 'unmatched' : 'quarantined', reason: fault };
  return verdict ?? { state: 'quarantined', reason: 'demographics-missing' };
}
