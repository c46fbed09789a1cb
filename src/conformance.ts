import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConformanceResource } from './http/conformance.ts';

/**
 * Reads `profiles/`: a conformance resource a file, named `Type-id.json`.
 *
 * @returns in the order of type and id
 * @throws Error naming the file that does not hold what its name says
 */
export async function readConformance(folder: string): Promise<readonly ConformanceResource[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => conformanceResource(name, await readFile(join(folder, name), 'utf8'))),
  );
}

function conformanceResource(file: string, text: string): ConformanceResource {
  const resource = parsed(file, text);
  const member = (name: string): string => {
    const value = resource[name];
    if (typeof value !== 'string') throw new Error(`${file} of profiles/ has no ${name}.`);
    return value;
  };
  const [type, id] = [member('resourceType'), member('id')];
  if (file !== `${type}-${id}.json`) throw new Error(`${file} of profiles/ holds ${type}/${id}.`);
  const isProfile = resource['kind'] === 'resource' && resource['derivation'] === 'constraint';
  return {
    type,
    id,
    url: member('url'),
    version: member('version'),
    name: member('name'),
    status: member('status'),
    ...(isProfile && { constrains: member('type') }),
    body: JSON.stringify(resource),
  };
}

function parsed(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} of profiles/ is not JSON.`, { cause: error });
  }
}
