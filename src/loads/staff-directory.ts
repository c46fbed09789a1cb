import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { isText } from '../fhir/primitives.ts';
import { readNhsNumber } from '../identity/nhs-number.ts';

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
const MAX_RECORD_CHARACTERS = 4096;

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
  for await (const [organisation = '', userId = '', number = '', ...more] of records(path)) {
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

async function* records(path: string): AsyncGenerator<readonly string[]> {
  const parser = parse({ max_record_size: MAX_RECORD_CHARACTERS, relax_column_count: true, trim: true });
  // an error on the way destroys the parser with it, and so reaches its reader
  pipeline(createReadStream(path), parser, () => {});
  for await (const record of parser) yield record as readonly string[];
}
