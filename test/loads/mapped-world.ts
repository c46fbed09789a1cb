import type { Test } from 'tap';
import type { Mapping } from '../../src/loads/mapped-csv/mapping.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import { MAPPING, people, person, service, services } from './mapped-terms.ts';
import { NUMBERS } from './rows.ts';
import { type ExtractSpec, type Loader, loader, policy } from './world.ts';

/** Nights of a source of plain tables. */

export const [ADA, BEN, CAT] = NUMBERS;

const SHARES = { Patient: {}, EpisodeOfCare: {}, ServiceRequest: {}, Task: {}, CarePlan: {}, CareTeam: {} };
const MAPPED = policy({ adult: { format: 'mapped-csv', shares: SHARES } });

export function mappedBy(mapping: Mapping): Partial<LoadOptions> {
  return { policy: MAPPED, mapping };
}

export function extract(
  files: ExtractSpec['files'],
  sequence = 1,
  more: Partial<ExtractSpec> = {},
): ExtractSpec {
  return { source: 'adult', format: 'mapped-csv', sequence, files, ...more };
}

/** Two people who agreed, each with a service. */
export const FIRST = {
  people: people(person('1', ADA), person('2', BEN)),
  services: services(service('a', '1'), service('b', '2')),
};

export async function firstNight(t: Test): Promise<Loader> {
  const world = await loader(t);
  t.match(await world.load(extract(FIRST), mappedBy(MAPPING)), { result: 'published' });
  return world;
}

export async function rejects(world: Loader): Promise<readonly Record<string, unknown>[]> {
  return world.rows(
    'select file, line, rule, element, hint from record.reject order by load_no, file, line, rule',
  );
}

/** What is stored of a type, as it is sent. */
export async function bodies(world: Loader, type: string): Promise<readonly Record<string, unknown>[]> {
  const rows = await world.rows(
    `select body::json as body from record.resource_version v where valid_to = 9223372036854775807
     and body like $1 order by v.body`,
    [`{"resourceType":"${type}"%`],
  );
  return rows.map((row) => row['body'] as Record<string, unknown>);
}
