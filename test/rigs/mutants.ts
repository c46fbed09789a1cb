import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { repositoryRoot } from '../support/root.ts';

/**
 * Plants mistakes in the verifier, one at a time, and looks whether what it says of a few hundred logs changes. A mutant
 * that says the same survives, and is named: either a test is missing, or the code says nothing there.
 */
const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, every: { type: 'string', default: '1' } },
});
const EVERY = Number(values.every);
const FILES = [
  'tree',
  'verify',
  'verify-shard',
  'verify-parts',
  'verify-checkpoints',
  'proof',
  'jws',
  'merkle',
];
/** A mutant that says nothing for so long hangs, and is caught by that. */
const PATIENCE = 60_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly source: string;
}

const SWAPS: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [ts.SyntaxKind.LessThanToken, ['<=', '>']],
  [ts.SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [ts.SyntaxKind.GreaterThanToken, ['>=', '<']],
  [ts.SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [ts.SyntaxKind.PlusToken, ['-']],
  [ts.SyntaxKind.MinusToken, ['+']],
  [ts.SyntaxKind.AmpersandAmpersandToken, ['||']],
  [ts.SyntaxKind.BarBarToken, ['&&']],
]);

function mutantsOf(file: string): readonly Mutant[] {
  const text = readFileSync(join(repositoryRoot(), 'dist', 'src', 'audit', `${file}.js`), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: Mutant[] = [];
  const plant = (node: ts.Node, instead: string): void => {
    const [from, to] = [node.getStart(tree), node.getEnd()];
    const line = tree.getLineAndCharacterOfPosition(from).line + 1;
    const what = `${text.slice(from, to).split('\n')[0]} -> ${instead}`;
    found.push({ file, line, what, source: text.slice(0, from) + instead + text.slice(to) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node))
      for (const swap of SWAPS.get(node.operatorToken.kind) ?? []) plant(node.operatorToken, swap);
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      plant(node, node.operand.getText(tree));
    if (ts.isNumericLiteral(node)) plant(node, String(Number(node.text) + 1));
    if (ts.isIfStatement(node)) {
      plant(node.expression, 'true');
      plant(node.expression, 'false');
    }
    if (ts.isExpressionStatement(node)) plant(node, ';');
    if (node.kind === ts.SyntaxKind.TrueKeyword) plant(node, 'false');
    if (node.kind === ts.SyntaxKind.FalseKeyword) plant(node, 'true');
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** A process that judges one mutant after the other. */
class Bench {
  #child: ChildProcess | undefined;

  /** @returns whether the mutant was caught */
  async caught(mutant: Mutant, place: string): Promise<boolean> {
    writeFileSync(place, mutant.source);
    const child = await this.#ready();
    const told = once(child, 'message').then(([message]) => message === 'caught');
    const ended = once(child, 'exit').then(() => true);
    child.send({ file: mutant.file, place });
    const verdict = await Promise.race([told, ended, sleep(PATIENCE, 'hangs' as const, { ref: false })]);
    if (verdict === 'hangs') this.end();
    if (child.exitCode !== null || verdict === 'hangs') this.#child = undefined;
    return verdict !== false;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
  }

  async #ready(): Promise<ChildProcess> {
    // one that came to its end after its verdict takes no more
    if (this.#child?.connected === true) return this.#child;
    const program = fileURLToPath(new URL('./mutant-child.js', import.meta.url));
    const child = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.setMaxListeners(0);
    this.#child = child;
    await once(child, 'message');
    return child;
  }
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-mutants-'));
  const bench = new Bench();
  try {
    const files = FILES.filter((file) => file.includes(values.only));
    let [all, survived] = [0, 0];
    for (const file of files) {
      const mutants = mutantsOf(file).filter((_, number) => number % EVERY === 0);
      let own = 0;
      for (const [number, mutant] of mutants.entries()) {
        if (await bench.caught(mutant, join(folder, `${file}-${number}.mjs`))) continue;
        own += 1;
        say(`  survived: ${file}.js:${mutant.line}  ${mutant.what}`);
      }
      say(`${file}: ${mutants.length} mutants, ${own} survived`);
      all += mutants.length;
      survived += own;
    }
    say(`${all} mutants, ${all - survived} caught, ${survived} survived`);
    return 0;
  } finally {
    bench.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
