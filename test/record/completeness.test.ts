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
