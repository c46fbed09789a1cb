import { Problem } from '../fhir/problem.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';

/** What a search for audit events must be bounded by (IHE ITI-81): both ends, at most this far apart. */
const LONGEST = 400 * 86_400_000;

/** Milliseconds since the epoch: `from` included, `to` not. */
export interface AuditPeriod {
  readonly from: number;
  readonly to: number;
}

/**
 * The time that the `date` parameters of an audit search bound, and `_lastUpdated` narrows: an event is as old as it was
 * recorded. `ne` bounds nothing; it is judged like any other condition.
 *
 * @param now milliseconds since the epoch: what `ap` is measured from
 * @throws Problem `invalid` where an end is open, `too-costly` where the span is too long
 */
export function auditPeriod(parsed: readonly ParsedParameter[], now: number): AuditPeriod {
  const { from, to } = boundsOf(parsed, 'date', now);
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    const message = 'An audit search is bounded in time: give date=ge… and date=le…, or a day.';
    throw new Problem('invalid', message, { expression: ['date'] });
  }
  if (to - from > LONGEST) {
    throw new Problem('too-costly', 'An audit search spans at most 400 days.', { expression: ['date'] });
  }
  const updated = boundsOf(parsed, '_lastUpdated', now);
  return { from: Math.max(from, updated.from), to: Math.min(to, updated.to) };
}

/** All values of a parameter hold; of several between commas, which are *or*, none bounds. */
function boundsOf(parsed: readonly ParsedParameter[], name: string, now: number): AuditPeriod {
  let [from, to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { values } of parsed.filter((each) => each.name === name)) {
    const [value] = values;
    if (value?.kind !== 'date' || values.length > 1) continue;
    const { range, prefix } = value;
    if (prefix === 'eq') [from, to] = [Math.max(from, range.from), Math.min(to, range.to)];
    else if (prefix === 'ge') from = Math.max(from, range.from);
    else if (prefix === 'gt' || prefix === 'sa') from = Math.max(from, range.to);
    else if (prefix === 'le') to = Math.min(to, range.to);
    else if (prefix === 'lt' || prefix === 'eb') to = Math.min(to, range.from);
    else if (prefix === 'ap') {
      // as `matchesDate`; whole milliseconds, rather too wide than too narrow
      const slack = Math.max(range.from - now, now - range.to, 0) / 10;
      [from, to] = [
        Math.max(from, Math.floor(range.from - slack)),
        Math.min(to, Math.ceil(range.to + slack)),
      ];
    }
  }
  return { from, to };
}
