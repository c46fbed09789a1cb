import type { Ask } from '../ask.ts';
import type { StaffCaller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import { within } from '../days.ts';
import type { Facts, PersonFacts, RelationshipFact } from '../facts.ts';
import { isNamed, personAsked } from '../person-asked.ts';
import {
  asUnknown,
  doesNotApply,
  forbidAboutPerson,
  judges,
  NO_OPINION,
  noted,
  type Rule,
  type Withhold,
} from '../rule.ts';
import { Visibility } from '../visibility.ts';
import { agreementRule } from './agreement.ts';
import { labelsRule } from './labels.ts';
import { optOutRule } from './opt-out.ts';
import { personRule } from './person.ts';
import { sharingRule } from './sharing.ts';
import { socialCareAgreementRule } from './social-care-agreement.ts';

const DECLARE =
  'No relationship of care with this person is recorded for your organisation. If you have one, declare it with its reason ($declare-relationship).';
const REQUIRED =
  'No relationship of care with this person is recorded for your organisation, and it takes none that is only declared. Ask your information governance lead.';

/**
 * What hides a row hides the relationship that it states: else the answer to a caller would tell of it. Scopes and roles
 * are not among them: an application or a role that sees no encounters does not end the organisation's care.
 */
const HIDING: readonly Rule[] = [
  agreementRule,
  personRule,
  optOutRule,
  socialCareAgreementRule,
  sharingRule,
  labelsRule,
];

export const relationshipRule: Rule = {
  name: 'relationship',
  number: 6,
  says: 'Staff open the records of people whom their organisation cares for now or soon; who says so themselves states the reason, for a limited time, and it is looked into afterwards.',
  cites: 'Legitimate relationships (chapter 6.3); specification facts 8.1; DESIGN 4, rule 6',
  applies: {
    staff: judges(
      'a registration, involvement, open episode, encounter or referral, or an appointment of their organisation, as a source states it; else, where their organisation takes that (the default), one that they declare for the person, by `$declare-relationship` or in a token that names them; their organisation may also ask for none',
    ),
    system: doesNotApply(
      'a system cares for nobody; without a named user it sees nothing of a person (rule 4)',
    ),
    patient: doesNotApply('the record is their own'),
    governance: doesNotApply('officers open a record for a case, which rule 4 asks for'),
  },
  judge(caller, ask, facts) {
    if (caller.kind !== 'staff' || isDirectory(ask.type)) return NO_OPINION;
    const person = personAsked(ask, facts);
    if (person === undefined) return NO_OPINION;
    const demand = facts.policy.organisations.get(caller.organisation)?.relationship ?? 'declared';
    if (demand === 'off') return noted({ relationship: 'off' });
    const visibility = visibilityFor(caller, ask, facts);
    const recorded = recordedWith(person, facts, visibility);
    if (recorded !== undefined) return noted({ relationship: recorded.kind });
    const isDeclared = demand === 'declared' && isDeclaredBy(caller, person, ask, facts);
    if (isDeclared) return noted({ relationship: 'declared' });
    return isKnown(person, visibility)
      ? forbidAboutPerson('relationship', 'relationship-required', demand === 'declared' ? DECLARE : REQUIRED)
      : asUnknown('relationship');
  },
};

const SOMETHING = /[\p{L}\p{N}]/u;

function isDeclaredBy(caller: StaffCaller, person: PersonFacts, ask: Ask, facts: Facts): boolean {
  if (ask.interaction === 'declare-relationship') return true;
  if (person.declaredUntil !== undefined && person.declaredUntil > facts.now) return true;
  const { declares } = caller;
  return (
    declares !== undefined &&
    isMeant(caller, person, facts) &&
    SOMETHING.test(declares.reason) &&
    declares.until > facts.now
  );
}

/** A token for one person says nothing of another; one for nobody in particular, where the organisation answers for that. */
function isMeant(caller: StaffCaller, person: PersonFacts, facts: Facts): boolean {
  if (caller.about !== undefined || caller.launchedFor !== undefined) return isNamed(caller, person, facts);
  return facts.policy.organisations.get(caller.organisation)?.declaredFor === 'anyone';
}

/** Whether the caller may know that there is such a person: a person whom nobody may show is as unknown. */
function isKnown(person: PersonFacts, visibility: Visibility): boolean {
  return person.knownTo.some((source) => !visibility.hidesAll(source, 'Patient'));
}

function recordedWith(
  person: PersonFacts,
  facts: Facts,
  visibility: Visibility,
): RelationshipFact | undefined {
  return person.relationships.find((each) => within(facts.today, each) && visibility.shows(each.row));
}

function visibilityFor(caller: StaffCaller, ask: Ask, facts: Facts): Visibility {
  const withholds: Withhold[] = [];
  for (const rule of HIDING) {
    const verdict = rule.judge(caller, ask, facts);
    if (verdict.verdict === 'deny') withholds.push(EVERYTHING);
    if (verdict.verdict === 'withhold') withholds.push(verdict.withhold);
  }
  return new Visibility(withholds);
}

const EVERYTHING: Withhold = { hides: () => 'all' };
