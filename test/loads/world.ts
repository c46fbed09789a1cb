import { createHash, createSecretKey } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Test } from 'tap';
import type { Organisation, Policy, SourcePolicy } from '../../src/access/policy.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { guardLimits } from '../../src/loads/guards.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import type { LoadEvent } from '../../src/loads/ports.ts';
import { runLoad } from '../../src/loads/run.ts';
import { Database } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { testDatabase } from '../support/database.ts';
import type { Row } from './rows.ts';

/** A small county of sources, folders of extracts, and the real loader on a database of the test's own. */

export const TODAY = '2026-11-22';

const ALWAYS = [{ from: '2020-01-01' }];

function organisation(code: string, sector: Organisation['sector'], signed = true): Organisation {
  const roles = { version: '1', base: [], unlisted: 'refuse', roles: {} } as const;
  return { code, system: 'urn:ods', name: code, sector, agreements: signed ? ALWAYS : [], roles };
}

function source(number: number, code: string, more: Partial<SourcePolicy>): SourcePolicy {
  const all = {
    Patient: {},
    Condition: {},
    Observation: {},
    Provenance: {},
    EpisodeOfCare: {},
    Encounter: {},
  };
  const medicines = { Medication: {}, MedicationRequest: {}, Binary: {}, DocumentReference: {} };
  const directory = { Organization: {}, Practitioner: {} };
  return {
    number,
    code,
    name: code,
    organisation: code,
    sector: 'health',
    format: 'fhir-ndjson',
    precedence: number,
    speaksFor: [],
    staleAfterHours: 36,
    shares: { ...all, ...medicines, ...directory },
    ...more,
  };
}

const CARE = { sector: 'social-care', speaksFor: ['social-care'] } as const;
const CHILD = {
  Patient: {},
  CareTeam: {},
  EpisodeOfCare: {},
  CarePlan: {},
  Flag: {},
  RelatedPerson: {},
  ServiceRequest: {},
  Task: {},
  Encounter: {},
  Procedure: {},
  Observation: {},
};

export function policy(changes: Readonly<Record<string, Partial<SourcePolicy>>> = {}): Policy {
  const sources = [
    source(1, 'gp', { speaksFor: ['health'], ...changes['gp'] }),
    source(2, 'acute', changes['acute'] ?? {}),
    source(5, 'adult', {
      ...CARE,
      organisation: 'council',
      shares: { Patient: {}, EpisodeOfCare: {} },
      ...changes['adult'],
    }),
    source(6, 'lcs', {
      ...CARE,
      organisation: 'council',
      format: 'lcs-csv',
      shares: CHILD,
      ...changes['lcs'],
    }),
    source(9, 'unsigned', { speaksFor: ['health'], ...changes['unsigned'] }),
  ];
  const organisations = [
    organisation('gp', 'health'),
    organisation('acute', 'health'),
    organisation('council', 'social-care'),
    organisation('unsigned', 'health', false),
    organisation('K1', 'health'),
    organisation('K9', 'health', false),
  ];
  return {
    version: 'test',
    organisations: new Map(organisations.map((each) => [each.code, each])),
    sources: new Map(sources.map((each) => [each.code, each])),
    optOutHides: ['health', 'social-care'],
    testNumbers: 'allow',
  };
}

export interface ExtractSpec {
  readonly source: string;
  readonly sequence?: number;
  readonly businessDate?: string;
  readonly format?: string;
  /** rows by type, or the text of a file */
  readonly files: Readonly<Record<string, readonly Row[] | string>>;
  /** type whose file is written in ISO 8859-1 */
  readonly latin1?: string;
  /** files that are sent packed, by type: how */
  readonly packed?: Readonly<Record<string, (bytes: Buffer) => Buffer>>;
  readonly kind?: 'full' | 'delta';
  /** changes the manifest before it is written */
  readonly manifest?: (manifest: Record<string, unknown>) => unknown;
}

/** Writes an extract to a folder of its own and answers the folder. */
export function writeExtract(root: string, spec: ExtractSpec): string {
  const folder = mkdtempSync(join(root, 'extract-'));
  const csv = spec.format?.endsWith('-csv') === true;
  const files = Object.entries(spec.files).map(([type, rows]) => {
    const pack = spec.packed?.[type];
    const name = `${type}.${csv ? 'csv' : 'ndjson'}${pack ? '.gz' : ''}`;
    const text = typeof rows === 'string' ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const plain = Buffer.from(text, type === spec.latin1 ? 'latin1' : 'utf8');
    const bytes = pack?.(plain) ?? plain;
    writeFileSync(join(folder, name), bytes);
    const lines = Math.max(text.split('\n').length - 1 - (csv ? 1 : 0), 0);
    return { name, type, rows: lines, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  const { source: code, sequence = 1, businessDate = TODAY, format = 'fhir-ndjson', kind = 'full' } = spec;
  const manifest = { format, source: code, businessDate, sequence, kind, files };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(spec.manifest?.(manifest) ?? manifest));
  return folder;
}

/** The same extract makes people of the same ids, however often it is begun: two databases can be compared. */
export function personIds(folder: string): () => string {
  const manifest = join(folder, 'manifest.json');
  const seed = existsSync(manifest) ? readFileSync(manifest) : Buffer.alloc(0);
  let made = 0;
  return () => {
    made += 1;
    const hex = createHash('sha256').update(seed).update(String(made)).digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
}

export interface Loader {
  readonly admin: pg.Client;
  readonly root: string;
  readonly database: Database;
  readonly events: LoadEvent[];
  load(spec: ExtractSpec, more?: Partial<LoadOptions>): Promise<Certificate>;
  loadFolder(folder: string, source: string, more?: Partial<LoadOptions>): Promise<Certificate>;
  rows(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export const KEY = createSecretKey(Buffer.alloc(32, 7));

export async function loader(t: Test): Promise<Loader> {
  const { address, admin } = await testDatabase(t);
  const root = mkdtempSync(join(tmpdir(), 'mcr-loads-'));
  mkdirSync(join(root, 'staging'));
  const database = new Database(address, 'mcr_record');
  t.teardown(async () => {
    await database.close();
    rmSync(root, { recursive: true, force: true });
  });
  const events: LoadEvent[] = [];
  const options = (folder: string, code: string): LoadOptions => ({
    folder,
    source: code,
    policy: policy(),
    store: new PostgresLoadStore(database, 5_000),
    audit: async (event) => {
      events.push(event);
    },
    stagingRoot: join(root, 'staging'),
    heldRoot: join(root, 'held'),
    guards: guardLimits(),
    resourceKey: KEY,
    now: () => Date.parse(`${TODAY}T03:00:00Z`),
    newPersonId: personIds(folder),
  });
  const loadFolder: Loader['loadFolder'] = (folder, code, more = {}) =>
    runLoad({ ...options(folder, code), ...more });
  return {
    admin,
    root,
    database,
    events,
    loadFolder,
    load: (spec, more) => loadFolder(writeExtract(root, spec), spec.source, more),
    rows: async (sql, values = []) => (await admin.query<Record<string, unknown>>(sql, [...values])).rows,
  };
}
