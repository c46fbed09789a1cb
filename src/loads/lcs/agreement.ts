import { dateRange } from '../../fhir/search/date.ts';
import type { AgreementStatement } from '../consent-statement.ts';
import type { Cells } from './tables.ts';

/**
 * A row of sharing agreements as a statement. Blank is not given. What is recorded in the future permits nothing yet;
 * a refusal without a date counts as today's.
 *
 * @param day business date
 */
export function agreementStatement(row: Cells<'mcr_sharing_agreements'>, day: string): AgreementStatement {
  const recorded = row.agre_recorded_date;
  const given = row.agre_given === 'Y' && recorded !== '' && recorded <= day;
  const start = row.agre_start_date === '' ? recorded : row.agre_start_date;
  return {
    about: 'social-care',
    localId: row.agre_person_id,
    sourceId: row.agre_agreement_id,
    given,
    recordedAt: dateRange(recorded === '' || recorded > day ? day : recorded)?.from ?? 0,
    ...(start !== '' && { startDate: start }),
    ...(row.agre_end_date !== '' && { endDate: row.agre_end_date }),
    ...(row.agre_given_by !== '' && { givenBy: row.agre_given_by }),
    ...(row.agre_given_by_relationship !== '' && { givenByRelationship: row.agre_given_by_relationship }),
  };
}
