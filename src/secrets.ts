import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Key material, 32 bytes each. */
export interface Secrets {
  /** makes resource ids: permanent, a change orphans every id ever given */
  readonly resourceIds: Buffer;
  /** compares NHS numbers of staff without storing them */
  readonly staffNumbers: Buffer;
  readonly pageTokens: Buffer;
}

const NAMES = ['resourceIds', 'staffNumbers', 'pageTokens'] as const;

/**
 * Secrets from files named in the configuration: 64 hex digits each.
 *
 * @throws Error naming the file that cannot be read or does not hold that
 */
export function secretsFromFiles(files: Readonly<Record<keyof Secrets, string>>, folder: string): Secrets {
  return collected((name) => hexKey(resolve(folder, files[name]), name));
}

/** The demonstration's secrets: made at the first start, kept beside its data. There is no default secret. */
export function demoSecrets(dataFolder: string): Secrets {
  const folder = join(dataFolder, 'keys');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`The data folder ${dataFolder} cannot be written. Name another with MCR_DATA.`, {
      cause: error,
    });
  }
  return collected((name) => {
    const file = join(folder, `${name}.hex`);
    try {
      writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Error(`The data folder ${dataFolder} cannot be written. Name another with MCR_DATA.`, {
          cause: error,
        });
      }
    }
    return hexKey(file, name);
  });
}

function collected(read: (name: keyof Secrets) => Buffer): Secrets {
  const [resourceIds, staffNumbers, pageTokens] = NAMES.map(read);
  if (resourceIds === undefined || staffNumbers === undefined || pageTokens === undefined) {
    throw new Error('A secret is missing.');
  }
  return { resourceIds, staffNumbers, pageTokens };
}

function hexKey(file: string, name: string): Buffer {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`The secret ${name} cannot be read from ${file}.`, { cause: error });
  }
  if (!/^[0-9a-f]{64}$/.test(content))
    throw new Error(`The secret ${name} in ${file} must be 64 hex digits.`);
  return Buffer.from(content, 'hex');
}
