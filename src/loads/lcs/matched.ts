import { isComparable } from '../../identity/demographics.ts';
import type { PatientRecord } from '../records.ts';

/**
 * A child's record with what the matching queue has to say. LCS asks for NHS numbers itself, so a child without a
 * verified one waits to be matched; one whom somebody has matched has the number of that person. A verified number
 * of the council's own goes before any decision.
 *
 * @param matched number of the person the child was confirmed to be
 */
export function matchedRecord(record: PatientRecord, matched: string | undefined): PatientRecord {
  const { fault, ...rest } = record;
  if (fault !== 'nhs-number-status' && fault !== 'no-nhs-number') return record;
  if (matched === undefined) {
    return { ...rest, fault: fault === 'nhs-number-status' ? 'unverified' : fault };
  }
  const known = { ...rest, nhsNumber: matched };
  return isComparable(rest.demographics) ? known : { ...known, fault: 'demographics-missing' };
}
