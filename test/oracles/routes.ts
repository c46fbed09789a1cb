import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import Fastify from 'fastify';
import { demoToken } from '../../demo/issuer.ts';
import { isServed, served } from '../../src/fhir/served.ts';
import { type RegisteredRoute, registeredRoutes, requireRoutePolicies } from '../../src/http/route-policy.ts';
import { NEVER } from '../support/gate.ts';
import { GP } from '../support/hard-cases.ts';
import { storedOf } from './rows.ts';
import type { County } from './scenarios.ts';

/*
 * G-4, route x method x caller: every route that is registered, and every method that is not, asked for one person's
 * record by callers of every kind. Made from the table of routes: a route that is added is asked, too.
 */

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof METHODS)[number];

const PERSON = 'staff-patient';
const CANARY = 'canary-of-the-person';

/** Callers of the catalogue that the service does not know yet: they have no token that it would take. */
export const NOT_BUILT: Readonly<Record<string, string>> = {
  proxy: 'proxies are out until they are granted (DESIGN 8)',
  'federated node': 'federation is not built',
};

interface Who {
  readonly name: string;
  readonly authorization?: string;
  /** may see something of the person; of an officer: the audit log, which names whoever asked */
  readonly sees: boolean | 'audit';
  /** nobody that is known: 401 wherever a token is asked for */
  readonly stranger: boolean;
}

export interface Matrix {
  readonly asked: number;
  readonly routes: number;
  readonly callers: readonly string[];
  /** answers that held something of the person */
  readonly shown: number;
  readonly faults: readonly string[];
}

export async function routeMatrix(county: County, untilFound = false): Promise<Matrix> {
  const { service, client } = county;
  const { app } = service.service;
  const person = county.idOf(PERSON);
  await client.query(
    `update record.resource_version set body = (body::jsonb || jsonb_build_object('language', $2::text))::text where person_id = $1`,
    [person, CANARY],
  );
  const nhsNumber = service.person(PERSON).nhsNumber ?? '';
  const address = await addressesOf(county, person);
  const routes = registeredRoutes(app);
  const callers = await callersOf(county);
  const faults: string[] = [...undeclared()];
  const [asks, registered] = [new Map<string, RegisteredRoute>(), new Set<string>()];
  for (const route of routes) {
    registered.add(`${route.method} ${route.url}`);
    asks.set(`${route.method} ${route.url}`, route);
  }
  // a route for HEAD answers GET, too
  for (const url of new Set(routes.map((route) => route.url)))
    for (const method of METHODS)
      if (!registered.has(`${method} ${url}`) && !(method === 'GET' && registered.has(`HEAD ${url}`)))
        asks.set(`${method} ${url}`, { method, url, policy: 'refused' });
  const audited = new Map<string, string>();
  let [asked, shown] = [0, 0];
  for (const [name, route] of asks) {
    const open = !registered.has(name);
    for (const who of callers) {
      if (open && !['nobody', 'general practitioner'].includes(who.name)) continue;
      asked += 1;
      const answer = await app.inject({
        method: route.method as Method,
        ...address(route),
        headers: {
          'x-request-id': `matrix-${asked}`,
          ...(who.authorization === undefined ? {} : { authorization: who.authorization }),
          ...address(route).headers,
        },
      });
      const holds = answer.body.includes(CANARY) || answer.body.includes(nhsNumber);
      if (holds) shown += 1;
      const found = [
        ...wrong(route, who, answer.statusCode, holds, open),
        ...(holds ? unsealed(answer.headers) : []),
      ];
      if (route.policy === 'disclosed' && !who.stranger)
        audited.set(`matrix-${asked}`, `${name}, ${who.name}: is no event`);
      faults.push(...found.map((what) => `${name}, ${who.name}: ${what}`));
      if (untilFound && faults.length > 0) break;
    }
    if (untilFound && faults.length > 0) break;
  }
  faults.push(...(await withoutEvent(county, audited)));
  return { asked, routes: routes.length, callers: callers.map((who) => who.name), shown, faults };
}

function wrong(
  { policy, url }: RegisteredRoute,
  who: Who,
  status: number,
  holds: boolean,
  open: boolean,
): readonly string[] {
  const faults: string[] = [];
  // a health check may say that it is not ready
  if (status >= 500 && policy !== 'operations') faults.push(`${status}`);
  const sees = who.sees === 'audit' ? url.startsWith('/fhir/AuditEvent') : who.sees;
  if (holds && (!sees || policy !== 'disclosed')) faults.push('holds what is of the person');
  if ((policy === 'refused' || open) && status < 400 && policy !== 'preflight') faults.push(`${status}`);
  if (!open && ['disclosed', 'computed', 'refused'].includes(policy) && who.stranger && status !== 401)
    faults.push(`${status}, not 401`);
  return faults;
}

function unsealed(headers: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = [];
  if (headers['cache-control'] !== 'no-store') faults.push('may be stored on the way');
  if ('etag' in headers) faults.push('has an ETag');
  return faults;
}

/** What was asked by somebody known and is no committed event. */
async function withoutEvent(
  { client }: County,
  asked: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ request_id: string }>(
    'select distinct request_id from audit.event where request_id = any($1)',
    [[...asked.keys()]],
  );
  const written = new Set(rows.map((row) => row.request_id));
  return [...asked].filter(([id]) => !written.has(id)).map(([, fault]) => fault);
}

/** A route that declares nothing must stop the start. */
function undeclared(): readonly string[] {
  const app = Fastify();
  requireRoutePolicies(app);
  try {
    app.get('/forgotten', () => '');
    return ['a route that declares no policy is taken'];
  } catch {
    return [];
  }
}

async function callersOf(county: County): Promise<readonly Who[]> {
  const { token, citizen, service } = county;
  const { configuration } = service;
  const keys = join(configuration.dataFolder, 'keys');
  const ended = await token({ ...GP, lifetime: 1 });
  const elsewhere = await demoToken(keys, 'https://elsewhere.example/fhir', GP);
  await later(1100);
  const stranger = (name: string, bearer?: string): Who => ({
    name,
    stranger: true,
    sees: false,
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  });
  const known = async (name: string, bearer: Promise<string>, sees: Who['sees'] = false): Promise<Who> => ({
    name,
    stranger: false,
    sees,
    authorization: `Bearer ${await bearer}`,
  });
  return [
    stranger('nobody'),
    stranger('a token that is none', 'e30.e30.e30'),
    stranger('a token that has ended', ended),
    stranger('a token for another service', elsewhere),
    await known('the person', citizen(PERSON), true),
    await known('another person', citizen('only-gp')),
    await known('general practitioner', token(GP), true),
    await known(
      'social worker',
      token({ kind: 'staff', organisation: 'bucks-council', role: 'social-worker', user: 'sw-1' }),
      true,
    ),
    await known('staff without a reason', token({ ...GP, reason: ' ' })),
    await known("staff, the user's own record", token({ ...GP, organisation: 'K82001', user: 'gp-smith' })),
    await known('staff of who has not signed', token({ ...GP, organisation: 'K82999' })),
    await known(
      'privacy officer',
      token({ kind: 'governance', organisation: 'K82001', role: 'privacy-officer', user: 'po-1' }),
    ),
    await known(
      'central monitoring',
      token({ kind: 'governance', organisation: 'mcr-ig', role: 'central-monitoring', user: 'ig' }),
      'audit',
    ),
    await known('a system: loader or partner without a user', token({ kind: 'system' })),
  ];
}

interface Address {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: string;
}

/** What of a route is asked: of the person, wherever it takes something of a person. */
async function addressesOf(county: County, person: string): Promise<(route: RegisteredRoute) => Address> {
  const rows = await storedOf(county.client, [person]);
  const today = new Date().toISOString().slice(0, 10);
  return ({ method, url }) => {
    const type = /^\/fhir\/([A-Z][A-Za-z]+)/.exec(url)?.[1] ?? '';
    const row = rows.find((one) => one.type === type);
    const id = type === 'Patient' ? person : (row?.id ?? NEVER);
    const path = url
      .replace(/:id/g, id)
      .replace(/:version/g, row?.from ?? '1')
      .replace(/:\w+/g, 'unknown')
      .replace(/\*/g, '');
    const query = queryOf(type, person, today);
    if (method === 'POST' && url.endsWith('/_search'))
      return {
        url: path,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: query,
      };
    if (method === 'POST' || method === 'PUT' || method === 'PATCH')
      return {
        url: path,
        headers: { 'content-type': 'application/fhir+json' },
        payload: bodyOf(url, person),
      };
    const searches = /^\/fhir\/[A-Z][A-Za-z]+$/.test(url) && query !== '';
    return { url: searches ? `${path}?${query}` : path, headers: {} };
  };
}

function queryOf(type: string, person: string, today: string): string {
  if (type === 'Patient') return `_id=${person}`;
  if (type === 'AuditEvent') return `date=${today}&patient=${person}`;
  return isServed(type) && served(type).keeping !== 'directory' ? `patient=${person}` : '';
}

function bodyOf(url: string, person: string): string {
  if (url === '/fhir' || url === '/fhir/')
    return JSON.stringify({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request: { method: 'GET', url: `Patient/${person}/$everything` } }],
    });
  if (url.endsWith('$everything'))
    return JSON.stringify({ resourceType: 'Parameters', parameter: [{ name: '_count', valueInteger: 50 }] });
  return JSON.stringify({ resourceType: 'Patient', id: person });
}
