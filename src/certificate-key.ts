import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Configuration } from './config.ts';
import { unlessThere } from './made-once.ts';

/** The key that signs load certificates: Ed25519, PEM, private in the configuration and public with the partners. */

/** @returns what is wrong with the configured file, with its path in the configuration */
export function certificateKeyFaults(file: string | undefined, folder: string): readonly string[] {
  if (file === undefined) return [];
  try {
    privateKey(resolve(folder, file));
    return [];
  } catch (error) {
    return [`/loads/certificateKey: ${error instanceof Error ? error.message : 'cannot be read'}`];
  }
}

/**
 * The configured key. The demonstration makes one of its own when it is first asked for.
 *
 * @throws Error saying what to do where there is none
 */
export function certificateKey(
  configuration: Pick<Configuration, 'loads' | 'mode' | 'dataFolder'>,
): KeyObject {
  const { loads, mode, dataFolder } = configuration;
  if (loads.certificateKey !== undefined) return privateKey(loads.certificateKey);
  if (mode !== 'demo') {
    throw new Error('There is no key to sign certificates with: name its file in /loads/certificateKey.');
  }
  const file = join(dataFolder, 'keys', 'certificate.pem');
  const { privateKey: made } = generateKeyPairSync('ed25519');
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const pem = made.export({ type: 'pkcs8', format: 'pem' });
  unlessThere(() => writeFileSync(file, pem, { flag: 'wx', mode: 0o600 }));
  return privateKey(file);
}

/**
 * The public key that a certificate is checked with, from a PEM file; the private one is taken too.
 *
 * @throws Error with a sentence where there is none in the file
 */
export function publicKey(file: string): KeyObject {
  return ed25519(file, createPublicKey);
}

function privateKey(file: string): KeyObject {
  return ed25519(file, createPrivateKey);
}

function ed25519(file: string, read: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`there is no such key to be read in ${file}`, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`the key in ${file} must be Ed25519`);
  return key;
}
