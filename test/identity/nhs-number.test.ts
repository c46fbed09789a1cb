import fc from 'fast-check';
import t from 'tap';
import {
  formatNhsNumber,
  isNhsNumber,
  isTestNumber,
  normaliseNhsNumber,
  readNhsNumber,
} from '../../src/identity/nhs-number.ts';

t.test('published numbers have a right check digit, and wrong ones are known', async (t) => {
  const right =
    '9990000018 9990000026 9990000034 9990000042 9990000050 9990000069 9990000077 9990000085 9990000093 9990000107 9990001006 9990001014 4010232137 9000000009 9000000025 9000000033';
  for (const number of right.split(' ')) t.ok(isNhsNumber(number), number);
  for (const text of [
    '9990000017',
    '999000001',
    '99900000180',
    '',
    ' 9990000018',
    '９９９００００018',
    '999000001x',
    '0x99900000',
  ]) {
    t.notOk(isNhsNumber(text), JSON.stringify(text));
  }
});

t.test('nine digits whose check digit would be 10 are no number with any last digit', async (t) => {
  for (const nine of ['999000000', '999000014', '999000028', '999000031', '999000045']) {
    for (let last = 0; last < 10; last++) t.notOk(isNhsNumber(`${nine}${last}`), `${nine}${last}`);
  }
});

t.test('numbers are read as people write them', async (t) => {
  for (const text of ['9990000018', '999 000 0018', '999-000-0018', ' 999 000 0018\n', '999 0000018']) {
    t.equal(readNhsNumber(text), '9990000018', text);
  }
  for (const text of ['999 000 0017', '99 90000018', '999  000 0018', '9990000018 x', '999.000.0018', '']) {
    t.equal(readNhsNumber(text), undefined, text);
  }
  t.equal(
    normaliseNhsNumber('999 000 0017'),
    '9990000017',
    'the check digit is looked at by readNhsNumber only',
  );
  t.equal(formatNhsNumber('9990000018'), '999 000 0018');
  t.equal(formatNhsNumber('not a number'), 'not a number');
  t.ok(isTestNumber('9990000018'));
  t.notOk(isTestNumber('4010232137'));
});

t.test('one digit wrong, or two neighbours exchanged, is noticed', async () => {
  const number = fc
    .integer({ min: 0, max: 999_999_999 })
    .map((nine) => {
      const text = String(nine).padStart(9, '0');
      return Array.from({ length: 10 }, (_, last) => `${text}${last}`).find(isNhsNumber);
    })
    .filter((found) => found !== undefined);
  fc.assert(
    fc.property(number, fc.nat(9), fc.integer({ min: 1, max: 9 }), (digits, at, by) => {
      const wrong = (Number(digits[at]) + by) % 10;
      return !isNhsNumber(`${digits.slice(0, at)}${wrong}${digits.slice(at + 1)}`);
    }),
  );
  fc.assert(
    fc.property(number, fc.nat(8), (digits, at) => {
      const [left = '', right = ''] = digits.slice(at, at + 2);
      return left === right || !isNhsNumber(`${digits.slice(0, at)}${right}${left}${digits.slice(at + 2)}`);
    }),
  );
});

t.test('formatting and reading undo each other, and reading twice is reading once', async () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789 -') }), (text) => {
      const digits = normaliseNhsNumber(text);
      return digits === undefined || normaliseNhsNumber(formatNhsNumber(digits)) === digits;
    }),
  );
  fc.assert(
    fc.property(
      fc.stringMatching(/^\d{10}$/),
      (digits) => normaliseNhsNumber(formatNhsNumber(digits)) === digits,
    ),
  );
  fc.assert(fc.property(fc.string(), (text) => readNhsNumber(text) === undefined || /\d{3}/.test(text)));
});
