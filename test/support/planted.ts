import pg from 'pg';
import { decodeManifest } from '../../src/audit/manifest.ts';
import { categoryTokens, codeTokens, labelsThroughout } from '../../src/fhir/codings.ts';
import { searchLine } from '../../src/fhir/search/extract.ts';
import { isServed, SERVED } from '../../src/fhir/served.ts';
import type { TestAnswer, TestService } from './service.ts';

/* Rows put behind the service as a load stores them, and answers read without the service's own code. */

export const RESTRICTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
export const NOT_FOR_PATIENT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'NOPAT' };

export const OPEN_END = '9223372036854775807';

/** One connection behind the service, for as long as the test runs. */
export async function behind(t: { teardown(end: () => Promise<void>): void }, service: TestService) {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

export interface Planted {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

/** Which load a version began with and ended with; absent: that of the source's last load, and open. */
export interface Span {
  readonly from?: number;
  readonly to?: number;
}

/** Stores a resource as a version of a person's record, with the envelope that a load gives it. */
export async function plant(
  client: pg.Client,
  personId: string,
  source: { readonly number: number; readonly code: string; readonly loadNo: number },
  resource: Planted,
  labels: readonly object[] = [],
  span: Span = {},
): Promise<void> {
  const { resourceType, id, ...rest } = resource;
  if (!isServed(resourceType)) throw new Error(`${resourceType} is not served.`);
  const from = span.from ?? source.loadNo;
  const meta = {
    versionId: String(from),
    lastUpdated: new Date(Date.UTC(2026, 0, from)).toISOString(),
    source: `https://mycarerecord.example/source/${source.code}`,
    ...(labels.length > 0 && { security: labels }),
  };
  const stored = { resourceType, id, meta, ...rest };
  await client.query(
    `insert into record.resource_version (person_id, valid_to, resource_id, valid_from, source, type, category, labels,
       codes, content_hash, search_line, body) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '\\x00', $10, $11)`,
    [
      personId,
      span.to ?? OPEN_END,
      id,
      from,
      source.number,
      SERVED[resourceType].code,
      categoryTokens(stored),
      labelsThroughout(stored),
      codeTokens(stored),
      searchLine(stored),
      JSON.stringify(stored),
    ],
  );
  await client.query(
    `insert into record.resource_key (resource_id, person_id, source, type, load_no, content_hash)
     values ($1, $2, $3, $4, $5, '\\x00') on conflict do nothing`,
    [id, personId, source.number, SERVED[resourceType].code, source.loadNo],
  );
}

/** The source as its last published load left it. */
export async function sourceOf(client: pg.Client, code: string) {
  const { rows } = await client.query<{ number: number; load_no: string }>(
    `select s.number, (select max(load_no) from record.publication where source = s.number) as load_no
       from record.source s where code = $1`,
    [code],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`There is no source ${code}.`);
  return { number: row.number, code, loadNo: Number(row.load_no) };
}

/** Publishes a further load of the source, which changed nothing. @returns its number */
export async function publishAgain(client: pg.Client, code: string): Promise<number> {
  const { rows } = await client.query<{ load_no: string }>(
    `insert into record.load (source, business_date, sequence, kind, format, manifest_hash, state, started_at, file_types)
     select number, '2026-11-23', 999, 'full', 'fhir-ndjson', sha256(random()::text::bytea), 'published', now(), '{}'
     from record.source where code = $1 returning load_no`,
    [code],
  );
  const loadNo = Number(rows[0]?.load_no);
  await client.query(
    `insert into record.publication select (select max(p) + 1 from record.publication), number, $2, now()
     from record.source where code = $1`,
    [code, loadNo],
  );
  return loadNo;
}

interface Entry {
  readonly search?: { readonly mode: string };
  readonly resource: Found;
}

export interface Found {
  readonly resourceType: string;
  readonly id: string;
  readonly meta?: { readonly versionId?: string };
  readonly [element: string]: unknown;
}

function entriesOf(answer: TestAnswer): readonly Entry[] {
  return answer.json?.entry ?? [];
}

/** Every resource that an answer gives out: matches, included ones, versions, and those of the answers in a batch's. */
export function given(answer: TestAnswer): readonly Found[] {
  if (answer.status !== 200 || answer.json === undefined) return [];
  return resourcesOf(answer.json);
}

function resourcesOf(resource: Found | undefined): readonly Found[] {
  if (resource === undefined || resource.resourceType === 'OperationOutcome') return [];
  if (resource.resourceType !== 'Bundle') return [resource];
  const entries = (resource['entry'] ?? []) as readonly Partial<Entry>[];
  return entries.flatMap((entry) => resourcesOf(entry.resource));
}

/** Ids of what an answer gives out, in its order; of one mode, or all. */
export function idsIn(answer: TestAnswer, mode?: 'match' | 'include'): readonly string[] {
  if (mode === undefined) return given(answer).map(({ id }) => id);
  return entriesOf(answer)
    .filter(({ search }) => search?.mode === mode)
    .map(({ resource }) => resource.id);
}

/** The path of the next page, as `get` takes it. */
export function nextOf(answer: TestAnswer): string | undefined {
  const links: readonly { readonly relation: string; readonly url: string }[] = answer.json?.link ?? [];
  return links.find(({ relation }) => relation === 'next')?.url.slice('http://127.0.0.1:8080/fhir/'.length);
}

/** An answer as two callers may compare it: without its instant, its request's id, and the seal of its page tokens. */
export function comparable({ status, headers, text }: TestAnswer): string {
  const {
    date,
    'x-request-id': _id,
    'content-length': _length,
    'x-audit-receipt': _receipt,
    ...rest
  } = headers;
  const left = Object.entries(rest).filter(([name]) => !name.startsWith('x-ratelimit'));
  const plain = text
    .replace(/"timestamp":"[^"]*"/g, '"timestamp":""')
    .replace(/_page=[\w-]+/g, '_page=sealed')
    .replace(/Quote \S+ when/, 'Quote it when');
  return JSON.stringify([status, left.sort(), text.includes('"type":"document"') ? undated(plain) : plain]);
}

/** A document without what is made anew for each: its own ids, and the instant that it was made. */
function undated(text: string): string {
  const [, id = 'none'] = /\/Composition\/([0-9a-f-]{36})"/.exec(text) ?? [];
  return text
    .replaceAll(id, 'ID')
    .replace(/"urn:uuid:[0-9a-f-]{36}"/g, '"urn:uuid:"')
    .replace(/"(date|end)":"[0-9T:.-]+\.\d{3}Z"/g, '"$1":""')
    .replace(/Summary made<\/td><td>[^<]*/, 'Summary made</td><td>');
}

export interface WrittenEvent {
  readonly outcome: number;
  readonly kind: string;
  readonly person: string | null;
  readonly body: string;
  /** `id/version` of everything that the event says was released */
  readonly released: ReadonlySet<string>;
}

/** What the audit log holds of one request. */
export async function eventsOf(client: pg.Client, requestId: string): Promise<readonly WrittenEvent[]> {
  const { rows } = await client.query<{
    outcome: number;
    kind: string;
    person_id: string | null;
    body: string;
    manifest: Buffer;
  }>('select outcome, kind, person_id::text, body, manifest from audit.event where request_id = $1', [
    requestId,
  ]);
  return rows.map(({ outcome, kind, person_id: person, body, manifest }) => ({
    outcome,
    kind,
    person,
    body,
    released: new Set(decodeManifest(manifest).released.map(({ id, version }) => `${id}/${version}`)),
  }));
}

/**
 * What an answer gives out and no event of its request names: empty is right. A Patient is made of contributions, so
 * that it is named by the event's person and by one of them at least.
 */
export async function unaccounted(client: pg.Client, answer: TestAnswer): Promise<readonly string[]> {
  const events = await eventsOf(client, String(answer.headers['x-request-id']));
  const named = new Set(events.flatMap(({ released }) => [...released]));
  return given(answer).flatMap(({ resourceType, id, meta }) => {
    // of a summary: made of the rows that are in it
    if (resourceType === 'Composition') return [];
    if (resourceType === 'Patient') {
      return events.some(({ person, released }) => person === id && released.size > 0)
        ? []
        : [`Patient/${id}`];
    }
    // consents and audit events have no version of their own
    if (meta?.versionId === undefined)
      return [...named].some((name) => name.startsWith(`${id}/`)) ? [] : [`${resourceType}/${id}`];
    return named.has(`${id}/${meta.versionId}`) ? [] : [`${resourceType}/${id}/_history/${meta.versionId}`];
  });
}
