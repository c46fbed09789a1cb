import { stat } from 'node:fs/promises';
import { openCheckpoint } from './audit/checkpoint.ts';
import type { KeyHistory } from './audit/key-history.ts';
import type { StoredCheckpoint } from './audit/log-reader.ts';
import { HASH_LENGTH } from './audit/merkle.ts';
import type { Proof } from './audit/proof.ts';
import { PathBuilder } from './audit/tree.ts';
import { type VerifyReport, verifyLog } from './audit/verify.ts';
import type { Witnessed } from './audit/verify-checkpoints.ts';
import { readHistoryFile } from './audit-keys.ts';
import { type Configuration, readConfiguration } from './config.ts';
import { doneHere } from './operator-event.ts';
import { environment, packageRoot } from './package-root.ts';
import { auditKeyFiles, witnessesOf } from './sealing.ts';
import { StoredLog } from './storage/audit-log-reader.ts';
import { startEmbedded } from './storage/embedded.ts';
import type { Service } from './wire.ts';
import { type Witness, witnessAt } from './witness.ts';

/** The audit log as those who check it see it: read with the auditor's login, whether the service runs or not. */

export interface VerifyOptions {
  /** URL of the auditor's login, for somebody who has no configuration: then `keys` is needed too */
  readonly database?: string;
  /** file of the pinned key history; absent: the configured one */
  readonly keys?: string;
  /** more witnesses than the configured ones: files or folders */
  readonly witnesses?: readonly string[];
  /** text of a signed checkpoint that was verified before */
  readonly since?: string;
  readonly receipts?: readonly string[];
  readonly progress?: (events: number) => void;
}

/**
 * Verifies the log of the environment's configuration against its witnesses.
 *
 * @throws Error when something cannot be read: then nothing can be told
 */
export async function verifyAudit({ database, ...options }: VerifyOptions): Promise<VerifyReport> {
  if (database === undefined) {
    const configuration = readConfiguration(environment(), packageRoot());
    return withLog(configuration, (log) => verifyStored(configuration, log, options));
  }
  const { keys, witnesses = [], ...asked } = options;
  if (keys === undefined) throw new Error('Without a configuration the key history is needed: --keys.');
  const held = heldBy(await Promise.all(witnesses.map(given)));
  return closing(await StoredLog.open({ url: database }), (log) =>
    verifyLog(log, { ...asked, keys: readHistoryFile(keys), witnessed: held }),
  );
}

export async function verifyStored(
  configuration: Configuration,
  log: StoredLog,
  { keys, witnesses = [], ...asked }: Omit<VerifyOptions, 'database'>,
): Promise<VerifyReport> {
  const all = [...(await witnessesOf(configuration)), ...(await Promise.all(witnesses.map(given)))];
  return verifyLog(log, { ...asked, keys: historyOf(configuration, keys), witnessed: heldBy(all) });
}

/** The newest checkpoint, or one by its number, as it was signed. @throws Error with a sentence where there is none */
export async function storedCheckpoint(no?: number): Promise<string> {
  return withLog(readConfiguration(environment(), packageRoot()), async (log) => {
    const found = await newest(log, no);
    if (found === undefined) throw new Error('There is no such checkpoint.');
    return found.jws;
  });
}

/**
 * The proof that an event is in the log, under the newest checkpoint. That it was made is itself audited first.
 *
 * @throws Error with a sentence where there is no such event, or no checkpoint covers it yet
 */
export async function proveEvent(
  { configuration, account }: Pick<Service, 'configuration' | 'account'>,
  event: string,
): Promise<Proof> {
  await account(
    doneHere({
      what: 'audit-use',
      description: 'Proof that an audit event is in the log',
      policyVersion: configuration.policy.version,
      details: { operation: 'audit-prove', event },
    }),
  );
  return withLog(configuration, (log) => proofOf(log, event, historyOf(configuration)));
}

export async function proofOf(log: StoredLog, event: string, keys: KeyHistory): Promise<Proof> {
  const place = await log.place(event);
  if (place === undefined)
    throw new Error('There is no such event in the log, or its month has been retired.');
  const { shard, seq, salt, manifest } = place;
  const last = await newest(log);
  const checkpoint = last === undefined ? undefined : openCheckpoint(last.jws, keys);
  const state = checkpoint?.shards.find((one) => one.shard === shard);
  if (checkpoint === undefined || state === undefined || state.size <= seq)
    throw new Error('No checkpoint covers the event yet: one is made every minute while the service runs.');
  const path = new PathBuilder(seq, state.size);
  for await (const leaves of log.leaves(shard))
    for (let at = 0; at < leaves.length; at += HASH_LENGTH) path.add(leaves.subarray(at, at + HASH_LENGTH));
  return {
    format: 'mcr-audit-proof/1',
    event,
    shard,
    seq,
    salt: salt.toString('base64url'),
    manifest: manifest.toString('base64url'),
    checkpoint: checkpoint.no,
    size: state.size,
    path: path.path().map((hash) => hash.toString('base64url')),
  };
}

/** The newest checkpoint, or one by its number. */
export async function newest(log: StoredLog, no?: number): Promise<StoredCheckpoint | undefined> {
  const wanted = no ?? (await log.lastCheckpoint());
  for await (const [first] of log.checkpoints(wanted)) return first?.no === wanted ? first : undefined;
  return undefined;
}

function historyOf(configuration: Configuration, file?: string): KeyHistory {
  return readHistoryFile(file ?? auditKeyFiles(configuration).keys);
}

async function given(path: string): Promise<Witness> {
  return witnessAt((await stat(path)).isDirectory() ? { folder: path } : { file: path });
}

async function* heldBy(witnesses: readonly Witness[]): AsyncGenerator<Witnessed> {
  for (const witness of witnesses)
    for await (const jws of witness.all()) yield { witness: witness.name, jws };
}

/** The log of one moment. Migrations and checks of the start are left out: a log that is unsafe is to be read all the same. */
export async function withLog<T>(
  { database, dataFolder }: Configuration,
  work: (log: StoredLog) => Promise<T>,
): Promise<T> {
  const url = database.auditorUrl ?? database.url;
  if (url !== undefined) return closing(await StoredLog.open({ url }), work);
  const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
  const cluster = await startEmbedded({ dataFolder, say, systemBinaries: database.systemBinaries });
  try {
    return await closing(await StoredLog.open({ url: cluster.url('mcr') }), work);
  } finally {
    await cluster.stop();
  }
}

async function closing<T>(log: StoredLog, work: (log: StoredLog) => Promise<T>): Promise<T> {
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}
