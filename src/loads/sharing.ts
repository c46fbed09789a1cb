import { within } from '../access/days.ts';
import type { SharedType, SourcePolicy } from '../access/policy.ts';
import { categoryTokens, codeTokens } from '../fhir/codings.ts';
import { isServed } from '../fhir/served.ts';

/**
 * What a source shares of a type on a day (DESIGN 4, rule 10). A type that is not listed is not shared.
 *
 * @param day the extract's business date
 */
export function sharedType(policy: SourcePolicy, type: string, day: string): SharedType | undefined {
  if (!isServed(type)) return undefined;
  const shared = Object.hasOwn(policy.shares, type) ? policy.shares[type] : undefined;
  if (shared === undefined) return undefined;
  return shared.days === undefined || within(day, shared.days) ? shared : undefined;
}

/** Whether a resource is kept back by its category or code. A code sent without its system is kept back as well. */
export function isKeptBack(resource: object, shared: SharedType): boolean {
  return (
    isExcepted(resource, categoryTokens, shared.exceptCategories) ||
    isExcepted(resource, codeTokens, shared.exceptCodes)
  );
}

function isExcepted(
  resource: object,
  tokens: (resource: object) => readonly string[],
  exceptions: readonly string[] | undefined,
): boolean {
  if (exceptions === undefined || exceptions.length === 0) return false;
  return tokens(resource).some(
    (token) => exceptions.includes(token) || (token.startsWith('|') && endsOne(exceptions, token)),
  );
}

function endsOne(exceptions: readonly string[], token: string): boolean {
  return exceptions.some((exception) => exception.endsWith(token));
}
