// The tests of the rules of access in one process, the quickest first: run by Stryker for every mutant, ended by the first
// assertion that fails.
import process from 'node:process';

process.env.TAP_BAIL = '1';
for (const file of [
  'rules-of-people',
  'rules-of-callers',
  'rules-of-data',
  'scopes',
  'explain',
  'edges',
  'decide',
])
  await import(`../dist/test/access/${file}.test.js`).catch((error) => {
    // a suite that is not there is no suite that passes
    process.stderr.write(`${error}\n`);
    process.exit(1);
  });
