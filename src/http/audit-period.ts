import { Problem } from '../fhir/problem.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';

/** What a search for audit events must be bounded by (IHE ITI-81): both ends, at most this far apart. */
const LONGEST = 400 * 86_400_000;

/**
 * The time that the `date` parameters of an audit search bound, milliseconds since the epoch: `from` included, `to` not.
 *
 * @throws Problem `invalid` where an end is open, the prefix cannot bound, or the span is too long
 */
export function auditPeriod(parsed: readonly ParsedParameter[]): {
  readonly from: number;
  readonly to: number;
} {
  let [from, to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const value of parsed.filter((p) => p.name === 'date').flatMap((p) => p.values)) {
    if (value.kind !== 'date') continue;
    const { range, prefix } = value;
    if (prefix === 'eq') [from, to] = [Math.max(from, range.from), Math.min(to, range.to)];
    else if (prefix === 'ge') from = Math.max(from, range.from);
    else if (prefix === 'gt' || prefix === 'sa') from = Math.max(from, range.to);
    else if (prefix === 'le') to = Math.min(to, range.to);
    else if (prefix === 'lt' || prefix === 'eb') to = Math.min(to, range.from);
    else
      throw new Problem('unsupported', 'date takes eq, ge, gt, sa, le, lt and eb here.', {
        expression: ['date'],
      });
  }
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    const message = 'An audit search is bounded in time: give date=ge… and date=le…, or a day.';
    throw new Problem('invalid', message, { expression: ['date'] });
  }
  if (to - from > LONGEST) {
    throw new Problem('too-costly', 'An audit search spans at most 400 days.', { expression: ['date'] });
  }
  return { from, to };
}
