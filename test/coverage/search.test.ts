import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SERVED_NAMES } from '../../src/fhir/served.ts';
import { SEARCHES } from '../../src/http/searches.ts';
import { repositoryRoot } from '../support/root.ts';
import { type CoveredParameter, searchCoverage, type TypeCoverage } from './search-coverage.ts';
import { BEGIN, END, withCoverage } from './search-document.ts';

const coverage = searchCoverage();

function of(type: string): TypeCoverage | undefined {
  return coverage.types.find((each) => each.type === type);
}

function parameter(type: string, name: string): CoveredParameter | undefined {
  return of(type)?.parameters.find((each) => each.name === name);
}

t.test('docs/search.md is in step: npm run coverage:search -- --write', async (t) => {
  const written = readFileSync(join(repositoryRoot(), 'docs', 'search.md'), 'utf8');
  t.equal(written, withCoverage(written, coverage));
  t.throws(() => withCoverage(BEGIN, coverage), new Error(`The document has no line ${END}.`));
});

t.test('what is left out has a reason, and nothing else is', async (t) => {
  const types = coverage.types.map(({ type }) => type);
  t.strictSame(types, SERVED_NAMES);
  for (const { type, leftOut, defined, served } of coverage.types) {
    for (const { name, reason } of leftOut) t.not(reason, 'without a reason', `${type}.${name}`);
    t.equal(served, defined - leftOut.length, `${type} has all others`);
  }
});

t.test('what the interface takes more narrowly is said', async (t) => {
  for (const { type, searched, parameters } of coverage.types) {
    const read = SEARCHES[type]?.parameters;
    t.equal(searched, read !== undefined, type);
    if (read !== undefined) t.equal(parameters.length, read.length, `${type} has what is read, and no more`);
  }
  t.notOk(of('Medication')?.searched);
  t.notOk(of('Binary')?.searched);
  t.match(parameter('Observation', 'patient')?.note, /NHS number, once/);
  t.match(parameter('Patient', 'identifier')?.note, /NHS number only/);
  t.match(parameter('AuditEvent', 'agent')?.note, /no chain/);
  t.equal(parameter('AuditEvent', '_has'), undefined);
  t.strictSame(parameter('Observation', 'code')?.modifiers, [':missing', ':not', ':text']);
  t.strictSame(parameter('Observation', 'encounter')?.leadsTo, ['Encounter']);
});
