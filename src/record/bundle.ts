import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { OWN_PROFILE } from '../fhir/own-profiles.ts';
import { declareUkCore } from '../fhir/uk-core.ts';

/** One entry's resource as text: stored text is spliced in without being parsed. */
export interface EntryText {
  readonly type: string;
  readonly id: string;
  readonly body: string;
  /** why it is there; absent: it matches */
  readonly mode?: 'match' | 'include';
  /** of `$match`: this is the person */
  readonly certain?: boolean;
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

/** Tag of a Bundle that lacks a source (DESIGN 11). */
export const INCOMPLETE =
  '{"system":"https://mycarerecord.example/fhir/CodeSystem/bundle","code":"incomplete"}';

/** R4 patient-operation-match.html */
const CERTAIN =
  '"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/match-grade","valueCode":"certain"}],';

/** A searchset Bundle (R4 bundle.html, search.html) as text. Entries go in as they are stored. */
export function searchset(parts: BundleParts): string {
  const incomplete = parts.issues.some(isLack);
  const links = [link('self', parts.baseUrl, parts.self)];
  if (parts.next !== undefined) links.push(link('next', parts.baseUrl, parts.next));
  const entries = parts.entries.map(
    (entry) =>
      `{"fullUrl":"${parts.baseUrl}/${entry.type}/${entry.id}","resource":${entry.body},` +
      `"search":{${entry.certain === true ? CERTAIN : ''}"mode":"${entry.mode ?? 'match'}"` +
      `${entry.certain === true ? ',"score":1' : ''}}}`,
  );
  if (parts.issues.length > 0) entries.push(outcomeEntry(parts.issues));
  const total = parts.total === undefined ? '' : `,"total":${parts.total}`;
  return (
    `{"resourceType":"Bundle",${incomplete ? `"meta":{"tag":[${INCOMPLETE}]},` : ''}"type":"searchset",` +
    `"timestamp":"${new Date(parts.now).toISOString()}"${total},"link":[${links.join(',')}]` +
    `${entries.length === 0 ? '' : `,"entry":[${entries.join(',')}]`}}`
  );
}

/** Whether an issue says that a source's part is missing: not that more could have come along. */
export function isLack({ severity, code }: OperationOutcomeIssue): boolean {
  return severity === 'warning' && code !== 'too-costly';
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

/** One version in a history. */
export interface VersionText {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  /** instant */
  readonly lastModified: string;
  readonly body: string;
}

export interface HistoryParts extends Pick<BundleParts, 'baseUrl' | 'self' | 'next' | 'now'> {
  readonly total: number;
  /** newest first */
  readonly entries: readonly VersionText[];
}

/**
 * A history Bundle (R4 http.html#history) as text. Every version is shown as an update: whether an older one exists that
 * is not shown, and so whether the oldest shown created the resource, is not told.
 */
export function historyBundle({ baseUrl, self, next, now, total, entries }: HistoryParts): string {
  const links = [link('self', baseUrl, self), ...(next === undefined ? [] : [link('next', baseUrl, next)])];
  const texts = entries.map(
    ({ type, id, version, lastModified, body }) =>
      `{"fullUrl":"${baseUrl}/${type}/${id}","resource":${body},"request":{"method":"PUT","url":"${type}/${id}"},` +
      `"response":{"status":"200","etag":"W/\\"${version}\\"","lastModified":"${lastModified}"}}`,
  );
  return (
    `{"resourceType":"Bundle","type":"history","timestamp":"${new Date(now).toISOString()}","total":${total},` +
    `"link":[${links.join(',')}]${texts.length === 0 ? '' : `,"entry":[${texts.join(',')}]`}}`
  );
}
