import { isServed, served } from '../../src/fhir/served.ts';
import { content, referencePairs } from './compare.ts';
import type { SentRow } from './extract.ts';
import type { Json } from './shared-data.ts';

/** A row that was sent and the resource that came back with its content. */
export interface Pair {
  readonly row: SentRow;
  readonly now: Json;
  /** no other row of the same person and source has the same content */
  readonly isCertain: boolean;
}

export interface Matching {
  readonly pairs: readonly Pair[];
  readonly missing: readonly SentRow[];
  readonly extra: readonly Json[];
}

const SOURCE = 'https://mycarerecord.example/source/';

/** Finds for every row the one resource that came back with its content, from its source. */
export function matchRows(rows: readonly SentRow[], resources: readonly Json[]): Matching {
  const groups = new Map<string, { rows: SentRow[]; now: Json[] }>();
  const group = (key: string): { rows: SentRow[]; now: Json[] } => {
    const found = groups.get(key) ?? { rows: [], now: [] };
    groups.set(key, found);
    return found;
  };
  for (const row of rows) group(`${row.source} ${content(row.resource ?? {})}`).rows.push(row);
  for (const now of resources) group(`${sourceOf(now)} ${content(now)}`).now.push(now);
  const all = [...groups.values()];
  return {
    pairs: all.flatMap(({ rows: sent, now }) =>
      now.flatMap((each, index) => {
        const row = sent[index];
        return row === undefined
          ? []
          : [{ row, now: each, isCertain: sent.length === 1 && now.length === 1 }];
      }),
    ),
    missing: all.flatMap(({ rows: sent, now }) => sent.slice(now.length)),
    extra: all.flatMap(({ rows: sent, now }) => now.slice(sent.length)),
  };
}

function sourceOf(resource: Json): string {
  const { source } = (resource['meta'] ?? {}) as Json;
  return typeof source === 'string' ? source.replace(SOURCE, '') : '';
}

/** What was found of the references of one person's resources. */
export interface ReferenceFindings {
  readonly followed: number;
  /** named as `Type/id` here although no such row was sent */
  readonly dangling: number;
  readonly wrong: readonly string[];
}

/**
 * Whether references lead to what they led to when they were sent: to the resource made of that row, to the person's
 * own Patient, and for all else nowhere.
 *
 * @param targets pairs of the person, and of directories
 * @param own literals that name the person in the extracts
 */
export function checkReferences(
  pairs: readonly Pair[],
  targets: readonly Pair[],
  own: ReadonlySet<string>,
  patientId: string,
): ReferenceFindings {
  const certain = new Map<string, string>();
  const doubtful = new Set<string>();
  for (const { row, now, isCertain } of targets) {
    const name = `${row.source} ${nameOf(row.resource ?? {})}`;
    if (isCertain) certain.set(name, nameOf(now));
    else doubtful.add(name);
  }
  let [followed, dangling] = [0, 0];
  const wrong: string[] = [];
  for (const { row, now: resource, isCertain } of pairs) {
    if (!isCertain) continue;
    for (const { sent, now } of referencePairs(row.resource, resource)) {
      const name = `${row.source} ${sent.replace(/\/_history\/.*$/, '')}`;
      if (doubtful.has(name)) continue;
      const expected = sent.startsWith('#')
        ? sent
        : own.has(sent)
          ? `Patient/${patientId}`
          : certain.get(name);
      if (expected === now) followed += expected === undefined ? 0 : 1;
      else if (expected === undefined && now !== undefined && !isPatient(now) && isServedName(now))
        dangling += 1;
      else wrong.push(`${row.from} ${row.type}: ${sent} became ${String(now)}, not ${String(expected)}`);
    }
  }
  return { followed, dangling, wrong };
}

function isPatient(literal: string): boolean {
  return literal.startsWith('Patient/');
}

function isServedName(literal: string): boolean {
  const type = literal.slice(0, literal.indexOf('/'));
  return isServed(type) && served(type).keeping !== 'own';
}

function nameOf(resource: Json): string {
  return `${String(resource['resourceType'])}/${String(resource['id'])}`;
}
