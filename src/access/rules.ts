import type { Rule } from './rule.ts';
import { agreementRule } from './rules/agreement.ts';
import { attestationRule } from './rules/attestation.ts';
import { labelsRule } from './rules/labels.ts';
import { optOutRule } from './rules/opt-out.ts';
import { overrideRule } from './rules/override.ts';
import { ownRecordRule } from './rules/own-record.ts';
import { pastRecordRule } from './rules/past-record.ts';
import { personRule } from './rules/person.ts';
import { purposeRule } from './rules/purpose.ts';
import { relationshipRule } from './rules/relationship.ts';
import { restrictedPersonRule } from './rules/restricted-person.ts';
import { roleRule } from './rules/role.ts';
import { scopesRule } from './rules/scopes.ts';
import { sharingRule } from './rules/sharing.ts';
import { socialCareAgreementRule } from './rules/social-care-agreement.ts';

/**
 * The policy, in the order in which a refusal wins (DESIGN 14): what says nothing about the person, then what answers
 * as unknown, then what says why, then what leaves out. `docs/policy.md` is printed from this list.
 */
export const RULES: readonly Rule[] = [
  scopesRule,
  agreementRule,
  roleRule,
  purposeRule,
  pastRecordRule,
  // of rule 5 what is a fact about the caller alone
  attestationRule,
  // of rule 7 what is a fact about the caller alone
  overrideRule,
  // rule 12, node: here, when federation brings callers of that kind
  personRule,
  restrictedPersonRule,
  ownRecordRule,
  optOutRule,
  relationshipRule,
  socialCareAgreementRule,
  sharingRule,
  labelsRule,
];
