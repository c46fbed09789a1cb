import { dayOf } from './calendar.ts';
import type { CaseSpec } from './case-spec.ts';
import { adult, elder } from './case-spec.ts';

/** Records of a certain shape or size. */
export const RECORD_CASES: readonly CaseSpec[] = [
  adult(
    'labelled',
    '1972-11-03',
    ['gp', 'acute'],
    'Has entries labelled restricted (R) and not for the patient (NOPAT).',
    {
      is: { labelled: true },
    },
  ),
  adult(
    'elements',
    '1996-02-20',
    ['gp', 'mental-health'],
    'Has telecom, address and a mental health Encounter, to share by element.',
  ),
  elder('deceased', '1936-01-31', ['gp', 'acute'], 'Died; the GP and the hospital know.', {
    is: { deceasedDay: dayOf('2024-11-02') },
  }),
  adult('only-gp', '1987-06-11', ['gp'], 'Known to a GP practice and to nobody else.'),
  elder(
    'long-record',
    '1941-08-08',
    ['gp', 'acute', 'community', 'ambulance', 'out-of-hours'],
    'Has more than 1,000 rows from several partners.',
    {
      gpRows: {
        problems: 40,
        allergies: 6,
        requests: 180,
        statements: 60,
        immunisations: 4,
        observations: 330,
        documents: 20,
      },
      hospitalRows: { encounters: 50, procedures: 25, reports: 40, appointments: 30, referrals: 20 },
    },
  ),
  adult(
    'record-of-50',
    '1983-10-10',
    ['gp', 'acute'],
    'Has exactly 50 clinical rows at the GP and the hospital.',
    {
      gpRows: {
        problems: 5,
        allergies: 2,
        requests: 7,
        statements: 4,
        immunisations: 2,
        observations: 9,
        documents: 0,
        attachments: false,
      },
      hospitalRows: {
        encounters: 4,
        procedures: 2,
        reports: 2,
        appointments: 3,
        referrals: 3,
        attachments: false,
      },
    },
  ),
  adult('working-single', '1994-04-04', ['gp'], 'An ordinary adult with ten clinical rows.', {
    gpRows: {
      problems: 2,
      allergies: 1,
      requests: 2,
      statements: 0,
      immunisations: 1,
      observations: 3,
      documents: 0,
      attachments: false,
    },
  }),
];
