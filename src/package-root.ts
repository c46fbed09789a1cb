import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './config.ts';

/** The folder of this package: of the checkout, or of the image. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readFileSync(file, 'utf8').includes('"name": "my-care-record"')) return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The package of this program was not found.');
    folder = parent;
  }
}

export function packageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content
    ? String(content.version)
    : 'unknown';
}

/** The only place that reads the environment: what is meant for us, and nothing else. */
export function environment(): Environment {
  const { MCR_CONFIG, MCR_PORT, MCR_DATA, MCR_DATABASE_URL, MCR_SYSTEM_POSTGRESQL } = process.env;
  return { MCR_CONFIG, MCR_PORT, MCR_DATA, MCR_DATABASE_URL, MCR_SYSTEM_POSTGRESQL };
}
