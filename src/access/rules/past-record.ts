import { forbid, judges, NO_OPINION, type Rule } from '../rule.ts';

const NOT_THEIRS =
  'The record as it was is opened by information governance for a numbered case. Ask your information governance lead.';
const NOBODYS = judges('never');

/** Judged before anybody is looked up: whom the question is about makes no difference to it. */
export const pastRecordRule: Rule = {
  name: 'past-record',
  number: 4,
  says: 'The record as it was at an earlier time is opened by information governance for a numbered case, by the rules of today, and by nobody else.',
  cites: 'DESIGN 4, "Withdrawal"; DESIGN 5, publications',
  applies: {
    staff: NOBODYS,
    system: NOBODYS,
    patient: NOBODYS,
    governance: judges('open; every other rule judges it as of today'),
  },
  judge(caller, ask, facts) {
    // facts of one moment say nothing about a record of another
    if (ask.asAt !== facts.at) throw new Error('The facts are not those of the instant asked for.');
    if (ask.interaction !== 'as-at') return NO_OPINION;
    if (ask.asAt === undefined) throw new Error('A record as it was has an instant.');
    return caller.kind === 'governance' ? NO_OPINION : forbid('past-record', NOT_THEIRS);
  },
};
