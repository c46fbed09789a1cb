import fc from 'fast-check';
import t from 'tap';
import { Tally } from '../../src/loads/certificate.ts';
import {
  DEFAULT_LIMITS,
  type GuardedNumbers,
  type GuardFinding,
  type GuardLimits,
  guardedNumbers,
  guardKey,
  guardLimits,
  guardSentence,
  judgeGuards,
  type Movement,
  released,
} from '../../src/loads/guards.ts';

const LIMITS: GuardLimits = {
  rejected: { total: 5, type: 10 },
  shrink: { total: 30, type: 30, practice: 30 },
  growth: { total: 100, type: 900, practice: 50 },
  least: 100,
};

const movement = (before: number, after: number, name = 'Observation') => ({ name, before, after });

function exceeded(numbers: GuardedNumbers, limits = LIMITS): readonly string[] {
  return judgeGuards(numbers, limits)
    .filter((finding) => finding.outcome === 'exceeded')
    .map(guardKey);
}

const stored = (types: readonly Movement[]): GuardedNumbers => ({
  rows: [],
  stored: { types, practices: [] },
});

t.test('a limit holds what is above it, and nothing at it or below', async (t) => {
  const cases: readonly [string, GuardedNumbers, readonly string[]][] = [
    ['29.9 % fewer', stored([movement(1000, 701)]), []],
    ['30 % fewer', stored([movement(1000, 700)]), []],
    ['30.1 % fewer', stored([movement(1000, 699)]), ['shrink total', 'shrink type Observation']],
    ['twice as many', stored([movement(1000, 2000)]), []],
    ['one more than twice as many', stored([movement(1000, 2001)]), ['growth total']],
    ['ten times as many', stored([movement(1000, 10_000)]), ['growth total']],
    [
      'one more than ten times as many',
      stored([movement(1000, 10_001)]),
      ['growth total', 'growth type Observation'],
    ],
    [
      'one type gone while the total is flat',
      stored([movement(1000, 0), movement(9000, 10_000, 'Condition')]),
      ['shrink type Observation'],
    ],
    ['a type nobody had before', stored([movement(0, 500), movement(1000, 1000, 'Condition')]), []],
  ];
  for (const [what, numbers, expected] of cases) t.same(exceeded(numbers), expected, what);
  for (const [rejected, expected] of [
    [49, []],
    [50, []],
    [51, ['rejected total']],
    [100, ['rejected total']],
    [101, ['rejected total', 'rejected type Observation']],
  ] as const) {
    const rows = [{ type: 'Observation', sent: 1000, rejected }];
    t.same(exceeded({ rows }), expected, `${rejected} of 1000 rejected`);
  }
});

t.test('a practice that is gone holds the load while the total is flat', async (t) => {
  const practices = (k1: number, k2: number): GuardedNumbers => ({
    rows: [],
    stored: {
      types: [movement(2000, 2000, 'Patient')],
      practices: [movement(1000, k1, 'K1'), movement(1000, k2, 'K2')],
    },
  });
  t.same(exceeded(practices(0, 1500)), ['shrink practice K1']);
  t.same(exceeded(practices(700, 1500)), []);
  t.same(exceeded(practices(699, 1501)), ['shrink practice K1', 'growth practice K2']);
});

t.test('numbers that are too small to mean anything are not judged', async (t) => {
  t.same(judgeGuards(stored([movement(99, 0)]), LIMITS), []);
  t.same(exceeded(stored([movement(100, 0)])), ['shrink total', 'shrink type Observation']);
  t.same(judgeGuards({ rows: [{ type: 'Observation', sent: 99, rejected: 99 }] }, LIMITS), []);
});

t.test('limits hold to one row, whatever their decimals', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 50_000_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (before, hundredths) => {
          const limit = hundredths / 100;
          const limits = { ...LIMITS, shrink: { total: limit, type: 100, practice: 100 } };
          // the most that may go: whole numbers alone decide
          const most = Number((BigInt(before) * BigInt(hundredths)) / 10_000n);
          const gone = (rows: number): boolean =>
            exceeded(stored([movement(before, before - rows)]), limits).length > 0;
          return !gone(most) && (most + 1 > before || gone(most + 1));
        },
      ),
      { seed: 7 },
    ),
  );
});

t.test('what a human released lets pass what held then, and nothing else', async (t) => {
  const then = judgeGuards(stored([movement(1000, 100)]), LIMITS);
  const now = judgeGuards(stored([movement(1000, 100), movement(1000, 100, 'Condition')]), LIMITS);
  t.same(
    released(now, then).map((finding) => [guardKey(finding), finding.outcome]),
    [
      ['shrink total', 'released'],
      ['shrink type Condition', 'exceeded'],
      ['shrink type Observation', 'released'],
    ],
  );
  const within: readonly GuardFinding[] = judgeGuards(stored([movement(1000, 1000)]), LIMITS);
  t.same(
    exceeded(stored([movement(1000, 100)])),
    released(judgeGuards(stored([movement(1000, 100)]), LIMITS), within)
      .filter((finding) => finding.outcome === 'exceeded')
      .map(guardKey),
    'a guard that was within its limit then is not released',
  );
});

t.test('numbers come from what was sent, rejected and stored', async (t) => {
  const tally = new Tally();
  tally.count('Observation', 'new', 5);
  tally.count('Observation', 'deleted', 20);
  tally.reject('Observation', 'structure', 3);
  tally.reject('Patient', 'json', 2);
  tally.reject('Patient', 'not-signatory', 1);
  const files = [
    { type: 'Observation', rows: 10 },
    { type: 'Patient', rows: 4 },
  ];
  const after = [{ type: 8, count: 85 }];
  t.same(guardedNumbers(tally, files, after, undefined), {
    rows: [
      { type: 'Observation', sent: 10, rejected: 3 },
      { type: 'Patient', sent: 4, rejected: 2 },
    ],
  });
  t.same(guardedNumbers(tally, files, after, []).stored?.types, [
    { name: 'Observation', before: 100, after: 85 },
    { name: 'Patient', before: 0, after: 0 },
  ]);
});

t.test('limits that a source does not set are as by default, and sentences say what was found', async (t) => {
  t.same(guardLimits(), DEFAULT_LIMITS);
  const limits = guardLimits({ shrink: { type: 5 }, least: 7 });
  t.same(limits, { ...DEFAULT_LIMITS, shrink: { ...DEFAULT_LIMITS.shrink, type: 5 }, least: 7 });
  const findings = judgeGuards(
    { ...stored([movement(1000, 2001)]), rows: [{ type: 'Observation', sent: 1000, rejected: 60 }] },
    LIMITS,
  );
  t.same(findings.filter((finding) => finding.outcome === 'exceeded').map(guardSentence), [
    'Stored in total: 2001 instead of 1000, 100.1 % more; the limit is 100 %.',
    'Rows rejected in total: 60 of 1000, 6 %; the limit is 5 %.',
  ]);
});
