import { judges, NO_OPINION, type RowTest, type Rule, withhold } from '../rule.ts';

/** v3-Confidentiality, by its present name and those that older systems still send. */
const CONFIDENTIALITY: readonly string[] = [
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  'http://hl7.org/fhir/v3/Confidentiality',
  'urn:oid:2.16.840.1.113883.5.25',
];

/** Its codes that hide nothing. */
const ORDINARY: readonly string[] = ['U', 'L', 'M', 'N'];

/** Its codes that hide wherever they stand: a label may have lost its system on the way. */
const RESTRICTED: readonly string[] = ['R', 'V'];

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
    governance: judges('as staff; the audit log stays open'),
  },
  judge(caller, ask) {
    if (caller.kind === 'governance' && ask.type === 'AuditEvent') return NO_OPINION;
    const hides: RowTest =
      caller.kind === 'patient'
        ? (row) => row.labels.some((label) => isRestricted(label) || NOT_FOR_PATIENTS.includes(label))
        : (row) => row.labels.some(isRestricted);
    return withhold({ hides: () => hides });
  },
};

/** @param label `system|code` */
function isRestricted(label: string): boolean {
  const bar = label.lastIndexOf('|');
  const system = bar < 0 ? '' : label.slice(0, bar);
  const code = label.slice(bar + 1);
  if (system === '') return RESTRICTED.includes(code);
  return CONFIDENTIALITY.includes(system) && !ORDINARY.includes(code);
}
