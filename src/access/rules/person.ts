import type { Ask } from '../ask.ts';
import type { Caller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import type { Facts, PersonFacts } from '../facts.ts';
import { isNamed, isWithinToken, personAsked, sharesNumber } from '../person-asked.ts';
import { asUnknown, judges, type Noted, type Rule, type Withhold, withhold } from '../rule.ts';

export const personRule: Rule = {
  name: 'person',
  number: 0,
  says: "A record is one known person's, and what is shown belongs to that person; people with a patient's token see their own record alone, as who has a token for one person sees that person's.",
  cites: 'DESIGN 4, "Not visible = not found"; DESIGN 7, quarantine of conflicting identities',
  applies: {
    staff: judges('somebody unknown is not found, and whoever a token that names somebody is not for'),
    system: judges('somebody unknown is not found'),
    patient: judges('somebody else is not found, exactly as somebody unknown'),
    governance: judges('as for staff; an audit search may be about nobody in particular'),
  },
  judge(caller, ask, facts) {
    if (isDirectory(ask.type)) return withhold(onlyDirectories);
    const person = personAsked(ask, facts);
    if (person !== undefined && isOwnOrAnybody(caller, person, facts) && isWithinToken(caller, person, facts))
      return { verdict: 'withhold', withhold: onlyOf(person, ask), ...notedName(caller, person, facts) };
    // across people: rule 5 looks at every event found
    const auditSearch =
      facts.person === 'absent' && ask.type === 'AuditEvent' && caller.kind === 'governance';
    return auditSearch ? withhold(onlyAuditEvents) : asUnknown('person');
  },
};

/** A token that names somebody, and that it was them: the log does not keep how it named them. */
function notedName(caller: Caller, person: PersonFacts, facts: Facts): { readonly noted?: Noted } {
  if (caller.kind !== 'staff' && caller.kind !== 'governance') return {};
  return isNamed(caller, person, facts) ? { noted: { 'for-person': person.personId } } : {};
}

function isOwnOrAnybody(caller: Caller, person: PersonFacts, facts: Facts): boolean {
  if (caller.kind !== 'patient') return true;
  const { launchedFor } = caller;
  return (
    sharesNumber(facts.callerNumbers, person.numbers) &&
    (launchedFor === undefined || person.cluster.includes(launchedFor))
  );
}

/**
 * A guard on every row, whatever gathered it: of this person, and not of a source that may mean somebody else. The
 * audit log is a question of its own: what is open there is not open here, and the other way round.
 */
function onlyOf(person: PersonFacts, ask: Ask): Withhold {
  return {
    hides(source, type) {
      if ((type === 'AuditEvent') !== (ask.type === 'AuditEvent')) return 'all';
      if (isDirectory(type)) return 'none';
      if (type !== 'AuditEvent' && person.quarantined.includes(source)) return 'all';
      return (row) => !person.cluster.includes(row.personId);
    },
  };
}

const onlyDirectories: Withhold = { hides: (_source, type) => (isDirectory(type) ? 'none' : 'all') };
const onlyAuditEvents: Withhold = { hides: (_source, type) => (type === 'AuditEvent' ? 'none' : 'all') };
