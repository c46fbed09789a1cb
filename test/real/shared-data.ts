import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { repositoryRoot } from '../support/root.ts';

/** A JSON object of unknown shape: what other people's files hold. */
export interface Json {
  readonly [name: string]: unknown;
}

/** A line of `base-validity.csv`: what the oracle said of a published file. */
export interface Verdict {
  /** `folder/file.json`, or `file.ndjson.gz#<line from 1>` */
  readonly file: string;
  readonly resource_type: string;
  readonly base_r4: 'valid' | 'invalid' | 'not-json';
}

/** The folder of real data; undefined where it is absent, and the test says that it skips. */
export function sharedData(): string | undefined {
  const folder = process.env['MCR_SHARED_DATA'] ?? join(repositoryRoot(), '..', 'shared', 'data');
  return existsSync(join(folder, 'base-validity.csv')) ? folder : undefined;
}

export function readVerdicts(data: string): readonly Verdict[] {
  return readTable(join(data, 'base-validity.csv'));
}

/** Rows of a CSV file by the names in its header. */
export function readTable<Row>(path: string): Row[] {
  return parse(readFileSync(path), { columns: true });
}

/** The Bundles of a folder of gzipped JSON, by file name. */
export function readBundles(folder: string): ReadonlyMap<string, Json> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json.gz'));
  return new Map(names.sort().map((name) => [name, JSON.parse(text(join(folder, name)))]));
}

/** Reads the published files that verdicts name. */
export class PublishedFiles {
  readonly #data: string;
  readonly #lines = new Map<string, readonly string[]>();

  constructor(data: string) {
    this.#data = data;
  }

  /** @returns the text as published: JSON, or what its maker meant not to be any */
  read(name: string): string {
    const [file = '', line] = name.split('#');
    if (line === undefined) return text(join(this.#data, file)).replace(/^\ufeff/, '');
    const lines = this.#lines.get(file) ?? text(join(this.#data, file)).trim().split('\n');
    this.#lines.set(file, lines);
    const row = lines[Number(line) - 1] ?? '';
    // the faulty rows stand in an envelope that says which fault was made
    return file.endsWith('uk-faulty.ndjson.gz') ? JSON.stringify(JSON.parse(row).resource) : row;
  }
}

function text(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}
