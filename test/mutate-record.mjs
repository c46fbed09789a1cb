// Mutants of the record: a PostgreSQL of their own, in which the county of the tests is loaded once, and Stryker beside it.
//
//   npm run check:mutation:record [-- --mutate dist/src/record/disclose.js]

import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { startEmbedded } = await import('../dist/src/storage/embedded.js');
const folder = mkdtempSync(join(tmpdir(), 'mcr-mutants-'));
// open to the account of the database, or the cluster would be put elsewhere and left there
chmodSync(folder, 0o755);
const cluster = await startEmbedded({
  dataFolder: folder,
  say: (line) => process.stdout.write(`${line}\n`),
  settings: { max_connections: '200' },
});
try {
  const env = {
    ...process.env,
    MCR_TEST_DATABASE_URL: cluster.url('postgres'),
    MCR_TEST_COUNTIES: join(folder, 'counties'),
  };
  const stryker = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const args = [stryker, 'run', 'stryker.record.config.json', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
