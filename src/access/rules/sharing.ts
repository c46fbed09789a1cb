import { type ServedTypeName, served } from '../../fhir/served.ts';
import { within } from '../days.ts';
import type { Facts } from '../facts.ts';
import type { SharedType } from '../policy.ts';
import { judges, type RowTest, type Rule, withhold } from '../rule.ts';

export const sharingRule: Rule = {
  name: 'sharing',
  number: 10,
  says: 'Each organisation decides what of its records it shares: which kinds, with which exceptions, from when to when.',
  cites: 'What organisations share (chapter 3); DESIGN 4, rule 10',
  applies: {
    staff: judges('what is not shared is left out'),
    system: judges('what is not shared is left out'),
    patient: judges('what is not shared is left out'),
    governance: judges('what is not shared is left out; audit events are shared by nobody and stay'),
  },
  judge(_caller, _ask, facts) {
    return withhold({
      hides(source, type) {
        const shared = sharedType(facts, source, type);
        if (shared === undefined || (shared.days !== undefined && !within(facts.today, shared.days)))
          return 'all';
        return exceptions(shared);
      },
      hiddenElements: (source, type) => sharedType(facts, source, type)?.exceptElements ?? [],
    });
  },
};

/** Consents and audit events are records of this service: shared without an entry, less where a source has one. */
const OWN: SharedType = {};

function sharedType(facts: Facts, code: string, type: ServedTypeName): SharedType | undefined {
  const shares = facts.policy.sources.get(code)?.shares;
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
