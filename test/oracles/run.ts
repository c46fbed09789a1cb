import { register } from 'node:module';
import type { Ground } from './ground.ts';
import type { OracleName, Plant } from './plants.ts';

/*
 * One run of one oracle in a process of its own, over a copy of the ground, with a mistake planted or none. Says what it
 * found as one line of JSON. Nothing of the service is imported before the mistake is planted.
 *
 *   node run.js '{"oracle":"two-worlds","ground":{...},"pairs":400,"seed":1}'
 */

export interface RunOptions {
  readonly oracle: OracleName;
  readonly ground: Ground;
  readonly plant?: Plant;
  readonly pairs: number;
  readonly seed: number;
  readonly from?: number;
  readonly step?: number;
}

/** What a run found. `asked`: pairs, answers, questions or requests */
export interface RunResult {
  readonly asked: number;
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly bytes: number;
  readonly told: number;
  readonly byScenario: Readonly<Record<string, number>>;
  readonly milliseconds: number;
}

const SHOWN = 5;

async function main(options: RunOptions): Promise<void> {
  const { plant, ground } = options;
  if (plant !== undefined) register('./plant-hooks.js', import.meta.url, { data: plant });
  const { Ends, countyOn } = await import('./ground.ts');
  const ends = new Ends();
  const began = Date.now();
  try {
    const county = options.oracle === 'monotonicity' ? undefined : await countyOn(ends, ground);
    const result = await oracle(options, county);
    const { faults } = result;
    const shown = { ...result, faults: faults.slice(0, SHOWN), faultCount: faults.length };
    process.stdout.write(`${JSON.stringify({ ...shown, milliseconds: Date.now() - began })}\n`);
  } finally {
    await ends.end();
  }
}

type Found = Omit<RunResult, 'milliseconds' | 'faultCount'>;

async function oracle(
  options: RunOptions,
  county: import('./scenarios.ts').County | undefined,
): Promise<Found> {
  const none = { bytes: 0, told: 0, byScenario: {} };
  const untilFound = options.plant !== undefined;
  if (county === undefined) {
    const { notMonotonous } = await import('./monotonicity.ts');
    return { ...none, asked: options.pairs, faults: notMonotonous(options.pairs, options.seed) };
  }
  if (options.oracle === 'routes') {
    const { routeMatrix } = await import('./routes.ts');
    const { asked, faults, shown } = await routeMatrix(county, untilFound);
    return { ...none, asked, faults, told: shown };
  }
  const { twoWorlds } = await import('./two-worlds.ts');
  const { undisclosed } = await import('./delivered.ts');
  const unaccounted: string[] = [];
  const accounts = options.oracle === 'disclosed';
  const { pairs, seed, from = 0, step = 1 } = options;
  const found = await twoWorlds(county, {
    pairs,
    seed,
    from,
    step,
    untilFound,
    oneWorld: accounts,
    enough: () => untilFound && unaccounted.length > 0,
    onRound: (asked) => process.stderr.write(`${asked}\n`),
    ...(accounts && {
      onAnswer: async ({ answer, question }) => {
        const missing = await undisclosed(county.client, answer);
        if (missing.length > 0) unaccounted.push(`${question}: ${missing.join(', ')}`);
      },
    }),
  });
  const differing = found.differing.map(
    ({ scenario, round, question, apart }) => `${scenario}, round ${round}, ${question}: ${apart}`,
  );
  return {
    asked: found.pairs,
    faults: accounts ? unaccounted : differing,
    bytes: found.bytes,
    told: found.told,
    byScenario: Object.fromEntries(found.byScenario),
  };
}

await main(JSON.parse(process.argv[2] ?? '{}') as RunOptions);
