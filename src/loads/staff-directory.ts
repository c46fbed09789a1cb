import { isText } from '../fhir/primitives.ts';
import { readNhsNumber } from '../identity/nhs-number.ts';
import { csvRecords } from './csv-file.ts';

/**
 * A work login and one of its holder's own NHS numbers, so that nobody opens their own record with it. The number
 * leaves this module only as a keyed hash.
 */
export interface StaffLink {
  readonly organisation: string;
  /** as tokens of the organisation's issuer name the user */
  readonly userId: string;
  readonly nhsHmac: string;
}

const COLUMNS = ['organisation', 'user_id', 'nhs_number'];

/**
 * Reads a staff directory: CSV with the columns `organisation,user_id,nhs_number`. A user may have several lines, since
 * superseded numbers are theirs too.
 *
 * @param path of the file
 * @param hash keyed hash of an NHS number
 * @returns every link once
 * @throws Error naming the line that cannot be read, never what it holds
 */
export async function readStaffDirectory(
  path: string,
  hash: (nhsNumber: string) => string,
): Promise<readonly StaffLink[]> {
  const links = new Map<string, StaffLink>();
  let line = 0;
  for await (const [organisation = '', userId = '', number = '', ...more] of csvRecords(path)) {
    line += 1;
    if (line === 1) {
      if ([organisation, userId, number, ...more].join() !== COLUMNS.join()) {
        throw new Error(`A staff directory has the columns ${COLUMNS.join(', ')}.`);
      }
      continue;
    }
    const nhsNumber = readNhsNumber(number);
    if (nhsNumber === undefined || !isText(organisation) || !isText(userId) || more.length > 0) {
      throw new Error(
        `Line ${line} of the staff directory has no organisation, user or NHS number that can be read.`,
      );
    }
    const link = { organisation, userId, nhsHmac: hash(nhsNumber) };
    links.set(JSON.stringify(link), link);
  }
  if (line === 0) throw new Error('The staff directory is empty: it has at least its header.');
  return [...links.values()];
}
