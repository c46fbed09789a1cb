import { randomUUID } from 'node:crypto';
import type { Occurrence } from './audit/occurrence.ts';

/** What is told of something that is done here, at this service's own command line or by its own clock: no request. */
export type Done = Pick<Occurrence, 'what' | 'description' | 'details' | 'policyVersion'> &
  Partial<Pick<Occurrence, 'outcome' | 'personId'>>;

/** Its event, of now. The outcome is success where none is given. */
export function doneHere(done: Done): Occurrence {
  return {
    id: randomUUID(),
    at: Date.now(),
    requestId: randomUUID(),
    clientAddress: 'local',
    outcome: { code: '0' },
    ...done,
  };
}
