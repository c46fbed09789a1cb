import { existsSync } from 'node:fs';
import { certificateKey } from './certificate-key.ts';
import { heldRoot, loadExtract, tidyLoads } from './load.ts';
import type { Certificate } from './loads/certificate.ts';
import type { LoadProgress } from './loads/context.ts';
import { guardKey } from './loads/guards.ts';
import { type Decision, decisionFault, type LoadEntry, type RememberedReject } from './loads/history.ts';
import { heldFolder } from './loads/hold.ts';
import { type SignedCertificate, signCertificate } from './loads/signature.ts';
import { doneHere } from './operator-event.ts';
import { StoredLoadHistory } from './storage/load-history.ts';
import type { Service } from './wire.ts';

/** Loads as operators see them, and what they decide about those that are held. */

type Desk = Pick<Service, 'configuration' | 'database' | 'account'>;

/** Newest first. @param source its code; absent: of all */
export function recentLoads(
  { database }: Pick<Desk, 'database'>,
  source: string | undefined,
  limit: number,
): Promise<readonly LoadEntry[]> {
  return new StoredLoadHistory(database).list(source, limit);
}

/** @throws Error with a sentence where there is no such load */
export async function rememberedLoad(
  { database }: Pick<Desk, 'database'>,
  loadNo: number,
): Promise<LoadEntry> {
  const entry = await new StoredLoadHistory(database).entry(loadNo);
  if (entry === undefined) throw new Error(`There is no load ${loadNo}: "mcr loads" lists them.`);
  return entry;
}

/** @throws Error with a sentence where the load has none, or there is no key */
export async function signedCertificate(
  desk: Pick<Desk, 'configuration' | 'database'>,
  loadNo: number,
): Promise<SignedCertificate> {
  const certificate = certificateOf(await rememberedLoad(desk, loadNo));
  return signCertificate(certificate, certificateKey(desk.configuration));
}

/** @throws Error with a sentence where the load is still running, or crashed */
export function certificateOf({ certificate, number, state }: LoadEntry): Certificate {
  if (certificate === undefined) throw new Error(`Load ${number} has no certificate: it is ${state}.`);
  return certificate;
}

const PAGE = 5_000;

/** Rejected rows of a load, in order of files and lines. */
export async function* rejectedRows(
  { database }: Pick<Desk, 'database'>,
  loadNo: number,
): AsyncGenerator<readonly RememberedReject[]> {
  const history = new StoredLoadHistory(database);
  for (let last: RememberedReject | undefined; ; ) {
    const rows = await history.rejects(loadNo, last, PAGE);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1);
  }
}

/**
 * Loads the extract of a held load again, and lets pass what held it. The audit log is told first: who, and why.
 *
 * @param folder the extract, where our own copy is not kept any more; the same to the byte
 * @throws Error with a sentence where the load is not held, or the decision is not as it should be
 */
export async function releaseLoad(
  desk: Desk,
  loadNo: number,
  decision: Decision,
  folder?: string,
  progress?: LoadProgress,
): Promise<Certificate> {
  const entry = await heldEntry(desk, loadNo, decision);
  await tidyLoads(desk);
  const copy = heldFolder(heldRoot(desk.configuration), loadNo);
  if (folder === undefined && !existsSync(copy)) {
    throw new Error(
      `The extract of load ${loadNo} is not kept any more: name the folder it came from with --folder.`,
    );
  }
  await accountDecision(desk, entry, decision, 'release');
  await decide(desk, loadNo, decision, 'release');
  const certificate = await loadExtract(desk, entry.source, folder ?? copy, progress, loadNo);
  await tidyLoads(desk);
  return certificate;
}

/** Ends the waiting of a held load: nothing of it is published. The audit log is told first: who, and why. */
export async function refuseLoad(desk: Desk, loadNo: number, decision: Decision): Promise<void> {
  const entry = await heldEntry(desk, loadNo, decision);
  await accountDecision(desk, entry, decision, 'refuse');
  await decide(desk, loadNo, decision, 'refuse');
  await tidyLoads(desk);
}

async function heldEntry(desk: Desk, loadNo: number, decision: Decision): Promise<LoadEntry> {
  const fault = decisionFault(decision);
  if (fault !== undefined) throw new Error(fault);
  const entry = await rememberedLoad(desk, loadNo);
  if (entry.state !== 'held') throw new Error(`Load ${loadNo} is not held: it is ${entry.state}.`);
  return entry;
}

async function decide(
  { database }: Desk,
  loadNo: number,
  decision: Decision,
  what: 'release' | 'refuse',
): Promise<void> {
  if (await new StoredLoadHistory(database).decide(loadNo, decision, what)) return;
  throw new Error(`Load ${loadNo} is not held any more: somebody else decided, or a later extract came.`);
}

async function accountDecision(
  { configuration, account }: Desk,
  { source, number, businessDate, sequence, certificate }: LoadEntry,
  { operator, reason }: Decision,
  what: 'release' | 'refuse',
): Promise<void> {
  const held = certificate?.guards.filter(({ outcome }) => outcome === 'exceeded').map(guardKey) ?? [];
  const name = configuration.policy.sources.get(source)?.name ?? source;
  await account(
    doneHere({
      what: 'load',
      description: `Held load of ${name}: ${what === 'release' ? 'released' : 'refused'} by an operator`,
      policyVersion: configuration.policy.version,
      details: {
        source,
        result: what,
        load: String(number),
        businessDate,
        sequence: String(sequence),
        ...(certificate?.manifest !== undefined && { manifest: certificate.manifest }),
        guards: held.slice(0, 10).join(', '),
        operator,
        reason,
      },
    }),
  );
}
