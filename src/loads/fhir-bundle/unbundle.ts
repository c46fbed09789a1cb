import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { markDecimals, writeDecimals } from '../../fhir/decimals.ts';
import { isServed } from '../../fhir/served.ts';
import type { Tally } from '../certificate.ts';
import type { Rejects } from '../context.ts';
import { HEAD_BYTES, MAX_LINE_BYTES, readRows } from '../fhir-ndjson/lines.ts';
import { guessedId } from '../fhir-ndjson/row.ts';
import type { Manifest } from '../manifest.ts';
import type { RejectedRow, RowPlace } from '../records.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { BUNDLE_TYPES, type EntryFault, type EntryRow, entryRow } from './entry.ts';
import { RowFiles } from './row-files.ts';
import { BundleFault, BundleScanner, type ScannedEntry } from './scanner.ts';
import { Targets } from './targets.ts';

/**
 * Bundles become rows: a file of NDJSON for each type, in staging, with references that lead to rows of the extract as
 * `Type/id`. From there they are read as any other rows are. What an entry refers to may come later, in another file, so
 * the Bundles are gone through three times: what is referred to, where that is, the rows. Entries are held one at a time;
 * of all of them, where they are, and of those that are referred to, how.
 */
export async function unbundle(
  manifest: Manifest,
  staged: readonly StagedFile[],
  folder: string,
  rejects: Rejects,
  tally: Tally,
): Promise<readonly StagedFile[]> {
  const bundles = staged.filter((file) => file.type === BUNDLE);
  const targets = new Targets();
  const scanned: ScannedBundle[] = [];
  let total = 0;
  for (const file of bundles) {
    const bundle = await scanBundle(file, (row) => targets.wanted(file.index, row.resource));
    if (bundle.count !== file.rows) {
      throw new Refusal(
        'row-count',
        `The file ${file.name} has ${bundle.count} entries; the manifest says ${file.rows}.`,
      );
    }
    total += bundle.count;
    if (total > MAX_ENTRIES) {
      throw new Refusal('too-many-rows', `The Bundles have more than ${MAX_ENTRIES} entries.`);
    }
    scanned.push(bundle);
  }
  const others = staged.filter((file) => file.type !== BUNDLE);
  const rows = new RowFiles(folder, others.length);
  try {
    // what is not in Bundles that bring everything has ended
    if (manifest.kind === 'full') await rows.begin('Consent');
    for (const bundle of scanned) await findTargets(bundle, targets);
    for (const bundle of scanned) await writeRows(bundle, targets, rows, rejects, tally);
  } finally {
    await rows.end();
  }
  rejects.placed((row) => rows.origin(row, staged));
  return [...others.map((file, index) => ({ ...file, index })), ...rows.files];
}

export const BUNDLE = 'Bundle';
/** What is known of each while the extract is read: some bytes, or a few hundred where others refer to it. */
const MAX_ENTRIES = 500_000;
const BLOCK = 1024 * 1024;
const PAGE = 1_000;

interface ScannedBundle {
  readonly file: StagedFile;
  readonly type: unknown;
  readonly count: number;
  /** offset and length of each entry, one after the other */
  readonly places: readonly number[];
}

async function scanBundle(file: StagedFile, each: (row: EntryRow) => void): Promise<ScannedBundle> {
  const places: number[] = [];
  const named = new Map<string, unknown>();
  const scanner = new BundleScanner(MAX_LINE_BYTES, {
    member: (name, value) => named.set(name, value),
    entry: (scanned) => {
      places.push(scanned.start, scanned.length);
      if (scanned.bytes === undefined) return;
      // only to be referred to: whether it is taken is judged when it is read again
      const row = entryRow(parsedEntry(file, scanned, scanned.bytes), undefined);
      if (!('rule' in row)) each(row);
      else if (row.rule === 'nested-bundle') {
        throw new Refusal('bundle', `Entry ${scanned.entry} of ${file.name} holds another Bundle.`);
      }
    },
  });
  const handle = await open(file.path);
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, BLOCK, null);
      if (bytesRead === 0) break;
      scanner.take(block.subarray(0, bytesRead));
    }
    const count = scanner.end();
    const type = named.get('type');
    if (named.get('resourceType') === BUNDLE && BUNDLE_TYPES.has(type)) return { file, type, count, places };
  } catch (error) {
    if (error instanceof BundleFault)
      throw new Refusal('bundle', `The file ${file.name} cannot be read: ${error.message}.`);
    throw error;
  } finally {
    await handle.close();
  }
  throw new Refusal('bundle', `The file ${file.name} is no Bundle of type collection, batch or transaction.`);
}

function parsedEntry(file: StagedFile, { entry }: Pick<ScannedEntry, 'entry'>, bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new Refusal('file-encoding', `Entry ${entry} of ${file.name} is not UTF-8.`);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Refusal('bundle', `Entry ${entry} of ${file.name} is not JSON.`);
  }
}

async function findTargets(bundle: ScannedBundle, targets: Targets): Promise<void> {
  for await (const batch of entriesOf(bundle, false)) {
    for (const { row } of batch) if (!('rule' in row)) targets.added(bundle.file.index, row);
  }
}

async function writeRows(
  bundle: ScannedBundle,
  targets: Targets,
  rows: RowFiles,
  rejects: Rejects,
  tally: Tally,
): Promise<void> {
  const { file } = bundle;
  await rejectTooLong(bundle, rows, rejects);
  for await (const batch of entriesOf(bundle, true)) {
    for (const { entry, row } of batch) {
      if ('rule' in row) rejects.add(...rejected(file, entry, row));
      // a type of their own making is no name to be counted by
      else if (!isServed(row.type)) tally.count(BUNDLE, 'notServed');
      else {
        const resource = { ...targets.pointed(file.index, row.resource), id: row.id };
        rows.add(row.type, writeDecimals(JSON.stringify(resource)), file.index, entry);
      }
    }
    await rows.flush();
    await rejects.flush();
  }
}

/** What is stored of such an entry stands, where its beginning tells which it is. */
async function rejectTooLong(
  { file, places }: ScannedBundle,
  rows: RowFiles,
  rejects: Rejects,
): Promise<void> {
  const hint = `longer than ${MAX_LINE_BYTES} bytes`;
  let handle: FileHandle | undefined;
  try {
    for (const [at, length] of places.entries()) {
      if (at % 2 === 0 || length <= MAX_LINE_BYTES) continue;
      handle ??= await open(file.path);
      const head = Buffer.alloc(HEAD_BYTES);
      await handle.read(head, 0, HEAD_BYTES, places[at - 1]);
      const text = head.toString('utf8');
      const type = /"resourceType"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1] ?? BUNDLE;
      const { id } = guessedId(text);
      rejects.add(isServed(type) ? type : BUNDLE, {
        file: file.name,
        line: (at + 1) / 2,
        rule: 'too-long',
        hint,
      });
      if (id !== undefined && isServed(type)) await rows.tooLong(type, id);
    }
  } finally {
    await handle?.close();
  }
}

interface ReadEntry {
  readonly entry: number;
  readonly row: EntryRow | EntryFault;
}

/**
 * The entries of a Bundle that are not too long, some MB at a time.
 *
 * @param exact with the digits of their decimals
 */
async function* entriesOf(
  { file, type, count, places }: ScannedBundle,
  exact: boolean,
): AsyncGenerator<readonly ReadEntry[]> {
  const handle = await open(file.path);
  try {
    for (let from = 0; from < count; from += PAGE) {
      const page = pageOf(file, places, from, Math.min(from + PAGE, count));
      for await (const batch of readRows(handle, page)) {
        yield batch.map(({ place, bytes }) => {
          const text = bytes.toString('utf8');
          const json: unknown = JSON.parse(exact ? (markDecimals(text) ?? text) : text);
          return { entry: place.line, row: entryRow(json, type) };
        });
      }
    }
  } finally {
    await handle.close();
  }
}

function pageOf(file: StagedFile, places: readonly number[], from: number, to: number): readonly RowPlace[] {
  const page: RowPlace[] = [];
  for (let entry = from; entry < to; entry += 1) {
    const [start = 0, length = 0] = [places[2 * entry], places[2 * entry + 1]];
    if (length > MAX_LINE_BYTES) continue;
    page.push({ file: file.index, line: entry + 1, start, length, hash: NO_HASH });
  }
  return page;
}

const NO_HASH = Buffer.alloc(0);

function rejected(file: StagedFile, line: number, fault: EntryFault): [type: string, row: RejectedRow] {
  const { rule, type, hint, element } = fault;
  const row = { file: file.name, line, rule, hint, ...(element !== undefined && { element }) };
  return [isServed(type) ? type : BUNDLE, row];
}
