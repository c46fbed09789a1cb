import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { generateCounty } from '../demo/county/generate.ts';
import { readConfiguration } from '../src/config.ts';
import { startDatabase } from '../src/database-start.ts';
import { loadExtract } from '../src/load.ts';
import { packageRoot } from '../src/package-root.ts';
import { type Service, wire } from '../src/wire.ts';

/** Rows a second, everything included, and plain COPY of the same rows in the same run. */
export interface LoadFigures {
  readonly people: number;
  readonly rows: number;
  readonly copy: number;
  readonly first: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly peakMemoryBytes: number;
}

export interface LoadBench {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  readonly url: string;
  readonly people: number;
}

/** Three nights of all partners through the real loader: new, unchanged, and with 1 % of the people changed. */
export async function measureLoads(bench: LoadBench): Promise<LoadFigures> {
  const nights = [
    { folder: join(bench.folder, 'night-1'), sequence: 1, changed: 0 },
    { folder: join(bench.folder, 'night-2'), sequence: 2, changed: 0 },
    { folder: join(bench.folder, 'night-3'), sequence: 3, changed: 0.01 },
  ];
  let rows = 0;
  for (const { folder, sequence, changed } of nights) {
    const options = { seed: 3, people: bench.people, businessDate: '2026-11-20', sequence, changed };
    rows = (await generateCounty(folder, options)).rows;
  }
  const env = { MCR_CONFIG: bench.config, MCR_DATA: bench.data, MCR_DATABASE_URL: bench.url, MCR_PORT: '0' };
  const configuration = readConfiguration(env, packageRoot());
  const service = await wire(configuration, await startDatabase(configuration, () => {}));
  const copy = rows / (await copySeconds(bench.url, nights[0]?.folder ?? ''));
  const rates: number[] = [];
  let peakMemoryBytes = 0;
  for (const { folder } of nights) {
    const began = performance.now();
    peakMemoryBytes = Math.max(peakMemoryBytes, await loadAll(service, folder));
    rates.push(rows / ((performance.now() - began) / 1000));
  }
  await service.close();
  const [first = 0, unchanged = 0, changed = 0] = rates;
  return { people: bench.people, rows, copy, first, unchanged, changed, peakMemoryBytes };
}

async function loadAll(service: Service, folder: string): Promise<number> {
  let peak = 0;
  for (const code of service.configuration.policy.sources.keys()) {
    const certificate = await loadExtract(service, code, join(folder, code));
    if (certificate.result !== 'published')
      throw new Error(`${code} was not published: ${certificate.reason?.sentence ?? ''}`);
    peak = Math.max(peak, certificate.peakMemoryBytes);
  }
  return peak;
}

/** The lower bound of any loader: the same lines into a table of one column, no checks, no keys. */
export async function copySeconds(url: string, folder: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('create table plain_copy (line text)');
  const began = performance.now();
  for (const source of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const manifest = JSON.parse(readFileSync(join(folder, source.name, 'manifest.json'), 'utf8')) as {
      files: { name: string }[];
    };
    for (const { name } of manifest.files) {
      const target = client.query(
        copyFrom(`copy plain_copy from stdin with (format csv, delimiter e'\\x01', quote e'\\x02')`),
      );
      await pipeline(createReadStream(join(folder, source.name, name)), target);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  await client.query('drop table plain_copy');
  await client.end();
  return seconds;
}
