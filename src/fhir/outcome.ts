import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { PROBLEM_TABLE, type Problem } from './problem.ts';

/** Our own reason codes, in `issue.details.coding`. */
export const OUTCOME_SYSTEM = 'https://mycarerecord.example/fhir/CodeSystem/outcome';

type IssueType = OperationOutcomeIssue['code'];

/** What a searchset says beside its matches: it is no error, since the answer stands (R4 search.html 3.1.1.7). */
export interface OutcomeIssue {
  readonly severity: 'warning' | 'information';
  readonly code: IssueType;
  /** a code of OUTCOME_SYSTEM */
  readonly reason: string;
  /** a sentence for the reader; holds no personal data */
  readonly text: string;
  readonly expression?: readonly string[];
}

/** The OperationOutcome that answers a refusal or failure. It says what the Problem says and nothing of its cause. */
export function operationOutcome(problem: Problem): OperationOutcome {
  const { reason, expression } = problem.detail;
  // the table's codes are R4 IssueTypes; the test of this file proves it
  const code = PROBLEM_TABLE[problem.kind].code as IssueType;
  return outcome([issue('error', code, reason, problem.message, expression)]);
}

/** One issue of a searchset's outcome entry. */
export function outcomeIssue({
  severity,
  code,
  reason,
  text,
  expression,
}: OutcomeIssue): OperationOutcomeIssue {
  return issue(severity, code, reason, text, expression);
}

function outcome(issue: OperationOutcomeIssue[]): OperationOutcome {
  return { resourceType: 'OperationOutcome', issue };
}

function issue(
  severity: OperationOutcomeIssue['severity'],
  code: IssueType,
  reason: string | undefined,
  text: string,
  expression: readonly string[] | undefined,
): OperationOutcomeIssue {
  return {
    severity,
    code,
    details: { ...(reason !== undefined && { coding: [{ system: OUTCOME_SYSTEM, code: reason }] }), text },
    ...(expression !== undefined && expression.length > 0 && { expression: [...expression] }),
  };
}
