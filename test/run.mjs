// Runs every test of the compiled tree on tap, beside a PostgreSQL of its own, and closes with one line:
// "N passed, N failed", with ", N skipped" behind it where tests said that they skip.
//
//   node test/run.mjs [part of a test file's path ...]

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (sentence) => process.stdout.write(`${sentence}\n`);

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.js') ? [path] : [];
  });
}

/** The last summary line of a TAP stream: `# { total: 3, pass: 2, skip: 1 }`. */
function totals(tap) {
  const line = tap.split('\n').findLast((text) => /^# \{ total: /.test(text)) ?? '';
  const figure = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(line)?.[1] ?? 0);
  return { passed: figure('pass'), failed: figure('fail'), skipped: figure('skip') + figure('todo') };
}

/**
 * Every failed assertion of a TAP stream, under the tests it stands in, with the first lines of its details.
 * The reporter leaves out those of a test that ended otherwise, and a run elsewhere leaves no file behind to look into.
 */
function failures(tap) {
  const lines = tap.split('\n');
  const path = [];
  return lines.flatMap((line, at) => {
    const [, indent, name] = /^( *)(?:# Subtest: (.*))?/.exec(line) ?? [];
    const depth = indent.length / 4;
    if (name !== undefined) path.splice(depth, path.length, name);
    const failed = /^ *not ok \d+(.*)/.exec(line);
    if (failed === null || /# (?:SKIP|TODO)/i.test(failed[1])) return [];
    const end = lines.findIndex((text, later) => later > at && text.trim() === '...');
    const details = lines[at + 1]?.trim() === '---' ? lines.slice(at + 2, Math.min(end, at + 40)) : [];
    return [[...path.slice(0, depth), failed[1].trim()].join(' > '), ...details];
  });
}

async function main() {
  const wanted = process.argv.slice(2);
  const files = testFiles(join(root, 'dist', 'test'))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
  if (files.length === 0) {
    say('No test file was found.\n0 passed, 1 failed');
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'mcr-test-'));
  // open to the account of the database, or the cluster would be put elsewhere and left there
  chmodSync(folder, 0o755);
  const { startEmbedded } = await import('../dist/src/storage/embedded.js');
  const external = process.env.MCR_TEST_DATABASE_URL;
  const cluster =
    external === undefined
      ? await startEmbedded({
          dataFolder: folder,
          say,
          systemBinaries: process.env.MCR_SYSTEM_POSTGRESQL !== 'no',
          settings: { max_connections: '200' },
        })
      : undefined;
  try {
    mkdirSync(join(root, '.build'), { recursive: true });
    const output = join(root, '.build', 'test.tap');
    // counties are left in a server that is stopped at the end, never in somebody else's
    const own = cluster === undefined ? {} : { MCR_TEST_COUNTIES: join(folder, 'counties') };
    const code = await run(files, output, {
      MCR_TEST_DATABASE_URL: external ?? cluster.url('postgres'),
      ...own,
    });
    const tap = readFileSync(output, 'utf8');
    const { passed, failed, skipped } = totals(tap);
    for (const line of failures(tap)) say(line);
    const ok = code === 0 && failed === 0 && passed > 0;
    // a run that broke without a failed assertion (a crash, a time-out) must not read as a pass
    const shown = ok ? 0 : Math.max(failed, 1);
    // the reporter may leave a terminal sequence without a line end: the closing line stands alone
    say(`\n${passed} passed, ${shown} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    return ok ? 0 : 1;
  } finally {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(files, output, settings) {
  const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
  const env = { ...process.env, ...settings };
  const args = [tap, 'run', '--reporter=terse', `--output-file=${output}`, ...files];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

process.exitCode = await main();
