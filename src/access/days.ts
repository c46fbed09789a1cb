import type { Days, Policy } from './policy.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Whether a day lies within a span, both ends included. A span without a beginning, or with an end that is not a day,
 * holds nothing: absence is not permission.
 *
 * @param today `YYYY-MM-DD`, Europe/London
 */
export function within(today: string, span: Partial<Days>): boolean {
  const { from, to } = span;
  if (from === undefined || !DAY.test(today) || !DAY.test(from) || from > today) return false;
  return to === undefined || (DAY.test(to) && today <= to);
}

/** Whether the organisation is known and bound by the data sharing agreement on that day. */
export function isSignatory(policy: Policy, organisation: string, today: string): boolean {
  const agreements = policy.organisations.get(organisation)?.agreements ?? [];
  return agreements.some((days) => within(today, days));
}
