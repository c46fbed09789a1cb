import t from 'tap';
import { loadProgress, progressText } from '../../src/cli/progress.ts';

t.test('progress says phase, rows, rate and time left, as far as they are known', async (t) => {
  t.equal(progressText('identify', 0, 0, 9000), 'identify');
  t.equal(progressText('map', 0, 500, 9000), 'map: 0 of 500');
  t.equal(progressText('map', 100, 500, 10), 'map: 100 of 500 rows', 'too early for a rate');
  t.equal(progressText('map', 2000, 10_000, 2000), 'map: 2000 of 10000 rows, 1000 a second, 8 s left');
  t.equal(progressText('map', 1000, 601_000, 1000), 'map: 1000 of 601000 rows, 1000 a second, 10 min left');
  t.equal(
    progressText('map', 1000, 7_321_000, 1000),
    'map: 1000 of 7321000 rows, 1000 a second, 2 h 2 min left',
  );
  t.equal(progressText('stage', 4096, 4096, 1000), 'stage: 4096 bytes, 4096 a second');
});

t.test('each phase is timed from its beginning', async (t) => {
  const lines: string[] = [];
  let now = 0;
  const tell = loadProgress(
    (line) => void lines.push(line),
    () => now,
  );
  tell('map', 0, 100);
  now = 60_000;
  tell('apply', 0, 0);
  now = 61_000;
  tell('apply', 50, 100);
  t.same(lines, ['map: 0 of 100', 'apply', 'apply: 50 of 100 rows, 50 a second, 1 s left']);
});
