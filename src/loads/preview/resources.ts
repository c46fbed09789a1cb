import { join } from 'node:path';
import type { ResourcePhase } from '../ports.ts';
import type { CopyPlace, PurgedRow, ReferencedCopy, RejectedRow, StagedRow, TypeCount } from '../records.ts';
import type { PreviewPatients } from './patients.ts';
import type { RowSpill, SpiltRow } from './rows.ts';
import { DigestSet, digest, RecordFile } from './spill.ts';

/** Digest of the resource's id, of its content; line, file and type. */
const LENGTH = 8 + 8 + 4 + 2 + 2;
const FILES = 64;
const MANY = 1_000_000_000;
/** Of one fault so many lines are named. */
const EXAMPLES = 3;
const MAX_FAULTS = 500;

/** Rows of one kind that were not taken, and some of their lines. */
export interface FaultSeen {
  readonly file: string;
  readonly rule: string;
  readonly element?: string;
  readonly hint: string;
  readonly lines: readonly number[];
}

/** The rows of an extract on their way to nowhere: counted, and compared with each other. */
export class PreviewResources implements ResourcePhase {
  readonly #rows: RowSpill;
  readonly #patients: PreviewPatients;
  readonly #folder: string;
  readonly #mayBeTargets: boolean;
  readonly #isDelta: boolean;
  readonly #targets = new DigestSet();
  readonly #wanted = new DigestSet();
  readonly #faults = new Map<string, Omit<FaultSeen, 'lines'> & { lines: number[] }>();
  #staged = new Map<number, number>();
  #stage: RecordFile[] = [];
  #round = 0;

  /**
   * @param mayBeTargets the extract has rows that belong to the person of another row (Provenance): the ids of all are
   *   held then, 12 to 24 bytes each
   */
  constructor(
    rows: RowSpill,
    patients: PreviewPatients,
    folder: string,
    mayBeTargets: boolean,
    isDelta: boolean,
  ) {
    this.#rows = rows;
    this.#patients = patients;
    this.#folder = folder;
    this.#mayBeTargets = mayBeTargets;
    this.#isDelta = isDelta;
  }

  get faults(): readonly FaultSeen[] {
    return [...this.#faults.values()];
  }

  /** Nothing is stored that rows could be compared with: all of them are read. */
  async compare(): Promise<number> {
    return 0;
  }

  /** Of a file whose rows are stored once per person who refers to them only those that have no id. */
  unread(file: number, afterLine: number, limit: number): Promise<readonly SpiltRow[]> {
    return this.#next('resources', file, afterLine, limit, ({ id }) => id === 0);
  }

  async owners(localIds: readonly string[]) {
    return this.#patients.owners(localIds);
  }

  async ownersOf(resourceIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const known = this.#isDelta ? resourceIds : resourceIds.filter((id) => this.#targets.has(digest(id)));
    return new Map(known.map((id) => [id, id]));
  }

  async stage(rows: readonly StagedRow[], references: readonly ReferencedCopy[]): Promise<void> {
    for (const { resourceId, hash, line, file, type } of rows) {
      const id = digest(resourceId);
      const record = Buffer.alloc(LENGTH);
      record.writeDoubleLE(id, 0);
      hash.copy(record, 8, 0, 8);
      record.writeUInt32LE(line, 16);
      record.writeUInt16LE(file, 20);
      record.writeUInt16LE(type, 22);
      this.#stageFile(id % FILES).add(record);
      this.#staged.set(type, (this.#staged.get(type) ?? 0) + 1);
      if (this.#mayBeTargets) this.#targets.add(id);
    }
    for (const { type, localId } of references) this.#wanted.add(digest(`${type} ${digest(localId)}`));
    for (const file of this.#stage) await file.flush();
  }

  async keep(): Promise<void> {}
  async keepCopies(): Promise<void> {}

  async reject(rows: readonly RejectedRow[]): Promise<number> {
    for (const { file, line, rule, element, hint } of rows) {
      const where = element === undefined ? undefined : namedElement(element, hint);
      const key = [file, rule, where, hint].join('\0');
      const seen = this.#faults.get(key);
      if (seen !== undefined) {
        if (seen.lines.length < EXAMPLES) seen.lines.push(line);
      } else if (this.#faults.size < MAX_FAULTS) {
        this.#faults.set(key, {
          file,
          rule,
          ...(where !== undefined && { element: where }),
          hint,
          lines: [line],
        });
      }
    }
    return 0;
  }

  async settle(): Promise<readonly { file: number; line: number; type: number }[]> {
    const repeated: { file: number; line: number; type: number }[] = [];
    for (const file of this.#stage) {
      const byId = new Map<number, Buffer[]>();
      for (const record of await file.read(0, MANY)) {
        const id = record.readDoubleLE(0);
        const same = byId.get(id);
        if (same === undefined) byId.set(id, [record]);
        else same.push(record);
      }
      for (const same of byId.values()) if (same.length > 1) repeated.push(...this.#differing(same));
      await file.close();
    }
    this.#stage = [];
    this.#round += 1;
    return repeated;
  }

  /** The same row twice is one row; of those that differ none is taken. */
  #differing(same: readonly Buffer[]): readonly { file: number; line: number; type: number }[] {
    const different = new Map(
      [...same].reverse().map((record) => [record.toString('latin1', 8, 16), record]),
    );
    const type = same[0]?.readUInt16LE(22) ?? 0;
    const left = different.size === 1 ? 1 : 0;
    this.#staged.set(type, (this.#staged.get(type) ?? 0) - same.length + left);
    if (left === 1) return [];
    return [...different.values()].map((record) => ({
      file: record.readUInt16LE(20),
      line: record.readUInt32LE(16),
      type,
    }));
  }

  async apply(): Promise<{ added: readonly TypeCount[]; changed: readonly TypeCount[] }> {
    const added = [...this.#staged].map(([type, count]) => ({ type, count }));
    this.#staged = new Map();
    return { added, changed: [] };
  }

  /** Of what a delta purges only the record knows whether it is there. */
  async purge(_rows: readonly PurgedRow[]): Promise<readonly TypeCount[]> {
    return [];
  }

  async deleteUnseen(): Promise<readonly TypeCount[]> {
    return [];
  }

  async compareCopies(files: readonly { readonly file: number; readonly type: number }[]) {
    const counts: TypeCount[] = [];
    for (const { file, type } of files) {
      this.#typeOf.set(file, type);
      let count = 0;
      for (let after = 0; ; ) {
        const rows = await this.#rows.next('wanted', file, after, 4_000);
        if (rows.length === 0) break;
        count += rows.filter(({ id }) => id !== 0 && !this.#isWanted(type, id)).length;
        after = rows.at(-1)?.line ?? after;
      }
      counts.push({ type, count });
    }
    return counts;
  }

  readonly #typeOf = new Map<number, number>();

  /** Counted once, however many people refer to it. */
  async unreadCopies(file: number, afterLine: number, limit: number): Promise<readonly CopyPlace[]> {
    const type = this.#typeOf.get(file) ?? 0;
    const rows = await this.#next('copies', file, afterLine, limit, ({ id }) => this.#isWanted(type, id));
    return rows.map((row) => ({ ...row, personIds: [SOMEBODY] }));
  }

  /** A page is full unless it is the last. */
  async #next(
    reading: string,
    file: number,
    afterLine: number,
    limit: number,
    takes: (row: SpiltRow) => boolean,
  ): Promise<readonly SpiltRow[]> {
    const found: SpiltRow[] = [];
    for (let after = afterLine; found.length < limit; ) {
      const rows = await this.#rows.next(reading, file, after, limit - found.length);
      if (rows.length === 0) break;
      after = rows.at(-1)?.line ?? after;
      found.push(...rows.filter(takes));
    }
    return found;
  }

  #isWanted(type: number, id: number): boolean {
    return id !== 0 && this.#wanted.has(digest(`${type} ${id}`));
  }

  async unchanged(): Promise<readonly TypeCount[]> {
    return [];
  }

  async stored(): Promise<readonly TypeCount[]> {
    return [];
  }

  async practices(): Promise<readonly []> {
    return [];
  }

  async close(): Promise<void> {
    for (const file of this.#stage) await file.close();
  }

  #stageFile(at: number): RecordFile {
    while (this.#stage.length < FILES) {
      const path = join(this.#folder, `preview-staged-${this.#round}-${this.#stage.length}`);
      this.#stage.push(new RecordFile(path, LENGTH));
    }
    return this.#stage[at] as RecordFile;
  }
}

/** Whose a copy is does not matter to a count. */
const SOMEBODY = '00000000-0000-4000-8000-000000000000';

/** Without indexes. A name that FHIR does not have is the sender's own word, and is not repeated. */
function namedElement(element: string, hint: string): string {
  const path = element.replace(/\[\d+\]/g, '');
  return hint === 'unknown-element' ? path.replace(/\.[^.]*$/, '.(unknown)') : path;
}
