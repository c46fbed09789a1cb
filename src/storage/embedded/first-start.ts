import { realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Account, usableAccount } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type Cluster, identifierOf, initialise, newRecord, recordNameFor } from './cluster.ts';
import { homeFor } from './folder.ts';
import { keepRecord, readRecord, replaceRecord } from './record.ts';

/** What a start was asked to do. `dataFolder` is canonical and can be written; `settings` are `name=value`. */
export interface Start {
  readonly dataFolder: string;
  readonly useSystem: boolean;
  readonly settings: readonly string[];
  readonly say: (sentence: string) => void;
}

/** The first start: a place, programs, a password, a cluster. */
export async function makeCluster(start: Start): Promise<Cluster> {
  const { dataFolder, say, useSystem } = start;
  const account = await usableAccount(undefined);
  const home = await homeFor(account, dataFolder, say);
  try {
    const wanted = { major: undefined, directory: undefined, home, useSystem };
    const binaries = await findBinaries(account, wanted, say);
    return await makeClusterWith(account, binaries, home, start);
  } catch (error) {
    if (home !== dataFolder) await rm(home, { recursive: true, force: true });
    throw error;
  }
}

async function makeClusterWith(
  account: Account,
  binaries: Binaries,
  home: string,
  { dataFolder, say }: Start,
): Promise<Cluster> {
  const { major } = binaries;
  const whose = binaries.origin === 'system' ? "this machine's" : 'the packaged';
  say(`Making a private database with ${whose} PostgreSQL ${major}: this takes a few seconds, once.`);
  const recordName = recordNameFor(major);
  await forgetLostHome(dataFolder, recordName, home);
  await forgetLostHome(dataFolder, recordName, home);
  const record = await keepRecord(dataFolder, recordName, newRecord(home, binaries));
  await initialise(account, binaries, record);
  const made = { ...record, initialised: true, system: await identifierOf(record.directory) };
  await replaceRecord(dataFolder, recordName, made);
  return { directory: record.directory, major, recordName, record: made, owner: account.uid };
}

/** Drops a record without a cluster that names a place where none can be made now. */
async function forgetLostHome(dataFolder: string, recordName: string, home: string): Promise<void> {
  const left = await readRecord(dataFolder, recordName);
  if (left === undefined) return;
  const place = path.dirname(left.directory);
  const lost = place === dataFolder ? home !== dataFolder : (await realpath(place).catch(() => '')) === '';
  if (lost) await rm(path.join(dataFolder, recordName), { force: true });
}
