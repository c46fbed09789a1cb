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

/**
 * Told what a sharing policy keeps back, row by row: a preview counts it. Words of the policy and of FHIR alone, nothing
 * of the row.
 */
export interface SharingWatch {
  /** a row is not shared: by its type, its day, or one of the policy's categories and codes */
  withheld(type: string, why: string): void;
  /** an element of a row that is shared is not */
  removed(type: string, element: string): void;
  /** the mapping leaves a row of a table out */
  leftOut(table: string): void;
}

/** Why a source's policy shares nothing of a type on a day; undefined: it does. */
export function notSharedBecause(policy: SourcePolicy, type: string, day: string): string | undefined {
  if (sharedType(policy, type, day) !== undefined) return undefined;
  const listed = isServed(type) && Object.hasOwn(policy.shares, type);
  return listed ? 'outside the days on which the type is shared' : 'the type is not shared';
}

/**
 * The exception of the policy by which a resource is kept back: its category or its code. A code sent without its system is
 * kept back as well.
 *
 * @returns in words, with the exception as the policy has it; undefined: the resource is shared
 */
export function keptBackBy(resource: object, shared: SharedType): string | undefined {
  const category = exceptionOf(resource, categoryTokens, shared.exceptCategories);
  if (category !== undefined) return `category ${category}`;
  const code = exceptionOf(resource, codeTokens, shared.exceptCodes);
  return code === undefined ? undefined : `code ${code}`;
}

function exceptionOf(
  resource: object,
  tokensOf: (resource: object) => readonly string[],
  exceptions: readonly string[] | undefined,
): string | undefined {
  if (exceptions === undefined || exceptions.length === 0) return undefined;
  const tokens = tokensOf(resource);
  return exceptions.find((exception) =>
    tokens.some((token) => token === exception || (token.startsWith('|') && exception.endsWith(token))),
  );
}
