import { createHash } from 'node:crypto';
import type { Configuration } from './config.ts';
import type { ConfigurationParts, SeenConfiguration } from './storage/configuration-seen.ts';

/** Names that are told of one change: an agreement of a county is some hundred practices. */
const MOST_NAMES = 40;

/**
 * A configuration as it is compared with the one before: what decides on access, loads and the log, part by part. Where
 * the service listens, how much it logs and where it finds its database and secrets is left out.
 *
 * @param software version of this program
 */
export function configurationSeen(configuration: Configuration, software: string): SeenConfiguration {
  const { policy, mappings, issuers, loads, audit, limits } = configuration;
  const { guards, ...loading } = loads;
  const parts: Record<string, string> = { software, policy: policy.version };
  for (const { roles, ...organisation } of policy.organisations.values()) {
    parts[`organisation ${organisation.code}`] = hashOf(organisation);
    // the version is the organisation's own word for it: what is in it counts
    parts[`roles ${organisation.code}`] = `${roles.version} ${hashOf(roles)}`;
  }
  for (const source of policy.sources.values()) parts[`source ${source.code}`] = hashOf(source);
  for (const [code, limit] of guards) parts[`guards ${code}`] = hashOf(limit);
  for (const [code, mapping] of mappings) parts[`mapping ${code}`] = hashOf(mapping);
  for (const issuer of issuers) parts[`issuer ${issuer.issuer}`] = hashOf(issuer);
  const { optOutHides, testNumbers = 'refuse' } = policy;
  const { mode, fhirBase, tlsProxy, cors, authorizationServer = null } = configuration;
  const settings = { optOutHides, testNumbers, mode, fhirBase, tlsProxy, cors, authorizationServer };
  for (const [name, value] of Object.entries({ ...settings, limits, loads: loading, audit }))
    parts[name] = hashOf(value);
  return { version: hashOf(parts), parts };
}

/** What of a configuration is not as it was, by name: never what it says. */
export interface ConfigurationChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export function changeOf(before: ConfigurationParts, now: ConfigurationParts): ConfigurationChange {
  return {
    added: Object.keys(now).filter((name) => !Object.hasOwn(before, name)),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(now, name)),
    changed: Object.keys(now).filter((name) => Object.hasOwn(before, name) && before[name] !== now[name]),
  };
}

/** The same of role tables alone, by organisation, with the versions that the organisations give them. */
export function rolesChanged(before: ConfigurationParts, now: ConfigurationParts): ConfigurationChange {
  const change = changeOf(before, now);
  const roles = (names: readonly string[], told: (name: string) => string): string[] =>
    names.filter((name) => name.startsWith('roles ')).map((name) => `${name.slice(6)} ${told(name)}`);
  // the hash behind it has no space
  const version = (parts: ConfigurationParts, name: string): string =>
    (parts[name] ?? '').replace(/ [^ ]*$/, '');
  return {
    added: roles(change.added, (name) => version(now, name)),
    removed: roles(change.removed, (name) => version(before, name)),
    changed: roles(change.changed, (name) => `${version(before, name)} to ${version(now, name)}`),
  };
}

/** As details of an event: lists that are empty are left out, long ones are cut and say so. */
export function changeDetails(change: ConfigurationChange): Readonly<Record<string, string>> {
  const lists = Object.entries(change) as [string, readonly string[]][];
  return Object.fromEntries(
    lists.filter(([, names]) => names.length > 0).map(([name, names]) => [name, listed(names)]),
  );
}

function listed(names: readonly string[]): string {
  const left = names.length - MOST_NAMES;
  const shown = [...names].sort().slice(0, MOST_NAMES).join(', ');
  return left > 0 ? `${shown} and ${left} more` : shown;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
