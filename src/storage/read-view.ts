import type { Horizon, View } from '../record/view.ts';
import type { Database } from './database.ts';

/** Answers what each source had published by a moment (`record/view.ts`). */
export type ViewReader = (horizon: Horizon) => Promise<View>;

/** What each source had published by then: for one publication the same for ever, so it is asked once. */
const HORIZON = {
  name: 'horizon',
  text: `
select s.number, h.load_no, (extract(epoch from h.published_at) * 1000)::bigint, l.business_date::text
from unnest($1::smallint[], $2::bigint[]) s(number, p)
cross join lateral (select load_no, published_at from record.publication
                    where source = s.number and p <= s.p order by p desc limit 1) h
join record.load l on l.load_no = h.load_no`,
};

const REMEMBERED_VIEWS = 32;

/**
 * A view of one publication is remembered: publications are only ever added.
 *
 * @param codeOf the configured sources by number; one that the configuration does not name is not read at all, since its
 *   rows have no owner to answer for them
 */
export function viewReader(database: Database, codeOf: ReadonlyMap<number, string>): ViewReader {
  const remembered = new Map<number, Promise<View>>();
  const read = async (newest: (source: string) => number): Promise<View> => {
    const asked = [...codeOf].map(([number, code]) => ({ number, publication: newest(code) }));
    const rows = await database.read(HORIZON, [
      asked.map(({ number }) => number),
      asked.map(({ publication }) => publication),
    ]);
    return rows.flatMap((row): View => {
      const source = codeOf.get(row[0] as number);
      if (source === undefined) return [];
      return [{ source, loadNo: Number(row[1]), publishedAt: Number(row[2]), businessDate: String(row[3]) }];
    });
  };
  return (horizon) => {
    if ('publications' in horizon) return read((source) => horizon.publications.get(source) ?? 0);
    const { publication } = horizon;
    const known = remembered.get(publication);
    if (known !== undefined) return known;
    const asked = read(() => publication);
    remembered.set(publication, asked);
    asked.catch(() => remembered.delete(publication));
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_VIEWS && oldest !== undefined) remembered.delete(oldest);
    return asked;
  };
}
