import type { GovernanceCaller, StaffCaller } from './caller.ts';
import type { Facts } from './facts.ts';
import type { GovernanceRole, RolePolicy } from './policy.ts';

/** Subject access and incidents: the two kinds of case for which withdrawn or unagreed information is opened. */
const CASE_ROLES: readonly GovernanceRole[] = ['subject-access', 'central-monitoring'];

/** The role's entry in the table of the caller's organisation; absent where the table does not list it. */
export function roleOf(caller: StaffCaller | GovernanceCaller, facts: Facts): RolePolicy | undefined {
  const roles = facts.policy.organisations.get(caller.organisation)?.roles.roles;
  return roles !== undefined && Object.hasOwn(roles, caller.role) ? roles[caller.role] : undefined;
}

/** Whether the officer's role is one that opens withdrawn or unagreed information for a case. */
export function hasCaseRole(caller: GovernanceCaller, facts: Facts): boolean {
  const governance = roleOf(caller, facts)?.governance;
  return governance !== undefined && CASE_ROLES.includes(governance);
}
