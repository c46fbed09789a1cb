import { ALGORITHMS, DEFAULT_CLAIMS, TOKEN_KINDS } from './issuers.ts';
import { parsePointer } from './json-pointer.ts';
import { parseScopes } from './scopes.ts';
import { isObject, type JsonObject } from './strict-json.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isTexts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(isText);
const isPointer: Check = (value) => typeof value === 'string' && parsePointer(value) !== undefined;
const some =
  (values: readonly unknown[]): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => values.includes(one));

/** Every member an issuer's entry may have: what it must be, and whether it must be there. */
const MEMBERS: Readonly<Record<string, readonly [check: Check, must: string, needed?: 'needed']>> = {
  issuer: [isText, 'must be the exact `iss` of its tokens', 'needed'],
  audience: [isTexts, 'must list at least one audience', 'needed'],
  keys: [isKeys, 'must be {"file": path} or {"url": https URL}', 'needed'],
  algorithms: [some(ALGORITHMS), `must list some of ${ALGORITHMS.join(', ')}`, 'needed'],
  typ: [some(['JWT']), 'may only be ["JWT"]'],
  maxLifetime: [(value) => Number.isInteger(value) && Number(value) > 0, 'must be a number of seconds'],
  callers: [isCallers, 'must be {"fixed": kind} or {"claim": JSON Pointer, "kinds": [kind]}', 'needed'],
  clients: [
    (value) => isObject(value) && Object.values(value).every(isClient),
    'must give each client an organisation, with speaksFor, scopes (SMART scopes of the record) and keys where needed',
  ],
  organisations: [(value) => isAll(value) || isTexts(value), 'must list codes or be {"all": true}'],
  organisationSystems: [isTexts, 'must list identifier systems'],
  claims: [isClaims, `must map some of ${Object.keys(DEFAULT_CLAIMS).join(', ')} to JSON Pointers`],
  requires: [isRequires, 'must map JSON Pointers to lists of allowed values'],
};

/**
 * What is wrong with an issuer's entry in the configuration. A member that is not known is a fault: a misspelt
 * restriction would be none.
 *
 * @returns a sentence for each fault, beginning with the member's path; empty when the entry can be used
 */
export function issuerFaults(entry: unknown): readonly string[] {
  if (!isObject(entry)) return ['/ must be an object'];
  const faults = Object.keys(entry)
    .filter((name) => !Object.hasOwn(MEMBERS, name))
    .map((name) => `/${name} is not a member of an issuer`);
  for (const [name, [check, must, needed]] of Object.entries(MEMBERS)) {
    const value = entry[name];
    if (value === undefined ? needed !== undefined : !check(value)) faults.push(`/${name} ${must}`);
  }
  return [...faults, ...scopelessServices(entry)];
}

/** Where every token is a service's own, a client without scopes could do nothing: something was forgotten. */
function scopelessServices({ callers, clients }: JsonObject): readonly string[] {
  if (!isObject(callers) || callers['fixed'] !== 'system' || !isObject(clients)) return [];
  return Object.entries(clients)
    .filter(([, client]) => isClient(client) && isObject(client) && client['scopes'] === undefined)
    .map(([id]) => `/clients/${id} must list the scopes that the service may use at most`);
}

function hasOnly(value: object, ...names: string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

/** Plain HTTP only to this machine: whoever can change the keys on the way can be anybody. */
function isKeys(value: unknown): boolean {
  if (!isObject(value) || Object.keys(value).length !== 1) return false;
  if (value['file'] !== undefined) return isText(value['file']);
  const { url } = value;
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (
    protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  );
}

function isCallers(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (value['fixed'] !== undefined) return hasOnly(value, 'fixed') && some(TOKEN_KINDS)([value['fixed']]);
  const kinds = value['kinds'];
  return (
    hasOnly(value, 'claim', 'kinds') &&
    isPointer(value['claim']) &&
    (kinds === undefined || some(TOKEN_KINDS)(kinds))
  );
}

function isClient(value: unknown): boolean {
  if (!isObject(value) || !hasOnly(value, 'organisation', 'speaksFor', 'scopes', 'keys')) return false;
  const { organisation, speaksFor, scopes, keys } = value;
  return (
    isText(organisation) &&
    (speaksFor === undefined || isTexts(speaksFor)) &&
    (scopes === undefined || isScopes(scopes)) &&
    (keys === undefined || isKeys(keys))
  );
}

/** Each one scope that grants something here: a misspelt one would silently grant nothing. */
function isScopes(value: unknown): boolean {
  return Array.isArray(value) && isTexts(value) && value.every((text) => isOneScope(String(text)));
}

function isOneScope(text: string): boolean {
  return !text.includes(' ') && parseScopes(text).length === 1;
}

function isAll(value: unknown): boolean {
  return isObject(value) && hasOnly(value, 'all') && value['all'] === true;
}

function isClaims(value: unknown): boolean {
  return (
    isObject(value) && hasOnly(value, ...Object.keys(DEFAULT_CLAIMS)) && Object.values(value).every(isPointer)
  );
}

function isRequires(value: unknown): boolean {
  return isObject(value) && Object.keys(value).every(isPointer) && Object.values(value).every(isTexts);
}
