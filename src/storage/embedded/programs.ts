import path from 'node:path';
import { type Account, runAs } from './account.ts';

/**
 * Runs both programs as the account: that alone shows that it can reach them, that they are for this machine, and that
 * their libraries are found.
 * @returns their major, or why they cannot be used.
 */
export async function tryBinaries(account: Account, bin: string): Promise<number | string> {
  for (const program of ['initdb', 'postgres']) {
    const ran = await runAs(account, path.join(bin, program), ['--version'], 20_000);
    const major = /\(PostgreSQL\) (\d+)/.exec(ran.stdout)?.[1];
    if (ran.code !== 0 || major === undefined) {
      return `${program} does not run (${ran.stderr.trim().split('\n').at(-1) || ran.code})`;
    }
    if (program === 'postgres') return Number(major);
  }
  return 'no programs';
}
