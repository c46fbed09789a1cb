import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Ground } from './ground.ts';
import { type OracleName, PLANTS, type Plant } from './plants.ts';
import type { RunOptions, RunResult } from './run.ts';

/** Runs of oracles, each in a process of its own. */

const PROGRAM = fileURLToPath(new URL('./run.js', import.meta.url));

/**
 * Pairs or questions within which a planted mistake must be found: four times each scenario, and more; and enough questions for
 * every narrowing to meet what it takes away.
 */
export const ENOUGH: Readonly<Record<OracleName, number>> = {
  'two-worlds': 3120,
  disclosed: 1560,
  monotonicity: 1500,
  routes: 0,
};

/** @throws Error where the run itself failed: it found nothing, neither faults nor none */
export async function run(
  options: RunOptions,
  onProgress: (asked: number) => void = () => {},
): Promise<RunResult> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
    env: { ...process.env, MCR_TEST_DATABASE_URL: options.ground.server },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    const text = data.toString();
    if (!/^(\d+\n)+$/.test(text)) errors += text;
    else onProgress(Number(text.trim().split('\n').at(-1)));
  });
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)));
  const line = out.trim().split('\n').at(-1) ?? '';
  if (code !== 0 || !line.startsWith('{'))
    throw new Error(`The run of ${options.oracle} ended with ${code}: ${errors.slice(-2000)}`);
  return JSON.parse(line) as RunResult;
}

/** A planted mistake, and what became of it. */
export interface Caught {
  readonly plant: Plant;
  readonly caught: boolean;
  /** questions asked until then */
  readonly asked: number;
  /** what told, or why it could not be planted */
  readonly by: string;
}

export async function runPlanted(ground: Ground, plant: Plant, seed: number): Promise<Caught> {
  try {
    const { asked, faults } = await run({
      oracle: plant.oracle,
      ground,
      plant,
      pairs: ENOUGH[plant.oracle],
      seed,
    });
    return { plant, caught: faults.length > 0, asked, by: faults[0] ?? '' };
  } catch (error) {
    // a service that does not start or answers 500 has not been found out by the oracle
    return { plant, caught: false, asked: 0, by: error instanceof Error ? error.message : String(error) };
  }
}

export function plantsFor(oracle: OracleName): readonly Plant[] {
  return PLANTS.filter((plant) => plant.oracle === oracle);
}

/** Does what there is to do, so much at a time, and gives the results in order. */
export async function together<T, R>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const at = next;
      next += 1;
      results[at] = await work(all[at] as T);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
