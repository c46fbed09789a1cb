import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOf, NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';
import { inMode } from './walkers.ts';

/** The person whose record is walked, and what is to be found of it. */

/** What there is of the person, as `$everything` gives it. */
export interface World {
  readonly nhsNumber: string;
  readonly patientId: string;
  readonly rows: readonly Json[];
}

/** The NHS number of whoever has most reports of the hospital, beside the cases that are made to be difficult. */
export function richest(extracts: string): string {
  const rows = (type: string): readonly Json[] =>
    readFileSync(join(extracts, 'acute', `${type}.ndjson`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const { cases } = JSON.parse(readFileSync(join(extracts, 'cases.json'), 'utf8')) as {
    readonly cases: readonly { readonly nhsNumber: string | null }[];
  };
  const numbers = new Map(
    rows('Patient').map(({ id, identifier }) => {
      const number = listOf(identifier).find(({ system }) => system === NHS_NUMBER)?.['value'];
      return [`Patient/${String(id)}`, String(number)];
    }),
  );
  const counts = new Map<string, number>();
  for (const { subject } of rows('DiagnosticReport')) {
    const number = numbers.get(String((subject as Json)['reference'])) ?? '';
    const isCase = cases.some(({ nhsNumber }) => nhsNumber === number);
    if (!isCase) counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  if (first === undefined) throw new Error('Nobody has a report.');
  return first[0];
}

export async function readWorld(fhirBase: string, token: string, nhsNumber: string): Promise<World> {
  const get = async (address: string): Promise<readonly Json[]> => {
    const answer = await fetch(`${fhirBase}/${address}`, { headers: { authorization: `Bearer ${token}` } });
    return inMode([(await answer.json()) as Json], 'match');
  };
  const [patient] = await get(`Patient?identifier=${encodeURIComponent(`${NHS_NUMBER}|${nhsNumber}`)}`);
  const patientId = String(patient?.['id']);
  const rows = await get(`Patient/${patientId}/$everything?_count=1000`);
  return { nhsNumber, patientId, rows };
}

export function ofType({ rows }: World, type: string): readonly Json[] {
  return rows.filter(({ resourceType }) => resourceType === type);
}

export function nameOf({ resourceType, id }: Json): string {
  return `${String(resourceType)}/${String(id)}`;
}

export function names(resources: readonly Json[]): readonly string[] {
  return resources.map(nameOf).sort();
}

/** What an element of the resources refers to, each once. */
export function pointedAt(resources: readonly Json[], element: string): readonly string[] {
  const references = resources.flatMap((each) => {
    const value = each[element];
    return Array.isArray(value) ? listOf(value) : value === undefined ? [] : [value as Json];
  });
  return [...new Set(references.map(({ reference }) => String(reference)))].sort();
}

export function leadsTo(resource: Json, element: string, targets: readonly Json[]): boolean {
  const known = new Set(targets.map(nameOf));
  return pointedAt([resource], element).some((name) => known.has(name));
}
