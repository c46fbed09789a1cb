import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_NAME, MAX_MANIFEST_BYTES, type Manifest, type ManifestFile } from './manifest.ts';
import { Refusal } from './refusal.ts';
import { isTemporaryName } from './temporary-names.ts';
import { isPacked, UNPACK_LIMITS, type UnpackLimits, unpack } from './unpack.ts';

/**
 * An extract is read from a copy of our own that nobody else can change, hashed while it was made: a file that the
 * source writes to meanwhile does not get in half.
 */
export interface StagedFile extends ManifestFile {
  /** index in the manifest */
  readonly index: number;
  /** of our copy, unpacked */
  readonly path: string;
  /** of our copy as it was sent: kept where the load is held */
  readonly sent: string;
  readonly bytes: number;
  /** ids of rows that it would hold were they not too long to be read */
  readonly tooLong?: readonly string[];
}

const BLOCK = 1024 * 1024;
/** Links are not followed, and a pipe or device does not make us wait. */
const PLAINLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** @throws Refusal when there is no manifest, or it is no plain file */
export async function readManifestBytes(folder: string): Promise<Buffer> {
  const handle = await openPlain(await extractFolder(folder), MANIFEST_NAME);
  try {
    const buffer = Buffer.alloc(MAX_MANIFEST_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

/** An empty folder for a source's copies; what an earlier load of the source left there is removed. */
export async function stagingFolder(root: string, source: string): Promise<string> {
  const folder = join(root, source);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return mkdtemp(join(folder, 'load-'));
}

/**
 * Copies the manifest's files, and nothing else must be in the folder but dot files and temporary names. A packed file is unpacked once the whole of it
 * is known to be the one that the manifest describes.
 *
 * @param progress bytes copied so far
 * @throws Refusal for a file that is missing, not listed, no plain file, not what the manifest says, or that unpacks to
 *   nothing of use
 */
export async function stageFiles(
  folder: string,
  manifest: Manifest,
  target: string,
  progress: (bytes: number) => void = () => {},
  limits: UnpackLimits = UNPACK_LIMITS,
): Promise<readonly StagedFile[]> {
  const from = await extractFolder(folder);
  const listed = new Set([MANIFEST_NAME, ...manifest.files.map((file) => file.name)]);
  const found = await readdir(from);
  if (found.some((name) => !listed.has(name) && !isTemporaryName(name))) {
    throw new Refusal('file-unexpected', 'The folder holds a file that the manifest does not list.');
  }
  const staged: StagedFile[] = [];
  let bytes = 0;
  let room = limits.bytes;
  for (const [index, file] of manifest.files.entries()) {
    const path = join(target, `${index}`);
    const packed = isPacked(file.name);
    const copy = packed ? `${path}.gz` : path;
    let length = await copyHashed(from, file, copy, (copied) => progress(bytes + copied));
    if (packed) {
      length = await unpack(file.name, copy, path, room, limits.ratio);
      room -= length;
    }
    staged.push({ ...file, index, path, sent: copy, bytes: length });
    bytes += length;
  }
  return staged;
}

/** SHA-256 of a plain file, hex. @throws Refusal where it is missing, or no plain file */
export async function fileHash(folder: string, name: string): Promise<string> {
  const handle = await openPlain(folder, name);
  try {
    const hash = createHash('sha256');
    for await (const block of handle.createReadStream({ autoClose: false, highWaterMark: BLOCK })) {
      hash.update(block);
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

async function extractFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    throw new Refusal('file-missing', 'The folder of the extract does not exist or cannot be read.');
  }
}

async function openPlain(folder: string, name: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(join(folder, name), PLAINLY);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') throw new Refusal('file-missing', `The file ${name} is missing.`);
    throw new Refusal('file-kind', `${name} is a link, or cannot be opened.`);
  }
  const is = await handle.stat();
  if (is.isFile() && is.nlink === 1) return handle;
  await handle.close();
  throw new Refusal(
    'file-kind',
    `${name} is not a file of its own: a folder, a pipe, a device or a second name.`,
  );
}

async function copyHashed(
  folder: string,
  file: ManifestFile,
  path: string,
  progress: (bytes: number) => void,
): Promise<number> {
  const source = await openPlain(folder, file.name);
  try {
    const copy = await open(path, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      const block = Buffer.allocUnsafe(BLOCK);
      let bytes = 0;
      for (;;) {
        const { bytesRead } = await source.read(block, 0, block.length, null);
        if (bytesRead === 0) break;
        hash.update(block.subarray(0, bytesRead));
        await writeAll(copy, block.subarray(0, bytesRead));
        bytes += bytesRead;
        progress(bytes);
      }
      if (hash.digest('hex') === file.sha256) return bytes;
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
  throw new Refusal(
    'file-changed',
    `The file ${file.name} is not the one that the manifest describes (SHA-256).`,
  );
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}
