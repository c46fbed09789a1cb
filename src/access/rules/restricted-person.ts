import { overriding } from '../override.ts';
import { personAsked } from '../person-asked.ts';
import { asUnknown, judges, NO_OPINION, noted, type Rule } from '../rule.ts';

export const restrictedPersonRule: Rule = {
  name: 'restricted-person',
  number: 7,
  says: 'The record of a person under special protection is as if it did not exist, except to who may and does override that.',
  cites: 'Restricted and sealed records (S-flag); specification facts 4.8 and 8.2; DESIGN 4, rule 7',
  applies: {
    staff: judges('not found, without an override of this rule'),
    system: judges('not found'),
    patient: judges('not found'),
    governance: judges(
      'not found, and not explained either, without an override of this rule; the audit log itself stays open, for it must lose nobody',
    ),
  },
  judge(caller, ask, facts) {
    const auditLog = ask.type === 'AuditEvent' && ask.interaction !== 'explain-access';
    if (caller.kind === 'governance' && auditLog) return NO_OPINION;
    const person = personAsked(ask, facts);
    // anything but a plain no is a yes: whoever is at risk is not exposed by a gap
    if (person === undefined || person.restricted === false) return NO_OPINION;
    const override = overriding('restricted-person', caller, ask, facts);
    return override === undefined ? asUnknown('restricted-person') : noted(override);
  },
};
