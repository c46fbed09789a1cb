import type { Mapping, ResourceMapping, TableMapping } from '../../src/loads/mapped-csv/mapping.ts';

/** A small mapping of a source of adult social care, and rows for it. */

const DATE = { type: 'date', format: 'DD/MM/YYYY' } as const;

export const PEOPLE: TableMapping = {
  columns: {
    Person: { type: 'code' },
    NHS: { type: 'text' },
    Family: { type: 'text' },
    Given: { type: 'text' },
    Born: DATE,
    Sex: { type: 'code' },
    Flag: { type: 'boolean', true: ['Y'], false: ['N'] },
    Agreed: { type: 'boolean', true: ['Y'], false: ['N'] },
    AgreedOn: DATE,
  },
  resources: [
    {
      name: 'person',
      type: 'Patient',
      id: ['Person'],
      nhsNumber: { column: 'NHS' },
      labels: [{ column: 'Flag', label: 'restricted' }],
      elements: {
        name: [{ use: 'official', family: { $column: 'Family' }, given: [{ $column: 'Given' }] }],
        gender: { $code: 'Sex', map: 'sex' },
        birthDate: { $column: 'Born' },
      },
    },
  ],
  consents: [
    {
      name: 'agreement',
      about: 'social-care',
      id: ['Person'],
      person: ['Person'],
      states: 'Agreed',
      recorded: 'AgreedOn',
    },
  ],
};

export const EPISODE: ResourceMapping = {
  name: 'service',
  type: 'EpisodeOfCare',
  when: { column: 'Kind', is: ['Service'] },
  id: ['Ref'],
  person: ['Person'],
  elements: {
    status: {
      $byPeriod: { start: 'Start', end: 'End' },
      before: 'planned',
      during: 'active',
      after: 'finished',
    },
    type: [{ $concept: 'What', map: 'services' }],
    period: { start: { $column: 'Start' }, end: { $column: 'End' } },
    careManager: { display: { $column: 'Team' } },
  },
};

export const SERVICES: TableMapping = {
  columns: {
    Ref: { type: 'code' },
    Person: { type: 'code' },
    Kind: { type: 'code' },
    What: { type: 'text' },
    Team: { type: 'text' },
    Start: DATE,
    End: DATE,
  },
  leaveOut: { column: 'Kind', is: ['Internal'] },
  resources: [EPISODE],
};

export const MAPPING: Mapping = {
  title: 'A small council',
  tables: { people: PEOPLE, services: SERVICES },
  codeMaps: {
    sex: {
      unmapped: 'reject',
      codes: { M: { code: 'male' }, F: { code: 'female' }, '': { code: 'unknown' } },
    },
    services: {
      system: 'https://council.example/services',
      unmapped: 'text',
      codes: { HS: { code: 'home', display: 'Home support' } },
    },
  },
};

const PEOPLE_HEADER = Object.keys(PEOPLE.columns);
const SERVICES_HEADER = Object.keys(SERVICES.columns);

/** A table as text: header and rows, cells by column. */
export function csv(header: readonly string[], rows: readonly Readonly<Record<string, string>>[]): string {
  const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = rows.map((row) => header.map((name) => quoted(row[name] ?? '')).join(','));
  return `${[header.map(quoted).join(','), ...lines].join('\n')}\n`;
}

export type CsvRow = Readonly<Record<string, string>>;

export function person(id: string, nhsNumber: string, more: CsvRow = {}): CsvRow {
  return {
    Person: id,
    NHS: nhsNumber,
    Family: `Family${nhsNumber.slice(-3)}`,
    Given: 'Ada',
    Born: '17/05/1950',
    Sex: 'F',
    Flag: 'N',
    Agreed: 'Y',
    AgreedOn: '01/02/2026',
    ...more,
  };
}

export function service(ref: string, of: string, more: CsvRow = {}): CsvRow {
  return { Ref: ref, Person: of, Kind: 'Service', What: 'HS', Team: 'North', Start: '01/03/2026', ...more };
}

export const people = (...rows: readonly CsvRow[]): string => csv(PEOPLE_HEADER, rows);
export const services = (...rows: readonly CsvRow[]): string => csv(SERVICES_HEADER, rows);
