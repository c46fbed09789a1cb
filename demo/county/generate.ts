import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resource } from '@medplum/fhirtypes';
import { adultSocialCareRows } from './adult-social-care.ts';
import { dateText, dayOf } from './calendar.ts';
import { CASES } from './cases.ts';
import { changedRows } from './changes.ts';
import { directoryRows } from './directory.ts';
import { ExtractWriter } from './extract.ts';
import { gpRows } from './gp.ts';
import { hospitalRows } from './hospital.ts';
import { lcsProfessionals, lcsRows } from './lcs.ts';
import { lcsPersonId } from './lcs-child-file.ts';
import { csvLine, LCS_TABLES } from './lcs-tables.ts';
import { mentalHealthRows } from './mental-health.ts';
import type {
  CountyOptions,
  CountySummary,
  FhirSourceCode,
  ManifestFile,
  NamedCase,
  SourceCode,
} from './model.ts';
import { SOURCES } from './model.ts';
import { personAt } from './people.ts';
import type { County, Person } from './person.ts';
import { isChanged } from './person.ts';
import { patientId } from './sheet.ts';
import { ambulanceRows, outOfHoursRows } from './urgent-care.ts';

const ROWS: Readonly<Record<FhirSourceCode, (person: Person, county: County) => Resource[]>> = {
  gp: gpRows,
  acute: (person, county) => hospitalRows('acute', person, county),
  community: (person, county) => hospitalRows('community', person, county),
  'mental-health': mentalHealthRows,
  'adult-social-care': adultSocialCareRows,
  ambulance: ambulanceRows,
  'out-of-hours': outOfHoursRows,
};

const EARLIEST = dayOf('2025-01-01');
const BATCH = 200;
const PROGRESS = 1_000;

/** @throws RangeError for options that describe no county */
function countyOf(options: CountyOptions): County {
  const { seed, people, businessDate, sequence = 1, changed = 0 } = options;
  const businessDay = dayOf(businessDate);
  const anchor = dayOf(options.anchor ?? `${businessDate.slice(0, 4)}-01-01`);
  if (!Number.isSafeInteger(seed)) throw new RangeError('The seed must be a whole number.');
  if (!Number.isSafeInteger(people) || people < 1)
    throw new RangeError('A county needs at least one person.');
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new RangeError('The sequence begins at 1.');
  if (!(changed >= 0 && changed <= 1)) throw new RangeError('The changed share lies between 0 and 1.');
  if (anchor < EARLIEST || businessDay < anchor) {
    throw new RangeError(`The anchor lies between ${dateText(EARLIEST)} and the business date.`);
  }
  return { seed, anchor, businessDay, sequence, changed };
}

function localId(source: SourceCode, index: number): string {
  return source === 'lcs' ? lcsPersonId(index) : patientId(source, index);
}

function namedCases(county: County, people: number): NamedCase[] {
  return CASES.slice(0, people).flatMap(({ names, what }, index) => {
    const person = personAt(county, index);
    const unnumbered = person.lcs.number === 'absent' && person.sources.every((one) => one === 'lcs');
    const localIds = Object.fromEntries(person.sources.map((source) => [source, localId(source, index)]));
    return names.map((name) => ({
      name,
      nhsNumber: unnumbered ? null : person.nhsNumber,
      sources: person.sources,
      what,
      localIds,
    }));
  });
}

function addPerson(writer: ExtractWriter, person: Person, county: County): void {
  const source = writer.source.code;
  if (!person.sources.includes(source)) return;
  if (source === 'lcs') {
    for (const { table, values } of lcsRows(person, county)) writer.add(table, csvLine(values));
    return;
  }
  const rows = ROWS[source](person, county);
  const sent = isChanged(county, person.index) ? changedRows(rows, source, person, county) : rows;
  for (const row of sent) writer.add(row.resourceType, JSON.stringify(row));
}

function addOpening(writer: ExtractWriter, county: County): void {
  const source = writer.source.code;
  if (source !== 'lcs') {
    for (const row of directoryRows(source, county.seed)) writer.add(row.resourceType, JSON.stringify(row));
    return;
  }
  for (const [table, columns] of Object.entries(LCS_TABLES)) writer.add(table, csvLine(columns), false);
  for (const { table, values } of lcsProfessionals(county.seed)) writer.add(table, csvLine(values));
}

/** Staff who are patients too: their own record is not for them to open with a work login. */
class StaffList {
  #lines: string[] = ['organisation,user_id,nhs_number'];

  add({ staff, nhsNumber }: Person): void {
    if (staff !== undefined) this.#lines.push(`${staff.organization},${staff.userId},${nhsNumber}`);
  }

  async write(folder: string): Promise<void> {
    await writeFile(join(folder, 'staff.csv'), `${this.#lines.join('\n')}\n`);
  }
}

type Progress = (done: number, of: number) => void;

async function addPeople(
  writers: readonly ExtractWriter[],
  county: County,
  people: number,
  progress: Progress,
): Promise<StaffList> {
  const staff = new StaffList();
  for (let index = 0; index < people; index++) {
    const person = personAt(county, index);
    for (const writer of writers) addPerson(writer, person, county);
    staff.add(person);
    if (index % BATCH === BATCH - 1) for (const writer of writers) await writer.flush();
    if (index % PROGRESS === PROGRESS - 1) progress(index + 1, people);
  }
  return staff;
}

/**
 * Writes one night's extracts of every source below `folder` (`<source>/manifest.json` and its files), `staff.csv` and
 * `cases.json`. The same options give the same bytes; person n is the same in a county of any size. Needs little memory
 * whatever the size.
 *
 * @param progress called now and then with the people done so far, and once at the end
 * @throws RangeError for options that describe no county; the file system's errors as they are
 */
export async function generateCounty(
  folder: string,
  options: CountyOptions,
  progress: Progress = () => undefined,
): Promise<CountySummary> {
  const county = countyOf(options);
  const { people, businessDate } = options;
  await mkdir(folder, { recursive: true });
  const writers: ExtractWriter[] = [];
  const listed: [SourceCode, readonly ManifestFile[]][] = [];
  try {
    for (const source of SOURCES) writers.push(await ExtractWriter.open(folder, source));
    for (const writer of writers) addOpening(writer, county);
    const staff = await addPeople(writers, county, people, progress);
    await staff.write(folder);
    const cases = namedCases(county, people);
    await writeFile(join(folder, 'cases.json'), `${JSON.stringify({ cases }, null, 2)}\n`);
    for (const writer of writers)
      listed.push([writer.source.code, await writer.close(businessDate, county.sequence)]);
    progress(people, people);
    const rows = listed.flatMap(([, files]) => files).reduce((sum, file) => sum + file.rows, 0);
    const filesBySource = Object.fromEntries(listed) as Record<SourceCode, readonly ManifestFile[]>;
    return { people, filesBySource, rows, cases };
  } catch (failure) {
    for (const writer of writers) await writer.abandon();
    throw failure;
  }
}
