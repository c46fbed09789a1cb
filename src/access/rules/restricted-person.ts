import { personAsked } from '../person-asked.ts';
import { asUnknown, judges, NO_OPINION, type Rule } from '../rule.ts';

export const restrictedPersonRule: Rule = {
  name: 'restricted-person',
  number: 7,
  says: 'The record of a person under special protection is as if it did not exist.',
  cites: 'Restricted and sealed records (S-flag); specification facts 4.8 and 8.2; DESIGN 4, rule 7',
  applies: {
    staff: judges('not found'),
    system: judges('not found'),
    patient: judges('not found'),
    governance: judges(
      'not found, and not explained either; the audit log itself stays open, for it must lose nobody',
    ),
  },
  judge(caller, ask, facts) {
    const auditLog = ask.type === 'AuditEvent' && ask.interaction !== 'explain-access';
    if (caller.kind === 'governance' && auditLog) return NO_OPINION;
    const person = personAsked(ask, facts);
    // anything but a plain no is a yes: whoever is at risk is not exposed by a gap
    return person === undefined || person.restricted === false ? NO_OPINION : asUnknown('restricted-person');
  },
};
