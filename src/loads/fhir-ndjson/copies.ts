import { isServed, served } from '../../fhir/served.ts';
import type { LoadContext } from '../context.ts';
import type { CopyPlace, PurgedRow, StagedRow } from '../records.ts';
import type { StagedFile } from '../staging.ts';
import type { PlacedRow } from './batches.ts';
import type { ReadRow } from './row.ts';

/** One Medication may be wanted by half of the county, and a Binary is large. */
const MAX_ROWS = 1_000;
const MAX_SIZE = 8 * 1024 * 1024;

/** Maps rows that are stored once for every person who refers to them. */
export class CopyMapper {
  readonly #context: LoadContext;
  readonly #readRow: ReadRow;

  constructor(context: LoadContext, read: ReadRow) {
    this.#context = context;
    this.#readRow = read;
  }

  async map(file: StagedFile, batch: readonly PlacedRow<CopyPlace>[]): Promise<void> {
    const { session, manifest, preparer, tally, rejects } = this.#context;
    const kept: string[] = [];
    const gone: PurgedRow[] = [];
    let rows: StagedRow[] = [];
    let size = 0;
    for (const { place, bytes } of batch) {
      const row = this.#readRow(bytes, file);
      if (!row.ok) {
        const { rule, hint, element, id } = row.fault;
        rejects.add(file.type, {
          file: file.name,
          line: place.line,
          rule,
          hint,
          hash: place.hash,
          ...(element !== undefined && { element }),
        });
        if (id !== undefined) kept.push(id);
        continue;
      }
      for (const personId of place.personIds) {
        const prepared = preparer.prepare(row.resource, { personId, localId: '' });
        if (prepared === undefined) {
          if (manifest.kind === 'delta' && isServed(file.type)) {
            const { id } = row.resource;
            const resourceId = preparer.id(file.type, id, personId);
            // of every person: whether it is shared does not depend on whose it is
            gone.push({ type: served(file.type).code, localId: id, resourceId });
          }
          tally.count(file.type, 'withheld');
          continue;
        }
        rows.push({ ...prepared.row, hash: place.hash, file: place.file, line: place.line });
        size += prepared.row.body.length;
        if (rows.length < MAX_ROWS && size < MAX_SIZE) continue;
        await session.resources.stage(rows, []);
        rows = [];
        size = 0;
      }
    }
    await session.resources.stage(rows, []);
    if (gone.length > 0) await session.resources.purge(gone);
    if (kept.length > 0 && isServed(file.type))
      await session.resources.keepCopies(served(file.type).code, kept);
    await rejects.flush();
  }

  end(): Promise<void> {
    return this.#context.rejects.flush(true);
  }
}
