import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Ends, type Ground, layGround, serverOf } from './ground.ts';
import type { OracleName } from './plants.ts';
import type { RunResult } from './run.ts';
import { type Caught, ENOUGH, plantsFor, run, runPlanted, together } from './runs.ts';

/*
 * The four oracles as a command: each over the service as it is, then over the service with each planted mistake, which it
 * has to find. Ends with 1 where an oracle found something, or did not find a planted mistake.
 *
 *   npm run check:two-worlds -- --pairs 20000 --seed 7
 *   npm run check:oracles
 */

const ORACLES: readonly OracleName[] = ['two-worlds', 'disclosed', 'monotonicity', 'routes'];

const say = (sentence: string): void => {
  process.stdout.write(`${sentence}\n`);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '2600' },
    seed: { type: 'string', default: '20261125' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
});
const [pairs, seed, jobs] = [number('pairs'), number('seed'), number('jobs')];

function number(name: 'pairs' | 'seed' | 'jobs'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) {
    say(`--${name} is a whole number from 1.`);
    process.exit(2);
  }
  return value;
}

async function main(): Promise<number> {
  const oracles = positionals.length === 0 ? ORACLES : ORACLES.filter((name) => positionals.includes(name));
  const ends = new Ends();
  try {
    const server = await serverOf(ends);
    process.env['MCR_TEST_DATABASE_URL'] = server;
    say('A county is loaded, once for all runs.');
    const ground = await layGround(ends, server);
    let sound = true;
    for (const oracle of oracles) sound = (await check(oracle, ground)) && sound;
    return sound ? 0 : 1;
  } finally {
    await ends.end();
  }
}

async function check(oracle: OracleName, ground: Ground): Promise<boolean> {
  const began = Date.now();
  const results =
    oracle === 'two-worlds'
      ? await inParts(ground)
      : [await run({ oracle, ground, pairs: oracle === 'routes' ? 0 : ENOUGH[oracle], seed })];
  const asked = sum(results, (one) => one.asked);
  const seconds = (Date.now() - began) / 1000;
  say(
    `\n${HEADINGS[oracle](asked)}, seed ${seed}, in ${seconds.toFixed(0)} s (${(asked / seconds).toFixed(0)}/s)`,
  );
  if (oracle === 'two-worlds') sayTwoWorlds(results);
  const faults = sum(results, (one) => one.faultCount);
  say(`${faults} ${faults === 1 ? 'fault' : 'faults'} found`);
  for (const fault of results.flatMap((one) => one.faults).slice(0, 10)) say(`  ${fault}`);
  const plants = plantsFor(oracle);
  const caught = await together(plants, jobs, async (plant) => {
    const one = await runPlanted(ground, plant, seed);
    say(`  ${told(one)}`);
    return one;
  });
  say(`planted mistakes caught: ${caught.filter((one) => one.caught).length} of ${plants.length} planted`);
  return faults === 0 && caught.every((one) => one.caught);
}

const HEADINGS: Readonly<Record<OracleName, (asked: number) => string>> = {
  'two-worlds': (asked) => `G-1 two worlds: ${asked} pairs`,
  disclosed: (asked) => `G-2 disclosed within audited: ${asked} questions`,
  monotonicity: (asked) => `G-3 monotonicity: ${asked} questions for each narrowing`,
  routes: (asked) => `G-4 route x method x caller: ${asked} requests`,
};

/** Rounds dealt out to as many processes as there are jobs. */
async function inParts(ground: Ground): Promise<readonly RunResult[]> {
  const parts = Array.from({ length: jobs }, (_, from) => ({ from, pairs: partOf(from) }));
  const done = new Map<number, number>();
  let said = 0;
  return together(
    parts.filter((part) => part.pairs > 0),
    jobs,
    (part) =>
      run({ oracle: 'two-worlds', ground, seed, step: jobs, ...part }, (asked) => {
        done.set(part.from, asked);
        const all = [...done.values()].reduce((total, one) => total + one, 0);
        if (all - said < pairs / 10) return;
        said = all;
        say(`  ${all} of ${pairs} pairs`);
      }),
  );
}

function partOf(from: number): number {
  return Math.floor(pairs / jobs) + (from < pairs % jobs ? 1 : 0);
}

function sayTwoWorlds(results: readonly RunResult[]): void {
  const by = new Map<string, number>();
  for (const { byScenario } of results)
    for (const [name, count] of Object.entries(byScenario)) by.set(name, (by.get(name) ?? 0) + count);
  for (const [name, count] of by) say(`  ${String(count).padStart(6)}  ${name}`);
  say(`answers that gave something out: ${sum(results, (one) => one.told)}`);
  say(`differing bytes: ${sum(results, (one) => one.bytes)}`);
}

function sum(results: readonly RunResult[], of: (one: RunResult) => number): number {
  return results.reduce((total, one) => total + of(one), 0);
}

function told({ plant, caught, asked, by }: Caught): string {
  return caught
    ? `caught: ${plant.name} (${asked} asked)`
    : `MISSED: ${plant.name} (${asked} asked) ${by.slice(0, 400)}`;
}

process.exitCode = await main();
