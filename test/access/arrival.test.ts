import fc from 'fast-check';
import t from 'tap';
import { lateSince, type Weekday } from '../../src/access/arrival.ts';
import { londonDay, londonInstant } from '../../src/fhir/london.ts';

const at = (text: string): number => Date.parse(text);
const iso = (millis: number | undefined): string | undefined =>
  millis === undefined ? undefined : new Date(millis).toISOString();

t.test('a time of London is found on every day, those on which the clocks change among them', async (t) => {
  t.equal(iso(londonInstant('2026-01-15', '06:30')), '2026-01-15T06:30:00.000Z');
  t.equal(iso(londonInstant('2026-07-15', '06:30')), '2026-07-15T05:30:00.000Z');
  t.equal(iso(londonInstant('2026-07-15', '00:30')), '2026-07-14T23:30:00.000Z');
  t.equal(iso(londonInstant('2026-10-25', '01:30')), '2026-10-25T00:30:00.000Z', 'of two the first');
  t.equal(iso(londonInstant('2026-03-29', '01:30')), '2026-03-29T01:30:00.000Z', 'there is no such time');
});

t.test('a source is late when what it promised is not published in time', async (t) => {
  const daily = { expectedBy: '06:30' };
  const last = { businessDate: '2026-11-23', publishedAt: at('2026-11-24T05:00:00Z') };
  t.equal(lateSince({}, undefined, at('2026-11-24T12:00:00Z')), undefined, 'nothing is promised');
  t.equal(lateSince(daily, last, at('2026-11-24T12:00:00Z')), undefined);
  t.equal(lateSince(daily, last, at('2026-11-25T06:29:59Z')), undefined);
  t.equal(iso(lateSince(daily, last, at('2026-11-25T06:30:00Z'))), '2026-11-25T06:30:00.000Z');
  t.equal(
    iso(lateSince(daily, last, at('2026-11-27T12:00:00Z'))),
    '2026-11-25T06:30:00.000Z',
    'since the first that was missed',
  );
  t.equal(iso(lateSince(daily, undefined, at('2026-11-27T12:00:00Z'))), '2026-11-27T06:30:00.000Z');

  const lastNights = { businessDate: '2026-11-23', publishedAt: at('2026-11-24T09:00:00Z') };
  t.equal(
    iso(lateSince(daily, lastNights, at('2026-11-25T07:00:00Z'))),
    '2026-11-25T06:30:00.000Z',
    'what came late yesterday is not what is due today',
  );
  const sameDay = { businessDate: '2026-11-24', publishedAt: at('2026-11-24T05:00:00Z') };
  t.equal(
    iso(lateSince(daily, sameDay, at('2026-11-25T07:00:00Z'))),
    '2026-11-25T06:30:00.000Z',
    'of a source that sends the extract of a day on that day',
  );
  const early = { businessDate: '2026-11-24', publishedAt: at('2026-11-24T23:00:00Z') };
  t.equal(lateSince(daily, early, at('2026-11-25T07:00:00Z')), undefined, 'early is in time');
});

t.test('nothing is due on other days of the week', async (t) => {
  const weekdays: { expectedBy: string; expectedOn: Weekday[] } = {
    expectedBy: '06:30',
    expectedOn: ['mon', 'tue', 'wed', 'thu', 'fri'],
  };
  const friday = { businessDate: '2026-11-19', publishedAt: at('2026-11-20T05:00:00Z') };
  t.equal(lateSince(weekdays, friday, at('2026-11-22T20:00:00Z')), undefined, 'on Sunday');
  t.equal(iso(lateSince(weekdays, friday, at('2026-11-23T07:00:00Z'))), '2026-11-23T06:30:00.000Z');
  const monday = { businessDate: '2026-11-20', publishedAt: at('2026-11-23T05:00:00Z') };
  t.equal(lateSince(weekdays, monday, at('2026-11-23T07:00:00Z')), undefined);
});

t.test(
  'whoever sends every night is never late, whatever the clocks do, and whoever misses one is',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 800 }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        (days, hour, minute) => {
          const two = (n: number): string => String(n).padStart(2, '0');
          const expectedBy = `${two(hour)}:${two(minute)}`;
          const noon = Date.parse('2026-01-02T12:00:00Z') + days * 86_400_000;
          const today = londonDay(noon);
          const eve = londonDay(noon - 86_400_000);
          const due = londonInstant(today, expectedBy);
          const sent = { businessDate: eve, publishedAt: due - 1 };
          const before = {
            businessDate: londonDay(noon - 2 * 86_400_000),
            publishedAt: londonInstant(eve, expectedBy) - 1,
          };
          return (
            londonDay(due) === today &&
            lateSince({ expectedBy }, sent, due) === undefined &&
            lateSince({ expectedBy }, sent, londonInstant(londonDay(noon + 86_400_000), expectedBy) - 1) ===
              undefined &&
            lateSince({ expectedBy }, before, due - 1) === undefined &&
            lateSince({ expectedBy }, before, due) === due
          );
        },
      ),
    );
  },
);
