import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../support/root.ts';
import { PENDING } from './catalogue-pending.ts';

/*
 * Which cases of the attack catalogue a test names: ids are read from the names of tests, as they stand in the sources.
 * The catalogue is not part of the project: where it is absent, nothing is said of it.
 */

export interface Case {
  readonly id: string;
  /** of the catalogue: `2.2` */
  readonly section: string;
  /** tests whose names carry the id, as `file: name` */
  readonly tests: readonly string[];
  readonly pending?: string;
}

/** Sections of which no case may be missing. */
export const WHOLE: readonly string[] = ['2.2', '2.4', '2.5'];
/** Sections that are listed beside them. */
const BESIDE: readonly string[] = ['2.1', '2.3', '2.7', '2.9', '2.10'];

/** The catalogue's text; undefined where it is absent. */
export function catalogueText(): string | undefined {
  const data = process.env['MCR_SHARED_DATA'];
  const docs = data === undefined ? join(repositoryRoot(), '..', 'shared', 'docs') : join(data, '..', 'docs');
  const file = join(docs, 'attack-catalogue.md');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Ids of the first cells of the catalogue's tables, by section, in its order. */
export function casesIn(catalogue: string): readonly Pick<Case, 'id' | 'section'>[] {
  let section = '';
  return catalogue.split('\n').flatMap((line) => {
    section = /^###? (\d+\.\d+) /.exec(line)?.[1] ?? section;
    const id = /^\| (?:\*\*)?([A-Z]{1,2}-\d+)\b/.exec(line)?.[1];
    return id === undefined ? [] : [{ id, section }];
  });
}

const ID = /\b([A-Z]{1,2})-(\d{1,2})\b/;

/** Ids that a test's name carries; `S-07 to S-09` is each of them. */
export function idsIn(name: string): readonly string[] {
  const ranges = new RegExp(`${ID.source}(?: to ${ID.source})?`, 'g');
  return [...name.matchAll(ranges)].flatMap(([, letters = '', first = '', , last]) => {
    const width = first.length;
    const to = last === undefined ? Number(first) : Number(last);
    return Array.from(
      { length: to - Number(first) + 1 },
      (_, n) => `${letters}-${String(Number(first) + n).padStart(width, '0')}`,
    );
  });
}

/** Names of all tests: the first argument, a text, of every call of `test`. */
function testNames(): readonly { readonly file: string; readonly name: string }[] {
  const root = join(repositoryRoot(), 'test');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
  return files.sort().flatMap((file) => namesIn(file, readFileSync(join(root, file), 'utf8')));
}

function namesIn(file: string, text: string): readonly { readonly file: string; readonly name: string }[] {
  const names: { readonly file: string; readonly name: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'test'
    ) {
      const [name] = node.arguments;
      if (name !== undefined && ts.isStringLiteralLike(name)) names.push({ file, name: name.text });
      else if (name !== undefined && ts.isTemplateExpression(name))
        names.push({ file, name: name.getText() });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return names;
}

export interface Coverage {
  readonly cases: readonly Case[];
  /** cases of the sections that have to be whole, without a test and without a reason */
  readonly missing: readonly string[];
  /** what is wrong with the reasons: an id that is none, or that no test covers in part though it is said so */
  readonly faults: readonly string[];
}

export function catalogueCoverage(catalogue: string): Coverage {
  const tests = new Map<string, string[]>();
  for (const { file, name } of testNames())
    for (const id of idsIn(name)) tests.set(id, [...(tests.get(id) ?? []), `${file}: ${name}`]);
  const cases = casesIn(catalogue)
    .filter(({ section }) => [...WHOLE, ...BESIDE].includes(section))
    .map(({ id, section }): Case => {
      const pending = PENDING[id]?.reason;
      return { id, section, tests: tests.get(id) ?? [], ...(pending === undefined ? {} : { pending }) };
    });
  const known = new Map(cases.map((one) => [one.id, one]));
  const faults = Object.entries(PENDING).flatMap(([id, { inPart }]) => {
    const one = known.get(id);
    if (one === undefined) return [`${id} is no case of the catalogue`];
    const tested = one.tests.length > 0;
    if (tested === (inPart === true)) return [];
    return [tested ? `${id} has a test, and is said to have none` : `${id} has no test of a part`];
  });
  const missing = cases.filter(
    ({ section, tests: found, pending }) =>
      WHOLE.includes(section) && found.length === 0 && pending === undefined,
  );
  return { cases, missing: missing.map(({ id }) => id), faults };
}

/** The list as text: a line for every case, the sections that have to be whole first. */
export function coverageList({ cases, missing, faults }: Coverage): string {
  const lines: string[] = [];
  for (const section of [...WHOLE, ...BESIDE]) {
    const own = cases.filter((one) => one.section === section);
    const covered = own.filter((one) => one.tests.length > 0 && one.pending === undefined).length;
    const inPart = own.filter((one) => one.tests.length > 0 && one.pending !== undefined).length;
    const waiting = own.filter((one) => one.tests.length === 0 && one.pending !== undefined).length;
    if (section === BESIDE[0])
      lines.push('Listed beside them; tests without an id in their names are not counted.');
    const left = own.length - covered - inPart - waiting;
    lines.push(
      `${section}: ${own.length} cases, ${covered} covered, ${inPart} in part, ${waiting} pending, ${left} without a test`,
    );
    for (const { id, tests, pending } of own) {
      if (tests.length > 0) lines.push(`  ${id.padEnd(5)} ${tests.join('\n        ')}`);
      if (pending !== undefined)
        lines.push(
          `  ${(tests.length > 0 ? '' : id).padEnd(5)} ${tests.length > 0 ? 'in part' : 'pending'}: ${pending}`,
        );
      if (tests.length === 0 && pending === undefined) lines.push(`  ${id.padEnd(5)} no test`);
    }
  }
  lines.push(
    missing.length === 0
      ? `Of ${WHOLE.join(', ')} none is missing.`
      : `Missing of ${WHOLE.join(', ')}: ${missing.join(', ')}`,
    ...faults,
  );
  return lines.join('\n');
}
