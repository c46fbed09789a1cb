import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { csvLine, LCS_TABLES, type LcsTable } from '../../demo/county/lcs-tables.ts';
import { syntheticNhsNumber } from '../../demo/county/nhs-number.ts';
import { agreement, episode, observation, optOut, patient, type Row } from '../loads/rows.ts';

/** Extracts of a simulated night as they are meant, and as they are written. */

export const PEOPLE = 24;
export const SOURCES = [
  'gp',
  'acute',
  'community',
  'mental-health',
  'adult-social-care',
  'lcs',
  'ambulance',
  'out-of-hours',
] as const;
export type SourceCode = (typeof SOURCES)[number];

export const isCare = (source: SourceCode): boolean => source === 'adult-social-care' || source === 'lcs';
export const numberOf = (person: number): string => syntheticNhsNumber(person + 500);

/** The clinical type each source sends. */
export const TYPE: Readonly<Record<SourceCode, string>> = {
  gp: 'Observation',
  acute: 'Observation',
  community: 'Observation',
  'mental-health': 'Condition',
  'adult-social-care': 'EpisodeOfCare',
  lcs: 'EpisodeOfCare',
  ambulance: 'Observation',
  'out-of-hours': 'Condition',
};

export interface ClinicalRow {
  readonly id: string;
  readonly person: number;
  readonly value: number;
}

/** What a source says tonight. */
export interface Said {
  readonly source: SourceCode;
  readonly sequence: number;
  readonly businessDate: string;
  readonly kind: 'full' | 'delta';
  readonly people: readonly number[];
  readonly rows: readonly ClinicalRow[];
  readonly purged: readonly string[];
  /** health sharing, latest statement of each who ever made one: whether opted out, and when it was entered */
  readonly optOuts: ReadonlyMap<number, { readonly out: boolean; readonly at: string }>;
  /** social care: whether agreed; of whom there is none, nothing is said */
  readonly agreed: ReadonlyMap<number, boolean>;
  readonly flagged: ReadonlySet<number>;
  /** ids of rows that cannot be read */
  readonly broken: ReadonlySet<string>;
  /** ids of rows that are sent twice: alike, or with other content */
  readonly twice: ReadonlyMap<string, 'alike' | 'otherwise'>;
  /** somebody else has the person's number: at another source, or in this one */
  readonly conflict?: { readonly person: number; readonly how: 'other-birth-date' | 'twin' };
  readonly gzip: boolean;
}

/** The text by which a row is known in an answer, whatever resource it has become. */
export function marker(source: SourceCode, { person, id, value }: ClinicalRow): string {
  return `zz.${source}.${person}.${id}.${value}.zz`;
}

export const MARKER = /zz\.([a-z-]+)\.(\d+)\.([A-Za-z0-9-]+)\.(\d+)\.zz/g;

/** Faults of the manifest and of the files, done as the extract is written. */
export type Damage = 'truncated' | 'wrong-hash' | 'wrong-count' | 'missing-file';

export function writeSaid(root: string, said: Said, damage: Damage | undefined): string {
  const folder = mkdtempSync(join(root, 'night-'));
  const texts = said.source === 'lcs' ? lcsTexts(said) : fhirTexts(said);
  const target = said.source === 'lcs' ? 'ssd_cin_episodes' : TYPE[said.source];
  const files = texts.flatMap(({ type, name, text, rows }) => {
    if (damage === 'missing-file' && type === target) return [];
    const bytes = said.gzip ? gzipSync(text) : Buffer.from(text);
    const sent = said.gzip ? `${name}.gz` : name;
    const damaged = type === target ? damage : undefined;
    const cut = damaged === 'truncated' ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes;
    writeFileSync(join(folder, sent), cut);
    const sha256 = createHash('sha256')
      .update(damaged === 'wrong-hash' ? 'something else' : bytes)
      .digest('hex');
    return [{ name: sent, type, rows: rows + (damaged === 'wrong-count' ? 1 : 0), sha256 }];
  });
  const { source, sequence, businessDate, kind } = said;
  const format = source === 'lcs' ? 'lcs-csv' : 'fhir-ndjson';
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ format, source, businessDate, sequence, kind, files }),
  );
  return folder;
}

interface FileText {
  readonly type: string;
  readonly name: string;
  readonly text: string;
  readonly rows: number;
}

const RESTRICTED = {
  meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
};

function fhirTexts(said: Said): readonly FileText[] {
  const { source, conflict } = said;
  const patients = said.people.flatMap((person) => {
    const other = { birthDate: '1931-12-30' };
    const flag = said.flagged.has(person) ? RESTRICTED : {};
    const mine = conflict?.person === person ? conflict.how : undefined;
    return [
      patient(`p${person}`, numberOf(person), { ...flag, ...(mine === 'other-birth-date' ? other : {}) }),
      ...(mine === 'twin' ? [patient(`p${person}-twin`, numberOf(person), other)] : []),
    ];
  });
  const rows = said.rows.flatMap((row) => {
    const resource = said.broken.has(row.id)
      ? { ...clinical(source, row), subject: 5, patient: 5 }
      : clinical(source, row);
    const twice = said.twice.get(row.id);
    if (twice === undefined) return [resource];
    return [resource, twice === 'alike' ? resource : clinical(source, { ...row, value: row.value + 500 })];
  });
  const consents = [
    ...[...said.optOuts].map(([person, { out, at }]) =>
      optOut(`c${person}`, `p${person}`, out ? 'deny' : 'permit', at),
    ),
    ...[...said.agreed].map(([person, given]) =>
      agreement(`a${person}`, `p${person}`, { type: given ? 'permit' : 'deny' }, '2025-01-01'),
    ),
  ];
  const purges = said.purged.map((id) => ({ resourceType: TYPE[source], id }));
  return [
    ndjson('Patient', patients),
    ...(source === 'gp' || isCare(source) ? [ndjson('Consent', consents)] : []),
    ndjson(TYPE[source], rows),
    ...(said.kind === 'delta' ? [ndjson('Purge', purges)] : []),
  ];
}

function clinical(source: SourceCode, row: ClinicalRow): Row {
  const text = marker(source, row);
  const of = `p${row.person}`;
  if (TYPE[source] === 'Observation') return observation(row.id, of, row.value, { code: { text } });
  if (TYPE[source] === 'EpisodeOfCare') return episode(row.id, of, { type: [{ text }] });
  return { resourceType: 'Condition', id: row.id, subject: { reference: `Patient/${of}` }, code: { text } };
}

function ndjson(type: string, rows: readonly Row[]): FileText {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return { type, name: `${type}.ndjson`, text, rows: rows.length };
}

type Cells = Readonly<Record<string, string>>;

function lcsTexts(said: Said): readonly FileText[] {
  const day = '2025-01-01';
  const tables: Partial<Record<LcsTable, readonly Cells[]>> = {
    ssd_person: said.people.map((person) => ({
      pers_person_id: `p${person}`,
      pers_forename: 'Ada',
      pers_surname: `Family${numberOf(person).slice(-3)}`,
      pers_sex: 'F',
      pers_dob: '1980-05-17',
      pers_common_child_id: numberOf(person),
      mcr_nhs_number_status: '01',
    })),
    ssd_cin_episodes: said.rows.map((row) => ({
      cine_referral_id: row.id,
      cine_person_id: `p${row.person}`,
      cine_referral_date: day,
      cine_referral_nfa: 'N',
      cine_referral_team: marker('lcs', row),
    })),
    mcr_sharing_agreements: [...said.agreed].map(([person, given]) => ({
      agre_agreement_id: `a${person}`,
      agre_person_id: `p${person}`,
      agre_given: given ? 'Y' : 'N',
      agre_given_by: 'Ada',
      agre_recorded_date: day,
      agre_start_date: day,
    })),
  };
  return Object.entries(LCS_TABLES).map(([type, columns]) => {
    const rows = tables[type as LcsTable] ?? [];
    const lines = rows.map((row) => csvLine(columns.map((column) => row[column] ?? '')));
    const text = [csvLine(columns), ...lines].map((line) => `${line}\n`).join('');
    return { type, name: `${type}.csv`, text, rows: rows.length };
  });
}
