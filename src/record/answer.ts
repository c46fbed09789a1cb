import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import type { Grant, Refusal } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { lastUpdatedOf } from '../fhir/last-updated.ts';
import { OUTCOME_SYSTEM } from '../fhir/outcome.ts';
import { Problem } from '../fhir/problem.ts';
import { served } from '../fhir/served.ts';
import { searchset } from './bundle.ts';
import { completeness } from './completeness.ts';
import { askedTypes, fromPageStart } from './gather.ts';
import { sortKey } from './order.ts';
import type { DisclosePorts, Fetched, Row } from './ports.ts';
import { leaveOut, type Visible, type VisibleRow } from './redact.ts';
import type { DisclosureRequest } from './request.ts';

/** The text of an answer, and what of the record is in it; or the problem that stands in its place. */
export type Answer =
  | {
      readonly body: string;
      readonly released: readonly Row[];
      readonly problem?: undefined;
      /** texts were fetched after the rows */
      readonly waited?: boolean;
      /** a read of one stored resource: its `meta.lastUpdated`, milliseconds since the epoch */
      readonly lastModified?: number;
    }
  | {
      readonly problem: Problem;
      readonly released: readonly [];
      readonly body?: undefined;
      readonly waited?: undefined;
      readonly lastModified?: undefined;
    };

type Failure = Extract<Fetched, { ok: false }>;

/** Not visible and not there are the same, byte for byte: one message for both. */
export function notFound(): Problem {
  return new Problem('not-found', 'There is no such resource.');
}

/** Makes the answer from what is visible. */
export async function compose(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  grant: Grant,
  visible: Visible,
  failures: readonly Failure[],
): Promise<Answer> {
  const { ask } = request;
  const asked = visible.rows.filter((row) => isAsked(request, row));
  // not found wins over incomplete, or a source that is late would tell what is hidden from what is not there.
  // A person nobody may show is as unknown: no Patient, no record
  const found =
    ask.interaction === 'everything' ? asked.some((row) => row.type === 'Patient') : asked.length > 0;
  if (ask.interaction !== 'search-type' && !found) return { problem: notFound(), released: [] };
  if (ask.interaction === 'read' && !request.requireComplete) return readAnswer(asked);
  // named by a row that is not shown, the person is nobody: nothing of theirs is stated either
  const stated = ask.person.by === 'resource' && !found ? undefined : grant;
  const issues = completeness(facts, stated, askedTypes(ask), failures, ask.interaction === 'everything');
  if (request.requireComplete && issues.some((issue) => issue.severity === 'warning'))
    return refusedIncomplete();
  return ask.interaction === 'read' ? readAnswer(asked) : pageAnswer(ports, request, facts, asked, issues);
}

function isAsked(request: DisclosureRequest, row: Row): boolean {
  const { ask } = request;
  if (ask.interaction === 'everything') return true;
  if (ask.interaction === 'read') return row.type === ask.type && row.id === ask.id;
  return row.type === ask.type && (ask.ids === undefined || ask.ids.includes(row.id));
}

function readAnswer([row]: readonly VisibleRow[]): Answer {
  if (row?.body === undefined) return { problem: notFound(), released: [] };
  // a Patient is made for this caller, not stored: it was not changed at any one time
  const lastModified = row.type === 'Patient' ? undefined : lastUpdatedOf(row.body);
  return { body: row.body, released: row.madeOf, ...(lastModified !== undefined && { lastModified }) };
}

async function pageAnswer(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  asked: readonly VisibleRow[],
  issues: readonly OperationOutcomeIssue[],
): Promise<Answer> {
  const { ask, caller } = request;
  const rest = fromPageStart(asked, ask);
  const onPage = rest.slice(0, ask.count);
  const page = await withBodies(ports, onPage);
  const last = page[page.length - 1];
  const next =
    last === undefined || rest.length <= page.length
      ? undefined
      : ports.pageTokens.seal(
          { ...ask, after: { publication: facts.publication, lastKey: sortKey(last.type, last.id) } },
          caller,
          facts.now,
        );
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    ...(next === undefined ? {} : { next: `${pathOf(request)}?_page=${next}` }),
    // a directory is not counted: it is read a page at a time
    ...(served(ask.type).keeping === 'directory' ? {} : { total: asked.length }),
    entries: page.map((row) => ({ type: row.type, id: row.id, body: row.body })),
    issues,
    now: facts.now,
  });
  const waited = onPage.some((row) => row.body === undefined);
  return { body, released: page.flatMap((row) => row.madeOf), waited };
}

function pathOf(request: DisclosureRequest): string {
  const { ask } = request;
  if (ask.interaction === 'everything' && ask.person.by === 'person-id')
    return `Patient/${ask.person.id}/$everything`;
  return ask.type;
}

/** Rows beyond what the first query brought texts for are fetched by key: only those of the page. */
async function withBodies(
  ports: DisclosePorts,
  page: readonly VisibleRow[],
): Promise<readonly (VisibleRow & { readonly body: string })[]> {
  const missing = page.filter((row) => row.body === undefined);
  const bodies = missing.length === 0 ? new Map<string, string>() : await ports.store.bodies(missing);
  return page.map((row) => {
    const fetched = bodies.get(row.id);
    const body = row.body ?? (fetched === undefined ? undefined : leaveOut(fetched, row.hidden));
    if (body === undefined) {
      throw new Problem('unavailable', 'The record is changing just now. Try again shortly.', {
        retryAfter: 1,
      });
    }
    return { ...row, body };
  });
}

/** Answers to a refused question, by the refusal table of DESIGN 4. */
export function composeRefused(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  refusal: Refusal,
): Answer {
  const { ask } = request;
  const search = ask.interaction === 'search-type';
  if (refusal.reason === 'consent-withdrawn' && ask.interaction !== 'read') {
    return emptyAnswer(ports, request, facts, [withdrawn(refusal)]);
  }
  if (refusal.kind === 'not-found') {
    if (!search) return { problem: notFound(), released: [] };
    const issues =
      served(ask.type).keeping === 'directory' ? [] : completeness(facts, undefined, [ask.type], [], false);
    if (request.requireComplete && issues.some((issue) => issue.severity === 'warning'))
      return refusedIncomplete();
    return emptyAnswer(ports, request, facts, issues);
  }
  return { problem: new Problem(refusal.kind, refusal.message, { reason: refusal.reason }), released: [] };
}

/** A searchset without matches. */
export function emptyAnswer(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  issues: readonly OperationOutcomeIssue[],
): Answer {
  const body = searchset({
    baseUrl: ports.baseUrl,
    self: request.self,
    total: 0,
    entries: [],
    issues,
    now: facts.now,
  });
  return { body, released: [] };
}

/** The one thing an opt-out lets be said. */
function withdrawn(refusal: Refusal): OperationOutcomeIssue {
  return {
    severity: 'information',
    code: 'suppressed',
    details: { coding: [{ system: OUTCOME_SYSTEM, code: refusal.reason }], text: refusal.message },
  };
}

/** In place of an answer that lacks a source, where a complete one was required. */
export function refusedIncomplete(): Answer {
  const message = 'A source is missing or out of date, and a complete answer was required. Try again later.';
  return {
    problem: new Problem('unavailable', message, { reason: 'incomplete', retryAfter: 60 }),
    released: [],
  };
}
