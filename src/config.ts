import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import type { IssuerConfiguration } from './access/issuers.ts';
import type { Policy, Sector, SourcePolicy } from './access/policy.ts';
import { policyText, readPolicyText, type SaidOrganisation } from './access/policy-text.ts';
import { type AuditSettings, type AuditSettingsFile, auditKeyFaults, auditSettings } from './audit-keys.ts';
import { certificateKeyFaults } from './certificate-key.ts';
import { consistencyFaults, productionFaults } from './config-faults.ts';
import { placedIssuer } from './config-issuers.ts';
import { CONFIGURATION_SCHEMA } from './config-schema.ts';
import { schemaFaults } from './config-schema-faults.ts';
import type { DatabaseSettings } from './database-settings.ts';
import { type GuardLimits, type GuardSettings, guardLimits } from './loads/guards.ts';
import type { Mapping } from './loads/mapped-csv/mapping.ts';
import { readMappings } from './mapping-files.ts';
import { demoSecrets, type Secrets, secretsFromFiles } from './secrets.ts';

/** The whole configuration, checked. One file, all faults reported at once (DESIGN 2). */
export interface Configuration {
  readonly mode: 'demo' | 'production';
  readonly listen: { readonly host: string; readonly port: number };
  /** public base of the FHIR API, no slash at the end: links and audiences are built from it */
  readonly fhirBase: string;
  /** addresses and CIDR ranges of the proxies where TLS ends: X-Forwarded-For is believed from these alone */
  readonly tlsProxy: readonly string[];
  /** origins whose pages may read the API's answers; none unless listed */
  readonly cors: readonly string[];
  readonly dataFolder: string;
  readonly database: DatabaseSettings;
  /** asked when the service starts: the demonstration's files are made then, and reading a configuration writes nothing */
  readonly secrets: () => Secrets;
  readonly policy: Policy;
  /** what `policy.version` is the hash of */
  readonly policyText: string;
  /** of the sources of plain CSV, by code */
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly issuers: readonly IssuerConfiguration[];
  /** where clients get tokens, announced in SMART discovery; absent: they have them from their own issuers */
  readonly authorizationServer?: AuthorizationServer;
  readonly limits: Limits;
  readonly loads: LoadSettings;
  readonly audit: AuditSettings;
  readonly logLevel: string;
}

export interface Limits {
  /** of one address */
  readonly requestsPerMinute: number;
  readonly deadlineMs: number;
  /** milliseconds for which a page of an audit search looks through what no index finds, before it goes on by a next link */
  readonly auditSearchMs: number;
  /** milliseconds that the event loop may be late before everything is answered 503 */
  readonly eventLoopDelayMs: number;
  /** distinct people that one user may ask for within an hour */
  readonly peoplePerUserHour: number;
  /** distinct people that one client may ask for within an hour, whoever its users are */
  readonly peoplePerClientHour: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri?: string;
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
export interface ConfigurationFile {
  readonly mode: 'demo' | 'production';
  readonly listen?: { readonly host?: string; readonly port?: number };
  readonly fhirBase?: string;
  readonly tlsProxy?: readonly string[];
  readonly cors?: readonly string[];
  readonly dataFolder?: string;
  readonly database?: Partial<DatabaseSettings>;
  readonly secrets?: Readonly<Record<keyof Secrets, string>>;
  readonly organisations: readonly SaidOrganisation[];
  readonly sources: readonly (SourcePolicy & { readonly guards?: GuardSettings })[];
  readonly optOutHides?: readonly Sector[];
  readonly testNumbers?: 'allow' | 'refuse';
  readonly issuers: readonly IssuerConfiguration[];
  readonly authorizationServer?: AuthorizationServer;
  readonly limits?: Partial<Configuration['limits']>;
  readonly loads?: Partial<Omit<LoadSettings, 'guards' | 'inbox'>> & {
    readonly inbox?: Pick<InboxSettings, 'folder'> & Partial<InboxSettings>;
  };
  readonly audit?: AuditSettingsFile;
  readonly logLevel?: string;
}

/** How extracts are loaded. */
export interface LoadSettings {
  /** by code of the source */
  readonly guards: ReadonlyMap<string, GuardLimits>;
  /** PEM of the Ed25519 key that signs certificates; absent: the demonstration's own, or none */
  readonly certificateKey?: string;
  /** days that the extract of a held load is kept for a decision */
  readonly heldDays: number;
  /** days that rejected rows are known */
  readonly rejectDays: number;
  /** where extracts are delivered; absent: nowhere */
  readonly inbox?: InboxSettings;
}

export interface InboxSettings {
  /** holds a folder per source, by the source's code */
  readonly folder: string;
  /** for which nothing of an extract may have changed */
  readonly quietSeconds: number;
  /** after which an extract that is not whole, and does not change, is refused as it is */
  readonly patienceMinutes: number;
  /** for which extracts are kept once they are loaded */
  readonly keepDays: number;
  readonly everySeconds: number;
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
 * @param proposed what the content is to be looked at with instead, checked like what is written: nothing is written
 * @throws ConfigurationError naming every fault with its path
 */
export function readConfiguration(
  env: Environment,
  root: string,
  proposed: (content: unknown) => unknown = (content) => content,
): Configuration {
  const file = resolve(env.MCR_CONFIG ?? join(root, 'demo', 'config.json'));
  const content = proposed(parsed(file));
  const shape = [...shapeFaults(content), ...environmentFaults(env)];
  if (shape.length > 0) throw new ConfigurationError(shape);
  const checked = content as ConfigurationFile;
  const dataFolder = resolve(root, env.MCR_DATA ?? checked.dataFolder ?? 'data');
  const { secrets, faults: secretFaults } =
    checked.secrets === undefined
      ? { secrets: () => demoSecrets(dataFolder), faults: [] }
      : secretsFromFiles(checked.secrets, dirname(file));
  const { mappings, faults: mappingFaults } = readMappings(checked.sources, (path) =>
    resolve(dirname(file), path.replace('{package}', root)),
  );
  const faults = [
    ...consistencyFaults(checked),
    ...productionFaults(checked, env),
    ...secretFaults,
    ...certificateKeyFaults(checked.loads?.certificateKey, dirname(file)),
    ...auditKeyFaults(checked.audit ?? {}, dirname(file), Date.now()),
    ...mappingFaults,
  ];
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { ...assemble(checked, env, { folder: dirname(file), dataFolder, secrets }), mappings };
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

function shapeFaults(content: unknown): string[] {
  return validate(content) ? [] : schemaFaults(validate.errors ?? []);
}

function environmentFaults(env: Environment): string[] {
  const { MCR_PORT: port } = env;
  if (port === undefined || (/^\d{1,5}$/.test(port) && Number(port) <= 65535)) return [];
  return ['the environment variable MCR_PORT must be a port number'];
}

function assemble(
  file: ConfigurationFile,
  env: Environment,
  {
    folder,
    dataFolder,
    secrets,
  }: Pick<Configuration, 'dataFolder' | 'secrets'> & { readonly folder: string },
): Omit<Configuration, 'mappings'> {
  const listen = {
    host: file.listen?.host ?? '127.0.0.1',
    port: Number(env.MCR_PORT ?? file.listen?.port ?? 8080),
  };
  const url = env.MCR_DATABASE_URL ?? file.database?.url;
  const systemBinaries = env.MCR_SYSTEM_POSTGRESQL !== 'no' && file.database?.systemBinaries !== false;
  const policySaid = policyTextOf(file);
  const fhirBase = file.fhirBase ?? `http://${listen.host}:${listen.port}/fhir`;
  return {
    mode: file.mode,
    listen,
    fhirBase,
    tlsProxy: file.tlsProxy ?? [],
    cors: file.cors ?? [],
    dataFolder,
    database: { ...file.database, ...(url === undefined ? {} : { url }), systemBinaries },
    secrets,
    policy: readPolicyText(policySaid),
    policyText: policySaid,
    issuers: file.issuers.map((issuer) => placedIssuer(issuer, { fhirBase, dataFolder, folder })),
    ...(file.authorizationServer === undefined ? {} : { authorizationServer: file.authorizationServer }),
    limits: {
      requestsPerMinute: file.limits?.requestsPerMinute ?? 6000,
      deadlineMs: file.limits?.deadlineMs ?? 1500,
      auditSearchMs: file.limits?.auditSearchMs ?? 2500,
      eventLoopDelayMs: file.limits?.eventLoopDelayMs ?? 2000,
      peoplePerUserHour: file.limits?.peoplePerUserHour ?? 300,
      peoplePerClientHour: file.limits?.peoplePerClientHour ?? 5000,
    },
    loads: loadSettings(file, folder),
    audit: auditSettings(file.audit, folder),
    logLevel: file.logLevel ?? 'info',
  };
}

function loadSettings({ sources, loads = {} }: ConfigurationFile, folder: string): LoadSettings {
  const { certificateKey: key, heldDays = 14, rejectDays = 90, inbox } = loads;
  return {
    guards: new Map(sources.map(({ code, guards }) => [code, guardLimits(guards)])),
    ...(key === undefined ? {} : { certificateKey: resolve(folder, key) }),
    heldDays,
    rejectDays,
    ...(inbox === undefined
      ? {}
      : {
          inbox: {
            quietSeconds: 60,
            patienceMinutes: 60,
            keepDays: 14,
            everySeconds: 15,
            ...inbox,
            folder: resolve(folder, inbox.folder),
          },
        }),
  };
}

function policyTextOf(file: ConfigurationFile): string {
  const { organisations, optOutHides = ['health', 'social-care'], testNumbers = 'refuse' } = file;
  // guards decide what is loaded, not what is shown
  const sources = file.sources.map(({ guards, ...source }) => source);
  return policyText({ organisations, sources, optOutHides, testNumbers });
}
