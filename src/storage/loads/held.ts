import type { Certificate } from '../../loads/certificate.ts';
import type { HeldLoad } from '../../loads/ports.ts';
import { run, type Work } from './work.ts';

/** A load of the session's source that waits for a decision. */
export async function heldLoad(work: Work, loadNo: number): Promise<HeldLoad | undefined> {
  const [row] = await run<{ manifest_hash: Buffer; certificate: string }>(
    work,
    `select manifest_hash, certificate from record.load where load_no = $1 and source = $2 and state = 'held'`,
    [loadNo, work.source.number],
  );
  if (row === undefined) return undefined;
  const { guards } = JSON.parse(row.certificate) as Certificate;
  return { manifestHash: row.manifest_hash, guards };
}

/**
 * Ends the waiting of held loads of the same source that a load follows, by being published or held itself: the one
 * whose extract it loads again is released, any other superseded. Within the transaction that ends the load.
 */
export async function settleHeld(work: Pick<Work, 'client'>, loadNo: number): Promise<void> {
  await run(
    work,
    `update record.load h
     set state = case when l.state = 'published' and h.load_no = l.releases then 'released' else 'superseded' end
     from record.load l where l.load_no = $1 and h.source = l.source and h.state = 'held' and h.load_no <> l.load_no
       and h.sequence <= l.sequence and l.state in ('published', 'held')`,
    [loadNo],
  );
}
