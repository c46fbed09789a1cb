import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { undisclosed } from '../oracles/delivered.ts';
import { countyOn, Ends, layGround } from '../oracles/ground.ts';
import { type OracleName, PLANTS } from '../oracles/plants.ts';
import { NOT_BUILT, routeMatrix } from '../oracles/routes.ts';
import { plantsFor, runPlanted } from '../oracles/runs.ts';
import { scenariosOf } from '../oracles/scenarios.ts';
import { toldByLabels, twoWorlds } from '../oracles/two-worlds.ts';
import { repositoryRoot } from '../support/root.ts';

/*
 * The oracles of the attack catalogue (2.1), a smaller number of questions than `npm run check:two-worlds` and
 * `npm run check:oracles` ask: where only rows change that a caller may not see, nothing changes in any answer to them
 * (G-1); what an answer gives out is in the account of it (G-2); no route gives anything to who may not have it (G-4).
 * G-3 is in test/access/decide.test.ts.
 */

const SEED = 20261125;
const PAIRS = 780;

t.setTimeout(900_000);
t.test('the oracles', async (t) => {
  const ends = new Ends();
  t.teardown(() => ends.end());
  const server = process.env['MCR_TEST_DATABASE_URL'] ?? '';
  const ground = await layGround(ends, server);
  const county = await countyOn(ends, ground);

  await t.test(
    'G-1, G-2: what is hidden changes no answer, and what is given out is accounted for',
    async (t) => {
      const unaccounted: string[] = [];
      const found = await twoWorlds(county, {
        pairs: PAIRS,
        seed: SEED,
        onAnswer: async ({ answer, question }) => {
          const missing = await undisclosed(county.client, answer);
          if (missing.length > 0) unaccounted.push(`${question}: ${missing.join()}`);
        },
      });
      t.strictSame(found.differing, [], 'no answer tells');
      t.equal(found.bytes, 0, 'differing bytes');
      t.strictSame(unaccounted, [], 'what is given out is accounted for');
      t.equal(found.pairs, PAIRS);
      t.equal(found.byScenario.size, (await scenariosOf(county)).length, 'every scenario is asked');
      // and the questions are such as would tell
      t.ok(found.hidden > PAIRS / 4, `${found.hidden} hidden rows made the difference`);
      t.ok(found.told > PAIRS / 6, `${found.told} answers gave something out`);
      for (const scenario of (await scenariosOf(county)).slice(0, 3)) {
        const [others, asked] = await toldByLabels(county, scenario, SEED);
        t.ok(others > asked / 50, `${scenario.name}: without labels ${others} of ${asked} would be others`);
      }
    },
  );

  await t.test('G-4: every route, by every method, gives every caller what they may have', async (t) => {
    const { faults, asked, routes, shown, callers } = await routeMatrix(await countyOn(ends, ground));
    t.strictSame(faults, []);
    t.ok(asked > routes * callers.length, `${asked} requests: ${routes} routes, ${callers.length} callers`);
    t.ok(shown > routes / 10, `${shown} answers held something of the person`);
    for (const [caller, reason] of Object.entries(NOT_BUILT)) t.pass(`not asked as ${caller}: ${reason}`);
  });

  await t.test('every planted mistake is one of the service as it is', async (t) => {
    t.ok(plantsFor('two-worlds').length >= 12);
    for (const { name, edits } of PLANTS)
      for (const { file, find } of edits) {
        const text = readFileSync(join(repositoryRoot(), 'dist', 'src', file), 'utf8');
        t.equal(text.split(find).length, 2, `${name}: ${file} holds once what is changed`);
      }
  });

  await t.test('an oracle finds a planted mistake', async (t) => {
    const oracles: readonly OracleName[] = ['two-worlds', 'disclosed', 'monotonicity', 'routes'];
    for (const [plant] of oracles.map(plantsFor)) {
      if (plant === undefined) throw new Error('An oracle has no planted mistake.');
      const { caught, by } = await runPlanted(ground, plant, SEED);
      t.ok(caught, `${plant.oracle}: ${plant.name}: ${by.slice(0, 300)}`);
    }
  });
});
