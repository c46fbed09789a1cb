import type { RowFacts } from '../access/facts.ts';
import type { Policy } from '../access/policy.ts';
import { categoryTokens, codeTokens, labelsThroughout } from '../fhir/codings.ts';
import type { ServedTypeName } from '../fhir/served.ts';

const NONE: Pick<RowFacts, 'categories' | 'labels' | 'codes'> = { categories: [], labels: [], codes: [] };

/**
 * What decisions look at in a directory row. Rows of a record have it in columns of their own; a directory row is
 * opened, where it is labelled or its source shares the type with exceptions.
 */
export function decidedOn(
  policy: Policy,
  source: string,
  type: ServedTypeName,
  body: string,
): Pick<RowFacts, 'categories' | 'labels' | 'codes'> {
  const shared = policy.sources.get(source)?.shares[type];
  const excepted = shared?.exceptCategories !== undefined || shared?.exceptCodes !== undefined;
  // a name with an escape in it is never written here: bodies are our own JSON
  if (!excepted && !body.includes('"security"')) return NONE;
  const resource = JSON.parse(body) as object;
  return {
    categories: categoryTokens(resource),
    labels: labelsThroughout(resource),
    codes: codeTokens(resource),
  };
}
