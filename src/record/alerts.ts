import { notedIn } from '../access/combine.ts';
import type { Judgement, Refusal } from '../access/decide.ts';
import { OVERRIDABLE, type Overridable } from '../access/override.ts';
import type { AuditEntry, Receipt } from '../audit/ports.ts';
import type { DisclosePorts } from './ports.ts';

/** What the privacy officer is alerted to: the rule that was passed over, or that kept somebody from their own record. */
export type AlertKind = Overridable | 'own-record';

/** @param refusal of a question that was refused: only what it was refused for alerts */
export function alertFor(judgements: readonly Judgement[], refusal?: Refusal): AlertKind | undefined {
  if (refusal !== undefined) return refusal.reason === 'own-record' ? 'own-record' : undefined;
  const { override } = notedIn(judgements);
  return OVERRIDABLE.find((rule) => rule === override);
}

/**
 * Writes an account, and where somebody is to be alerted an event that says so and names the account: who looks into it
 * finds the person there (specification facts 8.5). Both are durable, or nothing leaves.
 */
export async function accountWithAlert(
  ports: DisclosePorts,
  entry: AuditEntry,
  kind: AlertKind | undefined,
): Promise<Receipt> {
  if (kind === undefined) return ports.journal.append(entry);
  const { id, at, requestId, trace, caller, organisationName, organisationSystem, clientAddress, outcome } =
    entry.occurrence;
  const alert = ports.randomUUID();
  const occurrence = {
    id: alert,
    at,
    requestId,
    ...(trace === undefined ? {} : { trace }),
    what: kind === 'own-record' ? 'alert-own-record' : 'alert-override',
    ...(caller === undefined ? {} : { caller }),
    ...(organisationName === undefined ? {} : { organisationName }),
    ...(organisationSystem === undefined ? {} : { organisationSystem }),
    clientAddress,
    outcome,
    details: { alert: kind, event: id },
  } as const;
  const [, receipt] = await Promise.all([
    ports.journal.append({ occurrence, released: [], publication: 0 }),
    ports.journal.append(entry),
  ]);
  ports.alerted(kind, alert);
  return receipt;
}
