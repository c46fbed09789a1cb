import type { Caller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import type { Facts } from '../facts.ts';
import { isReason, mayOverride } from '../override.ts';
import { doesNotApply, forbid, judges, NO_OPINION, type Refusal, type Rule, type Verdict } from '../rule.ts';

const NOT_YOURS =
  'Your role does not override this. Ask for the record without an override, or ask your information governance lead.';

/** Judged before anybody is looked up: a claim that is not good enough is so whoever is asked for. */
export const overrideRule: Rule = {
  name: 'override',
  number: 7,
  says: 'Special protection and, in an emergency, an opt-out are passed over only by roles that may, for one named person, with a reason; the privacy officer is alerted every time.',
  cites:
    'Restricted records and emergencies; specification facts 4.6, 8.2 and 8.8; DESIGN 4, rule 7 and "Emergency override"',
  applies: {
    staff: judges(
      "a signed claim with the purpose BTG and a reason, for a person whom the token names; special protection: roles with `mayOverrideRestriction`; an opt-out: roles with `mayOverrideOptOut` of a health organisation with `emergencyOverride` on. Both are off unless the organisation's table says otherwise",
    ),
    system: doesNotApply('a system overrides nothing'),
    patient: doesNotApply('a person overrides nothing'),
    governance: judges('a signed claim with a reason, beside the case; special protection alone'),
  },
  judge(caller, ask, facts) {
    return isDirectory(ask.type) ? NO_OPINION : judgeClaim(caller, facts);
  },
};

function judgeClaim(caller: Caller, facts: Facts): Verdict {
  if ((caller.kind !== 'staff' && caller.kind !== 'governance') || caller.overrides === undefined)
    return NO_OPINION;
  if (!mayOverride(caller, caller.overrides.rule, facts)) return forbid('override', NOT_YOURS);
  if (!isReason(caller.overrides)) return insufficient(WITHOUT_REASON);
  const launchedFor = caller.kind === 'staff' ? caller.launchedFor : undefined;
  return caller.about === undefined && launchedFor === undefined ? insufficient(FOR_NOBODY) : NO_OPINION;
}

type Lack = Pick<Refusal, 'reason' | 'message'>;

const WITHOUT_REASON: Lack = {
  reason: 'override-reason',
  message: 'State the reason for the override in plain words, in at most 500 characters.',
};
const FOR_NOBODY: Lack = {
  reason: 'override-person',
  message:
    'An override is for one person: name them in the token (IUA `person_id`), or launch the application for them.',
};

function insufficient(lack: Lack): Verdict {
  return { verdict: 'deny', refusal: { rule: 'override', kind: 'invalid', ...lack, aboutPerson: false } };
}
