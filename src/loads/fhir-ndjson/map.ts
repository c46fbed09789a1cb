import { setImmediate as others } from 'node:timers/promises';
import { labelsThroughout } from '../../fhir/codings.ts';
import { isRestrictedLabel } from '../../fhir/labels.ts';
import { type LocalReference, personReference } from '../../fhir/references.ts';
import { isServed, served } from '../../fhir/served.ts';
import type { LoadContext } from '../context.ts';
import { withCurrentNumber } from '../patient-record.ts';
import type { Owner } from '../prepare.ts';
import type { PurgedRow, ReferencedCopy, RowOwner, RowPlace, StagedRow } from '../records.ts';
import { refusalHint } from '../refused-row.ts';
import type { StagedFile } from '../staging.ts';
import type { PlacedRow } from './batches.ts';
import type { FileKind } from './files.ts';
import type { ReadRow, Resource, RowFault } from './row.ts';

/** Rows mapped before what is being written meanwhile has its turn. */
const STEP = 32;

interface Candidate {
  readonly place: RowPlace;
  readonly resource: Resource;
  /** the source's patient, or another resource whose person it shares; absent: a directory type */
  readonly about?: LocalReference;
}

/** Maps rows to stored resources: whose each is, whether it may be held and is shared, and its text. */
export class RowMapper {
  readonly #context: LoadContext;
  readonly #readRow: ReadRow;
  #mapped: { readonly rows: StagedRow[]; readonly references: ReferencedCopy[] } = {
    rows: [],
    references: [],
  };
  #writing: Promise<void> = Promise.resolve();
  /** sound rows of a delta that are not taken: what is stored of them goes, as if they were purged */
  #gone: PurgedRow[] = [];

  constructor(context: LoadContext, read: ReadRow) {
    this.#context = context;
    this.#readRow = read;
  }

  /** What is mapped is written while the next batch is mapped; `end` writes the last. */
  async map(file: StagedFile, kind: FileKind, batch: readonly PlacedRow[]): Promise<void> {
    const { session } = this.#context;
    const kept: string[] = [];
    const candidates: Candidate[] = [];
    await inSteps(batch, (row) => candidates.push(...this.#read(file, kind, row, kept)));
    // whose such a row is may be told by a row of the batch before
    if (candidates.some(({ about }) => about !== undefined && about.type !== 'Patient')) this.#write();
    await this.#writing;
    const owners = await this.#ownersOf(candidates);
    if (kept.length > 0) await session.resources.keep(kept);
    await this.#note();
    this.#write();
    const { rows, references } = this.#mapped;
    await inSteps(candidates, (candidate) => this.#prepare(file, candidate, owners, rows, references));
  }

  async end(): Promise<void> {
    await this.#writing;
    this.#write();
    await this.#writing;
    await this.#note();
    await this.#context.rejects.flush(true);
  }

  /** Begins to write what is mapped. */
  #write(): void {
    const { rows, references } = this.#mapped;
    this.#mapped = { rows: [], references: [] };
    if (rows.length === 0) return;
    this.#writing = this.#context.session.resources.stage(rows, references);
    // it is awaited with the next batch; until then its failure must not count as unhandled
    this.#writing.catch(() => {});
  }

  /** Writes down what was found of rows that are not taken. */
  async #note(): Promise<void> {
    const { session, rejects } = this.#context;
    if (this.#gone.length > 0) await session.resources.purge(this.#gone);
    this.#gone = [];
    await rejects.flush();
  }

  #read(file: StagedFile, kind: FileKind, { place, bytes }: PlacedRow, kept: string[]): readonly Candidate[] {
    const row = this.#readRow(bytes, file);
    if (!row.ok) {
      this.#fault(file, place, row.fault);
      if (row.fault.id !== undefined) kept.push(this.#context.preparer.id(file.type, row.fault.id));
      return [];
    }
    const { resource } = row;
    if (kind === 'directory') {
      // directory rows are shown to every caller, whatever they are labelled
      if (!labelsThroughout(resource).some(isRestrictedLabel)) return [{ place, resource }];
      const hint = 'a directory row with a label that restricts';
      this.#goes(resource);
      this.#fault(file, place, { rule: 'restricted-directory', hint });
      return [];
    }
    if (kind === 'patient') return [{ place, resource, about: { type: 'Patient', id: resource.id } }];
    const about = personReference(resource);
    if (about === undefined || (about.type !== 'Patient' && !hasPerson(about.type))) {
      this.#goes(resource);
      this.#fault(file, place, { rule: 'no-person', hint: 'refers to no Patient, or to more than one' });
      return [];
    }
    return [{ place, resource, about }];
  }

  async #ownersOf(candidates: readonly Candidate[]): Promise<ReadonlyMap<string, RowOwner>> {
    const { session, preparer } = this.#context;
    const patients = new Set<string>();
    const targets = new Map<string, string>();
    for (const { about } of candidates) {
      if (about?.type === 'Patient') patients.add(about.id);
      else if (about !== undefined) targets.set(preparer.id(about.type, about.id), keyOf(about));
    }
    const owners = new Map<string, RowOwner>();
    for (const [localId, owner] of await session.resources.owners([...patients])) {
      owners.set(keyOf({ type: 'Patient', id: localId }), owner);
    }
    for (const [id, personId] of await session.resources.ownersOf([...targets.keys()])) {
      owners.set(targets.get(id) ?? '', { state: 'accepted', personId });
    }
    return owners;
  }

  #prepare(
    file: StagedFile,
    { place, resource, about }: Candidate,
    owners: ReadonlyMap<string, RowOwner>,
    rows: StagedRow[],
    references: ReferencedCopy[],
  ): void {
    const { preparer, tally, manifest } = this.#context;
    let owner: Owner | undefined;
    if (about !== undefined) {
      const found = owners.get(keyOf(about));
      if (found?.personId === undefined) {
        this.#goes(resource);
        this.#notTaken(file, place, found, about);
        return;
      }
      owner = { personId: found.personId, localId: about.type === 'Patient' ? about.id : '' };
    }
    const shown = file.type === 'Patient' ? withCurrentNumber(resource, manifest.businessDate) : resource;
    const prepared = preparer.prepare(shown, owner);
    if (prepared === undefined) {
      this.#goes(resource);
      tally.count(file.type, 'withheld');
      return;
    }
    rows.push({ ...prepared.row, hash: place.hash, file: place.file, line: place.line });
    references.push(...prepared.references);
  }

  /** In a full extract it goes because no row of it is taken. */
  #goes({ resourceType: type, id }: Resource): void {
    const { manifest, preparer } = this.#context;
    if (manifest.kind === 'full' || !isServed(type)) return;
    this.#gone.push({ type: served(type).code, localId: id, resourceId: preparer.id(type, id) });
  }

  #notTaken(file: StagedFile, place: RowPlace, owner: RowOwner | undefined, about: LocalReference): void {
    if (owner?.state === 'refused') {
      // what may not be held is counted, and not written down anywhere
      this.#context.tally.refuse(file.type, owner.reason ?? '');
      return;
    }
    const unknown = about.type === 'Patient' ? 'unknown-person' : 'unknown-target';
    const rule = owner?.reason ?? unknown;
    this.#fault(file, place, { rule, hint: refusalHint(rule) });
  }

  #fault(
    file: StagedFile,
    { line, hash }: RowPlace,
    fault: Pick<RowFault, 'element' | 'hint'> & { readonly rule: string },
  ): void {
    const { rule, hint, element } = fault;
    this.#context.rejects.add(file.type, {
      file: file.name,
      line,
      rule,
      hint,
      hash,
      ...(element !== undefined && { element }),
    });
  }
}

function keyOf({ type, id }: LocalReference): string {
  return `${type}/${id}`;
}

/** Whether resources of a type belong to one person, so that what is about them does too. */
function hasPerson(type: string): boolean {
  return isServed(type) && served(type).keeping === 'clinical';
}

async function inSteps<T>(items: readonly T[], handle: (item: T) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    handle(item);
    if (index % STEP === STEP - 1) await others();
  }
}
