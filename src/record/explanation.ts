import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import type { Explanation } from '../access/explain.ts';
import type { RecordedRequest } from './recorded-request.ts';

/** One request explained: what the log has of it, and what the rules make of it. */
export interface ExplainedOne {
  /** of a past request */
  readonly event?: { readonly id: string; readonly recorded: number; readonly request: RecordedRequest };
  /** absent where the log does not hold enough to ask the rules */
  readonly explanation?: Explanation;
  /** the instant that the rules were asked for, milliseconds since the epoch */
  readonly at: number;
  /** sentences: what is not kept, and so is not as it was */
  readonly notKept: readonly string[];
}

/** The answer of `$explain-access`: a parameter `request` for each. */
export function explanationParameters(explained: readonly ExplainedOne[]): Parameters {
  return { resourceType: 'Parameters', parameter: explained.map(requestParameter) };
}

function requestParameter({ event, explanation, at, notKept }: ExplainedOne): ParametersParameter {
  return {
    name: 'request',
    part: [
      ...(event === undefined ? [] : recordedParts(event)),
      ...(explanation === undefined ? [] : [rulesPart(explanation, at)]),
      ...notKept.map((sentence) => ({ name: 'not-kept', valueString: sentence })),
    ],
  };
}

function recordedParts({ id, recorded, request }: NonNullable<ExplainedOne['event']>): ParametersParameter[] {
  const { outcome, reason, policyVersion, verdicts, override, alert } = request;
  return [
    { name: 'event', valueId: id },
    {
      name: 'recorded',
      part: [
        { name: 'at', valueInstant: new Date(recorded).toISOString() },
        { name: 'outcome', valueCode: outcome },
        ...text('reason', reason),
        ...text('policy-version', policyVersion),
        ...text('override', override?.rule),
        ...text('override-reason', override?.reason),
        ...text('alert', alert?.kind),
        ...text('alert-of', alert?.event),
        ...Object.entries(verdicts ?? {}).flatMap(([verdict, rules]) =>
          rules.split(' ').flatMap((rule) => text(verdict, rule)),
        ),
      ],
    },
  ];
}

function rulesPart(explanation: Explanation, at: number): ParametersParameter {
  const { outcome, refusal, rules, policyVersion, publication, epoch } = explanation;
  return {
    name: 'rules',
    part: [
      { name: 'at', valueInstant: new Date(at).toISOString() },
      { name: 'outcome', valueCode: outcome },
      ...text('refused-by', refusal?.rule),
      ...text('reason', refusal?.reason),
      ...text('policy-version', policyVersion),
      ...text('publication', String(publication)),
      ...text('consent-epoch', epoch === undefined ? undefined : String(epoch)),
      ...rules.map(({ rule, number, verdict, reason, says, cites, facts }) => ({
        name: 'rule',
        part: [
          { name: 'name', valueString: rule },
          { name: 'number', valueInteger: number },
          { name: 'verdict', valueCode: verdict },
          ...text('reason', reason),
          ...text('says', says),
          ...text('cites', cites),
          ...facts.flatMap(([name, value]) => {
            const parts = [...text('name', name), ...text('value', value)];
            return parts.length === 2 ? [{ name: 'fact', part: parts }] : [];
          }),
        ],
      })),
    ],
  };
}

/** FHIR has no empty strings: what says nothing is left out. */
function text(name: string, value: string | undefined): ParametersParameter[] {
  return value === undefined || !/\S/.test(value) ? [] : [{ name, valueString: value }];
}
