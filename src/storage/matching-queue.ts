import type { Client } from 'pg';
import type { KnownPerson } from '../identity/candidates.ts';
import type { Demographics } from '../identity/demographics.ts';
import type { Database } from './database.ts';
import { inTransaction, run } from './loads/work.ts';
import { SOURCE_LOCK } from './source-lock.ts';

/** A source's patient who waits to be matched, as the last published extract has it. */
export interface WaitingPatient {
  readonly localId: string;
  readonly reason: string;
  /** of its row; absent before the first extract that was loaded with a queue */
  readonly line?: number;
  /** under every name, folded */
  readonly names: readonly Demographics[];
  /** person it was confirmed to be: the next extract takes it over */
  readonly confirmed?: string;
  /** people it was said not to be */
  readonly rejected: readonly string[];
}

export interface MatchingDecision {
  readonly source: number;
  readonly localId: string;
  readonly personId: string;
  readonly by: string;
  readonly reason: string;
  /** milliseconds since the epoch */
  readonly at: number;
}

/** The patients who wait to be matched to a person, and the decisions about them. */
export class MatchingQueue {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param localId of one patient only */
  waiting(source: number, localId?: string): Promise<readonly WaitingPatient[]> {
    return this.#connected((client) => waitingPatients(client, source, localId));
  }

  /** Whom sources other than this one know under these birth dates. Restricted people are not found. */
  known(source: number, birthDates: readonly string[]): Promise<readonly KnownPerson[]> {
    return this.#connected((client) => knownPeople(client, source, birthDates));
  }

  /**
   * Whom a patient was confirmed to be, waiting for it or taken over since.
   */
  async confirmed(source: number, localId: string): Promise<string | undefined> {
    const rows = await this.#connected((client) =>
      run<{ person_id: string }>(
        { client },
        `select person_id::text from record.matching_decision
         where source = $1 and local_id = $2 and decision = 'confirmed'`,
        [source, localId],
      ),
    );
    return rows[0]?.person_id;
  }

  /**
   * Takes effect with the next extract.
   *
   * @param account resolves when the audit log has it: nothing is decided before
   */
  confirm(decision: MatchingDecision, account: () => Promise<void>): Promise<void> {
    return this.#decide(decision.source, async (client) => {
      await account();
      await write(client, decision, 'confirmed');
    });
  }

  /**
   * The person is not the patient. Where they had been matched, the source's rows of the person are hidden at once,
   * and are gone with the next extract.
   */
  reject(decision: MatchingDecision, account: () => Promise<void>): Promise<void> {
    return this.#decide(decision.source, async (client) => {
      await account();
      await write(client, decision, 'rejected');
      await takeBack(client, decision);
    });
  }

  /** No load of the source runs meanwhile: it would go on with what was decided before. */
  #decide(source: number, steps: (client: Client) => Promise<void>): Promise<void> {
    return this.#connected(async (client) => {
      await client.query('set lock_timeout = 30000');
      await client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, source]);
      await inTransaction({ client }, () => steps(client));
    });
  }

  async #connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#database.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

interface WaitingRow {
  readonly local_id: string;
  readonly reason: string;
  readonly line: number | null;
  readonly birth_date: string;
  readonly names: readonly string[];
  readonly confirmed: string | null;
  readonly rejected: readonly string[];
  readonly [column: string]: unknown;
}

async function waitingPatients(
  client: Client,
  source: number,
  localId: string | undefined,
): Promise<readonly WaitingPatient[]> {
  const rows = await run<WaitingRow>(
    { client },
    `select sp.local_id, sp.reason, sp.line, sp.birth_date, sp.names,
       (select d.person_id::text from record.matching_decision d
        where d.source = sp.source and d.local_id = sp.local_id and d.decision = 'confirmed') as confirmed,
       array(select d.person_id::text from record.matching_decision d
        where d.source = sp.source and d.local_id = sp.local_id and d.decision = 'rejected') as rejected
     from record.source_patient sp
     where sp.source = $1 and sp.state = 'unmatched' and ($2::text is null or sp.local_id = $2)
     order by sp.line nulls last, sp.local_id`,
    [source, localId ?? null],
  );
  return rows.map(({ local_id, reason, line, birth_date: birthDate, names, confirmed, rejected }) => ({
    localId: local_id,
    reason,
    ...(line !== null && { line }),
    names: names.map((name) => {
      const [family = '', given = ''] = name.split('\t');
      return { birthDate, family, given };
    }),
    ...(confirmed !== null && { confirmed }),
    rejected,
  }));
}

async function knownPeople(
  client: Client,
  source: number,
  birthDates: readonly string[],
): Promise<readonly KnownPerson[]> {
  const rows = await run<Demographics & { person_id: string }>(
    { client },
    `select s.person_id::text, s.birth_date as "birthDate", s.family, s.given from record.person_search s
     where s.birth_date = any($2) and s.source <> $1
       and not exists (select from record.restriction r where r.person_id = s.person_id)
       and exists (select from record.person_number n where n.person_id = s.person_id and n.status = 'current')
     order by 1, 3, 4`,
    [source, birthDates],
  );
  return rows.map(({ person_id: personId, ...demographics }) => ({ personId, demographics }));
}

function write(
  client: Client,
  { source, localId, personId, by, reason, at }: MatchingDecision,
  decision: 'confirmed' | 'rejected',
): Promise<unknown> {
  return run(
    { client },
    `insert into record.matching_decision (source, local_id, person_id, decision, decided_by, reason, decided_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (source, local_id, person_id) do update set decision = excluded.decision,
       decided_by = excluded.decided_by, reason = excluded.reason, decided_at = excluded.decided_at`,
    [source, localId, personId, decision, by, reason, new Date(at).toISOString()],
  );
}

/** Of a match that was taken over: the patient waits again, and nothing of it is shown as this person's. */
async function takeBack(
  client: Client,
  { source, localId, personId }: Pick<MatchingDecision, 'source' | 'localId' | 'personId'>,
): Promise<void> {
  const values = [source, personId];
  const waitsAgain = await run(
    { client },
    `update record.source_patient set state = 'unmatched', reason = 'no-nhs-number', person_id = null, nhs_number = null
     where source = $1 and person_id = $2 and local_id = $3 returning local_id`,
    [...values, localId],
  );
  if (waitsAgain.length === 0) return;
  await run(
    { client },
    `insert into record.quarantine (source, person_id, reason) values ($1, $2, 'match-withdrawn') on conflict do nothing`,
    values,
  );
  await run({ client }, 'delete from record.agreement where source = $1 and person_id = $2', values);
  await run({ client }, 'delete from record.person_search where source = $1 and person_id = $2', values);
  await run(
    { client },
    `update record.person set established_by = null, birth_date = null, family = null, given = null,
       identity_at = (select coalesce(max(p), 0) from record.publication)
     where person_id = $2 and established_by = $1`,
    values,
  );
  await run({ client }, 'update record.person set epoch = epoch + 1 where person_id = $1', [personId]);
}
