import type { StaffLink } from '../loads/staff-directory.ts';
import type { Database } from './database.ts';

/** Replaces all links of the organisations that appear, in one transaction: the old links hold, or the new ones. */
export async function replaceStaffIdentities(database: Database, links: readonly StaffLink[]): Promise<void> {
  const client = await database.connect();
  try {
    await client.query('begin');
    await client.query('delete from record.staff_identity where organisation = any($1::text[])', [
      [...new Set(links.map((link) => link.organisation))],
    ]);
    await client.query(
      `insert into record.staff_identity (organisation, user_id, nhs_hmac)
       select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing`,
      [
        links.map((link) => link.organisation),
        links.map((link) => link.userId),
        links.map((link) => link.nhsHmac),
      ],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    await client.end();
  }
}
