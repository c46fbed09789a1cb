import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../support/root.ts';
import { searchCoverage } from './search-coverage.ts';
import { coverageDocument, withCoverage } from './search-document.ts';

// npm run coverage:search [-- --json | --write]: what can be searched, beside what R4 defines. --write puts it into docs/search.md.

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const coverage = searchCoverage();
const path = join(repositoryRoot(), 'docs', 'search.md');

if (values.write) writeFileSync(path, withCoverage(readFileSync(path, 'utf8'), coverage));
else
  process.stdout.write(`${values.json ? JSON.stringify(coverage, null, 2) : coverageDocument(coverage)}\n`);
