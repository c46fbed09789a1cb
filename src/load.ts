import { createSecretKey, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nhsNumberHmac } from './access/staff-number.ts';
import type { Configuration } from './config.ts';
import type { Certificate } from './loads/certificate.ts';
import type { LoadProgress } from './loads/context.ts';
import { guardLimits } from './loads/guards.ts';
import { heldFolder } from './loads/hold.ts';
import type { LoadEvent } from './loads/ports.ts';
import { runLoad } from './loads/run.ts';
import { readStaffDirectory } from './loads/staff-directory.ts';
import { doneHere } from './operator-event.ts';
import { StoredLoadHistory } from './storage/load-history.ts';
import { progressNotes } from './storage/load-progress.ts';
import { PostgresLoadStore } from './storage/load-store.ts';
import { replaceStaffIdentities } from './storage/staff-identities.ts';
import type { Service } from './wire.ts';

/**
 * Loads one extract of one source, audited.
 *
 * @param folder of the manifest and its files
 * @param releases the held load whose extract this is, once a human has let it pass
 * @throws LoadFailed where storage, the audit log or this program failed
 */
export async function loadExtract(
  service: Pick<Service, 'configuration' | 'database' | 'account'>,
  source: string,
  folder: string,
  progress?: LoadProgress,
  releases?: number,
): Promise<Certificate> {
  const { configuration, database } = service;
  await tidyLoads(service);
  const mapping = configuration.mappings.get(source);
  const note = progressNotes(database, source, Date.now);
  return runLoad({
    folder,
    source,
    policy: configuration.policy,
    store: new PostgresLoadStore(database),
    audit: (event) => accountLoad(service, event),
    stagingRoot: join(configuration.dataFolder, 'staging'),
    heldRoot: heldRoot(configuration),
    guards: configuration.loads.guards.get(source) ?? guardLimits(),
    ...(releases === undefined ? {} : { releases }),
    resourceKey: createSecretKey(configuration.secrets().resourceIds),
    now: Date.now,
    newPersonId: randomUUID,
    memory: () => process.memoryUsage.rss(),
    ...(mapping === undefined ? {} : { mapping }),
    progress: (phase, done, total) => {
      note(phase, done, total);
      progress?.(phase, done, total);
    },
  });
}

/** Where extracts of held loads are kept. */
export function heldRoot(configuration: Configuration): string {
  return join(configuration.dataFolder, 'held');
}

/** Removes what is kept of loads beyond its time: extracts that no decision waits for any more, rejected rows. */
export async function tidyLoads(service: Pick<Service, 'configuration' | 'database'>): Promise<void> {
  const { configuration, database } = service;
  const { heldDays, rejectDays } = configuration.loads;
  const root = heldRoot(configuration);
  const history = new StoredLoadHistory(database);
  const kept = (await readdir(root).catch(() => []))
    .filter((name) => /^[1-9]\d{0,14}$/.test(name))
    .map(Number);
  for (const loadNo of await history.expired(kept, heldDays)) {
    await rm(heldFolder(root, loadNo), { recursive: true, force: true });
  }
  await history.forgetRejects(rejectDays);
}

async function accountLoad(
  service: Pick<Service, 'configuration' | 'account'>,
  event: LoadEvent,
): Promise<void> {
  const source = service.configuration.policy.sources.get(event.source);
  await service.account(
    doneHere({
      what: 'load',
      description: `Load of ${source?.name ?? event.source}: ${event.result}`,
      outcome:
        event.result === 'refused' || event.result === 'failed' || event.result === 'held'
          ? { code: event.result === 'failed' ? '8' : '4', reason: `load-${event.result}` }
          : { code: '0' },
      policyVersion: service.configuration.policy.version,
      details: { source: event.source, result: event.result, ...event.details },
    }),
  );
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
  await service.account(
    doneHere({
      what: 'configuration',
      description: 'Links between staff and their NHS numbers replaced',
      details: Object.fromEntries([...counts].map(([organisation, count]) => [organisation, String(count)])),
    }),
  );
  await replaceStaffIdentities(database, links);
  return counts;
}
