import { createHash } from 'node:crypto';

/** One entry of a Bundle as a row: what it is, and by which id it is known every night. Pure. */

export type Json = Readonly<Record<string, unknown>>;

export interface EntryRow {
  readonly resource: Json & { readonly resourceType: string };
  readonly type: string;
  /** the source's id of it; where it gives none that lasts, made from a business identifier */
  readonly id: string;
  /** literals by which the other entries of the Bundle refer to it */
  readonly aliases: readonly string[];
}

export interface EntryFault {
  readonly rule: 'id' | 'entry' | 'nested-bundle' | 'request-method' | 'request-url' | 'no-stable-id';
  readonly type: string;
  readonly element?: string;
  readonly hint: string;
}

/** Bundles of which every entry is a resource as it is now. */
export const BUNDLE_TYPES: ReadonlySet<unknown> = new Set(['collection', 'batch', 'transaction']);

const TYPE = /^[A-Z][A-Za-z]{1,39}$/;
const SERVED_URL = /^https?:\/\/.{1,2000}\/([A-Z][A-Za-z]{1,39})\/([A-Za-z0-9\-.]{1,64})$/;
const REQUEST_URL = /^([A-Z][A-Za-z]{1,39})(?:\/([A-Za-z0-9\-.]{1,64})|\?.*)?$/;

/**
 * @param entry parsed JSON
 * @param bundleType in a batch or transaction every entry says by which request it is meant; undefined: not known yet
 */
export function entryRow(entry: unknown, bundleType: unknown): EntryRow | EntryFault {
  const { resource, fullUrl, request } = members(entry);
  const { resourceType: type, id, contained } = members(resource);
  const fault = requestFault(request, type, bundleType);
  if (fault !== undefined) return fault;
  if (typeof type !== 'string' || !TYPE.test(type)) {
    return { rule: 'entry', type: 'Bundle', element: 'Bundle.entry.resource', hint: 'holds no resource' };
  }
  if (type === 'Bundle' || listOf(contained).some((each) => members(each)['resourceType'] === 'Bundle')) {
    return { rule: 'nested-bundle', type: 'Bundle', hint: 'holds another Bundle' };
  }
  if (id !== undefined && typeof id !== 'string') {
    return { rule: 'id', type, element: `${type}.id`, hint: 'no FHIR id' };
  }
  const url = typeof fullUrl === 'string' ? fullUrl : '';
  const requested = requestedId(request);
  if (requested !== undefined && typeof id === 'string' && id !== requested) {
    return { rule: 'request-url', type, element: `${type}.id`, hint: 'not the id that its request names' };
  }
  const [, servedType, servedId] = SERVED_URL.exec(url) ?? [];
  const served = servedType === type ? servedId : undefined;
  const known = requested ?? lastingId(members(resource), type, url, served);
  if (known === undefined) {
    const hint =
      'neither an id of its own nor an identifier with system and value: give one that is the same every night';
    return { rule: 'no-stable-id', type, element: `${type}.identifier`, hint };
  }
  const aliases = [
    ...(url === '' ? [] : [url]),
    ...[id, served].flatMap((each) => (typeof each === 'string' ? [`${type}/${each}`] : [])),
  ];
  return { resource: { ...members(resource), resourceType: type }, type, id: known, aliases };
}

/** Identifiers by which a resource can be referred to, as `system|value`. */
export function identifiersOf(resource: Json): readonly string[] {
  return listOf(resource['identifier']).flatMap((each) => tokenOf(members(each)) ?? []);
}

/**
 * The id that is the same every night. One that only repeats the entry's own UUID may be another tomorrow: a business
 * identifier comes before it.
 */
function lastingId(
  resource: Json,
  type: string,
  url: string,
  served: string | undefined,
): string | undefined {
  const { id } = resource;
  const repeatsUrl = typeof id === 'string' && url.toLowerCase() === `urn:uuid:${id.toLowerCase()}`;
  if (typeof id === 'string' && !repeatsUrl) return id;
  if (served !== undefined) return served;
  const token = businessIdentifier(resource);
  if (token === undefined) return typeof id === 'string' ? id : undefined;
  return createHash('sha256').update(`${type} ${token}`).digest('hex');
}

/** The official one, else the first that is neither former nor temporary. */
function businessIdentifier(resource: Json): string | undefined {
  const lasting = listOf(resource['identifier'])
    .map(members)
    .filter(({ use }) => use !== 'old' && use !== 'temp');
  const ranked = [...lasting.filter(({ use }) => use === 'official'), ...lasting];
  return ranked.map(tokenOf).find((token) => token !== undefined);
}

function tokenOf({ system, value }: Json): string | undefined {
  return typeof system === 'string' && typeof value === 'string' && system !== '' && value !== ''
    ? `${system}|${value}`
    : undefined;
}

function requestFault(request: unknown, type: unknown, bundleType: unknown): EntryFault | undefined {
  const known = typeof type === 'string' && TYPE.test(type) ? type : 'Bundle';
  if (request === undefined) {
    if (bundleType !== 'batch' && bundleType !== 'transaction') return undefined;
    const hint = 'has no request, as every entry of a batch or transaction has';
    return { rule: 'request-method', type: known, element: 'Bundle.entry.request', hint };
  }
  const { method, url } = members(request);
  if (method !== 'POST' && method !== 'PUT') {
    const hint = 'neither POST nor PUT: what is deleted is left out of a full extract, or purged by a delta';
    return { rule: 'request-method', type: known, element: 'Bundle.entry.request.method', hint };
  }
  const [, named] = typeof url === 'string' ? (REQUEST_URL.exec(url) ?? []) : [];
  if (named === type) return undefined;
  const hint = 'not the type of its resource';
  return { rule: 'request-url', type: known, element: 'Bundle.entry.request.url', hint };
}

/** Of a PUT to `Type/id`. */
function requestedId(request: unknown): string | undefined {
  const { method, url } = members(request);
  return method === 'PUT' && typeof url === 'string' ? REQUEST_URL.exec(url)?.[2] : undefined;
}

function members(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
