import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type MedplumClient, OperationOutcomeError } from '@medplum/core';
import type { ResourceType } from '@medplum/fhirtypes';
import { Client } from 'fhir-kit-client';
import smart from 'fhirclient';
import { medplumClient } from './clients.ts';
import { listOf } from './people.ts';
import type { Json } from './shared-data.ts';

/** Three clients that others wrote, each walking the same way in its own manner. */

export type Query = Readonly<Record<string, string>>;

export interface Walker {
  readonly name: string;
  /** the Bundles of a search, page after page, to the end */
  search(type: string, query: Query): Promise<readonly Json[]>;
  /** the Bundle of a search whose conditions are in the body */
  post(type: string, query: Query): Promise<Json>;
  read(type: string, id: string): Promise<Json>;
  vread(type: string, id: string, version: string): Promise<Json>;
  /** the Bundles of a history, a version a page, to the end */
  history(type: string, id: string): Promise<readonly Json[]>;
  /** what a program learns of a refusal: codes of the OperationOutcome's issues, and the status where it is told */
  refusal(error: unknown): Refusal;
}

export interface Refusal {
  readonly status?: number;
  readonly codes: readonly string[];
}

const FORM = 'application/x-www-form-urlencoded';

/** fhir-kit-client goes to the next link as it is given. */
export class KitWalker implements Walker {
  readonly name = 'fhir-kit-client';
  readonly #client: Client;

  constructor(fhirBase: string, token: string) {
    this.#client = new Client({ baseUrl: fhirBase, bearerToken: token });
  }

  async search(resourceType: string, searchParams: Query): Promise<readonly Json[]> {
    return this.#pages(await this.#client.search({ resourceType, searchParams }));
  }

  async #pages(first: Json & { resourceType: string }): Promise<readonly Json[]> {
    const bundles: Json[] = [];
    let page: typeof first | undefined = first;
    while (page !== undefined) {
      bundles.push(page);
      page = await this.#client.nextPage({ bundle: { ...page, link: linksOf(page) } });
    }
    return bundles;
  }

  post(resourceType: string, searchParams: Query): Promise<Json> {
    return this.#client.resourceSearch({ resourceType, searchParams, options: { postSearch: true } });
  }

  read(resourceType: string, id: string): Promise<Json> {
    return this.#client.read({ resourceType, id });
  }

  vread(resourceType: string, id: string, version: string): Promise<Json> {
    return this.#client.vread({ resourceType, id, version });
  }

  async history(resourceType: string, id: string): Promise<readonly Json[]> {
    return this.#pages(await this.#client.request(`${resourceType}/${id}/_history?_count=1`));
  }

  refusal(error: unknown): Refusal {
    const { response } = error as { response: { status: number; data: Json } };
    return { status: response.status, codes: codesOf(response.data) };
  }
}

/** MedplumClient rebuilds next links of its own. */
export class MedplumWalker implements Walker {
  readonly name = 'MedplumClient';
  readonly #client: MedplumClient;

  constructor(fhirBase: string, token: string) {
    this.#client = medplumClient(fhirBase, token);
  }

  async search(type: string, query: Query): Promise<readonly Json[]> {
    const bundles: Json[] = [];
    for await (const page of this.#client.searchResourcePages(type as ResourceType, query)) {
      bundles.push(page.bundle as object as Json);
    }
    return bundles;
  }

  post(type: string, query: Query): Promise<Json> {
    const url = this.#client.fhirUrl(type, '_search');
    return this.#client.post(url, new URLSearchParams(query).toString(), FORM);
  }

  async read(type: string, id: string): Promise<Json> {
    return (await this.#client.readResource(type as ResourceType, id)) as object as Json;
  }

  async vread(type: string, id: string, version: string): Promise<Json> {
    return (await this.#client.readVersion(type as ResourceType, id, version)) as object as Json;
  }

  async history(type: string, id: string): Promise<readonly Json[]> {
    const bundles: Json[] = [];
    let page = (await this.#client.readHistory(type as ResourceType, id, { count: 1 })) as object as Json;
    for (;;) {
      bundles.push(page);
      const next = linksOf(page).find(({ relation }) => relation === 'next');
      if (next === undefined) return bundles;
      page = await this.#client.get(next.url);
    }
  }

  refusal(error: unknown): Refusal {
    return error instanceof OperationOutcomeError
      ? { codes: codesOf(error.outcome as object as Json) }
      : { codes: [] };
  }
}

/** SMART's own client, of an app that was launched on one patient: it follows next links by its own request options. */
export class SmartWalker implements Walker {
  readonly name = 'fhirclient';
  readonly client: ReturnType<typeof smart.client>;

  constructor(fhirBase: string, token: string, patient: string) {
    const request = new IncomingMessage(new Socket());
    const api = smart(request, new ServerResponse(request));
    this.client = api.client({ serverUrl: fhirBase, tokenResponse: { access_token: token, patient } });
  }

  search(type: string, query: Query): Promise<readonly Json[]> {
    const url = `${type}?${new URLSearchParams(query)}`;
    return this.client.request<Json[]>(url, { pageLimit: 0 });
  }

  post(type: string, query: Query): Promise<Json> {
    const body = new URLSearchParams(query).toString();
    return this.client.request<Json>({
      url: `${type}/_search`,
      method: 'POST',
      body,
      headers: { 'content-type': FORM },
    });
  }

  read(type: string, id: string): Promise<Json> {
    return this.client.request<Json>(`${type}/${id}`);
  }

  vread(type: string, id: string, version: string): Promise<Json> {
    return this.client.request<Json>(`${type}/${id}/_history/${version}`);
  }

  history(type: string, id: string): Promise<readonly Json[]> {
    return this.client.request<Json[]>(`${type}/${id}/_history?_count=1`, { pageLimit: 0 });
  }

  /** the outcome is at the end of the message */
  refusal(error: unknown): Refusal {
    const { status, message } = error as { status: number; message: string };
    return { status, codes: codesOf(JSON.parse(message.slice(message.indexOf('{'))) as Json) };
  }
}

function codesOf(outcome: Json): readonly string[] {
  return listOf(outcome['issue']).map(({ code }) => String(code));
}

function linksOf(bundle: Json): { relation: string; url: string }[] {
  return (bundle['link'] ?? []) as { relation: string; url: string }[];
}

/** The resources of Bundles in one mode of search, in order. */
export function inMode(bundles: readonly Json[], mode: 'match' | 'include'): readonly Json[] {
  const entries = bundles.flatMap((bundle) => listOf(bundle['entry']));
  return entries
    .filter(({ search }) => (search as Json | undefined)?.['mode'] === mode)
    .map(({ resource }) => resource as Json);
}
