import t from 'tap';
import { completeness } from '../../src/record/completeness.ts';
import { facts, policy, source, TODAY } from '../access/world.ts';

t.test('a source that is late reads as out of date, and says since when', async (t) => {
  const now = Date.parse(`${TODAY}T07:00:00Z`);
  const sources = [
    source('gp', 1, 'K82001', { expectedBy: '06:30' }),
    source('social', 3, 'COUNCIL', { sector: 'social-care', expectedBy: '06:30' }),
  ];
  const promised = { ...policy(), sources: new Map(sources.map((each) => [each.code, each])) };
  const issues = (businessDate: string, every = true) => {
    const publishedAt = Date.parse(`${TODAY}T05:00:00Z`) - (businessDate === '2026-11-20' ? 86_400_000 : 0);
    const states = sources.map(({ code }) => ({ source: code, loadNo: 1, publishedAt, businessDate }));
    return completeness(
      facts({ now, policy: promised, sources: states }),
      undefined,
      ['Observation'],
      [],
      every,
    ).map(({ diagnostics, details }) => [diagnostics, details?.coding?.[0]?.code, details?.text]);
  };
  t.match(issues('2026-11-21'), [
    ['gp', 'source-current'],
    ['social', 'not-shared'],
  ]);
  t.match(issues('2026-11-20'), [
    ['gp', 'source-stale', /is late: its next records were due at 2026-11-22 06:30 UTC/],
    ['social', 'not-shared'],
  ]);
  t.match(issues('2026-11-20', false), [['gp', 'source-stale']]);
  t.equal(issues('2026-11-20', false).length, 1, 'without an agreement nothing is said of social care');
});

t.test('of a record as it was, a source was out of date or late then, whatever it is today', async (t) => {
  const publishedAt = Date.parse(`${TODAY}T05:00:00Z`);
  const hours = (count: number): number => publishedAt + count * 3_600_000;
  const state = (staleAfterHours: number, expectedBy: string | undefined, now: number, at?: number) => {
    const gp = source('gp', 1, 'K82001', {
      staleAfterHours,
      ...(expectedBy === undefined ? {} : { expectedBy }),
    });
    const known = facts({
      now,
      ...(at === undefined ? {} : { at }),
      policy: { ...policy(), sources: new Map([['gp', gp]]) },
      sources: [{ source: 'gp', loadNo: 1, publishedAt, businessDate: '2026-11-21' }],
    });
    const [issue] = completeness(known, undefined, ['Observation'], [], true);
    return issue?.details?.coding?.[0]?.code;
  };
  t.equal(state(30, undefined, hours(100)), 'source-stale');
  t.equal(state(30, undefined, hours(100), hours(1)), 'source-current');
  t.equal(state(30, undefined, hours(100), hours(31)), 'source-stale');
  t.equal(state(900, '06:30', hours(100)), 'source-stale', 'late today');
  t.equal(state(900, '06:30', hours(100), hours(1)), 'source-current', 'on time then');
});
