import type { Occurrence } from '../audit/occurrence.ts';
import type { DisclosePorts } from './ports.ts';
import type { RejectedRequest } from './rejected.ts';

/**
 * Accounts for an operation that answers from what it was sent and shows nothing of the record (`$validate`).
 *
 * @throws Problem where the account cannot be written
 */
export async function recordComputed(
  ports: DisclosePorts,
  request: Omit<RejectedRequest, 'what'> & { readonly what: Extract<Occurrence['what'], 'validate'> },
): Promise<void> {
  await ports.journal.append({
    occurrence: { id: ports.randomUUID(), at: ports.now(), outcome: { code: '0' }, ...request },
    released: [],
    publication: 0,
  });
}
