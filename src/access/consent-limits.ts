import type { ServedTypeName } from '../fhir/served.ts';
import type { Caller } from './caller.ts';
import { within } from './days.ts';
import type { Facts } from './facts.ts';
import { BREAK_THE_GLASS } from './override.ts';

/** What a consent is limited to: each member that is there narrows it (FHIR R4 Consent.provision). */
export interface ConsentLimits {
  /** `system|code` of organisations whose people it is about */
  readonly organisations?: readonly string[];
  /** purposes of use it is about, v3-ActReason; never TREAT, which stands for all that this service is for */
  readonly purposes?: readonly string[];
  /** the types it is about */
  readonly types?: readonly ServedTypeName[];
  /** days on which it holds, `YYYY-MM-DD`, both included */
  readonly from?: string;
  readonly to?: string;
}

/** Who is known to ask, as far as consents speak of them. */
export interface Asker {
  readonly caller: Caller;
  /** `system|code` of the caller's organisation; empty: not known */
  readonly organisation: string;
  readonly today: string;
}

export function askerOf(caller: Caller, facts: Facts): Asker {
  const known = 'organisation' in caller ? facts.policy.organisations.get(caller.organisation) : undefined;
  return {
    caller,
    organisation: known === undefined ? '' : `${known.system}|${known.code}`,
    today: facts.today,
  };
}

/**
 * Whether a refusal with these limits is about whoever asks, types aside. What is not known of them does not take them
 * out of it; officers have no purpose of care and are meant by every purpose.
 */
export function refuses(limits: ConsentLimits, { caller, organisation, today }: Asker): boolean {
  const { organisations, purposes, from, to } = limits;
  if (caller.kind === 'patient') return false;
  if (to !== undefined && today > to) return false;
  if (from !== undefined && today < from) return false;
  if (organisations !== undefined && organisation !== '' && !organisations.includes(organisation))
    return false;
  // an override is no purpose of care either: it does not lead out of a refusal by its name
  if (caller.kind !== 'staff' || caller.purpose === BREAK_THE_GLASS) return true;
  return purposes === undefined || purposes.includes(caller.purpose);
}

/** Whether a permission with these limits is for whoever asks, types aside; people see what they have agreed to themselves. */
export function permits(limits: ConsentLimits, { caller, organisation, today }: Asker): boolean {
  const { organisations, purposes, from, to } = limits;
  if (
    (from !== undefined || to !== undefined) &&
    !within(today, { ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
  )
    return false;
  if (caller.kind === 'patient') return true;
  if (organisations !== undefined && !organisations.includes(organisation)) return false;
  return purposes === undefined || (caller.kind === 'staff' && purposes.includes(caller.purpose));
}
