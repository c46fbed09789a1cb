import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Row } from './rows.ts';
import { TODAY } from './world.ts';

/** Extracts of Bundles, as sources send them. */

export interface BundlesSpec {
  readonly sequence?: number;
  readonly kind?: 'full' | 'delta';
  /** by file name; one that ends in `.gz` is packed. Objects, or texts as they are */
  readonly bundles: Readonly<Record<string, unknown>>;
  readonly purge?: readonly Row[];
  readonly rows?: number;
}

export function writeBundles(root: string, spec: BundlesSpec): string {
  const folder = mkdtempSync(join(root, 'bundles-'));
  const { sequence = 1, kind = 'full', purge } = spec;
  const files = Object.entries(spec.bundles).map(([name, bundle]) => {
    const text = typeof bundle === 'string' ? bundle : JSON.stringify(bundle);
    const { entry = [] } = (typeof bundle === 'string' ? {} : bundle) as { entry?: readonly unknown[] };
    return write(folder, name, 'Bundle', text, spec.rows ?? entry.length);
  });
  if (purge !== undefined) {
    const text = purge.map((row) => `${JSON.stringify(row)}\n`).join('');
    files.push(write(folder, 'Purge.ndjson', 'Purge', text, purge.length));
  }
  const manifest = { format: 'fhir-bundle', source: 'gp', businessDate: TODAY, sequence, kind, files };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

function write(folder: string, name: string, type: string, text: string, rows: number): object {
  const plain = Buffer.from(text);
  const bytes = name.endsWith('.gz') ? gzipSync(plain) : plain;
  writeFileSync(join(folder, name), bytes);
  return { name, type, rows, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** A resource as an entry of a transaction that makes it. */
export function posted(resource: Readonly<Record<string, unknown>>, uuid: string = randomUUID()): object {
  const { resourceType } = resource;
  return { fullUrl: `urn:uuid:${uuid}`, resource, request: { method: 'POST', url: String(resourceType) } };
}

export function bundle(entry: readonly object[], type = 'transaction'): object {
  return { resourceType: 'Bundle', type, entry };
}
