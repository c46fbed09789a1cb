import type { Certificate } from '../loads/certificate.ts';
import type { Decision, LoadEntry, LoadHistory, LoadState, RememberedReject } from '../loads/history.ts';
import type { Database, Statement } from './database.ts';
import { inTransaction, run } from './loads/work.ts';
import { SOURCE_LOCK } from './source-lock.ts';

/** An instant as text. */
export const INSTANT = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** Selects what `toEntry` reads; `l` is the load. */
export const ENTRY = `
select l.load_no, s.code, l.business_date::text, l.sequence, l.state, ${INSTANT('l.started_at')},
  ${INSTANT('l.finished_at')}, l.operator, l.decision_reason, ${INSTANT('l.decided_at')}, l.certificate
from record.load l join record.source s on s.number = l.source`;

const LIST: Statement = {
  name: 'loads',
  text: `${ENTRY} where $1::text is null or s.code = $1 order by l.load_no desc limit $2`,
};
const ONE: Statement = { name: 'load', text: `${ENTRY} where l.load_no = $1` };
const REJECTS: Statement = {
  name: 'load-rejects',
  text: `select file, line, rule, element, hint, rejected_before from record.reject
    where load_no = $1 and (file, line, rule) > ($2, $3::bigint, $4) order by file, line, rule limit $5`,
};
const EXPIRED: Statement = {
  name: 'loads-expired',
  text: `select n from unnest($1::bigint[]) n left join record.load l on l.load_no = n
    where l.load_no is null or l.state not in ('running', 'held')
      or (l.state = 'held' and l.finished_at < clock_timestamp() - make_interval(days => $2))`,
};
const FORGET: Statement = {
  name: 'loads-forget-rejects',
  // a bounded number each time: whatever is left goes with the next load
  text: `delete from record.reject where ctid = any(array(
      select r.ctid from record.reject r join record.load l on l.load_no = r.load_no
      where l.finished_at < clock_timestamp() - make_interval(days => $1) limit 100000))`,
};

/** Milliseconds that a decision waits for a load of the same source to end. */
const PATIENCE = 30_000;

/** Loads as `record.load` remembers them. */
export class StoredLoadHistory implements LoadHistory {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list(source: string | undefined, limit: number): Promise<readonly LoadEntry[]> {
    return (await this.#database.read(LIST, [source ?? null, limit])).map(toEntry);
  }

  async entry(loadNo: number): Promise<LoadEntry | undefined> {
    return (await this.#database.read(ONE, [loadNo])).map(toEntry)[0];
  }

  async rejects(
    loadNo: number,
    after: RememberedReject | undefined,
    limit: number,
  ): Promise<readonly RememberedReject[]> {
    const { file = '', line = 0, rule = '' } = after ?? {};
    const rows = await this.#database.read(REJECTS, [loadNo, file, line, rule, limit]);
    return rows.map(([name, at, broken, element, hint, before]) => ({
      file: String(name),
      line: Number(at),
      rule: String(broken),
      ...(element !== null && { element: String(element) }),
      hint: String(hint),
      before: before === true,
    }));
  }

  async decide(loadNo: number, decision: Decision, what: 'release' | 'refuse'): Promise<boolean> {
    const client = await this.#database.connect();
    try {
      await client.query(`set lock_timeout = ${PATIENCE}`);
      return await inTransaction({ client }, async () => {
        // whoever loads the source holds its lock: a release that has begun is not refused in the middle
        await run(
          { client },
          'select pg_advisory_xact_lock($1, source) from record.load where load_no = $2',
          [SOURCE_LOCK, loadNo],
        );
        const decided = await run(
          { client },
          `update record.load set operator = $2, decision_reason = $3, decided_at = clock_timestamp(),
             state = case when $4 then 'refused' else state end
           where load_no = $1 and state = 'held' returning 1`,
          [loadNo, decision.operator, decision.reason, what === 'refuse'],
        );
        return decided.length === 1;
      });
    } finally {
      await client.end().catch(() => {});
    }
  }

  async expired(loadNumbers: readonly number[], days: number): Promise<readonly number[]> {
    return (await this.#database.read(EXPIRED, [loadNumbers, days])).map(([loadNo]) => Number(loadNo));
  }

  async forgetRejects(days: number): Promise<void> {
    await this.#database.read(FORGET, [days]);
  }
}

export function toEntry(row: readonly unknown[]): LoadEntry {
  const [loadNo, source, businessDate, sequence, state, started, finished, operator, reason, at, text] = row;
  return {
    number: Number(loadNo),
    source: String(source),
    businessDate: String(businessDate),
    sequence: Number(sequence),
    state: String(state) as LoadState,
    startedAt: String(started),
    ...(finished !== null && { finishedAt: String(finished) }),
    ...(operator !== null && {
      decision: { operator: String(operator), reason: String(reason), at: String(at) },
    }),
    ...(text !== null && { certificate: toCertificate(String(text)) }),
  };
}

/** As it was stored by ourselves; those of earlier versions know no guards. */
function toCertificate(text: string): Certificate {
  return {
    guards: [],
    rejectedBefore: 0,
    ...(JSON.parse(text) as Omit<Certificate, 'guards' | 'rejectedBefore'>),
  };
}
