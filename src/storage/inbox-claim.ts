import type { Database } from './database.ts';
import { run } from './loads/work.ts';

/** First of two numbers of the advisory lock of a source's inbox; the second is the source's. */
const INBOX_LOCK = 7_236_917;

/**
 * Takes a source's inbox for this process, from the choice of an extract until it is moved aside. A lock of its own: the
 * source's is taken by each load, also by those that do not come through the inbox.
 *
 * @returns what gives it back; undefined where another process has it. It goes with the connection, too
 */
export async function claimInbox(
  database: Database,
  source: number,
): Promise<(() => Promise<void>) | undefined> {
  const client = await database.connect();
  try {
    const [row] = await run<{ taken: boolean }>({ client }, 'select pg_try_advisory_lock($1, $2) as taken', [
      INBOX_LOCK,
      source,
    ]);
    if (row?.taken === true) return () => client.end();
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  await client.end();
  return undefined;
}
