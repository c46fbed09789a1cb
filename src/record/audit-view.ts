import type { AuditEvent } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';

const PERSON_ENTITY = '1';

/**
 * An event as the caller may read it. Officers read what was written. People see who looked by role and organisation,
 * when and why; not the name of a member of staff, nor addresses, nor the raw request (DESIGN 14). What is left keeps no
 * pattern of BALP, so it claims none.
 *
 * @param body the stored JSON
 */
export function auditEventFor(caller: Caller, body: string): string {
  if (caller.kind !== 'patient') return body;
  const event = JSON.parse(body) as AuditEvent;
  const { outcomeDesc: _why, meta: _claims, entity, ...shown } = event;
  const people = (entity ?? []).filter((each) => each.type?.code === PERSON_ENTITY);
  return JSON.stringify({
    ...shown,
    agent: event.agent.map(withoutNames),
    ...(people.length === 0 ? {} : { entity: people }),
  } satisfies AuditEvent);
}

type Agent = AuditEvent['agent'][number];

/** An organisation keeps its name, everybody else only what they acted as. */
function withoutNames(agent: Agent): Agent {
  const isOrganisation = agent.type?.coding?.some((coding) => coding.code === 'PROV') === true;
  const { type, role, requestor, purposeOfUse } = agent;
  return {
    ...(type === undefined ? {} : { type }),
    ...(role === undefined ? {} : { role }),
    requestor,
    ...(purposeOfUse === undefined ? {} : { purposeOfUse }),
    ...(isOrganisation && agent.who !== undefined ? { who: agent.who } : {}),
  };
}
