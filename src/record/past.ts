import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { outcomeIssue } from '../fhir/outcome.ts';
import type { Answer } from './composition.ts';
import { decideAndGather } from './decide-and-gather.ts';
import type { DisclosePorts } from './ports.ts';
import { redact } from './redact.ts';
import type { DisclosureRequest } from './request.ts';

/** What an answer says about being of another time, before it says what each source had (docs/decisions/0024). */
export function pastIssues(facts: Facts, grant: Grant, erased: boolean): readonly OperationOutcomeIssue[] {
  if (facts.at === undefined) return [];
  const published = facts.publication === 0 ? 'nothing was published' : `publication ${facts.publication}`;
  return [
    outcomeIssue({
      severity: 'information',
      code: 'informational',
      reason: 'as-at',
      text: `The record as it was at ${new Date(facts.at).toISOString()} (${published}), as far as the rules of today let it be seen. The state of each source is that of then.`,
    }),
    NOT_KEPT,
    ...facts.sources.flatMap((state) => {
      const source = facts.policy.sources.get(state.source);
      return state.inPart !== true || source === undefined || !grant.mayState(state.source)
        ? []
        : [{ ...removed(source.name), diagnostics: source.code }];
    }),
    ...(erased ? [ERASED] : []),
  ];
}

/** The same words for everybody: what is not kept says nothing about anybody. */
const NOT_KEPT = outcomeIssue({
  severity: 'information',
  code: 'informational',
  reason: 'not-kept',
  text: 'Consents, restrictions, quarantined contributions, roles and what organisations share are kept as they are today and not as they were then: those of today were applied, and no Consent is shown. What a partner answered live, and what was never stored, is not in it.',
});

const ERASED = outcomeIssue({
  severity: 'warning',
  code: 'incomplete',
  reason: 'erased',
  text: 'Something that was shown then has been erased since and is missing here.',
});

function removed(name: string): OperationOutcomeIssue {
  return outcomeIssue({
    severity: 'warning',
    code: 'incomplete',
    reason: 'history-removed',
    text: `${name}: versions that it had then have been removed as older than they are kept. What is shown of it is not all that it was.`,
  });
}

/**
 * Whether somebody of whom nothing was there at the instant may be seen today. Then the answer is an empty record; else
 * they are as unknown, or an empty record would tell of somebody who is hidden.
 */
export async function isSeenToday(
  ports: DisclosePorts,
  { caller, ask }: DisclosureRequest,
): Promise<boolean> {
  const { person } = ask;
  if (person.by !== 'person-id') return false;
  const today = { interaction: 'read', type: 'Patient', person, id: person.id, count: 1 } as const;
  const decided = await decideAndGather(ports, caller, today);
  if (decided.outcome === 'refused') return false;
  return redact(decided.grant, decided.facts, decided.gathered.rows).rows.some(
    ({ type }) => type === 'Patient',
  );
}

/** What was asked after the rows took time: consent is looked at again before the answer is given. */
export function waitedFor(answer: Answer): Answer {
  return answer.problem === undefined ? { ...answer, waited: true } : answer;
}
