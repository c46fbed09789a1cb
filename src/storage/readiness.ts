import type { Journal } from '../audit/journal.ts';
import type { Database } from './database.ts';

const PING = { name: 'ready', text: 'select count(*) from record.publication' };

/** What is missing before the service can answer: empty when nothing is. */
export async function readiness(database: Database, journal: Journal): Promise<readonly string[]> {
  const missing: string[] = [];
  try {
    const [row] = await database.read(PING, []);
    if (Number(row?.[0] ?? 0) === 0) missing.push('No source has been loaded yet.');
  } catch {
    missing.push('The database cannot be reached.');
  }
  if (!journal.hasRoom()) missing.push('The audit log cannot be written.');
  return missing;
}

const PUBLISHED = {
  name: 'published-sources',
  text: `
select s.code, l.business_date::text, (extract(epoch from h.published_at) * 1000)::bigint
from record.source s
cross join lateral (select load_no, published_at from record.publication
                    where source = s.number order by p desc limit 1) h
join record.load l on l.load_no = h.load_no`,
};

/** The last published load of each source that has one, by the source's code. */
export async function publishedSources(
  database: Database,
): Promise<ReadonlyMap<string, { readonly businessDate: string; readonly publishedAt: number }>> {
  const rows = await database.read(PUBLISHED, []);
  return new Map(
    rows.map((row) => [String(row[0]), { businessDate: String(row[1]), publishedAt: Number(row[2]) }]),
  );
}
