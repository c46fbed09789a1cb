import { join } from 'node:path';
import type pino from 'pino';
import { type AuditKeyFiles, demoAuditKeys, readAuditKeys } from './audit-keys.ts';
import { type CheckpointHappening, Checkpoints } from './checkpoints.ts';
import type { Configuration } from './config.ts';
import type { Metrics } from './metrics.ts';
import { packageVersion } from './package-root.ts';
import { CheckpointStore } from './storage/checkpoint-store.ts';
import type { DatabaseAddress } from './storage/database.ts';
import { makeWitness, type Witness, type WitnessPlace, witnessAt } from './witness.ts';

/** The sealing of the log, as the configuration wants it. */
export async function checkpointsOf(
  configuration: Configuration,
  journal: DatabaseAddress,
  metrics: Metrics,
  log: pino.Logger,
): Promise<Checkpoints> {
  const observe = (happening: CheckpointHappening): void => {
    metrics.checkpoint(happening);
    if (happening.what === 'altered')
      log.error({ audit: 'altered', sentence: happening.sentence }, 'audit log');
    else if (happening.what !== 'made') log.warn({ audit: happening.what }, 'audit log');
  };
  return new Checkpoints({
    store: new CheckpointStore(journal),
    ...readAuditKeys(auditKeyFiles(configuration), Date.now()),
    witnesses: await witnessesOf(configuration),
    policyVersion: configuration.policy.version,
    version: packageVersion(),
    now: Date.now,
    everySeconds: configuration.audit.everySeconds,
    observe,
  });
}

export function auditKeyFiles({ audit, dataFolder }: Configuration): AuditKeyFiles {
  return audit.keyFiles ?? demoAuditKeys(dataFolder, Date.now());
}

/** Those that are configured; of a demonstration without any, one of its own. */
export async function witnessesOf({ audit, dataFolder }: Configuration): Promise<readonly Witness[]> {
  if (audit.witnesses !== undefined) return audit.witnesses.map(witnessAt);
  const own: WitnessPlace = { file: join(dataFolder, 'witness', 'checkpoints.jws') };
  await makeWitness(own);
  return [witnessAt(own)];
}
