import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateCounty } from '../../demo/county/generate.ts';
import type { CountyOptions, NamedCase } from '../../demo/county/model.ts';
import { type DemoTokenOptions, demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import { type Configuration, readConfiguration } from '../../src/config.ts';
import { type StartedDatabase, startDatabase } from '../../src/database-start.ts';
import { loadExtract, loadStaff } from '../../src/load.ts';
import { type Service, wire } from '../../src/wire.ts';
import { closeConnections, type Ending, testDatabase } from './database.ts';
import { copyOf, loadedOnce } from './loaded-county.ts';
import { repositoryRoot } from './root.ts';

/** The whole service over a database of its own, with a county loaded by the real loader and a real issuer. */
export interface TestService {
  readonly service: Service;
  readonly configuration: Configuration;
  readonly started: StartedDatabase;
  readonly folder: string;
  readonly extracts: string;
  /** superuser URL of the database, to look behind the service */
  readonly databaseUrl: string;
  /** a named person of the county */
  person(name: string): NamedCase;
  token(options: DemoTokenOptions): Promise<string>;
  get(path: string, token?: string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  post(path: string, body: string, token?: string): Promise<TestAnswer>;
  /** asks several together, each by GET */
  batch(paths: readonly string[], token?: string): Promise<TestAnswer>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer's JSON is looked into by the test, member by member
  readonly json: any;
}

/** Changes the demonstration's configuration before it is read. */
export type Adjust = (configuration: Record<string, unknown>) => void;

/** Shared by all who change nothing of it before it is loaded (`loaded-county.ts`). */
export async function testService(
  t: Ending,
  county: Partial<CountyOptions> = {},
  adjust?: Adjust,
): Promise<TestService> {
  const options = { seed: 7, people: 120, businessDate: '2026-11-22', ...county };
  const folder = mkdtempSync(join(tmpdir(), 'mcr-service-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const shared =
    adjust === undefined ? await loadedOnce(options, (place) => loadApart(place, options)) : undefined;
  if (shared === undefined) return loadedService(t, folder, options, adjust);
  copyOf(shared, folder);
  const { address } = await testDatabase(t, shared.template);
  return serviceOver(t, folder, address.url);
}

/** @returns the name of the database, to which nobody is connected any more */
async function loadApart(folder: string, options: CountyOptions): Promise<string> {
  const ends: (() => unknown)[] = [];
  const t = { teardown: (end: () => unknown) => void ends.unshift(end) };
  const { databaseUrl, service } = await loadedService(t, folder, options);
  await service.close();
  const name = new URL(databaseUrl).pathname.slice(1);
  await closeConnections(name);
  return name;
}

async function loadedService(
  t: Ending,
  folder: string,
  options: CountyOptions,
  adjust: Adjust = () => {},
): Promise<TestService> {
  const { address } = await testDatabase(t);
  const content = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  Object.assign(content, { fhirBase: 'http://127.0.0.1:8080/fhir', logLevel: 'silent' });
  adjust(content);
  // what a test does between two requests is the same event loop's work, and takes long on a busy machine
  content.limits = { eventLoopDelayMs: 60_000, ...content.limits };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(content));
  const extracts = join(folder, 'extracts');
  await generateCounty(extracts, options);
  const made = await serviceOver(t, folder, address.url);
  await loadStaff(made.service, join(extracts, 'staff.csv'));
  for (const code of made.configuration.policy.sources.keys()) {
    const certificate = await loadExtract(made.service, code, join(extracts, code));
    if (certificate.result !== 'published') throw new Error(`${code}: ${JSON.stringify(certificate)}`);
  }
  return made;
}

/** The service over a folder with a configuration and a county's extracts, and over a database, as they stand. */
export async function serviceOver(t: Ending, folder: string, databaseUrl: string): Promise<TestService> {
  const env = {
    MCR_CONFIG: join(folder, 'config.json'),
    MCR_DATA: join(folder, 'data'),
    MCR_DATABASE_URL: databaseUrl,
    MCR_PORT: '0',
  };
  const configuration = readConfiguration(env, repositoryRoot());
  const keys = join(configuration.dataFolder, 'keys');
  mkdirSync(keys, { recursive: true });
  await makeIssuerKeys(keys);
  const started = await startDatabase(configuration, () => {});
  const service = await wire(configuration, started);
  t.teardown(() => service.close());
  const extracts = join(folder, 'extracts');
  const { cases } = JSON.parse(readFileSync(join(extracts, 'cases.json'), 'utf8')) as { cases: NamedCase[] };
  const ask = async (
    method: 'GET' | 'POST',
    path: string,
    token: string | undefined,
    headers: Readonly<Record<string, string>>,
    payload?: string,
  ): Promise<TestAnswer> => {
    const answer = await service.app.inject({
      method,
      url: path.startsWith('/') ? path : `/fhir/${path}`,
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(payload === undefined ? {} : { payload }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      json: parsed(answer.body),
    };
  };
  return {
    service,
    configuration,
    started,
    folder,
    extracts,
    databaseUrl,
    person(name) {
      const found = cases.find((one) => one.name === name);
      if (found === undefined) throw new Error(`The county has no case ${name}.`);
      return found;
    },
    token: (tokenOptions) => demoToken(keys, configuration.fhirBase, tokenOptions),
    get: (path, token, headers = {}) => ask('GET', path, token, headers),
    post: (path, body, token) =>
      ask('POST', path, token, { 'content-type': 'application/x-www-form-urlencoded' }, body),
    batch: (paths, token) => {
      const entry = paths.map((url) => ({ request: { method: 'GET', url } }));
      const bundle = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry });
      return ask('POST', '/fhir', token, { 'content-type': 'application/fhir+json' }, bundle);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';

export function byNumber(nhsNumber: string | null): string {
  return `${NHS_NUMBER}%7C${nhsNumber ?? ''}`;
}
