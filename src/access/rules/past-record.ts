import { hasCaseRole } from '../role-table.ts';
import { forbid, judges, NO_OPINION, type Rule } from '../rule.ts';

const NOT_THEIRS =
  'The record as it was is opened by information governance for a numbered case. Ask your information governance lead.';
const NOT_THIS_DESK =
  'What was once released is shown for a subject access request or an incident, to the desks of those. Ask central monitoring.';
const NOBODYS = judges('never');

/** Judged before anybody is looked up: whom the question is about makes no difference to it. */
export const pastRecordRule: Rule = {
  name: 'past-record',
  number: 4,
  says: 'The record as it was at an earlier time is opened by information governance for a numbered case, by the rules of today, and by nobody else; what was once released is shown again to the desks of subject access and incidents alone.',
  cites: 'DESIGN 4, "Withdrawal"; DESIGN 5, publications',
  applies: {
    staff: NOBODYS,
    system: NOBODYS,
    patient: NOBODYS,
    governance: judges(
      'open, every other rule judging it as of today; what was once released only for subject access and incident cases, whatever was withdrawn since',
    ),
  },
  judge(caller, ask, facts) {
    // facts of one moment say nothing about a record of another
    if (ask.asAt !== facts.at) throw new Error('The facts are not those of the instant asked for.');
    if (ask.interaction === 'as-seen') {
      if (caller.kind !== 'governance') return forbid('past-record', NOT_THEIRS);
      return hasCaseRole(caller, facts) ? NO_OPINION : forbid('past-record', NOT_THIS_DESK);
    }
    if (ask.interaction !== 'as-at') return NO_OPINION;
    if (ask.asAt === undefined) throw new Error('A record as it was has an instant.');
    return caller.kind === 'governance' ? NO_OPINION : forbid('past-record', NOT_THEIRS);
  },
};
