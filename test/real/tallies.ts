import type pg from 'pg';
import type { Certificate } from '../../src/loads/certificate.ts';
import type { SentRow } from './extract.ts';

/** What the loader says it did, beside what was sent. */

/** A row of the log of rejected rows. */
export interface LoggedReject {
  readonly source: string;
  readonly type: string;
  readonly line: number;
  readonly rule: string;
}

export async function loggedRejects(admin: pg.Client): Promise<readonly LoggedReject[]> {
  const found = await admin.query<{ source: string; file: string; line: string; rule: string }>(
    `select s.code as source, r.file, r.line, r.rule
     from record.reject r join record.load l using (load_no) join record.source s on s.number = l.source
     order by s.number, r.file, r.line`,
  );
  return found.rows.map(({ source, file, line, rule }) => ({
    source,
    type: file.replace(/\.ndjson$/, ''),
    line: Number(line),
    rule,
  }));
}

/** A row's place, to compare what was sent with what was logged. */
export function placeOf({ source, type, line }: Pick<SentRow, 'source' | 'type' | 'line'>): string {
  return `${source} ${type} ${line}`;
}

/** How many of something there are by name, in order of names. */
export function countBy<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One kind of count of a certificate, by type, without those that are zero. */
export function certified(
  { types }: Certificate,
  of: (tally: Certificate['types'][string]) => number,
): Readonly<Record<string, number>> {
  const counts = Object.entries(types).map(([type, tally]) => [type, of(tally)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function rejectedOf({ rejected }: Certificate['types'][string]): number {
  return Object.values(rejected).reduce((sum, each) => sum + each, 0);
}
