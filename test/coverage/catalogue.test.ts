import t from 'tap';
import { casesIn, catalogueCoverage, catalogueText, idsIn, WHOLE } from './catalogue-coverage.ts';

/** Every case of the catalogue that has to hold is a test with its id, or has a reason why it cannot be one yet. */

const catalogue = catalogueText();
const skip = catalogue === undefined && 'the attack catalogue is not here';

t.test('no case of scopes, consent and identity is without a test or a reason', { skip }, async (t) => {
  const { cases, missing, faults } = catalogueCoverage(catalogue ?? '');
  t.strictSame(missing, []);
  t.strictSame(faults, [], 'reasons are of cases that they are true of');
  for (const section of WHOLE) {
    const own = cases.filter((one) => one.section === section);
    const covered = own.filter((one) => one.tests.length > 0);
    t.ok(own.length > 10, `${section}: ${own.length} cases are read`);
    t.ok(covered.length > own.length * 0.7, `${section}: ${covered.length} of them have a test`);
  }
});

t.test('ids are read from names and tables as they are written there', async (t) => {
  t.strictSame(idsIn('S-01, C-16: one; S-07 to S-09: three; nothing of XS-1a or UTF-8'), [
    'S-01',
    'C-16',
    'S-07',
    'S-08',
    'S-09',
  ]);
  t.strictSame(
    casesIn('### 2.2 Scopes\n| Id | Request |\n| S-01 | x |\n### 2.4 More\n| **G-1 Two** | y |\n'),
    [
      { id: 'S-01', section: '2.2' },
      { id: 'G-1', section: '2.4' },
    ],
  );
});
