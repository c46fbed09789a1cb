import { operationInputs } from './parameters.ts';

const NAMES = ['start', 'end', '_since', '_type', '_count'];

/**
 * `$everything` by POST: its Parameters, as the query that asks the same.
 *
 * @throws Problem for parameters that the operation does not take
 */
export function everythingPairs(
  body: Readonly<Record<string, unknown>>,
): readonly (readonly [string, string])[] {
  return operationInputs(body, NAMES, ['_type']).map(({ name, text = '' }) => [name, text]);
}
