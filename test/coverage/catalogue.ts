import { parseArgs } from 'node:util';
import { catalogueCoverage, catalogueText, coverageList } from './catalogue-coverage.ts';

// npm run coverage:catalogue [-- --json]: which cases of the attack catalogue a test names, and which none does.

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const catalogue = catalogueText();
if (catalogue === undefined) {
  process.stdout.write('The attack catalogue is not here: nothing can be said of it.\n');
} else {
  const coverage = catalogueCoverage(catalogue);
  process.stdout.write(`${values.json ? JSON.stringify(coverage, null, 2) : coverageList(coverage)}\n`);
  process.exitCode = coverage.missing.length + coverage.faults.length === 0 ? 0 : 1;
}
