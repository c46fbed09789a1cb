import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { unlessThere } from './made-once.ts';

/** Key material, 32 bytes each. */
export interface Secrets {
  /** makes resource ids: permanent, a change orphans every id ever given */
  readonly resourceIds: Buffer;
  /** compares NHS numbers of staff without storing them */
  readonly staffNumbers: Buffer;
  readonly pageTokens: Buffer;
}

/** Secrets that were looked for: those there are, asked for when the service starts, and what is wrong with the files. */
export interface SecretsRead {
  readonly secrets: () => Secrets;
  readonly faults: readonly string[];
}

/** Secrets from files named in the configuration: 64 hex digits each. Every fault is named with its path. */
export function secretsFromFiles(
  files: Readonly<Record<keyof Secrets, string>>,
  folder: string,
): SecretsRead {
  const faults: string[] = [];
  const read = (name: keyof Secrets): Buffer => {
    try {
      return hexKey(resolve(folder, files[name]));
    } catch (error) {
      faults.push(`/secrets/${name}: ${error instanceof Error ? error.message : 'cannot be read'}`);
      return Buffer.alloc(0);
    }
  };
  const secrets = secretsFrom(read);
  const given = (): Secrets => {
    if (faults.length > 0) throw new Error(faults.join(' '));
    return secrets;
  };
  return { secrets: given, faults };
}

/**
 * The demonstration's secrets: made at the first start, kept beside its data. There is no default secret.
 *
 * @throws Error with one sentence where they cannot be written or are damaged
 */
export function demoSecrets(dataFolder: string): Secrets {
  const folder = join(dataFolder, 'keys');
  makeDataFolder(dataFolder);
  writing(dataFolder, () => makeFolder(folder, 0o700));
  return secretsFrom((name) => {
    const file = join(folder, `${name}.hex`);
    writing(dataFolder, () =>
      unlessThere(() => writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 })),
    );
    return hexKey(file);
  });
}

/**
 * Makes the data folder, where it is missing, open to the account of the embedded database.
 *
 * @throws Error with one sentence where it cannot be made or written
 */
export function makeDataFolder(dataFolder: string): void {
  writing(dataFolder, () => {
    makeFolder(dataFolder, 0o755);
    accessSync(dataFolder, constants.W_OK | constants.X_OK);
  });
}

/** One level after the other: Node's own recursion never ends below a folder that takes no folders, as /proc. */
function makeFolder(folder: string, mode: number): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, 0o755);
  unlessThere(() => mkdirSync(folder, { mode }));
  if (!statSync(folder).isDirectory()) throw new Error('It is a file.');
}

function writing(dataFolder: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Error(`The data folder ${dataFolder} cannot be written. Name another with MCR_DATA.`, {
      cause: error,
    });
  }
}

function secretsFrom(read: (name: keyof Secrets) => Buffer): Secrets {
  return {
    resourceIds: read('resourceIds'),
    staffNumbers: read('staffNumbers'),
    pageTokens: read('pageTokens'),
  };
}

function hexKey(file: string): Buffer {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`the secret cannot be read from ${file}`, { cause: error });
  }
  if (!/^[0-9a-f]{64}$/.test(content)) throw new Error(`the secret in ${file} must be 64 hex digits`);
  return Buffer.from(content, 'hex');
}
