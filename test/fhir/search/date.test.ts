import fc from 'fast-check';
import t from 'tap';
import { dateRange, matchesDate, PREFIXES, periodRange } from '../../../src/fhir/search/date.ts';

t.test('dates without a zone are Europe/London, summer time included', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['2024', '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
    ['2024-02', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2024-12', '2024-12-01T00:00:00Z', '2025-01-01T00:00:00Z'],
    ['2024-07-01', '2024-06-30T23:00:00Z', '2024-07-01T23:00:00Z'],
    ['2024-03-31', '2024-03-31T00:00:00Z', '2024-03-31T23:00:00Z'],
    ['2024-10-27', '2024-10-26T23:00:00Z', '2024-10-28T00:00:00Z'],
    ['2024-07-01T10:00', '2024-07-01T09:00:00Z', '2024-07-01T09:01:00Z'],
    ['2024-07-01T10:00:30', '2024-07-01T09:00:30Z', '2024-07-01T09:00:31Z'],
    ['2024-07-01T10:00:30.5', '2024-07-01T09:00:30.500Z', '2024-07-01T09:00:30.600Z'],
    ['2024-07-01T10:00:30.1239', '2024-07-01T09:00:30.123Z', '2024-07-01T09:00:30.124Z'],
    ['2024-07-01T10:00Z', '2024-07-01T10:00:00Z', '2024-07-01T10:01:00Z'],
    ['2024-07-01T10:00:00-05:30', '2024-07-01T15:30:00Z', '2024-07-01T15:30:01Z'],
    // 01:30 does not exist on this night, and occurs twice on the next
    ['2024-03-31T01:30', '2024-03-31T01:30:00Z', '2024-03-31T01:31:00Z'],
    ['2024-10-27T01:30', '2024-10-27T00:30:00Z', '2024-10-27T00:31:00Z'],
    // summer time all year round, 1968 to 1971
    ['1970-01-01', '1969-12-31T23:00:00Z', '1970-01-01T23:00:00Z'],
    ['0099-12-31T00:00Z', '0099-12-31T00:00:00Z', '0099-12-31T00:01:00Z'],
  ];
  for (const [text, from, to] of cases) {
    t.same(dateRange(text), { from: Date.parse(from), to: Date.parse(to) }, text);
  }
  for (const text of [
    '',
    '2024-02-30',
    '0000',
    '0000-01-01',
    '2023-02-29',
    '2024-01-01T24:00',
    '24',
    '2024-01-01T10:00+14:01',
  ]) {
    t.equal(dateRange(text), undefined, text);
  }
  t.same(periodRange({ start: '2024', end: '2024' }), dateRange('2024'));
  t.same(periodRange({ start: '2024-01-01T00:00Z' })?.to, Number.POSITIVE_INFINITY);
  t.same(periodRange({ end: '2024-01-01T00:00Z' })?.from, Number.NEGATIVE_INFINITY);
  t.same(periodRange({ start: '2024-03', end: '2024-01' }), {
    from: dateRange('2024-01')?.from,
    to: dateRange('2024-03')?.to,
  });
  t.equal(periodRange({}), undefined);
  t.equal(periodRange({ start: '2024-02-30' }), undefined);
  t.equal(periodRange({ start: '2024-02-30', end: '2025' }), undefined);
  t.equal(periodRange({ start: '2024', end: '2024-02-30' }), undefined);
});

t.test('days abut, and lie within their month and year', async () => {
  const day = fc.date({ min: new Date('0001-01-02'), max: new Date('9998-12-30'), noInvalidDate: true });
  fc.assert(
    fc.property(day, (date) => {
      const text = date.toISOString().slice(0, 10);
      const next = new Date(date.getTime() + 86_400_000).toISOString().slice(0, 10);
      const [it, after, month, year] = [text, next, text.slice(0, 7), text.slice(0, 4)].map((each) =>
        dateRange(each),
      );
      if (it === undefined || after === undefined || month === undefined || year === undefined) return false;
      const hours = (it.to - it.from) / 3_600_000;
      return (
        it.to === after.from &&
        hours > 22 &&
        hours < 26 &&
        matchesDate('eq', month, it, 0) &&
        matchesDate('eq', year, month, 0)
      );
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => dateRange(text) === undefined || /^\d{4}/.test(text)));
});

t.test('prefixes compare ranges as R4 says', async (t) => {
  const range = (text: string) => dateRange(text) ?? { from: 0, to: 0 };
  const cases: readonly (readonly [string, string, string])[] = [
    // searched, target, prefixes that match
    ['2024-06', '2024-06-15', 'eq ge le ap'],
    ['2024-06-15', '2024-06', 'ne gt lt ge le ap'],
    ['2024-06', '2024-07-01', 'ne gt ge sa'],
    ['2024-06', '2024-05-31', 'ne lt le eb'],
    ['2024-06', '2024-06', 'eq ge le ap'],
  ];
  for (const [searched, target, expected] of cases) {
    const now = range(searched).from;
    const matching = PREFIXES.filter((prefix) => matchesDate(prefix, range(searched), range(target), now));
    t.equal(matching.join(' '), expected, `${searched} against ${target}`);
  }
  const open = periodRange({ start: '2024-01-01' }) ?? { from: 0, to: 0 };
  t.ok(matchesDate('gt', range('2030'), open, 0), 'what has not ended is after any date');
  t.notOk(matchesDate('eb', range('2030'), open, 0));
  const now = range('2024-06-11').from;
  t.ok(matchesDate('ap', range('2024-06-01'), range('2024-06-02'), now), 'a tenth of nine days');
  t.notOk(matchesDate('ap', range('2024-06-01'), range('2024-06-03'), now));
  t.ok(matchesDate('ap', range('2024-07-01'), range('2024-06-30'), now));
});
