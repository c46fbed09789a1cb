/** Why a sound row is nobody's or may not be taken, in words for the source's engineers. */
const HINTS: Readonly<Record<string, string>> = {
  'unknown-person': 'its Patient is not in this extract, or its row was rejected',
  'unknown-target': 'its first target is not held',
  'no-nhs-number': 'its Patient has no NHS number',
  'nhs-number': 'the NHS number of its Patient fails the check digit, or there are several',
  'nhs-number-status': 'the NHS number of its Patient is not verified',
  'test-number':
    'the NHS number of its Patient is of the test range, which this installation does not take (testNumbers)',
  unverified: 'the NHS number of the child is not verified',
  'demographics-missing':
    'its Patient lacks what tells people apart: two of birth date, family and given name',
  'duplicate-id': 'two rows of this id differ',
  'duplicate-number': 'two Patients have this NHS number and contradict each other',
  'identity-conflict': 'its Patient contradicts the identity that is established for the NHS number',
  'not-signatory': 'its organisation has not signed the data sharing agreement for this day',
};

export function refusalHint(rule: string): string {
  return HINTS[rule] ?? 'its Patient is not accepted';
}
