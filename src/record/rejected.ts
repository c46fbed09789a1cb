import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';
import type { DisclosePorts } from './ports.ts';

/** A request of a known caller that could not be understood. */
export interface RejectedRequest {
  readonly caller: Caller;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly rawRequest: string;
}

/**
 * Accounts for a request that was refused before it could be decided on: malformed requests are kept as they came,
 * so that an attempt can be reconstructed. Where the account cannot be written the answer is 503.
 *
 * @returns the error to throw
 */
export async function recordRejected(
  ports: DisclosePorts,
  request: RejectedRequest,
  error: unknown,
): Promise<Error> {
  if (!(error instanceof Problem))
    return error instanceof Error ? error : new Error('Not an error was thrown.');
  await ports.journal.append({
    occurrence: {
      id: ports.randomUUID(),
      at: ports.now(),
      what: 'search-type',
      outcome: { code: '4', reason: error.detail.reason ?? error.kind },
      ...request,
    },
    released: [],
    publication: 0,
  });
  return error;
}
