import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { OWN_PROFILE } from '../fhir/own-profiles.ts';
import { declareUkCore } from '../fhir/uk-core.ts';

/** One entry's resource as text: stored text is spliced in without being parsed. */
export interface EntryText {
  readonly type: string;
  readonly id: string;
  readonly body: string;
}

export interface BundleParts {
  readonly baseUrl: string;
  /** path and query of the request as understood, beginning with a type */
  readonly self: string;
  /** path and query of the next page */
  readonly next?: string;
  /** visible matches over all pages; absent where they are not counted */
  readonly total?: number;
  readonly entries: readonly EntryText[];
  /** what the answer lacks; empty: no outcome entry */
  readonly issues: readonly OperationOutcomeIssue[];
  readonly now: number;
}

const INCOMPLETE = '{"system":"https://mycarerecord.example/fhir/CodeSystem/bundle","code":"incomplete"}';

/** A searchset Bundle (R4 bundle.html, search.html) as text. Entries go in as they are stored. */
export function searchset(parts: BundleParts): string {
  const incomplete = parts.issues.some((issue) => issue.severity === 'warning');
  const links = [link('self', parts.baseUrl, parts.self)];
  if (parts.next !== undefined) links.push(link('next', parts.baseUrl, parts.next));
  const entries = parts.entries.map(
    (entry) =>
      `{"fullUrl":"${parts.baseUrl}/${entry.type}/${entry.id}","resource":${entry.body},"search":{"mode":"match"}}`,
  );
  if (parts.issues.length > 0) entries.push(outcomeEntry(parts.issues));
  const total = parts.total === undefined ? '' : `,"total":${parts.total}`;
  return (
    `{"resourceType":"Bundle",${incomplete ? `"meta":{"tag":[${INCOMPLETE}]},` : ''}"type":"searchset",` +
    `"timestamp":"${new Date(parts.now).toISOString()}"${total},"link":[${links.join(',')}]` +
    `${entries.length === 0 ? '' : `,"entry":[${entries.join(',')}]`}}`
  );
}

function link(relation: string, baseUrl: string, path: string): string {
  return `{"relation":"${relation}","url":${JSON.stringify(`${baseUrl}/${path}`)}}`;
}

/** The outcome has no URL of its own; the same fixed name every time tells nothing. */
function outcomeEntry(issues: readonly OperationOutcomeIssue[]): string {
  const outcome = declareUkCore<OperationOutcome>({
    resourceType: 'OperationOutcome',
    meta: { profile: [OWN_PROFILE.sourceStatus] },
    issue: [...issues],
  });
  return (
    `{"fullUrl":"urn:uuid:4d7e2a2c-95a5-5c0f-8d4b-6a1c1f0e2b11","resource":${JSON.stringify(outcome)},` +
    `"search":{"mode":"outcome"}}`
  );
}
