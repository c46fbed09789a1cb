import { fold } from '../../identity/demographics.ts';
import type { GovernanceCaller, StaffCaller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import type { Facts, PersonFacts, RowFacts } from '../facts.ts';
import { personAsked, sharesNumber } from '../person-asked.ts';
import {
  doesNotApply,
  forbidAboutPerson,
  judges,
  NO_OPINION,
  noted,
  type Rule,
  type Verdict,
  withhold,
} from '../rule.ts';

const OWN =
  'This is your own record. Nobody opens their own record with a work login: use your Personal Health Record, or ask for a copy.';

export const ownRecordRule: Rule = {
  name: 'own-record',
  number: 5,
  says: 'Nobody opens their own record with a work login; a look at the record of somebody of the same household or family name is noted for those who watch over access.',
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
    return closeness(caller, person, facts);
  },
};

/**
 * Allowed, and noted for monitoring: the record of somebody who lives with the user, or has the same family name. Whether
 * that was family is for people to find out.
 */
function closeness(caller: StaffCaller | GovernanceCaller, person: PersonFacts, facts: Facts): Verdict {
  const found: Record<string, string> = {};
  if (sharesNumber(facts.callerNumbers, person.household)) found['same-household'] = 'true';
  if (familyNamesOf(caller.user.name).some((name) => person.familyNames.includes(name)))
    found['same-family-name'] = 'true';
  return Object.keys(found).length === 0 ? NO_OPINION : noted(found);
}

/** What of a whole name may be the family name: its last word, and what follows its first, folded. */
function familyNamesOf(name: string): readonly string[] {
  const words = name.split(/\s+/).filter((word) => fold(word) !== '');
  const ends = words.slice(1).map((_, index) => words.slice(index + 1).join(''));
  return [...new Set([...ends, ...(words.at(-1) ?? '').split('-')].map(fold))].filter(
    (one) => one.length > 1,
  );
}

/** Events of an audit search, each by the person it is about: one whose person cannot be compared is not shown. */
function judgeAcrossPeople(facts: Facts): Verdict {
  const mayBeOwn = (row: RowFacts): boolean =>
    row.personId !== '' && (row.numbers === undefined || sharesNumber(facts.callerNumbers, row.numbers));
  return withhold({ hides: () => (facts.callerNumbers.length === 0 ? 'none' : mayBeOwn) });
}
