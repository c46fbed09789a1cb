import type { LoadContext } from '../context.ts';
import type { RowWriter } from '../ports.ts';
import type { RowPlace } from '../records.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import type { FileKind } from './files.ts';
import { type Line, MAX_LINE_BYTES, type RowHasher, scanLines } from './lines.ts';
import { guessedId } from './row.ts';

/** Rows that must be read every night, whether they changed or not: they state consents, or who receives care. */
export interface AlwaysRead {
  readonly consents: Map<StagedFile, RowPlace[]>;
  readonly care: Map<StagedFile, RowPlace[]>;
  /** ids of rows that are too long to be read, as far as they are told: what is stored of them stands */
  readonly tooLong: Map<StagedFile, string[]>;
}

/** Of one file so many such ids are held. */
const MAX_TOO_LONG = 10_000;

/** Codes of dissent and assent; an escape may hide one, so rows with escapes are looked at too. */
const MARKS = ['416409005', '417528008', '\\u00'].map((mark) => Buffer.from(mark));
const NO_HASH = Buffer.alloc(32);

/**
 * Reads every row once: counts it, and of files that are held hashes it and notes its place.
 *
 * @throws Refusal when a file has more or fewer rows than the manifest says
 */
export async function scanFiles(
  context: LoadContext,
  hasher: RowHasher,
  kindOf: (file: StagedFile) => FileKind,
): Promise<AlwaysRead> {
  const { files, session, rejects, tally, progress } = context;
  const always: AlwaysRead = { consents: new Map(), care: new Map(), tooLong: new Map() };
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const writer = await session.rows();
  let before = 0;
  for (const file of files) {
    const kind = kindOf(file);
    if (file.tooLong !== undefined) always.tooLong.set(file, [...file.tooLong]);
    const each = lineTaker(context, file, kind, writer, hasher, always);
    const rows = await scanLines(file, each, async (bytes) => {
      await writer.flush();
      progress('scan', before + bytes, total);
    });
    if (rows !== file.rows) {
      throw new Refusal(
        'row-count',
        `The file ${file.name} has ${rows} rows; the manifest says ${file.rows}.`,
      );
    }
    before += file.bytes;
    if (kind === 'withheld') tally.count(file.type, 'withheld', rows);
    if (kind === 'not-served') tally.count(file.type, 'notServed', rows);
  }
  await writer.end();
  await rejects.flush(true);
  return always;
}

/** Takes the rows of one file: notes where each is, its hash, and whether it must be read every night. */
export function lineTaker(
  context: LoadContext,
  file: StagedFile,
  kind: FileKind,
  writer: RowWriter,
  hasher: RowHasher,
  always: AlwaysRead,
): (line: Line) => void {
  const { index, name, type } = file;
  const place = ({ line, start, length }: Line): RowPlace => ({
    file: index,
    line,
    start,
    length,
    hash: NO_HASH,
  });
  const note = (to: Map<StagedFile, RowPlace[]>, line: Line): void => {
    const places = to.get(file);
    if (places === undefined) to.set(file, [place(line)]);
    else places.push(place(line));
  };
  const isHeld = kind !== 'withheld' && kind !== 'not-served';
  const statesCare = type === 'EpisodeOfCare' && context.source.sector === 'social-care';
  const mayDissent = type === 'Observation' && context.source.speaksFor.includes('health');
  return (line) => {
    const { bytes, start, length } = line;
    if (bytes === undefined) {
      if (isHeld) {
        const hint = `longer than ${MAX_LINE_BYTES} bytes`;
        context.rejects.add(type, { file: name, line: line.line, rule: 'too-long', hint });
        noteTooLong(always, file, line);
      }
      return;
    }
    if (kind === 'consent') note(always.consents, line);
    if (statesCare) note(always.care, line);
    if (mayDissent && MARKS.some((mark) => bytes.includes(mark))) note(always.consents, line);
    if (!isHeld || kind === 'consent' || kind === 'purge') return;
    const localId = kind === 'referenced' ? idOf(bytes) : undefined;
    writer.write(index, line.line, start, length, hasher.hash(bytes), localId);
  };
}

function noteTooLong({ tooLong }: AlwaysRead, file: StagedFile, { head }: Line): void {
  const { id } = guessedId(head?.toString('utf8') ?? '');
  const ids = tooLong.get(file) ?? [];
  if (id !== undefined && ids.length < MAX_TOO_LONG) {
    ids.push(id);
    tooLong.set(file, ids);
  }
}

/** @returns undefined where the row cannot be read: it is rejected later, with the reason */
function idOf(bytes: Buffer): string | undefined {
  try {
    const row: unknown = JSON.parse(bytes.toString('utf8'));
    const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
    return typeof id === 'string' && /^[A-Za-z0-9\-.]{1,64}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
