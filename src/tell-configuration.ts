import { changeDetails, changeOf, configurationSeen, rolesChanged } from './configuration-parts.ts';
import { doneHere } from './operator-event.ts';
import { packageVersion } from './package-root.ts';
import { lastConfiguration, rememberConfiguration } from './storage/configuration-seen.ts';
import type { Service } from './wire.ts';

/**
 * Tells the audit log where this process works by another configuration than the last that did, before anything is
 * done by it: what changed, by name, and the versions. Of role tables an event of their own.
 *
 * @returns whether there was anything to tell
 * @throws Error where it cannot be told: then nothing may be done by it
 */
export async function tellConfiguration(
  { configuration, database, account }: Pick<Service, 'configuration' | 'database' | 'account'>,
  software = packageVersion(),
): Promise<boolean> {
  const now = configurationSeen(configuration, software);
  const before = await lastConfiguration(database);
  if (before?.version === now.version) return false;
  const policyVersion = configuration.policy.version;
  const versions = { version: now.version, 'version-before': before?.version ?? 'none' };
  const parts = before?.parts ?? {};
  // of a first start everything is new: there is nothing that anybody changed
  const change = before === undefined ? {} : changeDetails(changeOf(parts, now.parts));
  await account(
    doneHere({
      what: 'configuration',
      description: 'The service works by another configuration than before',
      policyVersion,
      details: {
        operation: 'configuration-in-force',
        ...versions,
        ...(parts['policy'] === undefined ? {} : { 'policy-before': parts['policy'] }),
        software,
        ...change,
      },
    }),
  );
  const roles = before === undefined ? {} : changeDetails(rolesChanged(parts, now.parts));
  if (Object.keys(roles).length > 0) {
    await account(
      doneHere({
        what: 'roles',
        description: 'What roles may see is not as it was',
        policyVersion,
        details: { operation: 'roles-in-force', ...versions, ...roles },
      }),
    );
  }
  await rememberConfiguration(database, now);
  return true;
}
