import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { issuerFaults } from './access/issuer-faults.ts';
import type { IssuerConfiguration } from './access/issuers.ts';
import type { Organisation, Policy, Sector, SourcePolicy } from './access/policy.ts';
import { CONFIGURATION_SCHEMA } from './config-schema.ts';
import { removableElement } from './fhir/elements.ts';
import { isServed } from './fhir/served.ts';
import { demoSecrets, type Secrets, secretsFromFiles } from './secrets.ts';

/** The whole configuration, checked. One file, all faults reported at once (DESIGN 2). */
export interface Configuration {
  readonly mode: 'demo' | 'production';
  readonly listen: { readonly host: string; readonly port: number };
  /** public base of the FHIR API, no slash at the end: links and audiences are built from it */
  readonly fhirBase: string;
  readonly dataFolder: string;
  readonly database: DatabaseSettings;
  readonly secrets: Secrets;
  readonly policy: Policy;
  readonly issuers: readonly IssuerConfiguration[];
  readonly limits: { readonly requestsPerMinute: number; readonly deadlineMs: number };
  readonly logLevel: string;
}

export interface DatabaseSettings {
  /** absent: the embedded database */
  readonly url?: string;
  /** logins that may only write, or only read, the audit log. Absent: `url`, acting in the role */
  readonly journalUrl?: string;
  readonly auditorUrl?: string;
  /** the owner's login, for migrations and partitions. Absent: `url` */
  readonly ownerUrl?: string;
  /** false: the embedded database never takes a system PostgreSQL's binaries */
  readonly systemBinaries: boolean;
}

/** A configuration that cannot be used, with every fault found. */
export class ConfigurationError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigurationError';
    this.faults = faults;
  }
}

/** The file's shape, as CONFIGURATION_SCHEMA has checked it. */
interface ConfigurationFile {
  readonly mode: 'demo' | 'production';
  readonly listen?: { readonly host?: string; readonly port?: number };
  readonly fhirBase?: string;
  readonly tlsProxy?: boolean;
  readonly dataFolder?: string;
  readonly database?: Partial<DatabaseSettings>;
  readonly secrets?: Readonly<Record<keyof Secrets, string>>;
  readonly organisations: readonly Organisation[];
  readonly sources: readonly SourcePolicy[];
  readonly optOutHides?: readonly Sector[];
  readonly issuers: readonly IssuerConfiguration[];
  readonly limits?: Partial<Configuration['limits']>;
  readonly logLevel?: string;
}

/** What the environment may say: where the file is, and overrides for containers and CI. */
export interface Environment {
  readonly MCR_CONFIG?: string | undefined;
  readonly MCR_PORT?: string | undefined;
  readonly MCR_DATA?: string | undefined;
  readonly MCR_DATABASE_URL?: string | undefined;
  /** `no`: as if no PostgreSQL were installed on the system */
  readonly MCR_SYSTEM_POSTGRESQL?: string | undefined;
}

/**
 * Reads and checks the configuration. Without a file named, the demo's.
 *
 * @param root the package's folder
 * @throws ConfigurationError naming every fault with its path
 */
export function readConfiguration(env: Environment, root: string): Configuration {
  const file = resolve(env.MCR_CONFIG ?? join(root, 'demo', 'config.json'));
  const content = parsed(file);
  const shape = [...schemaFaults(content), ...environmentFaults(env)];
  if (shape.length > 0) throw new ConfigurationError(shape);
  const checked = content as ConfigurationFile;
  const faults = [...consistencyFaults(checked), ...productionFaults(checked, env)];
  if (faults.length > 0) throw new ConfigurationError(faults);
  return assemble(checked, env, dirname(file), root);
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? `is not JSON: ${error.message}` : 'cannot be read';
    throw new ConfigurationError([`the file ${file} ${why}`]);
  }
}

const validate = new Ajv({ allErrors: true }).compile(CONFIGURATION_SCHEMA);

function schemaFaults(content: unknown): string[] {
  return validate(content) ? [] : (validate.errors ?? []).map(sentence);
}

function sentence(error: ErrorObject): string {
  const at = error.instancePath === '' ? 'the file' : error.instancePath;
  const extra =
    'additionalProperty' in error.params ? `: "${String(error.params['additionalProperty'])}"` : '';
  const allowed = 'allowedValues' in error.params ? `: ${String(error.params['allowedValues'])}` : '';
  return `${at} ${error.message ?? 'is wrong'}${extra}${allowed}`;
}

function environmentFaults(env: Environment): string[] {
  const { MCR_PORT: port } = env;
  if (port === undefined || (/^\d{1,5}$/.test(port) && Number(port) <= 65535)) return [];
  return ['the environment variable MCR_PORT must be a port number'];
}

function consistencyFaults(file: ConfigurationFile): string[] {
  const organisations = new Set(file.organisations.map((organisation) => organisation.code));
  return [
    ...repeated(file.organisations.map((o) => o.code)).map(
      (code) => `/organisations: the code ${code} is there twice`,
    ),
    ...repeated(file.sources.map((s) => s.code)).map((code) => `/sources: the code ${code} is there twice`),
    ...repeated(file.sources.map((s) => s.number)).map(
      (number) => `/sources: the number ${number} is there twice`,
    ),
    ...file.sources.flatMap((source, index) => sourceFaults(source, `/sources/${index}`, organisations)),
    ...repeated(file.issuers.map((i) => i.issuer)).map((issuer) => `/issuers: ${issuer} is there twice`),
    ...file.issuers.flatMap((issuer, index) =>
      issuerFaults(issuer).map((fault) => `/issuers/${index}${fault}`),
    ),
  ];
}

function sourceFaults(source: SourcePolicy, path: string, organisations: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  if (!organisations.has(source.organisation)) {
    faults.push(`${path}/organisation: no organisation has the code ${source.organisation}`);
  }
  for (const [type, shared] of Object.entries(source.shares)) {
    if (!isServed(type)) {
      faults.push(`${path}/shares: ${type} is not a type that this service serves`);
      continue;
    }
    for (const element of shared.exceptElements ?? []) {
      if (!removableElement(type, element)) {
        faults.push(`${path}/shares/${type}/exceptElements: ${element} cannot be left out of a ${type}`);
      }
    }
  }
  return faults;
}

function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** What production refuses: anything that is only safe where the data is made up. */
function productionFaults(file: ConfigurationFile, env: Environment): string[] {
  if (file.mode !== 'production') return [];
  const faults: string[] = [];
  const database = file.database ?? {};
  if ((env.MCR_DATABASE_URL ?? database.url) === undefined) {
    faults.push('/database/url: production needs a database server; the embedded one is for demonstrations');
  }
  for (const login of ['journalUrl', 'auditorUrl', 'ownerUrl'] as const) {
    if (database[login] === undefined) {
      faults.push(
        `/database/${login}: production needs a login of its own here, so that none can change audit rows`,
      );
    }
  }
  if (file.secrets === undefined) faults.push('/secrets: production needs a file for each secret');
  if (file.fhirBase === undefined) faults.push('/fhirBase: production needs the public base of the API');
  else if (!file.fhirBase.startsWith('https://')) faults.push('/fhirBase: production needs https');
  if (file.tlsProxy !== true) faults.push('/tlsProxy: declare (true) that TLS ends at a proxy in front');
  for (const issuer of file.issuers) {
    if (issuer.issuer.includes('demo')) faults.push(`/issuers: ${issuer.issuer} is a demonstration's issuer`);
  }
  return faults;
}

function assemble(file: ConfigurationFile, env: Environment, folder: string, root: string): Configuration {
  const listen = {
    host: file.listen?.host ?? '127.0.0.1',
    port: Number(env.MCR_PORT ?? file.listen?.port ?? 8080),
  };
  const dataFolder = resolve(root, env.MCR_DATA ?? file.dataFolder ?? 'data');
  const url = env.MCR_DATABASE_URL ?? file.database?.url;
  const systemBinaries = env.MCR_SYSTEM_POSTGRESQL !== 'no' && file.database?.systemBinaries !== false;
  const fhirBase = file.fhirBase ?? `http://${listen.host}:${listen.port}/fhir`;
  return {
    mode: file.mode,
    listen,
    fhirBase,
    dataFolder,
    database: { ...file.database, ...(url === undefined ? {} : { url }), systemBinaries },
    secrets: file.secrets === undefined ? demoSecrets(dataFolder) : secretsFromFiles(file.secrets, folder),
    policy: policyOf(file),
    issuers: file.issuers.map((issuer) => ({
      ...issuer,
      audience: issuer.audience.map((audience) => (audience === '{fhirBase}' ? fhirBase : audience)),
      keys: 'file' in issuer.keys ? { file: placed(issuer.keys.file, dataFolder, folder) } : issuer.keys,
    })),
    limits: {
      requestsPerMinute: file.limits?.requestsPerMinute ?? 6000,
      deadlineMs: file.limits?.deadlineMs ?? 1500,
    },
    logLevel: file.logLevel ?? 'info',
  };
}

/** A path of the file: below the data folder where it says so, else beside the configuration. */
function placed(path: string, dataFolder: string, folder: string): string {
  return resolve(folder, path.replace('{dataFolder}', dataFolder));
}

function policyOf(file: ConfigurationFile): Policy {
  const optOutHides = file.optOutHides ?? ['health', 'social-care'];
  const said = JSON.stringify([file.organisations, file.sources, optOutHides]);
  return {
    version: createHash('sha256').update(said).digest('hex').slice(0, 16),
    organisations: new Map(file.organisations.map((organisation) => [organisation.code, organisation])),
    sources: new Map(file.sources.map((source) => [source.code, source])),
    optOutHides,
  };
}
