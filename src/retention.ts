import { openCheckpoint } from './audit/checkpoint.ts';
import { leavesHash, signTombstone } from './audit/tombstone.ts';
import { newest, withLog } from './audit-desk.ts';
import { readAuditKeys } from './audit-keys.ts';
import type { Configuration } from './config.ts';
import { doneHere } from './operator-event.ts';
import { auditKeyFiles } from './sealing.ts';
import { type LegalHold, RetentionStore } from './storage/retention.ts';
import type { Service } from './wire.ts';

/** Retention of the audit log: whole months, by two people, never under a legal hold (audit log design 4.7). */

type Desk = Pick<Service, 'configuration' | 'account'>;

/** Who decided, and why: no patient is named in it. */
export interface Decided {
  readonly operator: string;
  readonly reason: string;
}

export function legalHolds({ configuration }: Pick<Desk, 'configuration'>): Promise<readonly LegalHold[]> {
  return new RetentionStore(addressOf(configuration)).holds();
}

/** @param from first and last month, `YYYY-MM` @returns the number of the hold */
export async function placeHold(desk: Desk, from: string, to: string, by: Decided): Promise<number> {
  const [first, last] = [monthOf(from), monthOf(to)];
  if (first > last) throw new Error('A hold begins before it ends.');
  requireDecided(by);
  await accountFor(desk, 'Legal hold placed on the audit log', { operation: 'hold', from, to, ...by });
  return new RetentionStore(addressOf(desk.configuration)).hold(first, last, by.operator, by.reason);
}

export async function liftHold(desk: Desk, id: number, by: Decided): Promise<void> {
  requireDecided(by);
  const held = await legalHolds(desk);
  if (!held.some((hold) => hold.id === id)) throw new Error(`There is no hold ${id} in force.`);
  await accountFor(desk, 'Legal hold on the audit log lifted', {
    operation: 'lift',
    hold: String(id),
    ...by,
  });
  await new RetentionStore(addressOf(desk.configuration)).lift(id, by.operator, by.reason);
}

/**
 * Retires the events of a month: their bodies, salts and manifests go, their leaf hashes and a signed tombstone stay, and
 * everything that was ever signed can still be checked. The log is told first: who, and why.
 *
 * @returns how many events
 * @throws Error with a sentence where it may not be, and then nothing has changed
 */
export async function retireMonth(
  desk: Desk,
  month: string,
  { approvers, reason }: { readonly approvers: readonly string[]; readonly reason: string },
): Promise<number> {
  const { configuration } = desk;
  const first = monthOf(month);
  const [one = '', other = ''] = approvers.map((name) => name.trim());
  if (approvers.length !== 2 || one === '' || other === '' || one.toLowerCase() === other.toLowerCase())
    throw new Error('Two different people approve: give --approver twice.');
  requireDecided({ operator: one, reason });
  requireAge(configuration, first);
  const { tombstone, events } = await signed(configuration, first, [one, other], reason);
  await accountFor(desk, 'Month of the audit log retired', {
    operation: 'retire',
    month,
    events: String(events),
    approver: one,
    secondApprover: other,
    reason,
  });
  await new RetentionStore(addressOf(configuration)).retire(first, tombstone, events);
  return events;
}

async function signed(
  configuration: Configuration,
  month: string,
  approvers: readonly string[],
  reason: string,
): Promise<{ readonly tombstone: string; readonly events: number }> {
  const { key, keys } = readAuditKeys(auditKeyFiles(configuration), Date.now());
  return withLog(configuration, async (log) => {
    const last = await newest(log);
    if (last === undefined) throw new Error('Nothing has been sealed yet: there is no checkpoint.');
    const checkpoint = openCheckpoint(last.jws, keys);
    const own = await log.month(month);
    if (own.length === 0) throw new Error('There are no events of that month.');
    for (const { shard, firstSeq, n } of own) {
      const size = checkpoint.shards.find((state) => state.shard === shard)?.size ?? 0;
      if (firstSeq + n > size) throw new Error('No checkpoint covers all events of that month yet.');
    }
    const tombstone = signTombstone(
      {
        log: checkpoint.log,
        month,
        time: new Date().toISOString(),
        shards: own.map(({ shard, firstSeq, n, leaves }) => ({
          shard,
          firstSeq,
          n,
          leaves: leavesHash(leaves),
        })),
        approvers,
        reason,
      },
      key,
    );
    return { tombstone, events: own.reduce((sum, { n }) => sum + n, 0) };
  });
}

/** How long is kept is for the controller to say: without it nothing is retired. */
function requireAge({ audit }: Configuration, month: string): void {
  const { retentionMonths } = audit;
  if (retentionMonths === undefined)
    throw new Error('There is no retention period: set audit.retentionMonths as the controller decided.');
  const end = new Date(`${month}T00:00:00Z`);
  end.setUTCMonth(end.getUTCMonth() + 1 + retentionMonths);
  if (end.getTime() > Date.now())
    throw new Error(`The month is kept until ${end.toISOString().slice(0, 10)}.`);
}

function requireDecided({ operator, reason }: Decided): void {
  if (operator.trim() === '' || reason.trim() === '') throw new Error('Say who decides, and why.');
}

function monthOf(text: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) throw new Error('A month is written as 2019-03.');
  return `${text}-01`;
}

function addressOf({ database }: Configuration): { readonly url: string } {
  const url = database.retentionUrl ?? database.url;
  if (url === undefined) throw new Error('The embedded database retires nothing: it is for demonstrations.');
  return { url };
}

async function accountFor(
  { configuration, account }: Desk,
  description: string,
  details: Readonly<Record<string, string>>,
): Promise<void> {
  await account(
    doneHere({
      what: 'configuration',
      description,
      policyVersion: configuration.policy.version,
      details,
    }),
  );
}
