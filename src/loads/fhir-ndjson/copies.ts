import { isServed, served } from '../../fhir/served.ts';
import type { LoadContext } from '../context.ts';
import type { CopyPlace, StagedRow } from '../records.ts';
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
    const { session, preparer, tally, rejects } = this.#context;
    const kept: string[] = [];
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
          ...(element !== undefined && { element }),
        });
        if (id !== undefined) kept.push(id);
        continue;
      }
      for (const personId of place.personIds) {
        const prepared = preparer.prepare(row.resource, { personId, localId: '' });
        if (prepared === undefined) {
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
    if (kept.length > 0 && isServed(file.type))
      await session.resources.keepCopies(served(file.type).code, kept);
    await rejects.flush();
  }

  end(): Promise<void> {
    return this.#context.rejects.flush(true);
  }
}
