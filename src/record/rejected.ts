import type { Caller } from '../access/caller.ts';
import type { OccurrenceKind, Outcome } from '../audit/occurrence.ts';
import { Problem } from '../fhir/problem.ts';
import { accounted } from './account.ts';
import type { DisclosePorts } from './ports.ts';

/** What somebody can attempt over HTTP: the rest is done here, or beside a request. */
type AttemptedKind = Exclude<
  OccurrenceKind,
  | 'load'
  | 'unauthenticated'
  | 'configuration'
  | 'roles'
  | 'sweep'
  | 'consent-decision'
  | 'token-issue'
  | 'audit-use'
  | 'alert-override'
  | 'alert-own-record'
>;

/** A request of a known caller that could not be understood, or attempted what is never done. */
export interface RejectedRequest {
  /** what was attempted, as far as method and address tell */
  readonly what: AttemptedKind;
  readonly caller: Caller;
  readonly requestId: string;
  /** `traceparent` as it came; absent where it was not valid */
  readonly trace?: string;
  readonly clientAddress: string;
  readonly rawRequest: string;
}

/**
 * Accounts for a request that was refused before it could be decided on: malformed requests are kept as they came,
 * so that an attempt can be reconstructed. A defect of ours is accounted for like any other failure. Where the account
 * cannot be written the answer is 503.
 *
 * @returns the error to throw
 */
export async function recordRejected(
  ports: DisclosePorts,
  request: RejectedRequest,
  error: unknown,
): Promise<Error> {
  const outcome: Outcome =
    error instanceof Problem
      ? { code: error.kind === 'unavailable' ? '12' : '4', reason: error.detail.reason ?? error.kind }
      : { code: '8', reason: 'defect' };
  await ports.journal.append({
    occurrence: {
      id: ports.randomUUID(),
      at: ports.now(),
      outcome,
      ...request,
    },
    released: [],
    publication: 0,
  });
  if (error instanceof Problem) return accounted(error);
  return error instanceof Error ? error : new Error('Something that is not an error was thrown.');
}
