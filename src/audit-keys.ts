import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { thumbprint } from './audit/jws.ts';
import { historyEntry, type KeyHistory, keyAt, readKeyHistory } from './audit/key-history.ts';
import { unlessThere } from './made-once.ts';
import type { WitnessPlace } from './witness.ts';

/** The key that signs checkpoints of the audit log, and the history of all such keys: files outside of the database. */
export interface AuditKeys {
  readonly key: KeyObject;
  readonly keys: KeyHistory;
}

/** The two files, as the configuration names them: paths that are whole. */
export interface AuditKeyFiles {
  readonly checkpointKey: string;
  readonly keys: string;
}

/** @returns what is wrong with the files, each with its path in the configuration */
export function auditKeyFaults(
  files: Partial<AuditKeyFiles>,
  folder: string,
  now: number,
): readonly string[] {
  const { checkpointKey, keys } = files;
  if (checkpointKey === undefined && keys === undefined) return [];
  if (checkpointKey === undefined || keys === undefined)
    return ['/audit: checkpointKey and keys belong together: the key that signs, and the history it is in'];
  try {
    readAuditKeys({ checkpointKey: resolve(folder, checkpointKey), keys: resolve(folder, keys) }, now);
    return [];
  } catch (error) {
    return [`/audit: ${error instanceof Error ? error.message : 'the keys cannot be read'}`];
  }
}

/** @throws Error with a sentence where the files cannot be read, or the key is not in the history or not in use */
export function readAuditKeys({ checkpointKey, keys: historyFile }: AuditKeyFiles, now: number): AuditKeys {
  const keys = readHistoryFile(historyFile);
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(checkpointKey, 'utf8'));
  } catch (error) {
    throw new Error(`there is no private key to be read in ${checkpointKey}`, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`the key in ${checkpointKey} must be Ed25519`);
  if (keyAt(keys, thumbprint(key), now) === undefined)
    throw new Error(`the key in ${checkpointKey} is not in the history ${historyFile}, or not in use now`);
  return { key, keys };
}

/** @throws Error with a sentence where it cannot be read */
export function readHistoryFile(file: string): KeyHistory {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the key history cannot be read from ${file}`, { cause: error });
  }
  try {
    return readKeyHistory(text);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : 'is no key history'}`, {
      cause: error,
    });
  }
}

/** The demonstration's own, made when they are first asked for. */
export function demoAuditKeys(dataFolder: string, now: number): AuditKeyFiles {
  const files = {
    checkpointKey: join(dataFolder, 'keys', 'checkpoint.pem'),
    keys: join(dataFolder, 'keys', 'audit-keys.json'),
  };
  mkdirSync(dirname(files.keys), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  unlessThere(() => writeFileSync(files.checkpointKey, pem, { flag: 'wx', mode: 0o600 }));
  // of the file and not of what was just made: another process may have been first
  const key = createPrivateKey(readFileSync(files.checkpointKey, 'utf8'));
  const history = { keys: [historyEntry(key, new Date(now))] };
  const text = `${JSON.stringify(history, undefined, 2)}\n`;
  unlessThere(() => writeFileSync(files.keys, text, { flag: 'wx', mode: 0o644 }));
  return files;
}

/** How the log is sealed. */
export interface AuditSettings {
  /** absent: the demonstration's own, below its data folder */
  readonly keyFiles?: AuditKeyFiles;
  /** who keeps checkpoints outside; absent: the demonstration's own, which is not outside at all */
  readonly witnesses?: readonly WitnessPlace[];
  readonly everySeconds: number;
  /** whole months that events are kept, as the controller decided; absent: nothing is retired */
  readonly retentionMonths?: number;
}

/** As the configuration file has it: paths beside it. */
export interface AuditSettingsFile extends Partial<AuditKeyFiles> {
  readonly witnesses?: readonly WitnessPlace[];
  readonly everySeconds?: number;
  readonly retentionMonths?: number;
}

export function auditSettings(file: AuditSettingsFile = {}, folder: string): AuditSettings {
  const { checkpointKey, keys, witnesses, everySeconds = 60, retentionMonths } = file;
  return {
    ...(checkpointKey === undefined || keys === undefined
      ? {}
      : { keyFiles: { checkpointKey: resolve(folder, checkpointKey), keys: resolve(folder, keys) } }),
    ...(witnesses === undefined ? {} : { witnesses: witnesses.map((place) => placed(place, folder)) }),
    everySeconds,
    ...(retentionMonths === undefined ? {} : { retentionMonths }),
  };
}

function placed(place: WitnessPlace, folder: string): WitnessPlace {
  return 'file' in place ? { file: resolve(folder, place.file) } : { folder: resolve(folder, place.folder) };
}
