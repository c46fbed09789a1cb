import type pg from 'pg';
import { clustersOf, type NumberChange, type NumberPair } from '../identity/number-changes.ts';
import type { Database } from './database.ts';
import { linkedNumbers, linkNumbers } from './number-links.ts';

/** What became of a file: people who are linked with others now, and changes in force that link nobody. */
export interface LinkCounts {
  readonly linked: number;
  readonly notLinked: number;
}

/** Takes changes on. One that was taken back or overtaken does not come back by being said again. */
export function storeNumberChanges(
  database: Database,
  changes: readonly NumberChange[],
): Promise<LinkCounts> {
  return relinking(database, async (client) => {
    await client.query(
      `create temp table stated on commit drop as
       select * from unnest($1::text[], $2::text[], $3::text[], $4::date[]) t(old_number, new_number, kind, changed_on)`,
      [
        changes.map((change) => change.oldNumber),
        changes.map((change) => change.newNumber),
        changes.map((change) => change.kind),
        changes.map((change) => change.changedOn),
      ],
    );
    await client.query(
      `update record.number_change c set ended_at = now() from stated s
       where c.ended_at is null and c.old_number = s.old_number and c.new_number <> s.new_number
         and s.changed_on > c.changed_on`,
    );
    await client.query(
      `insert into record.number_change (old_number, new_number, kind, changed_on)
       select s.old_number, s.new_number, s.kind, s.changed_on from stated s
       where not exists (select from record.number_change c where c.old_number = s.old_number
         and (c.ended_at is null or (c.new_number = s.new_number and c.changed_on >= s.changed_on)))
       on conflict do nothing`,
    );
  });
}

/**
 * Takes changes back: the people are apart again, each with the rows that were always theirs.
 *
 * @throws Error where one of them is not in force; nothing is taken back then
 */
export function endNumberChanges(database: Database, pairs: readonly NumberPair[]): Promise<LinkCounts> {
  return relinking(database, async (client) => {
    const { rowCount } = await client.query(
      `update record.number_change c set ended_at = now() from unnest($1::text[], $2::text[]) t(old_number, new_number)
       where c.ended_at is null and c.old_number = t.old_number and c.new_number = t.new_number`,
      columnsOf(pairs),
    );
    if (rowCount !== pairs.length)
      throw new Error('Nothing was changed: the file has pairs that are not in force, or has one twice.');
  });
}

/** Keeps numbers apart from now on; what has linked them is undone. */
export function storeKeptApart(database: Database, pairs: readonly NumberPair[]): Promise<LinkCounts> {
  return relinking(database, async (client) => {
    await client.query(
      `insert into record.never_link (one, other) select least(a, b), greatest(a, b)
       from unnest($1::text[], $2::text[]) t(a, b) on conflict do nothing`,
      columnsOf(pairs),
    );
  });
}

function columnsOf(pairs: readonly NumberPair[]): readonly (readonly string[])[] & unknown[] {
  return [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
}

/** One transaction, in turn with publications, which decide about identities too. */
async function relinking(
  database: Database,
  change: (client: pg.Client) => Promise<void>,
): Promise<LinkCounts> {
  const client = await database.connect();
  try {
    await client.query('begin');
    await client.query('lock table record.publication in exclusive mode');
    await change(client);
    const counts = await relink(client);
    await client.query('commit');
    return counts;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    await client.end();
  }
}

async function relink(client: pg.Client): Promise<LinkCounts> {
  const { rows } = await client.query<{ old: string; new: string; kind: NumberChange['kind']; on: string }>(
    `select old_number as old, new_number as new, kind, changed_on::text as on from record.number_change
     where ended_at is null`,
  );
  const changes = rows.map((row) => ({
    oldNumber: row.old,
    newNumber: row.new,
    kind: row.kind,
    changedOn: row.on,
  }));
  const apart = await client.query<{ one: string; other: string }>(
    'select one, other from record.never_link',
  );
  const known = await linkedNumbers(
    client,
    changes.flatMap(({ oldNumber, newNumber }) => [oldNumber, newNumber]),
  );
  const { clusters, leftOut } = clustersOf(changes, {
    ...known,
    keptApart: apart.rows.map(({ one, other }) => [one, other]),
  });
  await linkNumbers(client, clusters);
  return { linked: clusters.reduce((sum, { numbers }) => sum + numbers.length, 0), notLinked: leftOut };
}
