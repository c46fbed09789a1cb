import { askerOf, refuses } from '../consent-limits.ts';
import { isDirectory } from '../data-classes.ts';
import { overriding } from '../override.ts';
import { personAsked } from '../person-asked.ts';
import type { Policy, Sector } from '../policy.ts';
import { hasCaseRole } from '../role-table.ts';
import {
  doesNotApply,
  forbidAboutPerson,
  judges,
  NO_OPINION,
  type Rule,
  type Withhold,
  withhold,
} from '../rule.ts';

const WITHDRAWN = 'Consent to share this record has been withdrawn. Ask the person, or their own records.';

export const optOutRule: Rule = {
  name: 'opt-out',
  number: 8,
  says: 'Who has opted out at their GP is not shown to anyone who works in health or social care, and the answer says so; who has opted out of some organisations, purposes or kinds of information is not shown to those, or without it.',
  cites: 'Opting out (chapter 7); DESIGN 4, rule 8',
  applies: {
    staff: judges(
      'refused with the message that consent has been withdrawn; with an override of this rule, health information alone',
    ),
    system: judges('as staff'),
    patient: doesNotApply('the record stays their own to see'),
    governance: judges('as staff, except for subject access and incident cases; the audit log stays open'),
  },
  judge(caller, ask, facts) {
    const person = personAsked(ask, facts);
    if (person === undefined) return NO_OPINION;
    if (caller.kind === 'governance' && (ask.type === 'AuditEvent' || hasCaseRole(caller, facts)))
      return NO_OPINION;
    const asker = askerOf(caller, facts);
    const refused = person.limitedOptOuts.filter((limits) => refuses(limits, asker));
    const isComplete = person.optedOut !== false || refused.some(({ types }) => types === undefined);
    if (!isComplete && refused.length === 0) return NO_OPINION;
    const override = overriding('opt-out', caller, ask, facts);
    if (override !== undefined)
      return { verdict: 'withhold', withhold: healthAlone(facts.policy), noted: override };
    if (isComplete && hidesEverySector(facts.policy))
      return forbidAboutPerson('opt-out', 'consent-withdrawn', WITHDRAWN);
    return withhold({
      hides(source, type) {
        if (isDirectory(type) || !isHidden(facts.policy, source)) return 'none';
        return isComplete || refused.some(({ types }) => types?.includes(type) === true) ? 'all' : 'none';
      },
    });
  },
};

/** In an emergency never social care, whatever was agreed: not known to be health is not health. */
function healthAlone(policy: Policy): Withhold {
  const other = (source: string): boolean => policy.sources.get(source)?.sector !== 'health';
  return { hides: (source) => (other(source) ? 'all' : 'none'), silences: other };
}

function isHidden(policy: Policy, source: string): boolean {
  return hidesEverySector(policy) || sectorHidden(policy, policy.sources.get(source)?.sector);
}

/** Our reading of opting out completely. Only a list that names health alone is narrower; no list is no narrowing. */
function hidesEverySector(policy: Policy): boolean {
  return policy.optOutHides.includes('social-care') || !policy.optOutHides.includes('health');
}

function sectorHidden(policy: Policy, sector: Sector | undefined): boolean {
  return sector === undefined || policy.optOutHides.includes(sector);
}
