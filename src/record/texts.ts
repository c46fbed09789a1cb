import { Problem } from '../fhir/problem.ts';
import { aboutInstead } from './merged.ts';
import type { DisclosePorts } from './ports.ts';
import { leaveOut, type VisibleRow } from './redact.ts';

/** Rows beyond what the first query brought texts for are fetched by key: only those that are shown. */
export async function withBodies(
  ports: DisclosePorts,
  page: readonly VisibleRow[],
): Promise<readonly (VisibleRow & { readonly body: string })[]> {
  const missing = page.filter((row) => row.body === undefined);
  const bodies = missing.length === 0 ? new Map<string, string>() : await ports.store.bodies(missing);
  return page.map((row) => {
    const fetched = bodies.get(row.id);
    const { personId, subject } = row;
    const own =
      fetched === undefined || subject === undefined ? fetched : aboutInstead(fetched, personId, subject);
    const body = row.body ?? (own === undefined ? undefined : leaveOut(own, row.hidden));
    if (body === undefined) {
      throw new Problem('unavailable', 'The record is changing just now. Try again shortly.', {
        retryAfter: 1,
      });
    }
    return { ...row, body };
  });
}
