import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sharedData } from '../real/shared-data.ts';
import { repositoryRoot } from '../support/root.ts';
import { type Collected, collect } from './collect.ts';
import { buildJudge, type Message, Missing, validate } from './judge.ts';
import { type Answer, groups, listOf, resourcesIn, sum, tableOf, verdictOf } from './report.ts';
import { SAMPLES } from './samples.ts';
import { startService } from './service.ts';

export interface CheckOptions {
  /** folder where the answers and what was said of them are left; absent: nothing is kept */
  readonly keep?: string;
  readonly say: (line: string) => void;
  /** stops everything that was started */
  readonly signal: AbortSignal;
}

/** A resource with a fault: a judge that says nothing of it is none. */
const CONTROL = { file: 'control.json', text: '{"resourceType":"Patient","gender":"banana"}' };

/**
 * Asks the running service for an answer of every kind, has the R4 validator judge them, and says what it found.
 *
 * @returns the exit code: 0 without errors, 1 with some, 2 where something is missing on this machine
 */
export async function check(options: CheckOptions): Promise<number> {
  const { say, signal } = options;
  const folder = mkdtempSync(join(tmpdir(), 'mcr-answers-'));
  try {
    await buildJudge(say, signal);
    const collected = await askAll(folder, options);
    const answers = [...answersOf(collected, folder), ...ownDefinitions(folder)];
    writeFileSync(join(folder, CONTROL.file), CONTROL.text);
    say(`The validator looks at ${sum(answers)} resources: this takes a minute …`);
    const messages = await validate(folder, definitions(say), signal);
    if (options.keep !== undefined) keep(options.keep, folder, messages);
    const control = messages.some(({ file, severity }) => file === CONTROL.file && severity === 'error');
    if (!control)
      throw new Error('The validator found nothing wrong with a faulty resource: it judges nothing.');
    return report(
      collected,
      answers,
      messages.filter(({ file }) => file !== CONTROL.file),
      say,
    );
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    say(error.message);
    return 2;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function askAll(folder: string, { say, signal }: CheckOptions): Promise<readonly Collected[]> {
  const service = await startService(say);
  try {
    signal.throwIfAborted();
    return await collect(service, SAMPLES, folder, signal);
  } finally {
    await service.stop();
  }
}

function answersOf(collected: readonly Collected[], folder: string): readonly Answer[] {
  return collected.flatMap(({ sample, file }) =>
    file === undefined ? [] : [{ ...sample, file, resources: resourcesOf(join(folder, file)) }],
  );
}

/** Our profiles, extensions and code systems are resources, too. */
function ownDefinitions(folder: string): readonly Answer[] {
  return jsonFilesOf(join(repositoryRoot(), 'profiles')).map((path, index): Answer => {
    const file = `profile-${String(index).padStart(3, '0')}.json`;
    copyFileSync(path, join(folder, file));
    const name = path.slice(repositoryRoot().length + 1);
    return { file, name, kind: 'our profiles', resources: resourcesOf(path) };
  });
}

function jsonFilesOf(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function resourcesOf(path: string): number {
  return resourcesIn(JSON.parse(readFileSync(path, 'utf8')));
}

/** Folders of definitions, in place: ours, UK Core's and IHE BALP's. */
function definitions(say: (line: string) => void): readonly string[] {
  const ours = join(repositoryRoot(), 'profiles');
  const data = sharedData();
  if (data === undefined) {
    say(
      'Without UK Core and BALP definitions (MCR_SHARED_DATA): their profiles cannot be checked, and are warnings.',
    );
    return [ours];
  }
  const ukCore = ['structuredefinitions', 'valuesets', 'codesystems'];
  return [
    ours,
    join(data, 'ihe-balp', 'definitions'),
    ...ukCore.map((name) => join(data, 'ukcore-definitions', name)),
  ];
}

function keep(target: string, folder: string, messages: readonly Message[]): void {
  const kept = resolve(target);
  mkdirSync(kept, { recursive: true });
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(kept, name));
  writeFileSync(
    join(kept, 'messages.ndjson'),
    messages.map((message) => `${JSON.stringify(message)}\n`).join(''),
  );
}

function report(
  collected: readonly Collected[],
  answers: readonly Answer[],
  messages: readonly Message[],
  say: (line: string) => void,
): number {
  const count = (wanted: string): number =>
    messages.filter((message) => verdictOf(message) === wanted).length;
  const all = groups(messages, answers);
  const wrong = collected.filter((one) => one.wrong !== undefined);
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) for (const line of ['', title, ...lines]) say(line);
  };
  section('Answers', tableOf(answers, messages));
  section('Warnings, by kind', listOf(all, 'warning'));
  section(
    'Not there yet',
    collected.filter(({ there }) => there === false).map(({ sample }) => `  ${sample.kind}: ${sample.name}`),
  );
  section(
    'There by now: no longer "later" in samples.ts',
    collected.filter(({ there }) => there === true).map(({ sample }) => `  ${sample.kind}: ${sample.name}`),
  );
  section(
    'Answers that were not as expected',
    wrong.map(({ sample, wrong: why }) => `  ${sample.kind}: ${sample.name}: ${why}`),
  );
  section('Errors, by kind', listOf(all, 'error'));
  say('');
  say(`Beside these: ${count('terminology')} times terminology not available here, ${count('note')} notes.`);
  const errors = count('error') + wrong.length;
  say(`${sum(answers)} resources, ${errors} errors, ${count('warning')} warnings`);
  return errors === 0 ? 0 : 1;
}
