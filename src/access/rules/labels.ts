import { isRestrictedLabel } from '../../fhir/labels.ts';
import { wasDecidedThen } from '../as-seen.ts';
import { judges, NO_OPINION, type RowTest, type Rule, withhold } from '../rule.ts';

/** Labels that hide from the patient: not without the author's agreement, and about somebody else. */
const NOT_FOR_PATIENTS: readonly string[] = [
  'http://terminology.hl7.org/CodeSystem/v3-ActCode|NOPAT',
  'http://hl7.org/fhir/v3/ActCode|NOPAT',
  'https://mycarerecord.example/fhir/CodeSystem/label|third-party',
];

export const labelsRule: Rule = {
  name: 'labels',
  number: 11,
  says: 'An entry that its author marked as restricted is left out; one marked as not for the patient, or as about somebody else, is left out for the patient.',
  cites:
    'Security labels (meta.security): v3-Confidentiality, v3-ActCode NOPAT; facts 4.6; DESIGN 4, rule 11',
  applies: {
    staff: judges('restricted, very restricted and unknown degrees of confidentiality are left out'),
    system: judges('as staff'),
    patient: judges('as staff; and what is not for the patient'),
    governance: judges('as staff, but for what was once released; the audit log stays open'),
  },
  judge(caller, ask) {
    if (caller.kind === 'governance' && ask.type === 'AuditEvent') return NO_OPINION;
    if (wasDecidedThen(caller, ask)) return NO_OPINION;
    const hides: RowTest =
      caller.kind === 'patient'
        ? (row) => row.labels.some((label) => isRestrictedLabel(label) || NOT_FOR_PATIENTS.includes(label))
        : (row) => row.labels.some(isRestrictedLabel);
    return withhold({ hides: () => hides });
  },
};
