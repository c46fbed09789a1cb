import type { LoadEntry } from '../loads/history.ts';
import type { Database } from './database.ts';
import { ENTRY, INSTANT, toEntry } from './load-history.ts';

/** How far a load has come. `done` and `total` are rows, or bytes while staging. */
export interface NotedProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly updatedAt: string;
  readonly phaseBegan: string;
}

const SEEN = {
  name: 'loads-overview',
  // of each source the newest few, the one that readers see, and whatever runs or waits
  text: `${ENTRY} where l.state in ('running', 'held') or l.load_no in (
      select load_no from record.source n cross join lateral (
        select load_no from record.load where source = n.number order by load_no desc limit 5) newest
      union all
      select load_no from record.source n cross join lateral (
        select load_no from record.publication where source = n.number order by p desc limit 1) published)
    order by l.load_no desc`,
};
const PROGRESS = {
  name: 'loads-progress',
  text: `select s.code, load_phase, done, total, ${INSTANT('updated_at')}, ${INSTANT('phase_began')}
    from record.load_progress join record.source s on s.number = source`,
};

/** Of each source the newest few loads, the published one, and those that run or are held; newest first. */
export async function loadsInSight(database: Database): Promise<readonly LoadEntry[]> {
  return (await database.read(SEEN, [])).map(toEntry);
}

/** What each source's last load noted, by the source's code. */
export async function notedProgress(database: Database): Promise<ReadonlyMap<string, NotedProgress>> {
  const rows = await database.read(PROGRESS, []);
  return new Map(
    rows.map(([source, phase, done, total, at, began]) => [
      String(source),
      {
        phase: String(phase),
        done: Number(done),
        total: Number(total),
        updatedAt: String(at),
        phaseBegan: String(began),
      },
    ]),
  );
}
