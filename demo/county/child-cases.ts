import type { CaseSpec } from './case-spec.ts';
import { child } from './case-spec.ts';

/** Children, most of them known to children's social care. */
export const CHILD_CASES: readonly CaseSpec[] = [
  {
    ...child(
      'child-agreed',
      '2016-05-14',
      ['gp', 'acute', 'community', 'ambulance', 'out-of-hours', 'lcs'],
      "A child whom children's social care looks after, with an agreement to share, known to six partners, with allergies.",
      {
        gender: 'female',
        household: { family: 'Testley', city: 'Aylesbury', postalCode: 'HP20 4KV', practice: 'K82014' },
        gpRows: { problems: 2, allergies: 2, requests: 3, statements: 1, observations: 4, documents: 1 },
        hospitalRows: { encounters: 2, procedures: 1, reports: 1, appointments: 2, referrals: 1 },
        is: { given: 'Mina' },
        lcs: { lookedAfter: true },
      },
    ),
    names: ['child-agreed', 'showcase'],
  },
  child(
    'child-not-given',
    '2015-02-03',
    ['gp', 'acute', 'lcs'],
    'A child in LCS whose family did not agree to sharing.',
    {
      lcs: { agreement: 'not-given' },
    },
  ),
  child('child-ended', '2014-09-21', ['gp', 'lcs'], 'A child in LCS whose agreement to sharing has ended.', {
    lcs: { agreement: 'ended' },
  }),
  child('child-blank', '2018-12-01', ['gp', 'lcs'], 'A child in LCS for whom no agreement is recorded.', {
    lcs: { agreement: 'blank' },
  }),
  child(
    'child-closed',
    '2012-03-30',
    ['gp', 'acute', 'lcs'],
    'A child whose case in LCS is closed, although sharing was agreed.',
    {
      lcs: { open: false },
    },
  ),
  child('child-without-number', '2019-07-08', ['lcs'], 'A child in LCS whose NHS number is not recorded.', {
    lcs: { number: 'absent' },
  }),
  child(
    'child-unverified',
    '2013-11-11',
    ['gp', 'lcs'],
    'A child in LCS whose NHS number is there but not verified (02).',
    {
      lcs: { number: 'unverified' },
    },
  ),
  child(
    'restricted-child',
    '2017-01-19',
    ['gp', 'acute', 'lcs'],
    'A child with the S-flag at the GP and an agreement in LCS.',
    {
      is: { restricted: true },
    },
  ),
  child(
    'markup-name',
    '2011-10-05',
    ['gp', 'acute', 'lcs'],
    'A child whose name holds markup, a quotation mark and a right-to-left override.',
    { is: { family: `O'Test"><img src=x onerror=alert(1)>`, given: 'Ev\u202Ea, "Evie"' } },
  ),
];
