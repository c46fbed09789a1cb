import { inTransaction, OPEN_END, run, type Work } from './work.ts';

const CHUNK = 5_000;

/**
 * Takes back what an unpublished load has changed, key by key, in chunks that can be interrupted and done again. What
 * it restricted stays, and so do people it made: nobody refers to them, and the next load finds them by number.
 */
export async function undoLoad(work: Pick<Work, 'client'>, loadNo: number): Promise<void> {
  for (let left = true; left; ) {
    left = await inTransaction(work, () => undoChunk(work, loadNo));
  }
}

/** @returns whether there was anything to take back */
async function undoChunk(work: Pick<Work, 'client'>, loadNo: number): Promise<boolean> {
  await run(
    work,
    `create temp table undone on commit drop as
     select * from record.load_change where load_no = $1 order by load_no, resource_id limit ${CHUNK}`,
    [loadNo],
  );
  await run(
    work,
    `delete from record.resource_version v using undone u
     where v.person_id = u.person_id and v.valid_to = ${OPEN_END} and v.resource_id = u.resource_id
       and v.valid_from = $1`,
    [loadNo],
  );
  await run(
    work,
    `delete from record.directory_version v using undone u
     where v.resource_id = u.resource_id and v.valid_to = ${OPEN_END} and v.valid_from = $1`,
    [loadNo],
  );
  await run(
    work,
    `update record.resource_version v set valid_to = ${OPEN_END} from undone u
     where v.person_id = u.prior_person_id and v.valid_to = $1 and v.resource_id = u.resource_id`,
    [loadNo],
  );
  await run(
    work,
    `update record.directory_version v set valid_to = ${OPEN_END} from undone u
     where v.resource_id = u.resource_id and v.valid_to = $1`,
    [loadNo],
  );
  await run(
    work,
    `update record.resource_key k set load_no = u.prior_load_no, content_hash = u.prior_hash, deleted = u.prior_deleted
     from undone u where k.resource_id = u.resource_id and u.prior_load_no is not null`,
  );
  await run(
    work,
    `delete from record.resource_key k using undone u where k.resource_id = u.resource_id and u.prior_load_no is null`,
  );
  const undone = await run(
    work,
    `delete from record.load_change c using undone u
     where c.load_no = u.load_no and c.resource_id = u.resource_id returning 1`,
  );
  return undone.length > 0;
}
