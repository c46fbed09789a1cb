import { createHash, createSecretKey } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Test } from 'tap';
import type { Organisation, Policy, SourcePolicy } from '../../src/access/policy.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import type { LoadEvent } from '../../src/loads/ports.ts';
import { runLoad } from '../../src/loads/run.ts';
import { Database } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { testDatabase } from '../support/database.ts';

/** A small county of sources, folders of extracts, and the real loader on a database of the test's own. */

export const TODAY = '2026-11-22';
export const NHS = 'https://fhir.nhs.uk/Id/nhs-number';

const ALWAYS = [{ from: '2020-01-01' }];

function organisation(code: string, sector: Organisation['sector'], signed = true): Organisation {
  const roles = { base: [], unlisted: 'refuse', roles: {} } as const;
  return { code, system: 'urn:ods', name: code, sector, agreements: signed ? ALWAYS : [], roles };
}

function source(number: number, code: string, more: Partial<SourcePolicy>): SourcePolicy {
  const all = { Patient: {}, Condition: {}, Observation: {}, Provenance: {}, EpisodeOfCare: {}, Encounter: {} };
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
const CHILD = { Patient: {}, CareTeam: {}, EpisodeOfCare: {}, CarePlan: {}, Flag: {}, RelatedPerson: {} };

export function policy(changes: Readonly<Record<string, Partial<SourcePolicy>>> = {}): Policy {
  const sources = [
    source(1, 'gp', { speaksFor: ['health'], ...changes['gp'] }),
    source(2, 'acute', changes['acute'] ?? {}),
    source(5, 'adult', { ...CARE, organisation: 'council', shares: { Patient: {}, EpisodeOfCare: {} }, ...changes['adult'] }),
    source(6, 'lcs', { ...CARE, organisation: 'council', format: 'lcs-csv', shares: CHILD, ...changes['lcs'] }),
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
  };
}

export type Row = { readonly resourceType: string; readonly id: string; readonly [element: string]: unknown };

/** Valid numbers of the range that is never issued. */
export const NUMBERS = ['9990000018', '9990000026', '9990000034', '9990000042', '9990000050', '9990000069'] as const;

export function patient(id: string, nhsNumber: string, more: Record<string, unknown> = {}): Row {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: NHS, value: nhsNumber }],
    name: [{ use: 'official', family: `Family${nhsNumber.slice(-3)}`, given: ['Ada'] }],
    birthDate: '1980-05-17',
    ...more,
  };
}

const SNOMED = 'http://snomed.info/sct';

export function observation(id: string, of: string, value = 1, more: Record<string, unknown> = {}): Row {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: SNOMED, code: '364075005' }] },
    subject: { reference: `Patient/${of}` },
    valueQuantity: { value },
    ...more,
  };
}

export function optOut(id: string, of: string, type: 'deny' | 'permit', dateTime: string): Row {
  return consent(id, of, 'health-optout/v1', { type }, dateTime);
}

export function agreement(id: string, of: string, provision: Record<string, unknown>, dateTime = '2026-01-01'): Row {
  return consent(id, of, 'socialcare-optin/v1', provision, dateTime);
}

function consent(id: string, of: string, uri: string, provision: Record<string, unknown>, dateTime: string): Row {
  return {
    resourceType: 'Consent',
    id,
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${of}` },
    dateTime,
    policy: [{ uri: `https://mycarerecord.example/policy/${uri}` }],
    provision,
  };
}

export function episode(id: string, of: string, more: Record<string, unknown> = {}): Row {
  return { resourceType: 'EpisodeOfCare', id, status: 'active', patient: { reference: `Patient/${of}` }, ...more };
}

export interface ExtractSpec {
  readonly source: string;
  readonly sequence?: number;
  readonly businessDate?: string;
  readonly format?: string;
  /** rows by type, or the text of a file */
  readonly files: Readonly<Record<string, readonly Row[] | string>>;
  /** changes the manifest before it is written */
  readonly manifest?: (manifest: Record<string, unknown>) => unknown;
}

/** Writes an extract to a folder of its own and answers the folder. */
export function writeExtract(root: string, spec: ExtractSpec): string {
  const folder = mkdtempSync(join(root, 'extract-'));
  const csv = spec.format === 'lcs-csv';
  const files = Object.entries(spec.files).map(([type, rows]) => {
    const name = `${type}.${csv ? 'csv' : 'ndjson'}`;
    const text = typeof rows === 'string' ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    writeFileSync(join(folder, name), text);
    const lines = text.split('\n').length - 1 - (csv ? 1 : 0);
    return { name, type, rows: lines, sha256: createHash('sha256').update(text).digest('hex') };
  });
  const { source: code, sequence = 1, businessDate = TODAY, format = 'fhir-ndjson' } = spec;
  const manifest = { format, source: code, businessDate, sequence, kind: 'full', files };
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
    resourceKey: KEY,
    now: () => Date.parse(`${TODAY}T03:00:00Z`),
    newPersonId: personIds(folder),
  });
  const loadFolder: Loader['loadFolder'] = (folder, code, more = {}) => runLoad({ ...options(folder, code), ...more });
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

/**
 * What readers see, by the reading rule, one line a fact: people by NHS number instead of id, loads by their sequence
 * instead of number, so that two databases can be compared.
 */
export async function visible({ rows }: Pick<Loader, 'rows'>): Promise<readonly string[]> {
  const found = await rows(VISIBLE);
  return found.map((row) => String(row['line']));
}

export const HORIZON = `horizon as (
  select source, max(load_no) as load_no from record.publication group by source)`;

const VISIBLE = `
with ${HORIZON},
person as (select p.*, n.nhs_number from record.person p join record.person_number n using (person_id)),
seen as (
  select v.*, p.nhs_number from record.resource_version v
  join horizon h on h.source = v.source and v.valid_from <= h.load_no and v.valid_to > h.load_no
  join person p on p.person_id = v.person_id),
fact as (
  select 'resource' as kind, concat_ws(' ', s.resource_id, l.source, l.sequence, s.type, s.nhs_number,
    replace(regexp_replace(s.body, '"versionId":"\\d+"', ''), s.person_id::text, s.nhs_number)) as line
  from seen s join record.load l on l.load_no = s.valid_from
  union all
  select 'directory', concat_ws(' ', d.resource_id, l.source, l.sequence, d.type, d.identifiers::text)
  from record.directory_version d join horizon h on h.source = d.source and d.valid_from <= h.load_no
    and d.valid_to > h.load_no join record.load l on l.load_no = d.valid_from
  union all
  select 'person', concat_ws(' ', nhs_number, epoch, identity_at, established_by, birth_date, family, given) from person
  union all
  select 'patient', concat_ws(' ', s.source, s.local_id, p.nhs_number, s.state, s.reason, s.nhs_number, s.names::text,
    s.restricted, s.judged_at) from record.source_patient s left join person p using (person_id)
  union all
  select 'search', concat_ws(' ', p.nhs_number, s.source, s.birth_date, s.family, s.given)
  from record.person_search s join person p using (person_id)
  union all
  select 'quarantine', concat_ws(' ', p.nhs_number, q.source, q.reason)
  from record.quarantine q join person p using (person_id)
  union all
  select 'restriction', concat_ws(' ', p.nhs_number, r.source) from record.restriction r join person p using (person_id)
  union all
  select 'opt-out', concat_ws(' ', nhs_number, opted_out, entered_at, source) from record.opt_out
  union all
  select 'agreement', concat_ws(' ', p.nhs_number, a.source, a.given, a.given_by, a.start_date, a.end_date)
  from record.agreement a join person p using (person_id)
  union all
  select 'referenced', concat_ws(' ', r.source, r.type, r.local_id, p.nhs_number)
  from record.referenced r join person p using (person_id)
  union all
  select 'key', concat_ws(' ', k.resource_id, l.source, l.sequence, k.deleted, n.nhs_number)
  from record.resource_key k join record.load l using (load_no)
    left join record.person_number n on n.person_id = k.person_id
  union all
  select 'published', concat_ws(' ', p, l.source, l.sequence)
  from record.publication join record.load l using (load_no))
select kind || ': ' || line as line from fact order by 1`;
