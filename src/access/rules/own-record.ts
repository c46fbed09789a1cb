import { isDirectory } from '../data-classes.ts';
import type { Facts, RowFacts } from '../facts.ts';
import { personAsked, sharesNumber } from '../person-asked.ts';
import {
  doesNotApply,
  forbidAboutPerson,
  judges,
  NO_OPINION,
  type Rule,
  type Verdict,
  withhold,
} from '../rule.ts';

const OWN =
  'This is your own record. Nobody opens their own record with a work login: use your Personal Health Record, or ask for a copy.';

export const ownRecordRule: Rule = {
  name: 'own-record',
  number: 5,
  says: 'Nobody opens their own record with a work login.',
  cites: 'Access to own record (chapter 6.3); specification facts 8.2; DESIGN 4, rule 5',
  applies: {
    staff: judges("every number of the person, superseded ones included, against the user's own"),
    system: doesNotApply('a system is nobody; without a named user it sees nothing of a person (rule 4)'),
    patient: doesNotApply('their own record is the one they may see'),
    governance: judges("as for staff; in an audit search across people, every event's person"),
  },
  judge(caller, ask, facts) {
    if (caller.kind !== 'staff' && caller.kind !== 'governance') return NO_OPINION;
    if (isDirectory(ask.type)) return NO_OPINION;
    const person = personAsked(ask, facts);
    if (person === undefined) return facts.person === 'absent' ? judgeAcrossPeople(facts) : NO_OPINION;
    if (sharesNumber(facts.callerNumbers, person.numbers))
      return forbidAboutPerson('own-record', 'own-record', OWN);
    return NO_OPINION;
  },
};

/** Events of an audit search, each by the person it is about: one whose person cannot be compared is not shown. */
function judgeAcrossPeople(facts: Facts): Verdict {
  const mayBeOwn = (row: RowFacts): boolean =>
    row.personId !== '' && (row.numbers === undefined || sharesNumber(facts.callerNumbers, row.numbers));
  return withhold({ hides: () => (facts.callerNumbers.length === 0 ? 'none' : mayBeOwn) });
}
