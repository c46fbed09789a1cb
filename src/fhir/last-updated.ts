import { afterSpace, afterString, afterValue } from './json-text.ts';

/**
 * `meta.lastUpdated` of a resource as text. Of the text no more is looked at than comes before `meta`, which stands near
 * the front of what we store, and no more parsed than `meta` itself.
 *
 * @param body valid JSON of one resource
 * @returns milliseconds since the epoch; undefined where the resource does not say
 */
export function lastUpdatedOf(body: string): number | undefined {
  let at = afterSpace(body, 0) + 1;
  while (at < body.length) {
    const start = afterSpace(body, at);
    if (body.charAt(start) !== '"') return undefined;
    const end = afterString(body, start);
    const value = afterSpace(body, afterSpace(body, end) + 1);
    const behind = afterValue(body, value);
    if (body.slice(start, end) === '"meta"') return instantOf(body.slice(value, behind));
    at = afterSpace(body, behind) + 1;
  }
  return undefined;
}

function instantOf(meta: string): number | undefined {
  const read = JSON.parse(meta) as { readonly lastUpdated?: unknown } | null;
  const lastUpdated = read?.lastUpdated;
  const instant = typeof lastUpdated === 'string' ? Date.parse(lastUpdated) : Number.NaN;
  return Number.isNaN(instant) ? undefined : instant;
}
