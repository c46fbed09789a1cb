import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { lateSince } from '../access/arrival.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { SourcePolicy } from '../access/policy.ts';
import { OUTCOME_SYSTEM } from '../fhir/outcome.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type { Fetched } from './ports.ts';

type Failure = Extract<Fetched, { ok: false }>;

/**
 * What an answer lacks, an issue per source: late, down, stale beyond its promise, never loaded. For `$everything`
 * every source is stated. Nothing here depends on whether a source knows the person (DESIGN 4, inference): social
 * care without an agreement reads the same for a child it knows and for one it does not.
 */
export function completeness(
  facts: Facts,
  grant: Grant | undefined,
  types: readonly ServedTypeName[],
  failures: readonly Failure[],
  every: boolean,
): readonly OperationOutcomeIssue[] {
  const issues: OperationOutcomeIssue[] = [];
  for (const source of facts.policy.sources.values()) {
    if (!types.some((type) => source.shares[type] !== undefined)) continue;
    const failure = failures.find((f) => f.source === source.code);
    const issue = failure === undefined ? loaded(facts, grant, source, every) : failed(source, failure);
    if (issue !== undefined) issues.push(issue);
  }
  return issues;
}

function failed(source: SourcePolicy, failure: Failure): OperationOutcomeIssue {
  const since = failure.lastGood === undefined ? '' : ` It last answered at ${instant(failure.lastGood)}.`;
  const text = `${source.name} could not be asked: its part of the record is missing here.${since}`;
  return issue(
    'warning',
    failure.reason === 'late' ? 'timeout' : 'incomplete',
    `source-${failure.reason}`,
    text,
    source,
  );
}

function loaded(
  facts: Facts,
  grant: Grant | undefined,
  source: SourcePolicy,
  every: boolean,
): OperationOutcomeIssue | undefined {
  if (source.sector === 'social-care' && grant?.agreed(source.code) !== true) {
    const text = `${source.name}: not shown. Social care information is shown only where the person has agreed.`;
    return every ? issue('information', 'informational', 'not-shared', text, source) : undefined;
  }
  const state = facts.sources.find((s) => s.source === source.code);
  if (state === undefined) {
    const text = `${source.name} has not sent its records yet: its part of the record is missing here.`;
    return issue('warning', 'incomplete', 'source-never-loaded', text, source);
  }
  const asOf = `as of ${state.businessDate}, received ${instant(state.publishedAt)}`;
  // of a record as it was: whether it was out of date then
  const now = facts.at ?? facts.now;
  if (now - state.publishedAt > source.staleAfterHours * 3_600_000) {
    const text = `${source.name} is out of date: ${asOf}. What it recorded since then is missing here.`;
    return issue('warning', 'incomplete', 'source-stale', text, source);
  }
  const late = lateSince(source, state, now);
  if (late !== undefined) {
    const text = `${source.name} is late: its next records were due at ${instant(late)}. What is shown is ${asOf}.`;
    return issue('warning', 'incomplete', 'source-stale', text, source);
  }
  const text = `${source.name}: ${asOf}.`;
  return every ? issue('information', 'informational', 'source-current', text, source) : undefined;
}

function issue(
  severity: OperationOutcomeIssue['severity'],
  code: OperationOutcomeIssue['code'],
  reason: string,
  text: string,
  source: SourcePolicy,
): OperationOutcomeIssue {
  return {
    severity,
    code,
    details: { coding: [{ system: OUTCOME_SYSTEM, code: reason }], text },
    diagnostics: source.code,
  };
}

function instant(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
