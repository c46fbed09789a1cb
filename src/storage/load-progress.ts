import type { LoadProgress } from '../loads/context.ts';
import type { Database } from './database.ts';

const NOTE = {
  name: 'load-progress',
  text: `insert into record.load_progress (source, load_phase, done, total, updated_at, phase_began)
    select number, $2, $3, $4, clock_timestamp(), clock_timestamp() - make_interval(secs => $5) from record.source where code = $1
    on conflict (source) do update set load_phase = excluded.load_phase, done = excluded.done,
      total = excluded.total, updated_at = excluded.updated_at, phase_began = excluded.phase_began`,
};

/** Milliseconds between two notes of one phase. */
const APART = 1000;

/**
 * Notes how far a load has come, where every process can see it: at each new phase, and now and then. A note that fails
 * is no reason to fail the load.
 *
 * @param source its code
 * @param now milliseconds since the epoch
 */
export function progressNotes(database: Database, source: string, now: () => number): LoadProgress {
  let phase = '';
  let current = '';
  let began = 0;
  let last = 0;
  let writing = false;
  return (next, done, total) => {
    const at = now();
    if (next !== current) began = at;
    current = next;
    if (next === 'open' || writing || (next === phase && at - last < APART)) return;
    phase = next;
    last = at;
    writing = true;
    database
      .read(NOTE, [source, next, done, total, (at - began) / 1000])
      .catch(() => {})
      .finally(() => {
        writing = false;
      });
  };
}
