import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addExamples } from './examples.ts';
import { Extract, type SentRow } from './extract.ts';
import { addOrganisations } from './organisations.ts';
import { NhsNumbers } from './people.ts';
import type { Json } from './shared-data.ts';
import { addSynthea, type SyntheaCounts } from './synthea.ts';
import { PARTNERS, type Partner } from './synthea-partners.ts';

/** The source that sends the published examples. */
export const PUBLISHED = 'published-examples';

/** From the highest in precedence. */
export const SOURCES: readonly string[] = [...PARTNERS, PUBLISHED];

/** Everything that is sent, by all sources. */
export interface Sent {
  readonly extracts: readonly Extract[];
  readonly rows: readonly SentRow[];
  readonly synthea: SyntheaCounts;
  /** ODS codes of the organisations in the GP extract */
  readonly organisations: readonly string[];
  /** codes of organisations that Patients name as theirs */
  readonly custodians: readonly string[];
}

export function makeExtracts(data: string): Sent {
  const numbers = new NhsNumbers();
  const extracts = SOURCES.map((source) => new Extract(source));
  const of = (source: string): Extract => {
    const extract = extracts.find((each) => each.source === source);
    if (extract === undefined) throw new Error(`There is no source ${source}.`);
    return extract;
  };
  const partners = Object.fromEntries(PARTNERS.map((partner) => [partner, of(partner)])) as Record<
    Partner,
    Extract
  >;
  const synthea = addSynthea(data, partners, numbers);
  const organisations = addOrganisations(data, of('gp'));
  addExamples(data, of(PUBLISHED), numbers);
  const rows = extracts.flatMap((extract) => extract.rows);
  return { extracts, rows, synthea, organisations, custodians: custodiansOf(rows) };
}

/** Writes every extract into a folder of its own. @returns the folders, in order of precedence of their sources */
export function writeExtracts(
  { extracts }: Sent,
  folder: string,
  day: string,
): readonly { readonly source: string; readonly folder: string }[] {
  return extracts.map((extract) => {
    const own = join(folder, 'extracts', extract.source);
    mkdirSync(own, { recursive: true });
    extract.write(own, day);
    return { source: extract.source, folder: own };
  });
}

function custodiansOf(rows: readonly SentRow[]): readonly string[] {
  const patients = rows.filter(({ type, fate }) => type === 'Patient' && fate !== 'rejected');
  const codes = patients.flatMap(({ resource }) => {
    const managing = resource?.['managingOrganization'] as Json | undefined;
    const { value } = (managing?.['identifier'] ?? {}) as Json;
    return typeof value === 'string' ? [value] : [];
  });
  return [...new Set(codes)];
}

/** A row as it is to come back: once for everyone it belongs to. */
export interface Expected {
  readonly nhsNumber: string;
  readonly row: SentRow;
}

/** Rows that refer to a Medication or Binary so that it is seen with them. */
const REFERRERS: Readonly<Record<string, readonly string[]>> = {
  Medication: ['MedicationRequest', 'MedicationStatement'],
  Binary: ['DocumentReference', 'DiagnosticReport'],
};

/**
 * Rows of people that are to be shown, without their Patients. A Medication or Binary is expected for every person
 * with a row that refers to it.
 *
 * @param seen false: those too that are stored for a person without being seen, for want of a row that shows them
 */
export function expectedRows(rows: readonly SentRow[], seen = true): readonly Expected[] {
  const shown = rows.filter(({ fate }) => fate === 'shown');
  const owned = shown.flatMap((row) =>
    row.nhsNumber === undefined || row.type === 'Patient' ? [] : [{ nhsNumber: row.nhsNumber, row }],
  );
  const copies = new Map<string, Expected>();
  for (const { nhsNumber, row } of seen ? owned : withWithheld(rows)) {
    for (const [literal, type] of referredTo(row)) {
      if (seen && REFERRERS[type]?.includes(row.type) !== true) continue;
      const target = shown.find(
        ({ source, type: t, resource }) =>
          source === row.source && t === type && `${t}/${String(resource?.['id'])}` === literal,
      );
      if (target !== undefined)
        copies.set(`${nhsNumber} ${row.source} ${literal}`, { nhsNumber, row: target });
    }
  }
  return [...owned, ...copies.values()];
}

function withWithheld(rows: readonly SentRow[]): readonly Expected[] {
  return rows.flatMap((row) => {
    const isStored = row.fate === 'shown' || row.fate === 'withheld';
    return isStored && row.nhsNumber !== undefined ? [{ nhsNumber: row.nhsNumber, row }] : [];
  });
}

function referredTo({ resource }: SentRow): readonly (readonly [literal: string, type: string])[] {
  const found = JSON.stringify(resource).matchAll(
    /"(?:reference|url)":"((Medication|Binary)\/[A-Za-z0-9\-.]+)"/g,
  );
  return [...found].map(([, literal = '', type = '']) => [literal, type] as const);
}

/** Patients' rows by NHS number, from the source of highest precedence to the lowest. */
export function patientRows(rows: readonly SentRow[]): ReadonlyMap<string, readonly SentRow[]> {
  const found = new Map<string, SentRow[]>();
  for (const row of rows) {
    if (row.type !== 'Patient' || row.nhsNumber === undefined || row.fate === 'rejected') continue;
    const others = found.get(row.nhsNumber);
    if (others === undefined) found.set(row.nhsNumber, [row]);
    else others.push(row);
  }
  return found;
}

/** The literals by which rows of their source refer to a person: `Patient/id`. */
export function literalsOf(rows: readonly SentRow[]): ReadonlySet<string> {
  return new Set(rows.map(({ resource }) => `Patient/${String(resource?.['id'])}`));
}
