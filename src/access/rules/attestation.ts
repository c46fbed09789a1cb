import { isDirectory } from '../data-classes.ts';
import { doesNotApply, judges, NO_OPINION, type Rule } from '../rule.ts';

const ATTEST =
  'Your own NHS number is not known to this service, so it cannot tell that this record is not yours. Declare that it is not (claim `not_own_record`: true).';

/**
 * Judged before anybody is looked up: whether a user's number is known says nothing about whom they ask for, and an
 * answer that came only for people who exist would tell that they do.
 */
export const attestationRule: Rule = {
  name: 'attestation',
  number: 5,
  says: 'Staff whose own NHS number is not known to the service declare that the records they open are not their own.',
  cites: 'Access to own record (chapter 6.3); DESIGN 4, rule 5',
  applies: {
    staff: judges('the number their organisation has linked, or the declaration in the token'),
    system: doesNotApply('a system is nobody'),
    patient: doesNotApply('their own record is the one they may see'),
    governance: judges('as for staff'),
  },
  judge(caller, ask, facts) {
    if ((caller.kind !== 'staff' && caller.kind !== 'governance') || isDirectory(ask.type)) return NO_OPINION;
    if (facts.callerNumbers.length > 0 || caller.attestsNotOwn === true) return NO_OPINION;
    return {
      verdict: 'deny',
      refusal: {
        rule: 'attestation',
        kind: 'forbidden',
        reason: 'own-record-attestation',
        message: ATTEST,
        aboutPerson: false,
      },
    };
  },
};
