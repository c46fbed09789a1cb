import { createHash } from 'node:crypto';
import type { Organisation, Policy, SourcePolicy } from './policy.ts';

/** What a policy is made of, as the configuration says it. */
export interface PolicyParts {
  readonly organisations: readonly SaidOrganisation[];
  readonly sources: readonly SourcePolicy[];
  readonly optOutHides: Policy['optOutHides'];
  readonly testNumbers: NonNullable<Policy['testNumbers']>;
}

/** An organisation as it is said: its role table may leave its version to be made. */
export interface SaidOrganisation extends Omit<Organisation, 'roles'> {
  readonly roles: Omit<Organisation['roles'], 'version'> & { readonly version?: string };
}

/** The exact text that a policy's version is the hash of: whoever keeps it can tell what the policy was. */
export function policyText({ organisations, sources, optOutHides, testNumbers }: PolicyParts): string {
  return JSON.stringify([organisations, sources, optOutHides, testNumbers]);
}

/**
 * A policy from its text.
 *
 * @throws SyntaxError or TypeError where the text is none
 */
export function readPolicyText(text: string): Policy {
  const [organisations, sources, optOutHides, testNumbers] = JSON.parse(text) as [
    PolicyParts['organisations'],
    PolicyParts['sources'],
    PolicyParts['optOutHides'],
    PolicyParts['testNumbers'],
  ];
  return {
    version: policyVersion(text),
    organisations: new Map(organisations.map((said) => [said.code, { ...said, roles: versioned(said) }])),
    sources: new Map(sources.map((source) => [source.code, source])),
    optOutHides,
    testNumbers,
  };
}

/** Version of the policy that a text says. */
export function policyVersion(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function versioned({ roles }: SaidOrganisation): Organisation['roles'] {
  return { ...roles, version: roles.version ?? policyVersion(JSON.stringify(roles)) };
}
