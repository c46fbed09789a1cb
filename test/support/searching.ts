import { searchLine } from '../../src/fhir/search/extract.ts';
import type { Searched } from '../../src/fhir/search/match.ts';
import { compareStanding, standingOf } from '../../src/fhir/search/order.ts';
import type { ParsedParameter } from '../../src/fhir/search/parameter.ts';
import { parseSearch } from '../../src/fhir/search/parse.ts';
import type { SortKey } from '../../src/fhir/search/results.ts';
import { searchTable } from '../../src/fhir/search/tables.ts';
import { SearchWorld } from '../../src/fhir/search/world.ts';

/** A search from its text to its answer, as the routes put it together, without a server around it. */

export const BASE = 'https://record.example/fhir';
export const NOW = Date.UTC(2025, 5, 1);

export interface Resource {
  readonly resourceType: string;
  readonly id?: string;
  readonly [member: string]: unknown;
}

/** @param query `name=value&name=value`, nothing percent-encoded */
export function criteriaOf(type: string, query: string): readonly ParsedParameter[] {
  const table = searchTable(type);
  if (table === undefined) throw new Error(`${type} is not searched.`);
  const pairs = query.split('&').map((pair): readonly [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return parseSearch(pairs, table, { base: BASE });
}

export function searchedOf(resource: Resource): Searched {
  return { type: resource.resourceType, id: resource.id ?? 'x', line: searchLine(resource) };
}

/** Whether the query finds the resource. */
export function finds(query: string, resource: Resource): boolean {
  return new SearchWorld([], NOW).meets(searchedOf(resource), criteriaOf(resource.resourceType, query));
}

/** @returns the ids of a type that the query finds among resources that refer to each other */
export function found(type: string, query: string, resources: readonly Resource[]): readonly string[] {
  const all = resources.map(searchedOf);
  const world = new SearchWorld(all, NOW);
  const criteria = criteriaOf(type, query);
  return all.filter((each) => each.type === type && world.meets(each, criteria)).map(({ id }) => id);
}

/** @param sort as `_sort` has it; @returns ids in that order, ties as they came */
export function sorted(sort: string, resources: readonly Resource[]): readonly string[] {
  const keys = sort.split(',').map((key): SortKey => {
    const descending = key.startsWith('-');
    return { name: descending ? key.slice(1) : key, descending };
  });
  return resources
    .map(searchedOf)
    .map((searched) => ({ id: searched.id, standing: standingOf(searched, keys) }))
    .sort((a, b) => compareStanding(a.standing, b.standing, keys))
    .map(({ id }) => id);
}
