import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { checkDigit, syntheticNhsNumber } from '../../demo/county/nhs-number.ts';
import type { Mapping } from '../../src/loads/mapped-csv/mapping.ts';

/**
 * Tables of the return of looked-after children as published with invented children, and a mapping for them. What the
 * return lacks is put beside each child: an NHS number, a name, an agreement.
 */

export interface Child {
  readonly id: string;
  readonly birthDate: string;
  readonly gender: string;
  readonly nhsNumber: string;
  /** as sent: `Y`, `N` or nothing */
  readonly agreed: string;
  readonly isNumberRight: boolean;
}

export type ReturnRow = Readonly<Record<string, string>>;

export interface LookedAfter {
  readonly children: readonly Child[];
  readonly rows: Readonly<Record<'episodes' | 'reviews' | 'missing', readonly ReturnRow[]>>;
  /** by table, as they are sent */
  readonly files: Readonly<Record<string, string>>;
}

const DATE = { type: 'date', format: 'DD/MM/YYYY' } as const;
const CODE = { type: 'code', required: true } as const;

/** Reasons, legal status and placements are not named here, and so not read. */
export const RETURN_MAPPING: Mapping = {
  title: 'Looked-after children, from the tables of the return',
  tables: {
    header: {
      otherColumns: 'ignore',
      columns: {
        CHILD: CODE,
        SEX: CODE,
        DOB: DATE,
        NHS: { type: 'text' },
        NAME: { type: 'text' },
        AGREED: { type: 'boolean', true: ['Y'], false: ['N'] },
        AGREED_ON: DATE,
      },
      resources: [
        {
          name: 'child',
          type: 'Patient',
          id: ['CHILD'],
          nhsNumber: { column: 'NHS' },
          elements: {
            name: [{ family: { $column: 'NAME' } }],
            gender: { $code: 'SEX', map: 'sex' },
            birthDate: { $column: 'DOB' },
          },
        },
      ],
      consents: [
        {
          name: 'agreement',
          about: 'social-care',
          id: ['CHILD'],
          person: ['CHILD'],
          states: 'AGREED',
          recorded: 'AGREED_ON',
        },
      ],
    },
    episodes: {
      otherColumns: 'ignore',
      columns: { CHILD: CODE, DECOM: DATE, DEC: DATE },
      resources: [
        {
          name: 'episode',
          type: 'EpisodeOfCare',
          id: ['CHILD', 'DECOM'],
          person: ['CHILD'],
          elements: {
            status: {
              $byPeriod: { start: 'DECOM', end: 'DEC' },
              before: 'planned',
              during: 'active',
              after: 'finished',
            },
            type: [{ text: 'Looked after' }],
            period: { start: { $column: 'DECOM' }, end: { $column: 'DEC' } },
          },
        },
      ],
    },
    reviews: {
      otherColumns: 'ignore',
      columns: { CHILD: CODE, REVIEW: DATE, REVIEW_CODE: CODE },
      resources: [
        {
          name: 'review',
          type: 'Task',
          id: ['CHILD', 'REVIEW'],
          person: ['CHILD'],
          elements: {
            status: 'completed',
            intent: 'plan',
            code: { text: 'Review' },
            businessStatus: { $concept: 'REVIEW_CODE', map: 'participation' },
            executionPeriod: { end: { $column: 'REVIEW' } },
          },
        },
      ],
    },
    missing: {
      otherColumns: 'ignore',
      columns: { CHILD: CODE, MISSING: CODE, MIS_START: DATE, MIS_END: DATE },
      resources: [
        {
          name: 'missing',
          type: 'Flag',
          id: ['CHILD', 'MIS_START'],
          person: ['CHILD'],
          elements: {
            status: {
              $byPeriod: { start: 'MIS_START', end: 'MIS_END' },
              before: 'inactive',
              during: 'active',
              after: 'inactive',
            },
            code: { $concept: 'MISSING', map: 'missing' },
            period: { start: { $column: 'MIS_START' }, end: { $column: 'MIS_END' } },
          },
        },
      ],
    },
  },
  codeMaps: {
    sex: { unmapped: 'reject', codes: { '1': { code: 'male' }, '2': { code: 'female' } } },
    participation: { unmapped: 'text', codes: { PN0: { display: 'Under four' } } },
    missing: {
      unmapped: 'reject',
      codes: { M: { display: 'Missing' }, A: { display: 'Away without authorisation' } },
    },
  },
};

/** Child, number and agreement by the child's place in the table, so that every fate occurs. */
export function lookedAfter(data: string): LookedAfter {
  const folder = join(data, 'csc-ssda903-fake');
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const zipped = (name: string): string => gunzipSync(readFileSync(join(folder, name))).toString('utf8');
  const header = text('header.csv');
  const files = {
    episodes: zipped('episodes.csv.gz'),
    reviews: zipped('reviews.csv.gz'),
    missing: text('missing.csv'),
  };
  const children = rowsOf(header).map(({ CHILD = '', DOB = '', SEX }, index): Child => {
    const number = syntheticNhsNumber(index);
    const isNumberRight = index % 97 !== 5;
    return {
      id: CHILD,
      birthDate: DOB.split('/').reverse().join('-'),
      gender: SEX === '1' ? 'male' : 'female',
      nhsNumber: isNumberRight ? number : wrong(number),
      agreed: index % 10 === 3 ? 'N' : index % 11 === 4 ? '' : 'Y',
      isNumberRight,
    };
  });
  const [names = '', ...lines] = header.trimEnd().split(/\r?\n/);
  const beside = children.map(({ id, nhsNumber, agreed }) => `${nhsNumber},Child${id},${agreed},01/04/2024`);
  const sent = [
    `${names},NHS,NAME,AGREED,AGREED_ON`,
    ...lines.map((line, index) => `${line},${beside[index]}`),
  ];
  return {
    children,
    rows: {
      episodes: rowsOf(files.episodes),
      reviews: rowsOf(files.reviews),
      missing: rowsOf(files.missing),
    },
    files: { header: `${sent.join('\n')}\n`, ...files },
  };
}

/** These tables have no quotation marks: read apart from any parser of ours. */
function rowsOf(text: string): readonly ReturnRow[] {
  const [header = '', ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

function wrong(number: string): string {
  const stem = number.slice(0, 9);
  return `${stem}${(checkDigit(stem) + 1) % 10}`;
}

/** @param files bytes by table. @returns the folder */
export function writeReturn(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
  businessDate: string,
  sequence: number,
): string {
  mkdirSync(folder, { recursive: true });
  const listed = Object.entries(files).map(([type, content]) => {
    const bytes = Buffer.from(content);
    const name = `${type}.csv`;
    writeFileSync(join(folder, name), bytes);
    const rows = Math.max(bytes.toString('utf8').trimEnd().split('\n').length - 1, 0);
    return { name, type, rows, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  const manifest = {
    format: 'mapped-csv',
    source: 'council',
    businessDate,
    sequence,
    kind: 'full',
    files: listed,
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}
