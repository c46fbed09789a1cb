// The tests of the record in one process, the quickest first: run by Stryker for every mutant, ended by the first assertion that
// fails. The database is the one of `mutate-record.mjs`.
import process from 'node:process';

process.env.TAP_BAIL = '1';
process.env.TAP_TIMEOUT = '0';
for (const file of [
  'record/pieces',
  'record/completeness',
  'record/while-it-is-made',
  'http/merged-people',
  'http/search-gates',
])
  await import(`../dist/test/${file}.test.js`).catch((error) => {
    // a suite that is not there is no suite that passes
    process.stderr.write(`${error}\n`);
    process.exit(1);
  });
