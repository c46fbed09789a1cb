import type { ServedTypeName } from '../../fhir/served.ts';
import type { Ask } from '../ask.ts';
import { type Asker, askerOf, permits } from '../consent-limits.ts';
import { within } from '../days.ts';
import type { AgreementFact, Facts } from '../facts.ts';
import { personAsked } from '../person-asked.ts';
import { hasCaseRole } from '../role-table.ts';
import { judges, NO_OPINION, type Rule, withhold } from '../rule.ts';

export const socialCareAgreementRule: Rule = {
  name: 'social-care-agreement',
  number: 9,
  says: 'Social care information is shown only where the person, or who speaks for them, has agreed to it, only while that agreement lasts, and only to whom and for what it was given.',
  cites: 'Social care opt-in (chapter 7); specification facts 4.3 and 8.3; DESIGN 4, rule 9',
  applies: {
    staff: judges('left out without a trace unless agreed'),
    system: judges('left out without a trace unless agreed'),
    patient: judges('left out without a trace unless agreed'),
    governance: judges('as staff, except for subject access and incident cases; the audit log stays open'),
  },
  judge(caller, ask, facts) {
    if (caller.kind === 'governance' && (ask.type === 'AuditEvent' || hasCaseRole(caller, facts)))
      return NO_OPINION;
    // the service's own audit events have no source, hence no sector
    const asker = askerOf(caller, facts);
    const hidden = (source: string): boolean =>
      isSocialCare(facts, source) && !inForce(ask, facts, source, asker);
    return withhold({
      hides(source, type) {
        if (type === 'AuditEvent' || !isSocialCare(facts, source)) return 'none';
        return hidden(source) || !includes(ask, facts, source, type) ? 'all' : 'none';
      },
      silences: hidden,
    });
  },
};

/** A source that the policy does not know may be social care's as well. */
function isSocialCare(facts: Facts, source: string): boolean {
  return facts.policy.sources.get(source)?.sector !== 'health';
}

/** Of merged people every agreement with the source must hold. A directory is about nobody, and nobody has agreed. */
function inForce(ask: Ask, facts: Facts, source: string, asker: Asker): boolean {
  const agreements = agreementsWith(ask, facts, source);
  return (
    agreements.length > 0 &&
    agreements.every(
      (agreement) =>
        agreement.given === true &&
        within(facts.today, agreement) &&
        (agreement.limits === undefined || permits(agreement.limits, asker)),
    )
  );
}

/** Whether no agreement with the source leaves the type out. */
function includes(ask: Ask, facts: Facts, source: string, type: ServedTypeName): boolean {
  return agreementsWith(ask, facts, source).every(
    ({ limits }) => limits?.types === undefined || limits.types.includes(type),
  );
}

function agreementsWith(ask: Ask, facts: Facts, source: string): readonly AgreementFact[] {
  return personAsked(ask, facts)?.agreements.filter((agreement) => agreement.source === source) ?? [];
}
