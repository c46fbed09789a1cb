import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from '../support/root.ts';

/** One thing that the validator says of a file. */
export interface Message {
  readonly file: string;
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  /** FHIRPath, from the file's own resource */
  readonly location: string | null;
  /** the validator's own name of the message; null for what its parser says */
  readonly id: string | null;
  readonly message: string;
}

/** What is missing on this machine, in one sentence. */
export class Missing extends Error {}

const project = join(repositoryRoot(), 'test', 'validator');
const built = join(repositoryRoot(), '.build', 'validator');

/**
 * Finds Java and Maven and builds the validator's program: from Maven's local repository where it has all, else from
 * Maven Central.
 *
 * @throws Missing
 */
export async function buildJudge(say: (sentence: string) => void, signal: AbortSignal): Promise<void> {
  const java = await run('java', ['-version'], signal);
  const version = Number(/version "(\d+)/.exec(java.err)?.[1] ?? 0);
  if (version < 17) throw new Missing('Java 17 or newer is missing: install a JDK and put it on the PATH.');
  const maven = await run('mvn', ['-version'], signal);
  if (maven.code !== 0) throw new Missing('Maven is missing: install it and put mvn on the PATH.');
  const args = ['-q', '-B', '-Dstyle.color=never', '-f', join(project, 'pom.xml'), 'compile'];
  if ((await run('mvn', ['-o', ...args], signal)).code === 0) return;
  say('Fetching the validator from Maven Central …');
  const online = await run('mvn', args, signal);
  if (online.code === 0) return;
  const line = online.out.split('\n').find((one) => one.includes('ERROR')) ?? 'Maven said no more';
  throw new Missing(
    `The validator is missing: Maven built it neither from its local repository nor from Maven Central (${line.slice(0, 300)}).`,
  );
}

/**
 * Validates the JSON files of a folder.
 *
 * @param definitions folders of StructureDefinitions, ValueSets and CodeSystems beside R4's own; absent ones are left out
 * @throws Error where the program fails
 */
export async function validate(
  folder: string,
  definitions: readonly string[],
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const path = [join(built, 'classes'), readFileSync(join(built, 'classpath.txt'), 'utf8').trim()];
  const args = ['-Xmx2g', '-cp', path.join(delimiter), 'Judge', folder, ...definitions.filter(existsSync)];
  const { code, out, err } = await run('java', args, signal);
  if (code !== 0) throw new Error(`The validator failed: ${err.slice(0, 1000)}`);
  return out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Message => JSON.parse(line));
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @returns code 127 where there is no such program. @throws where it was stopped by the signal */
async function run(program: string, args: readonly string[], signal: AbortSignal): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (data) => out.push(data));
  child.stderr.on('data', (data) => err.push(data));
  const code = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      // a child that is being stopped says so here, and closes after it
      if (error.name !== 'AbortError') resolve(127);
    });
    child.on('close', (ended) => resolve(ended ?? 1));
  });
  signal.throwIfAborted();
  return { code, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8') };
}
