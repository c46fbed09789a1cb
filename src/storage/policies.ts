import type { Policy } from '../access/policy.ts';
import { policyVersion, readPolicyText } from '../access/policy-text.ts';
import type { Database } from './database.ts';

/** Keeps the text of a policy before anything is decided under it. One that is kept already stays as it is. */
export async function keepPolicy(database: Database, text: string, now: number): Promise<void> {
  await database.write(KEEP, [policyVersion(text), text, new Date(now)]);
}

/** A policy by its version; undefined where it is not kept, or what is kept is not what the version is the hash of. */
export async function readPolicy(database: Database, version: string): Promise<Policy | undefined> {
  const [row] = await database.read(READ, [version]);
  const text = row?.[0];
  return typeof text === 'string' && policyVersion(text) === version ? readPolicyText(text) : undefined;
}

const KEEP = {
  name: 'keep-policy',
  text: `insert into record.policy_version (version, document, first_used) values ($1, $2, $3)
         on conflict (version) do nothing`,
};

const READ = {
  name: 'read-policy',
  text: 'select document from record.policy_version where version = $1',
};
