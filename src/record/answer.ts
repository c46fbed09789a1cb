import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import type { Ask } from '../access/ask.ts';
import type { Grant, Refusal } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { lastUpdatedOf } from '../fhir/last-updated.ts';
import { OUTCOME_SYSTEM } from '../fhir/outcome.ts';
import { Problem } from '../fhir/problem.ts';
import { served } from '../fhir/served.ts';
import { isLack, searchset } from './bundle.ts';
import { isInPart } from './care-dates.ts';
import { isCertainly } from './certain-match.ts';
import { completeness } from './completeness.ts';
import { type Answer, isCounted, notFound, partOf } from './composition.ts';
import { declarationAnswer } from './declaration.ts';
import { askedTypes, isWholeRecord } from './gather.ts';
import { historyAnswer, versionAnswer } from './history.ts';
import { pageAnswer } from './page.ts';
import { isSeenToday, pastIssues, waitedFor } from './past.ts';
import type { DisclosePorts, Fetched } from './ports.ts';
import type { Visible, VisibleRow } from './redact.ts';
import type { DisclosureRequest } from './request.ts';
import { searchedRow } from './searched.ts';
import { summaryAnswer } from './summarise.ts';

type Failure = Extract<Fetched, { ok: false }>;

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
  const found = isWholeRecord(ask) ? visible.rows.some((row) => row.type === 'Patient') : asked.length > 0;
  const search = ask.interaction === 'search-type' || ask.interaction === 'match';
  const seen = found || (ask.interaction === 'as-at' && (await isSeenToday(ports, request)));
  if (!search && !seen) return { problem: notFound(), released: [] };
  if (ask.interaction === 'read' && !request.requireComplete) return readAnswer(request, asked);
  // named by a row that is not shown, the person is nobody: nothing of theirs is stated either
  const stated = ask.person.by === 'resource' && !found ? undefined : grant;
  const issues = [
    ...pastIssues(facts, grant, visible.erased),
    ...completeness(facts, stated, askedTypes(ask), failures, isWholeRecord(ask)),
  ];
  if (request.requireComplete && issues.some(isLack)) return refusedIncomplete();
  const composition = { ports, request, facts, grant, asked, visible: visible.rows, issues };
  switch (ask.interaction) {
    case 'read':
      return readAnswer(request, asked);
    case 'vread':
      return versionAnswer(composition);
    case 'history-instance':
      return historyAnswer(composition);
    case 'summary':
      return summaryAnswer(composition);
    case 'declare-relationship':
      return declarationAnswer(composition);
    case 'search-type':
    case 'everything':
    case 'match':
      return pageAnswer(composition);
    case 'as-at':
      return found ? pageAnswer(composition) : waitedFor(emptyAnswer(ports, request, facts, issues));
    case 'explain-access':
    case 'as-seen':
      throw new Error('What is said of the log is no part of a record.');
  }
}

function isAsked({ ask }: DisclosureRequest, row: VisibleRow): boolean {
  if (ask.interaction === 'summary') return true;
  if (isListed(ask.interaction)) return ask.part === undefined || isInPart(searchedRow(row), ask.part);
  if (ask.certain !== undefined)
    return row.type === 'Patient' && row.body !== undefined && isCertainly(JSON.parse(row.body), ask.certain);
  if (ask.id !== undefined) return row.type === ask.type && row.id === ask.id;
  return row.type === ask.type && (ask.ids === undefined || ask.ids.includes(row.id));
}

function readAnswer({ ask }: DisclosureRequest, [row]: readonly VisibleRow[]): Answer {
  if (row?.body === undefined) return { problem: notFound(), released: [] };
  // a Patient is made for this caller, not stored: it was not changed at any one time
  const lastModified = row.type === 'Patient' ? undefined : lastUpdatedOf(row.body);
  const body = partOf(row.body, ask.results);
  return {
    body,
    released: [{ madeOf: row.madeOf, text: body }],
    ...(lastModified !== undefined && { lastModified }),
  };
}

/** Answers to a refused question, by the refusal table of DESIGN 4. */
export function composeRefused(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  refusal: Refusal,
): Answer {
  const { ask } = request;
  const search = ask.interaction === 'search-type' || ask.interaction === 'match';
  if (refusal.reason === 'consent-withdrawn' && (search || isListed(ask.interaction))) {
    return emptyAnswer(ports, request, facts, [withdrawn(refusal)]);
  }
  if (refusal.kind === 'not-found') {
    if (!search) return { problem: notFound(), released: [] };
    const issues =
      served(ask.type).keeping === 'directory'
        ? []
        : completeness(facts, undefined, askedTypes(ask), [], false);
    if (request.requireComplete && issues.some(isLack)) return refusedIncomplete();
    return emptyAnswer(ports, request, facts, issues);
  }
  return { problem: new Problem(refusal.kind, refusal.message, { reason: refusal.reason }), released: [] };
}

/** Whole records that are answered as a list, which can be empty. */
function isListed(interaction: Ask['interaction']): boolean {
  return interaction === 'everything' || interaction === 'as-at';
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
    // a search that is not counted is not counted when it finds nothing either
    ...(isCounted(request) ? { total: 0 } : {}),
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
