/** One command of `mcr`. */
export interface Command {
  readonly name: string;
  /** one line for the overview */
  readonly summary: string;
  /** what `--help` prints */
  readonly usage: string;
  /** @returns the exit code: 0 done, 1 failed or refused, 2 called wrongly */
  run(words: readonly string[]): Promise<number>;
}

/** The command was called in a way it does not take. */
export class UsageError extends Error {}

/** One line of standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Progress: one line that is written over on a terminal, a line now and then elsewhere. */
export function progress(): (line: string) => void {
  let last = 0;
  return (line) => {
    const now = Date.now();
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}`);
    else if (now - last > 5000) {
      last = now;
      process.stderr.write(`${line}\n`);
    }
  };
}
