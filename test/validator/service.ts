import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateCounty } from '../../demo/county/generate.ts';
import type { CountySummary } from '../../demo/county/model.ts';
import { type DemoTokenOptions, demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import { type Configuration, readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { keysFolder } from '../../src/demonstration.ts';
import { londonDay } from '../../src/fhir/london.ts';
import { loadExtract, loadStaff } from '../../src/load.ts';
import { type Service, wire } from '../../src/wire.ts';
import { freePort } from '../support/free-port.ts';
import { repositoryRoot } from '../support/root.ts';

/** The running service, with a synthetic county in a database that lives as long as it does. */
export interface RunningService {
  readonly fhirBase: string;
  token(options: DemoTokenOptions): Promise<string>;
  /** @throws Error where the county has nobody of that name, or nobody with an NHS number */
  numberOf(name: string): string;
  /** the id of a named person, also of those whom no caller may see. @throws Error as above */
  personOf(name: string): string;
  /** stops the service and its database, and removes what they wrote. May be called more than once. */
  stop(): Promise<void>;
}

/** Enough for every named case; no more, since a validator takes its time. */
const PEOPLE = 60;

/** This source is out of date from its first moment on, so that answers have something to say. */
const STALE = 'out-of-hours';

/** @param say told, in sentences, what is being done */
export async function startService(say: (sentence: string) => void): Promise<RunningService> {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-validator-'));
  // open to the account of the database, or the cluster would be put elsewhere and left there
  chmodSync(folder, 0o755);
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= undoAll(undo);
    return stopped;
  };
  try {
    const configuration = await configurationIn(folder);
    mkdirSync(keysFolder(configuration), { recursive: true });
    await makeIssuerKeys(keysFolder(configuration));
    const database = await startDatabase(configuration, say);
    undo.push(() => database.stop());
    const service = await wire(configuration, database);
    undo.push(() => service.close());
    say('Loading a synthetic county …');
    const county = await loadCounty(service, join(folder, 'extracts'));
    await service.app.listen(configuration.listen);
    return { ...(await peopleOf(service, county)), ...tokensOf(configuration), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function undoAll(undo: readonly (() => unknown)[]): Promise<void> {
  for (const step of [...undo].reverse()) await step();
}

/** The demonstration's configuration with a port of its own and a source that is out of date. */
async function configurationIn(folder: string): Promise<Configuration> {
  const content = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  for (const source of content.sources) if (source.code === STALE) source.staleAfterHours = 1e-9;
  const file = join(folder, 'config.json');
  const most = 1_000_000;
  const limits = { requestsPerMinute: most, peoplePerUserHour: most, peoplePerClientHour: most };
  writeFileSync(file, JSON.stringify({ ...content, limits, logLevel: 'silent' }));
  const env = {
    MCR_CONFIG: file,
    MCR_DATA: join(folder, 'data'),
    MCR_PORT: String(await freePort()),
    MCR_SYSTEM_POSTGRESQL: process.env['MCR_SYSTEM_POSTGRESQL'],
  };
  return readConfiguration(env, repositoryRoot());
}

async function loadCounty(service: Service, folder: string): Promise<CountySummary> {
  const businessDate = londonDay(Date.now());
  const county = await generateCounty(folder, { seed: 7, people: PEOPLE, businessDate });
  await loadStaff(service, join(folder, 'staff.csv'));
  for (const code of service.configuration.policy.sources.keys()) {
    const { result } = await loadExtract(service, code, join(folder, code));
    if (result !== 'published') throw new Error(`The extract of ${code} was ${result}.`);
  }
  return county;
}

async function peopleOf(
  { database }: Service,
  county: CountySummary,
): Promise<Pick<RunningService, 'numberOf' | 'personOf'>> {
  const text = 'select nhs_number, person_id from record.person_number';
  const rows = await database.read({ name: 'validator-people', text }, []);
  const ids = new Map(rows.map(([number, id]) => [String(number), String(id)]));
  const numberOf = (name: string): string => {
    const number = county.cases.find((one) => one.name === name)?.nhsNumber;
    if (typeof number !== 'string') throw new Error(`The county has nobody with a number called ${name}.`);
    return number;
  };
  const personOf = (name: string): string => {
    const id = ids.get(numberOf(name));
    if (id === undefined) throw new Error(`The service knows nobody called ${name}.`);
    return id;
  };
  return { numberOf, personOf };
}

function tokensOf(configuration: Configuration): Pick<RunningService, 'fhirBase' | 'token'> {
  const { fhirBase } = configuration;
  return { fhirBase, token: (options) => demoToken(keysFolder(configuration), fhirBase, options) };
}
