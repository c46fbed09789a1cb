import type { Caller } from '../access/caller.ts';
import type { Judgement, Refused } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { hasCaseRole } from '../access/role-table.ts';
import type { ConsentDecided } from '../audit/occurrence.ts';
import { HEALTH_OPT_OUT, SOCIAL_CARE_OPT_IN } from '../fhir/consent-policies.ts';
import type { Row } from './ports.ts';

/**
 * Recorded consents that decided an answer: an agreement that let social care information out, a limited opt-out that
 * kept some of it back. Where no agreement was given nothing is named: whether social care knows somebody is not told.
 */
export function consentsBehind(
  caller: Caller,
  facts: Facts,
  judgements: readonly Judgement[],
  released: readonly Row[],
): readonly ConsentDecided[] {
  const decided: ConsentDecided[] = [];
  if (judgements.some(({ rule, verdict }) => rule === 'opt-out' && verdict === 'withhold'))
    decided.push({ policy: HEALTH_OPT_OUT, decision: 'deny' });
  // for a case it is opened whatever was agreed
  const rests = caller.kind !== 'governance' || !hasCaseRole(caller, facts);
  if (rests && showsSocialCare(facts, released))
    decided.push({ policy: SOCIAL_CARE_OPT_IN, decision: 'permit' });
  return decided;
}

/** The consent that refused. Only an opt-out refuses a whole record. */
export function consentRefusing({ reason }: Refused['refusal']): readonly ConsentDecided[] {
  return reason === 'consent-withdrawn' ? [{ policy: HEALTH_OPT_OUT, decision: 'deny' }] : [];
}

function showsSocialCare({ policy }: Facts, released: readonly Row[]): boolean {
  let last = '';
  for (const { source } of released) {
    if (source === last) continue;
    last = source;
    if (policy.sources.get(source)?.sector === 'social-care') return true;
  }
  return false;
}
