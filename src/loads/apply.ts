import { isServed, served } from '../fhir/served.ts';
import type { ExtractReader, LoadContext } from './context.ts';

/** The steps after mapping: what is staged becomes what is stored, unseen yet. */

/** Stores what is staged, and deletes what the extract does not have. */
export async function apply(context: LoadContext): Promise<void> {
  const { session, tally, progress } = context;
  await storeStaged(context);
  tally.countAll('deleted', await session.resources.deleteUnseen(false));
  progress('apply', 1, 1);
}

/** Copies come last: whose rows refer to what is known only when these are stored. */
export async function applyCopies(context: LoadContext, reader: ExtractReader): Promise<void> {
  const { session, tally, files } = context;
  const referenced = files.flatMap(({ index, type }) =>
    isServed(type) && served(type).keeping === 'referenced' ? [{ file: index, type: served(type).code }] : [],
  );
  tally.countAll('unreferenced', await session.resources.compareCopies(referenced));
  await reader.copies();
  await storeStaged(context);
  tally.countAll('deleted', await session.resources.deleteUnseen(true));
}

async function storeStaged(context: LoadContext): Promise<void> {
  const { session, tally, rejects, files, progress } = context;
  const hint = 'another row of the same id differs';
  for (const { file, line } of await session.resources.settle()) {
    const { name = '', type = '' } = files[file] ?? {};
    rejects.add(type, { file: name, line, rule: 'duplicate-id', hint });
  }
  await rejects.flush(true);
  const { added, changed } = await session.resources.apply((done, total) => progress('apply', done, total));
  tally.countAll('new', added);
  tally.countAll('changed', changed);
}
