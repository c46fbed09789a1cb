import type { Ask } from './ask.ts';
import type { Caller, ClaimedOverride, GovernanceCaller, StaffCaller } from './caller.ts';
import type { Facts } from './facts.ts';
import { isNamed, personAsked } from './person-asked.ts';
import { roleOf } from './role-table.ts';
import type { Noted } from './rule.ts';

/**
 * Rules that can be passed over: for one person whom the token names, by a role that may, with a reason, and with an
 * alert to the privacy officer (DESIGN 4, rule 7 and "Emergency override"; specification facts 8.2).
 */
export const OVERRIDABLE = ['restricted-person', 'opt-out'] as const;

export type Overridable = (typeof OVERRIDABLE)[number];

/** v3-ActReason: break the glass. */
export const BREAK_THE_GLASS = 'BTG';

const LONGEST_REASON = 500;
const SOMETHING = /[\p{L}\p{N}]/u;
const MARKUP = /[<>]/;

/** Whether a reason says something, and no more than people read. */
export function isReason({ reason }: ClaimedOverride): boolean {
  return SOMETHING.test(reason) && reason.length <= LONGEST_REASON && !MARKUP.test(reason);
}

/** Whether the organisation's own table gives the role this override; of an opt-out only in health, and where it is on. */
export function mayOverride(caller: StaffCaller | GovernanceCaller, rule: string, facts: Facts): boolean {
  const role = roleOf(caller, facts);
  // a role of the desks is one at the desk alone, and the other way round
  if (role === undefined || (role.governance !== undefined) !== (caller.kind === 'governance')) return false;
  if (rule === 'restricted-person') return role.mayOverrideRestriction === true;
  if (rule !== 'opt-out' || caller.kind !== 'staff' || role.mayOverrideOptOut !== true) return false;
  const organisation = facts.policy.organisations.get(caller.organisation);
  return organisation?.emergencyOverride === 'on' && organisation.sector === 'health';
}

/** What is noted where the rule is passed over for whoever is asked for; undefined: it is not. */
export function overriding(rule: Overridable, caller: Caller, ask: Ask, facts: Facts): Noted | undefined {
  if (caller.kind !== 'staff' && caller.kind !== 'governance') return undefined;
  const person = personAsked(ask, facts);
  const { overrides } = caller;
  if (person === undefined || overrides?.rule !== rule || !isReason(overrides)) return undefined;
  return mayOverride(caller, rule, facts) && isNamed(caller, person, facts) ? { override: rule } : undefined;
}
