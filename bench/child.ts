import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../src/package-root.ts';

/** As the service and `mcr` are started. */
const YOUNG_GENERATION = '--max-semi-space-size=64';

/** A program of this folder in a process of its own, once it has printed its first line. */
export interface Child {
  readonly process: ChildProcess;
  readonly line: string;
}

/** @throws Error where it ends without a line */
export async function child(program: string, args: readonly string[]): Promise<Child> {
  const path = join(packageRoot(), 'dist', 'bench', program);
  const running = spawn(process.execPath, [YOUNG_GENERATION, path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // the service's own log follows on the same pipe, and is thrown away as a log shipper would take it
  const lines = createInterface({ input: running.stdout });
  const ended = once(lines, 'close').then(() => {
    throw new Error(`${program} ended before it had said anything.`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => {});
  lines.close();
  running.stdout.resume();
  return { process: running, line };
}
