import { createSecretKey, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { nhsNumberHmac } from './access/staff-number.ts';
import type { Certificate } from './loads/certificate.ts';
import type { LoadProgress } from './loads/context.ts';
import type { LoadEvent } from './loads/ports.ts';
import { runLoad } from './loads/run.ts';
import { readStaffDirectory } from './loads/staff-directory.ts';
import { PostgresLoadStore } from './storage/load-store.ts';
import { replaceStaffIdentities } from './storage/staff-identities.ts';
import type { Service } from './wire.ts';

/**
 * Loads one extract of one source, audited.
 *
 * @param folder of the manifest and its files
 * @throws LoadFailed where storage, the audit log or this program failed
 */
export function loadExtract(
  service: Pick<Service, 'configuration' | 'database' | 'account'>,
  source: string,
  folder: string,
  progress?: LoadProgress,
): Promise<Certificate> {
  const { configuration, database } = service;
  const mapping = configuration.mappings.get(source);
  return runLoad({
    folder,
    source,
    policy: configuration.policy,
    store: new PostgresLoadStore(database),
    audit: (event) => accountLoad(service, event),
    stagingRoot: join(configuration.dataFolder, 'staging'),
    resourceKey: createSecretKey(configuration.secrets().resourceIds),
    now: Date.now,
    newPersonId: randomUUID,
    memory: () => process.memoryUsage.rss(),
    ...(mapping === undefined ? {} : { mapping }),
    ...(progress === undefined ? {} : { progress }),
  });
}

async function accountLoad(
  service: Pick<Service, 'configuration' | 'account'>,
  event: LoadEvent,
): Promise<void> {
  const source = service.configuration.policy.sources.get(event.source);
  await service.account({
    id: randomUUID(),
    at: Date.now(),
    requestId: randomUUID(),
    what: 'load',
    clientAddress: 'local',
    description: `Load of ${source?.name ?? event.source}: ${event.result}`,
    outcome:
      event.result === 'refused' || event.result === 'failed'
        ? { code: event.result === 'refused' ? '4' : '8', reason: `load-${event.result}` }
        : { code: '0' },
    policyVersion: service.configuration.policy.version,
    details: { source: event.source, result: event.result, ...event.details },
  });
}

/**
 * Replaces the links between users and their NHS numbers, of the organisations that the file names.
 *
 * @returns links by organisation
 * @throws Error naming the line that cannot be read; nothing is changed then
 */
export async function loadStaff(
  service: Pick<Service, 'configuration' | 'database' | 'account'>,
  file: string,
): Promise<ReadonlyMap<string, number>> {
  const { configuration, database } = service;
  const { staffNumbers } = configuration.secrets();
  const hash = (nhsNumber: string): string => nhsNumberHmac(staffNumbers, nhsNumber);
  const links = await readStaffDirectory(file, hash);
  const counts = new Map<string, number>();
  for (const { organisation } of links) counts.set(organisation, (counts.get(organisation) ?? 0) + 1);
  await service.account({
    id: randomUUID(),
    at: Date.now(),
    requestId: randomUUID(),
    what: 'configuration',
    clientAddress: 'local',
    description: 'Links between staff and their NHS numbers replaced',
    outcome: { code: '0' },
    details: Object.fromEntries([...counts].map(([organisation, count]) => [organisation, String(count)])),
  });
  await replaceStaffIdentities(database, links);
  return counts;
}
