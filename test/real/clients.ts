import { MedplumClient } from '@medplum/core';
import type { ResourceType } from '@medplum/fhirtypes';
import { Client } from 'fhir-kit-client';
import { NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';

/** Two clients written by others, each reading in its own way. */

/** What one answer after another brought. */
export interface Pages {
  readonly resources: readonly Json[];
  /** `total` of every page */
  readonly totals: readonly unknown[];
  /** the Bundles themselves */
  readonly bundles: readonly Json[];
}

/** fhir-kit-client: Patient by identifier, `$everything`, whole directories, reads; pages by its own `nextPage`. */
export class KitReader {
  readonly #client: Client;

  constructor(fhirBase: string, token: string) {
    this.#client = new Client({ baseUrl: fhirBase, bearerToken: token });
  }

  async patients(nhsNumber: string): Promise<Pages> {
    return this.search('Patient', { identifier: `${NHS_NUMBER}|${nhsNumber}` });
  }

  everything(patientId: string, count: number): Promise<Pages> {
    const input = { _count: count };
    return this.#pages(
      this.#client.operation({
        name: '$everything',
        resourceType: 'Patient',
        id: patientId,
        method: 'GET',
        input,
      }),
    );
  }

  search(resourceType: string, searchParams: Record<string, string | number>): Promise<Pages> {
    return this.#pages(this.#client.search({ resourceType, searchParams }));
  }

  read(resourceType: string, id: string): Promise<Json> {
    return this.#client.read({ resourceType, id });
  }

  async #pages(first: Promise<Json & { resourceType: string }>): Promise<Pages> {
    const bundles: Json[] = [];
    let page: (Json & { resourceType: string }) | undefined = await first;
    while (page !== undefined) {
      bundles.push(page);
      const link = linksOf(page);
      page = await this.#client.nextPage({ bundle: { ...page, link } });
    }
    return { resources: bundles.flatMap(matches), totals: bundles.map(({ total }) => total), bundles };
  }
}

/** Its requests are made by this process's own fetch, and nothing is kept between them. */
export function medplumClient(fhirBase: string, token: string): MedplumClient {
  const { origin, pathname } = new URL(fhirBase);
  return new MedplumClient({
    baseUrl: `${origin}/`,
    fhirUrlPath: `${pathname.slice(1)}/`,
    accessToken: token,
    cacheTime: 0,
    fetch: (url: string, options?: RequestInit) => fetch(url, options),
  });
}

/** MedplumClient: Patient by identifier, every type apart in small pages, `$everything` in one piece, reads. */
export class MedplumReader {
  readonly #client: MedplumClient;

  constructor(fhirBase: string, token: string) {
    this.#client = medplumClient(fhirBase, token);
  }

  async patients(nhsNumber: string): Promise<readonly Json[]> {
    const bundle = await this.#client.search('Patient', { identifier: `${NHS_NUMBER}|${nhsNumber}` });
    return matches(bundle as object as Json);
  }

  async search(type: string, query: Record<string, string | number>): Promise<readonly Json[]> {
    const found: Json[] = [];
    for await (const page of this.#client.searchResourcePages(type as ResourceType, query)) {
      found.push(...page.map((resource) => resource as object as Json));
    }
    return found.filter(({ resourceType }) => resourceType === type);
  }

  async read(type: string, id: string): Promise<Json> {
    return (await this.#client.readResource(type as ResourceType, id)) as object as Json;
  }

  /** All of a person in one answer, as far as the service gives it in one. */
  async everything(patientId: string): Promise<readonly Json[]> {
    return matches((await this.#client.readPatientEverything(patientId)) as object as Json);
  }
}

function linksOf(bundle: Json): { relation: string; url: string }[] {
  return (bundle['link'] ?? []) as { relation: string; url: string }[];
}

/** The resources of a Bundle's matches, without its outcome. */
function matches(bundle: Json): readonly Json[] {
  const entries = (bundle['entry'] ?? []) as { resource: Json; search: { mode: string } }[];
  return entries.filter(({ search }) => search.mode === 'match').map(({ resource }) => resource);
}
