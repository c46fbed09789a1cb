import type { Parameters } from '@medplum/fhirtypes';
import { type Answer, type Composition, notFound } from './composition.ts';

/** For how long a declared relationship lasts where the organisation does not say, hours. */
const USUAL_HOURS = 24;

/**
 * `Patient/$declare-relationship`: until when the declaration holds, and whom it is about. It takes effect only once it
 * is accounted for, and only for a person of whom something may be shown: anybody else is as unknown.
 */
export function declarationAnswer({ ports, request, facts, grant }: Composition): Answer {
  const { caller, ask } = request;
  const [personId] = grant.personIds;
  if (caller.kind !== 'staff' || ask.declares === undefined || personId === undefined)
    return { problem: notFound(), released: [] };
  const { reason, hours } = ask.declares;
  const most = facts.policy.organisations.get(caller.organisation)?.declaredHours ?? USUAL_HOURS;
  const until = facts.now + Math.min(hours ?? most, most) * 3_600_000;
  const { organisation, user } = caller;
  const declaration = { personId, organisation, userId: user.id, reason, at: facts.now, until };
  const stated = new Date(until).toISOString();
  const parameters: Parameters = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueReference: { reference: `Patient/${personId}` } },
      { name: 'until', valueInstant: stated },
    ],
  };
  return {
    body: JSON.stringify(parameters),
    released: [],
    details: { 'declared-reason': reason, 'declared-until': stated },
    effect: () => ports.store.declareRelationship(declaration),
  };
}
