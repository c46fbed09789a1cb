import { SERVED_NAMES, served } from '../../fhir/served.ts';
import type { Movement } from '../../loads/guards.ts';
import type { ResourcePhase } from '../../loads/ports.ts';
import type {
  CopyPlace,
  PatientState,
  PurgedRow,
  ReferencedCopy,
  RejectedRow,
  RowOwner,
  RowPlace,
  StagedRow,
  TypeCount,
} from '../../loads/records.ts';
import { applyStaged, deleteUnseen, settleStage } from './apply.ts';
import { compareByPatient, compareByRow, findRemapped } from './compare.ts';
import { compareCopies, unreadCopies } from './copies.ts';
import { BinaryCopy } from './copy.ts';
import { halfRemapped, notePurged } from './deltas.ts';
import { practices, storedByType } from './guarded.ts';
import { type PlaceRow, toPlace } from './place.ts';
import { NOBODY, run, type Work } from './work.ts';

/** Types that are stored once for every person who refers to them. */
export const REFERENCED_TYPES: readonly number[] = SERVED_NAMES.map((name) => served(name))
  .filter((type) => type.keeping === 'referenced')
  .map((type) => type.code);

/** Rows on their way into the record. */
export class StoredResources implements ResourcePhase {
  readonly #work: Work;
  #ownersIndexed = false;

  constructor(work: Work) {
    this.#work = work;
  }

  async compare(by: 'row' | 'patient', patientFile: number): Promise<number> {
    await findRemapped(this.#work);
    const incomplete = await halfRemapped(this.#work);
    if (incomplete > 0) return incomplete;
    if (by === 'row') await compareByRow(this.#work);
    else await compareByPatient(this.#work, patientFile);
    await run(this.#work, 'create index on load_todo (file, line)');
    return 0;
  }

  async unread(file: number, afterLine: number, limit: number): Promise<readonly RowPlace[]> {
    const rows = await run<PlaceRow>(
      this.#work,
      'select * from load_todo where file = $1 and line > $2 order by file, line limit $3',
      [file, afterLine, limit],
    );
    return rows.map(toPlace);
  }

  async owners(localIds: readonly string[]): Promise<ReadonlyMap<string, RowOwner>> {
    if (localIds.length === 0) return new Map();
    const rows = await run<OwnerRow>(
      this.#work,
      'select local_id, state, reason, person_id::text from load_patient where local_id = any($1)',
      [localIds],
    );
    return new Map(rows.map((row) => [row.local_id, toOwner(row)]));
  }

  async ownersOf(resourceIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (resourceIds.length === 0) return new Map();
    if (!this.#ownersIndexed) {
      await run(this.#work, 'create index load_stage_id on load_stage (resource_id)');
      this.#ownersIndexed = true;
    }
    const rows = await run<{ resource_id: string; person_id: string }>(
      this.#work,
      `select resource_id::text, person_id::text from load_stage where resource_id = any($1::uuid[])
       union all
       select k.resource_id::text, k.person_id::text from record.resource_key k
       where k.resource_id = any($1::uuid[]) and k.source = $2 and not k.deleted and k.person_id <> $3
         and not exists (select from load_remapped m where m.person_id = k.person_id)
         and not exists (select from load_stage s where s.resource_id = k.resource_id)`,
      [resourceIds, this.#work.source.number, NOBODY],
    );
    return new Map(rows.map((row) => [row.resource_id, row.person_id]));
  }

  async stage(rows: readonly StagedRow[], references: readonly ReferencedCopy[]): Promise<void> {
    if (rows.length > 0) {
      const copy = new BinaryCopy(this.#work.client, 'load_stage');
      for (const row of rows) writeStaged(copy, row);
      await copy.end();
    }
    if (references.length === 0) return;
    await run(
      this.#work,
      `insert into load_reference select * from unnest($1::smallint[], $2::text[], $3::uuid[], $4::uuid[])`,
      [
        references.map((each) => each.type),
        references.map((each) => each.localId),
        references.map((each) => each.personId),
        references.map((each) => each.resourceId),
      ],
    );
  }

  async keep(resourceIds: readonly string[]): Promise<void> {
    await run(this.#work, `${KEEP} where k.resource_id = any($1::uuid[]) and ${STANDS}`, [resourceIds]);
  }

  async keepCopies(type: number, localIds: readonly string[]): Promise<void> {
    await run(
      this.#work,
      `${KEEP} join record.referenced r on r.resource_id = k.resource_id
       where r.source = $1 and r.type = $2 and r.local_id = any($3) and ${STANDS}
         and not exists (select from load_unreferenced u where u.resource_id = r.resource_id)`,
      [this.#work.source.number, type, localIds],
    );
  }

  async reject(rows: readonly RejectedRow[]): Promise<number> {
    const recorded = await run<{ rejected_before: boolean }>(
      this.#work,
      // the same extract run again is no row sent again
      `insert into record.reject (load_no, file, line, rule, element, hint, row_hash, rejected_before)
       select $1, t.*, exists (
         select from record.reject r join record.load l on l.load_no = r.load_no
         where r.row_hash = t.row_hash and l.source = $8
           and l.manifest_hash <> (select manifest_hash from record.load where load_no = $1))
       from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[])
         t(file, line, rule, element, hint, row_hash)
       on conflict do nothing returning rejected_before`,
      [
        this.#work.loadNo,
        rows.map((row) => row.file),
        rows.map((row) => row.line),
        rows.map((row) => row.rule),
        rows.map((row) => row.element ?? null),
        rows.map((row) => row.hint),
        rows.map((row) => row.hash ?? null),
        this.#work.source.number,
      ],
    );
    return recorded.filter((row) => row.rejected_before).length;
  }

  purge(rows: readonly PurgedRow[]): Promise<readonly TypeCount[]> {
    return notePurged(this.#work, rows);
  }

  settle(): Promise<readonly { file: number; line: number; type: number }[]> {
    return settleStage(this.#work);
  }

  apply(
    progress: (done: number, total: number) => void,
  ): Promise<{ added: TypeCount[]; changed: TypeCount[] }> {
    return applyStaged(this.#work, progress);
  }

  deleteUnseen(copies: boolean): Promise<readonly TypeCount[]> {
    return deleteUnseen(this.#work, REFERENCED_TYPES, copies);
  }

  compareCopies(files: readonly { file: number; type: number }[]): Promise<readonly TypeCount[]> {
    return compareCopies(this.#work, REFERENCED_TYPES, files);
  }

  unreadCopies(file: number, afterLine: number, limit: number): Promise<readonly CopyPlace[]> {
    return unreadCopies(this.#work, file, afterLine, limit);
  }

  async unchanged(): Promise<readonly TypeCount[]> {
    return run<TypeCount & Record<string, unknown>>(
      this.#work,
      'select type, count(*)::int as count from load_seen where not kept group by type order by type',
    );
  }

  stored(): Promise<readonly TypeCount[]> {
    return storedByType(this.#work);
  }

  practices(): Promise<readonly Movement[]> {
    return practices(this.#work);
  }
}

const KEEP = `insert into load_seen select k.resource_id, k.type, true from record.resource_key k`;
const STANDS = `not k.deleted and not exists (select from load_remapped m where m.person_id = k.person_id)`;

interface OwnerRow {
  readonly local_id: string;
  readonly state: PatientState;
  readonly reason: string | null;
  readonly person_id: string | null;
  readonly [column: string]: unknown;
}

function toOwner({ state, reason, person_id: personId }: OwnerRow): RowOwner {
  return {
    state,
    ...(reason !== null && { reason }),
    ...(state === 'accepted' && personId !== null && { personId }),
  };
}

function writeStaged(copy: BinaryCopy, row: StagedRow): void {
  copy.row(13);
  copy.uuid(row.resourceId);
  copy.uuid(row.personId ?? NOBODY);
  copy.int16(row.type);
  copy.textArray(row.categories);
  copy.textArray(row.labels);
  copy.textArray(row.codes);
  copy.textArray(row.identifiers);
  copy.bytes(row.hash);
  if (row.relationships.length === 0) copy.null();
  else copy.textArray(row.relationships);
  copy.text(row.searchLine);
  copy.text(row.body);
  copy.int16(row.file);
  copy.int32(row.line);
}
