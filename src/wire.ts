import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { lateSince } from './access/arrival.ts';
import type { Caller } from './access/caller.ts';
import { hashOfName, nhsNumberHmac } from './access/staff-number.ts';
import { TokenVerifier } from './access/token.ts';
import { UserAssertions } from './access/user-assertion.ts';
import { OBSERVER } from './audit/agents.ts';
import { Journal } from './audit/journal.ts';
import type { JournalHappening } from './audit/journal-options.ts';
import type { Occurrence } from './audit/occurrence.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type Configuration, readConfiguration } from './config.ts';
import { readConformance } from './conformance.ts';
import { auditorDatabase, recordDatabase, type StartedDatabase, startDatabase } from './database-start.ts';
import { buildApp } from './http/app.ts';
import type { ConformanceResource } from './http/conformance.ts';
import type { SourceSight } from './http/loads-page.ts';
import type { HttpServices } from './http/services.ts';
import { Metrics } from './metrics.ts';
import { environment, packageRoot, packageVersion } from './package-root.ts';
import { PeopleWatch } from './people-watch.ts';
import { PageTokens } from './record/page-token.ts';
import { PeopleAsked } from './record/people-asked.ts';
import type { DisclosePorts } from './record/ports.ts';
import { checkpointsOf } from './sealing.ts';
import { LateWatch, sightOf } from './source-sight.ts';
import { StoredAuditReader } from './storage/audit-reader.ts';
import { AuditWriter } from './storage/audit-writer.ts';
import type { Database } from './storage/database.ts';
import { loadsInSight, notedProgress } from './storage/load-overview.ts';
import { keepPolicy } from './storage/policies.ts';
import { publishedSources, readiness } from './storage/readiness.ts';
import { StoredRecord } from './storage/record-store.ts';
import { tellConfiguration } from './tell-configuration.ts';

/** The service, wired: every port with what implements it. */
export interface Service {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly journal: Journal;
  readonly disclosure: DisclosePorts;
  readonly app: FastifyInstance;
  /** seals the audit log; started by whoever serves */
  readonly checkpoints: Checkpoints;
  /** whom a token proves here. @throws Problem where it is not taken */
  callerOf(token: string): Promise<Caller>;
  /** writes an event that is not a disclosure */
  account(occurrence: Occurrence): Promise<void>;
  /** looks at what is late, and says so in the log once */
  watchSources(): Promise<void>;
  /** learns whom other processes have counted against the limits of people asked for */
  countTogether(): Promise<void>;
  /** stops accepting, writes what is queued, closes connections. The database itself stays. */
  close(): Promise<void>;
}

/** @throws Error where the journal cannot take a shard: nothing could be audited, so nothing is served */
export async function wire(configuration: Configuration, started: StartedDatabase): Promise<Service> {
  const secrets = configuration.secrets();
  const log = pino({ level: configuration.logLevel, base: null }, pino.destination({ sync: false }));
  const database = recordDatabase(started);
  const sight = (): Promise<readonly SourceSight[]> => sourcesInSight(configuration, database);
  const metrics = new Metrics(sight);
  await keepPolicy(database, configuration.policyText, Date.now());
  const auditor = auditorDatabase(started);
  const journal = await startJournal(configuration, started, metrics, log);
  const { policy, fhirBase, limits } = configuration;
  const people = new PeopleAsked({
    perUser: limits.peoplePerUserHour,
    perClient: limits.peoplePerClientHour,
  });
  const disclosure: DisclosePorts = {
    store: new StoredRecord(database, policy, Date.now, (number) =>
      nhsNumberHmac(secrets.staffNumbers, number),
    ),
    sources: [],
    journal,
    auditReader: new StoredAuditReader(auditor),
    now: Date.now,
    randomUUID,
    deadline: limits.deadlineMs,
    auditSearchTime: limits.auditSearchMs,
    baseUrl: fhirBase,
    pageTokens: new PageTokens(secrets.pageTokens),
    people,
    hashOfName: (name) => hashOfName(secrets.staffNumbers, name),
    sweptBy: (by, eventId) => {
      metrics.sweep(by);
      log.warn({ by, eventId }, 'more people asked for than allowed');
    },
    alerted: (kind, eventId) => {
      metrics.alert(kind);
      log.warn({ kind, eventId }, 'alert for the privacy officer');
    },
  };
  const watch = new PeopleWatch(people, disclosure.auditReader, Date.now, () =>
    log.warn('the audit log cannot be read: people asked for are counted by this process alone'),
  );
  await watch.start();
  const account = async (occurrence: Occurrence): Promise<void> => {
    await journal.append({ occurrence, released: [], publication: 0 });
  };
  const conformance = await readConformance(join(packageRoot(), 'profiles'));
  const checkpoints = await checkpointsOf(configuration, started.journal, metrics, log);
  const unready = (): Promise<readonly string[]> => readiness(database, journal);
  const edge = httpServices(configuration, disclosure, conformance, account, metrics, log, unready, sight);
  const app = await buildApp(edge);
  const close = async (): Promise<void> => {
    await app.close();
    await watch.stop();
    await journal.drain();
    await checkpoints.stop();
    await Promise.all([database.close(), auditor.close()]);
  };
  const late = new LateWatch((event) => log.warn(event, 'source'));
  const watchSources = async (): Promise<void> => late.look(await sight());
  const countTogether = (): Promise<void> => watch.look();
  return {
    configuration,
    database,
    journal,
    disclosure,
    app,
    checkpoints,
    callerOf: (token) => edge.tokens.verify(`Bearer ${token}`, Date.now()),
    account,
    watchSources,
    countTogether,
    close,
  };
}

async function startJournal(
  configuration: Configuration,
  started: StartedDatabase,
  metrics: Metrics,
  log: pino.Logger,
): Promise<Journal> {
  const observe = (happening: JournalHappening): void => {
    metrics.journal(happening);
    if (happening.what !== 'committed') log.warn({ journal: happening.what }, 'audit journal');
  };
  const journal = new Journal({
    service: {
      site: new URL(configuration.fhirBase).hostname,
      observer: OBSERVER,
      baseUrl: configuration.fhirBase,
    },
    writer: new AuditWriter(started.journal),
    later: (milliseconds, call) => {
      const timer = later(call, milliseconds);
      return () => clearTimeout(timer);
    },
    random: randomBytes,
    observe,
  });
  await journal.start();
  return journal;
}

function httpServices(
  configuration: Configuration,
  disclosure: DisclosePorts,
  conformance: readonly ConformanceResource[],
  account: (occurrence: Occurrence) => Promise<void>,
  metrics: Metrics,
  log: pino.Logger,
  unready: () => Promise<readonly string[]>,
  loads: () => Promise<readonly SourceSight[]>,
): HttpServices {
  const reading = {
    fetch: (url: string, init: RequestInit) => fetch(url, init),
    readFile: (path: string) => readFile(path, 'utf8'),
  };
  return {
    disclosure,
    conformance,
    tokens: new TokenVerifier(configuration.issuers, reading),
    assertions: new UserAssertions(configuration.issuers, reading, Date.now()),
    limits: configuration.limits,
    proxies: configuration.tlsProxy,
    cors: configuration.cors,
    unready,
    metrics: () => metrics.text(),
    loads,
    account,
    logRequest: (line) => {
      metrics.request(line);
      log.info(line, 'request');
    },
    // the message of a defect may hold anything, a name included: its class and place must do
    logDefect: (id, error) => log.error({ id, kind: error.name, at: placesOf(error) }, 'defect'),
    smart: configuration.authorizationServer,
    version: packageVersion(),
  };
}

/** Files and lines of a stack, without the message above them. */
function placesOf(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim().replace(/\(?(file:\/\/)?\/.*\/(?=(src|node_modules)\/)/, '('));
}

/** Runs one piece of work with the service of the environment's configuration, without listening, and closes it. */
export async function withService<T>(work: (service: Service) => Promise<T>): Promise<T> {
  const configuration = { ...readConfiguration(environment(), packageRoot()), logLevel: 'warn' };
  const started = await startDatabase(
    configuration,
    (sentence) => void process.stderr.write(`${sentence}\n`),
  );
  try {
    const service = await wire(configuration, started);
    try {
      await tellConfiguration(service);
      return await work(service);
    } finally {
      await service.close();
    }
  } finally {
    await started.stop();
  }
}

/** What a source last published, for operators: no personal data. */
export interface SourceReport {
  readonly code: string;
  readonly name: string;
  /** `late`: the promised time has passed; `stale`: the last load is older than the source promises at all */
  readonly state: 'current' | 'late' | 'stale' | 'never loaded';
  readonly businessDate?: string;
  readonly publishedAt?: string;
  /** the first promised arrival that was missed */
  readonly lateSince?: string;
}

export async function sourceStates(
  { configuration, database }: Pick<Service, 'configuration' | 'database'>,
  now = Date.now(),
): Promise<readonly SourceReport[]> {
  const loaded = await publishedSources(database);
  return [...configuration.policy.sources.values()].map((source) => {
    const { code, name, staleAfterHours } = source;
    const last = loaded.get(code);
    const missed = lateSince(source, last, now);
    const late = missed === undefined ? {} : { lateSince: new Date(missed).toISOString() };
    if (last === undefined) return { code, name, state: 'never loaded', ...late };
    const stale = now - last.publishedAt > staleAfterHours * 3_600_000;
    const state = stale ? 'stale' : missed === undefined ? 'current' : 'late';
    const publishedAt = new Date(last.publishedAt).toISOString();
    return { code, name, state, businessDate: last.businessDate, publishedAt, ...late };
  });
}

async function sourcesInSight(
  { policy }: Configuration,
  database: Database,
): Promise<readonly SourceSight[]> {
  const [loads, progress] = await Promise.all([loadsInSight(database), notedProgress(database)]);
  return sightOf(policy, loads, progress, Date.now());
}
