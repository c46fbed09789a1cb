import { dateRange } from '../fhir/search/date.ts';
import { Refusal } from './refusal.ts';

/** What a source says it sends (docs/onboarding-a-source.md, the manifest). */
export interface Manifest {
  readonly format: 'fhir-ndjson' | 'fhir-bundle' | 'lcs-csv' | 'mapped-csv';
  readonly source: string;
  /** `YYYY-MM-DD`, Europe/London */
  readonly businessDate: string;
  readonly sequence: number;
  /** `full`: what is absent has been deleted; `delta`: what is absent stands */
  readonly kind: 'full' | 'delta';
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** plain file name: it never leaves its folder */
  readonly name: string;
  /** FHIR type or name of a table, one file each; `Bundle`, any number of them */
  readonly type: string;
  readonly rows: number;
  /** 64 lower-case hex digits */
  readonly sha256: string;
}

/** Type of the file that names what a delta purges; FHIR has no such type. */
export const PURGE_TYPE = 'Purge';
export const MANIFEST_NAME = 'manifest.json';
/** A manifest lists a few dozen files at most, or some hundred Bundles. */
export const MAX_MANIFEST_BYTES = 256 * 1024;

const MEMBERS = ['businessDate', 'files', 'format', 'kind', 'sequence', 'source'];
const FILE_MEMBERS = ['name', 'rows', 'sha256', 'type'];
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Names that some systems read as devices, whatever follows the point. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const TYPE = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const MAX_FILES = 1_000;
const MAX_ROWS = 1_000_000_000;

const FORMATS: readonly string[] = ['fhir-ndjson', 'fhir-bundle', 'lcs-csv', 'mapped-csv'];

function isFormat(value: unknown): value is Manifest['format'] {
  return typeof value === 'string' && FORMATS.includes(value);
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a manifest strictly: every member there, none unknown, plain names, each name and type once.
 *
 * @throws Refusal naming the member that is wrong, never its value
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const json = members(parsed(bytes), MEMBERS, 'manifest');
  const { format, kind } = json;
  if (!isFormat(format)) throw faulty('format');
  if (kind !== 'full' && kind !== 'delta') throw faulty('kind');
  return {
    format,
    kind,
    source: matching(json['source'], /^[a-z0-9][a-z0-9-]{0,63}$/, 'source'),
    businessDate: day(json['businessDate']),
    sequence: whole(json['sequence'], 1, Number.MAX_SAFE_INTEGER, 'sequence'),
    files: files(json['files'], format === 'fhir-bundle'),
  };
}

function parsed(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_MANIFEST_BYTES) throw new Refusal('manifest', 'The manifest is too large.');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Refusal('manifest', 'The manifest is not JSON in UTF-8 without a byte order mark.');
  }
}

/** @param bundles every file holds a Bundle, but for one that may name purges */
function files(value: unknown, bundles: boolean): readonly ManifestFile[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_FILES) throw faulty('files');
  const found = value.map((each, index) => file(each, `files[${index}]`));
  for (const key of ['name', 'type'] as const) {
    // two names that differ only in case are one file on some systems
    const once = bundles && key === 'type' ? found.filter((each) => each.type !== 'Bundle') : found;
    const seen = new Set(once.map((each) => each[key].toLowerCase()));
    if (seen.size !== once.length) throw new Refusal('manifest', `The manifest gives a file's ${key} twice.`);
  }
  const wrong = found.findIndex(({ type }) => bundles && type !== 'Bundle' && type !== PURGE_TYPE);
  if (wrong >= 0) throw faulty(`files[${wrong}].type`);
  return found;
}

function file(value: unknown, path: string): ManifestFile {
  const json = members(value, FILE_MEMBERS, path);
  const name = matching(json['name'], NAME, `${path}.name`);
  if (DEVICE.test(name) || name.toLowerCase() === MANIFEST_NAME) throw faulty(`${path}.name`);
  return {
    name,
    type: matching(json['type'], TYPE, `${path}.type`),
    rows: whole(json['rows'], 0, MAX_ROWS, `${path}.rows`),
    sha256: matching(json['sha256'], /^[0-9a-f]{64}$/, `${path}.sha256`),
  };
}

function members(value: unknown, names: readonly string[], path: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faulty(path);
  const found = Object.keys(value).sort();
  if (found.length !== names.length || found.some((name, index) => name !== names[index])) {
    throw new Refusal(
      'manifest',
      `The manifest's ${path} must have exactly the members ${names.join(', ')}.`,
    );
  }
  return value as Json;
}

function matching(value: unknown, pattern: RegExp, path: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw faulty(path);
  return value;
}

function whole(value: unknown, least: number, most: number, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
    throw faulty(path);
  return value;
}

function day(value: unknown): string {
  const text = matching(value, /^\d{4}-\d{2}-\d{2}$/, 'businessDate');
  if (dateRange(text) === undefined) throw faulty('businessDate');
  return text;
}

function faulty(path: string): Refusal {
  return new Refusal('manifest', `The manifest's member ${path} is missing or not as agreed.`);
}
