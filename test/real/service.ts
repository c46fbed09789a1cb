import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Test } from 'tap';
import { DEMO_ISSUER, demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import type { SourcePolicy } from '../../src/access/policy.ts';
import { readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { SERVED_NAMES } from '../../src/fhir/served.ts';
import { type Service, wire } from '../../src/wire.ts';
import { testDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { repositoryRoot } from '../support/root.ts';

/** The whole service over a database of its own, answering on a port of its own. */
export interface RealService {
  readonly service: Service;
  readonly fhirBase: string;
  /** of a member of staff who may see all that is shared */
  readonly token: string;
  /** a connection that may look behind the service */
  readonly admin: pg.Client;
  /** for extracts; removed when the test ends */
  readonly folder: string;
}

/** By the code of the source, which is its organisation's too. */
export type Differing = Readonly<Record<string, Partial<SourcePolicy>>>;

const PRACTICE = 'K82001';
const DIRECT_CARE = [
  'demographics',
  'problems',
  'allergies',
  'medicines',
  'immunisations',
  'results',
  'encounters',
  'procedures',
  'documents',
  'plans',
  'consent',
];

/**
 * @param sources their codes, from the highest in precedence; each shares every served type
 * @param custodians codes of organisations that Patients name as theirs: signatories, too
 * @param differing what is otherwise about a source, and then about its organisation
 */
export async function realService(
  t: Test,
  sources: readonly string[],
  custodians: readonly string[],
  differing: Differing = {},
): Promise<RealService> {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-real-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const { address, admin } = await testDatabase(t);
  const port = await freePort();
  const fhirBase = `http://127.0.0.1:${port}/fhir`;
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(configurationFile(fhirBase, sources, custodians, differing)));
  const env = { MCR_CONFIG: file, MCR_DATA: join(folder, 'data'), MCR_DATABASE_URL: address.url };
  const configuration = readConfiguration(env, repositoryRoot());
  const keys = join(configuration.dataFolder, 'keys');
  mkdirSync(keys, { recursive: true });
  await makeIssuerKeys(keys);
  const token = await demoToken(keys, fhirBase, {
    kind: 'staff',
    organisation: PRACTICE,
    reason: 'Routine review',
  });
  const service = await wire(configuration, await startDatabase(configuration, () => {}));
  t.teardown(() => service.close());
  await service.app.listen({ host: '127.0.0.1', port });
  return { service, fhirBase, token, admin, folder };
}

function configurationFile(
  fhirBase: string,
  sources: readonly string[],
  custodians: readonly string[],
  differing: Differing,
): object {
  return {
    mode: 'demo',
    // the data sets' people are made up, with numbers of the test range
    testNumbers: 'allow',
    fhirBase,
    logLevel: 'silent',
    limits: {
      requestsPerMinute: 1_000_000,
      eventLoopDelayMs: 60_000,
      deadlineMs: 30_000,
      peoplePerUserHour: 1_000_000,
      peoplePerClientHour: 1_000_000,
    },
    organisations: [...new Set([PRACTICE, ...sources, ...custodians])].map((code) => ({
      code,
      system: 'https://fhir.nhs.uk/Id/ods-organization-code',
      name: `Organisation ${code}`,
      sector: differing[code]?.sector ?? 'health',
      agreements: [{ from: '2020-01-01' }],
      declaredFor: 'anyone',
      roles: { base: code === PRACTICE ? DIRECT_CARE : [], unlisted: 'base', roles: {} },
    })),
    sources: sources.map((code, index) => ({
      number: index + 1,
      code,
      name: `Source ${code}`,
      organisation: code,
      sector: 'health',
      format: 'fhir-ndjson',
      precedence: index + 1,
      speaksFor: index === 0 ? ['health'] : [],
      staleAfterHours: 48,
      shares: Object.fromEntries(SERVED_NAMES.map((type) => [type, {}])),
      ...differing[code],
    })),
    issuers: [
      {
        issuer: DEMO_ISSUER,
        audience: ['{fhirBase}'],
        keys: { file: '{dataFolder}/keys/demo-issuer.jwks.json' },
        algorithms: ['ES384'],
        callers: { claim: '/extensions/mcr/caller' },
        organisations: { all: true },
      },
    ],
  };
}
