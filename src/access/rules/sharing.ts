import { type ServedTypeName, served } from '../../fhir/served.ts';
import { wasDecidedThen } from '../as-seen.ts';
import { within } from '../days.ts';
import type { Policy, SharedType } from '../policy.ts';
import { judges, NO_OPINION, type RowTest, type Rule, withhold } from '../rule.ts';

export const sharingRule: Rule = {
  name: 'sharing',
  number: 10,
  says: 'Each organisation decides what of its records it shares: which kinds, with which exceptions, from when to when.',
  cites: 'What organisations share (chapter 3); DESIGN 4, rule 10',
  applies: {
    staff: judges('what is not shared is left out'),
    system: judges('what is not shared is left out'),
    patient: judges('what is not shared is left out'),
    governance: judges(
      'what is not shared is left out, but for what was once released; audit events are shared by nobody and stay',
    ),
  },
  judge(caller, ask, facts) {
    if (wasDecidedThen(caller, ask)) return NO_OPINION;
    return withhold({
      hides(source, type) {
        const shared = sharedType(facts.policy, source, type);
        if (shared === undefined || (shared.days !== undefined && !within(facts.today, shared.days)))
          return 'all';
        return exceptions(shared);
      },
      hiddenElements: (source, type) => elementsNotShared(facts.policy, source, type),
    });
  },
};

/** Consents and audit events are records of this service: shared without an entry, less where a source has one. */
const OWN: SharedType = {};

/** Elements that a source does not share of a type, by one policy. */
export function elementsNotShared(policy: Policy, source: string, type: ServedTypeName): readonly string[] {
  return sharedType(policy, source, type)?.exceptElements ?? [];
}

function sharedType(policy: Policy, code: string, type: ServedTypeName): SharedType | undefined {
  const shares = policy.sources.get(code)?.shares;
  if (shares !== undefined && Object.hasOwn(shares, type)) return shares[type];
  return served(type).keeping === 'own' ? OWN : undefined;
}

function exceptions(shared: SharedType): 'none' | RowTest {
  const { exceptCategories = [], exceptCodes = [] } = shared;
  if (exceptCategories.length === 0 && exceptCodes.length === 0) return 'none';
  return (row) =>
    row.categories.some((category) => exceptCategories.includes(category)) ||
    row.codes.some((code) => exceptCodes.includes(code));
}
