import { wasDecidedThen } from '../as-seen.ts';
import { isSignatory } from '../days.ts';
import type { Facts } from '../facts.ts';
import { forbid, judges, NO_OPINION, type Rule, type Withhold, withhold } from '../rule.ts';

export const agreementRule: Rule = {
  name: 'agreement',
  number: 2,
  says: 'Only organisations that have signed the data sharing agreement see the shared record, and only what comes from organisations that have signed it, on the day.',
  cites: 'Data sharing agreement (chapter 2); DESIGN 4, rule 2',
  applies: {
    staff: judges("the user's organisation and every source"),
    system: judges("the partner's organisation and every source"),
    patient: judges('every source; a person needs no agreement to see their own record'),
    governance: judges(
      'every source, but for what was once released; officers answer for their organisation whether or not it has signed',
    ),
  },
  judge(caller, ask, facts) {
    if (caller.kind === 'staff' || caller.kind === 'system') {
      if (!isSignatory(facts.policy, caller.organisation, facts.today)) {
        return forbid(
          'agreement',
          'Your organisation has not signed the data sharing agreement. Ask your information governance lead.',
        );
      }
    }
    return wasDecidedThen(caller, ask) ? NO_OPINION : withhold(ofSignatories(facts));
  },
};

function ofSignatories(facts: Facts): Withhold {
  const unsigned = (code: string): boolean => {
    const source = facts.policy.sources.get(code);
    return source === undefined || !isSignatory(facts.policy, source.organisation, facts.today);
  };
  return {
    // the audit log is the service's own: it has no source
    hides: (source, type) => (type !== 'AuditEvent' && unsigned(source) ? 'all' : 'none'),
    silences: unsigned,
  };
}
