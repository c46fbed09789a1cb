import type { AuditEvent } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import type { Facts } from '../access/facts.ts';
import { roleOf } from '../access/role-table.ts';

/** How much of an event somebody reads. */
export type EventView =
  /** as it was written */
  | 'whole'
  /** officers, of what somebody elsewhere did about their organisation's patient */
  | 'elsewhere'
  /** people, of what was done about themselves */
  | 'own';

/** @param organisation of whoever did it; absent where nobody of an organisation did */
export function viewOf(caller: Caller, facts: Facts, organisation: string | undefined): EventView {
  if (caller.kind === 'patient') return 'own';
  if (caller.kind === 'governance' && caller.organisation === organisation) return 'whole';
  return seesEveryOrganisation(caller, facts) ? 'whole' : 'elsewhere';
}

/** Central monitoring sees what every organisation did, and reads it as it was written. */
export function seesEveryOrganisation(caller: Caller, facts: Facts): boolean {
  return caller.kind === 'governance' && roleOf(caller, facts)?.governance === 'central-monitoring';
}

const PERSON_ENTITY = '1';
const REQUEST_ENTITY = 'XrequestId';
/** What an officer elsewhere reads of the grounds that were given. */
const GROUNDS: readonly string[] = ['reason', 'declared-reason'];

/**
 * An event as it may be read. Officers read what their own people did as it was written. People see who looked by role
 * and organisation, when and why (DESIGN 14); an officer sees as much of who looked at their patients from elsewhere, with
 * the reason that was given and the request's id, by which the other organisation's officer finds the rest. Names of
 * staff are in it only where their organisation names people. No addresses, nor the raw request. What is left keeps no
 * pattern of BALP, so it claims none.
 *
 * @param body the stored JSON
 * @param named whether the organisation of whoever did it names its people
 */
export function auditEventFor(view: EventView, named: boolean, body: string): string {
  if (view === 'whole') return body;
  const event = JSON.parse(body) as AuditEvent;
  const { outcomeDesc: _why, meta: _claims, entity, ...shown } = event;
  const entities = (entity ?? []).flatMap((each) => entityFor(view, each));
  return JSON.stringify({
    ...shown,
    agent: event.agent.map((agent) => agentFor(agent, named)),
    ...(entities.length === 0 ? {} : { entity: entities }),
  } satisfies AuditEvent);
}

type Entity = NonNullable<AuditEvent['entity']>[number];

function entityFor(view: EventView, entity: Entity): readonly Entity[] {
  if (entity.type?.code === PERSON_ENTITY) return [entity];
  if (view === 'own') return [];
  if (entity.type?.code === REQUEST_ENTITY) return [entity];
  const detail = (entity.detail ?? []).filter(({ type }) => GROUNDS.includes(type ?? ''));
  const { role, type } = entity;
  return detail.length === 0 ? [] : [{ detail, ...(role && { role }), ...(type && { type }) }];
}

type Agent = AuditEvent['agent'][number];

/** An organisation keeps its name, everybody else only what they acted as. */
function agentFor(agent: Agent, named: boolean): Agent {
  const isOf = (code: string): boolean => agent.type?.coding?.some((coding) => coding.code === code) === true;
  const { type, role, requestor, purposeOfUse, name } = agent;
  return {
    ...(type === undefined ? {} : { type }),
    ...(role === undefined ? {} : { role }),
    requestor,
    ...(purposeOfUse === undefined ? {} : { purposeOfUse }),
    ...(isOf('PROV') && agent.who !== undefined ? { who: agent.who } : {}),
    ...(named && isOf('IRCP') && name !== undefined ? { name, who: { display: name } } : {}),
  };
}
