import { operationOutcome } from '../fhir/outcome.ts';
import { PROBLEM_TABLE, Problem } from '../fhir/problem.ts';
import { isServed } from '../fhir/served.ts';
import type { Question } from './asks.ts';
import { VERSIONED } from './interactions.ts';
import { decodedPairs } from './query.ts';

/** Entries of one batch. */
export const MOST_ENTRIES = 50;

type Json = Readonly<Record<string, unknown>>;

/** One entry: its question, or why it is none; and its request line, as the audit keeps it. */
export type BatchEntry =
  | { readonly line: string; readonly question: Question; readonly problem?: undefined }
  | { readonly line: string; readonly question?: undefined; readonly problem: Problem };

/**
 * The entries of a batch Bundle (R4 http.html#transaction): reads and searches by GET, each a request of its own.
 *
 * @throws Problem `invalid` for what is no Bundle, `unsupported` for a transaction, `too-costly` beyond MOST_ENTRIES
 */
export function batchEntries(body: Json): readonly BatchEntry[] {
  const { resourceType, type, entry = [] } = body;
  if (resourceType !== 'Bundle' || !Array.isArray(entry))
    throw new Problem('invalid', 'Send a Bundle as the body.');
  if (type !== 'batch') {
    throw new Problem('unsupported', 'The record is view-only: send a Bundle of type batch.', {
      expression: ['Bundle.type'],
    });
  }
  if (entry.length > MOST_ENTRIES) {
    throw new Problem('too-costly', `A batch has at most ${MOST_ENTRIES} entries.`, {
      expression: ['Bundle.entry'],
    });
  }
  return entry.map(entryOf);
}

function entryOf(entry: unknown): BatchEntry {
  const request = (entry as { readonly request?: unknown } | null)?.request;
  if (typeof request !== 'object' || request === null) {
    return refused(
      '',
      new Problem('invalid', 'An entry of a batch has a request.', { expression: ['Bundle.entry.request'] }),
    );
  }
  const { method, url, ...conditions } = request as Json;
  if (typeof url !== 'string' || url.length > 16_000) {
    return refused(
      '',
      new Problem('invalid', 'The request of an entry has a url.', {
        expression: ['Bundle.entry.request.url'],
      }),
    );
  }
  const line = `${String(method).slice(0, 10)} ${url}`;
  if (method !== 'GET') {
    return refused(
      line,
      new Problem('method-not-allowed', 'The record is view-only: an entry is read or searched by GET.'),
    );
  }
  if (Object.keys(conditions).some((name) => name !== 'id' && name !== 'extension')) {
    return refused(
      line,
      new Problem('unsupported', 'Conditions of a request are not supported.', {
        expression: ['Bundle.entry.request'],
      }),
    );
  }
  try {
    return { line, question: questionAt(url) };
  } catch (error) {
    if (error instanceof Problem) return refused(line, error);
    throw error;
  }
}

function refused(line: string, problem: Problem): BatchEntry {
  return { line, problem };
}

const ADDRESS =
  /^\/?([A-Z][A-Za-z]{0,63})(?:\/([A-Za-z0-9\-.]{1,64})(?:\/(_history|\$everything|\$summary|\$as-at|\$as-seen)(?:\/([A-Za-z0-9\-.]{1,64}))?)?)?$/;

/** Operations of the address above. */
const WHOLE_RECORDS: ReadonlyMap<string, Question['interaction']> = new Map([
  ['$everything', 'everything'],
  ['$summary', 'summary'],
  ['$as-at', 'as-at'],
]);

/** @throws Problem `not-found` for an address that is none of ours: ids are never escaped, so none is decoded */
function questionAt(url: string): Question {
  const mark = url.indexOf('?');
  const [, type = '', id, what, version] = ADDRESS.exec(mark < 0 ? url : url.slice(0, mark)) ?? [];
  const query = mark < 0 ? [] : decodedPairs(url.slice(mark + 1));
  if (!isServed(type) || (version !== undefined && what !== '_history')) throw nowhere();
  if (what === '_history' && !VERSIONED.includes(type)) throw nowhere();
  if (id === undefined) return { interaction: 'search-type', type, query };
  if (what === undefined) return { interaction: 'read', type, id, query };
  if (version !== undefined) return { interaction: 'vread', type, id, version, query };
  if (what === '_history') return { interaction: 'history-instance', type, id, query };
  if (type === 'AuditEvent' && what === '$as-seen') return { interaction: 'as-seen', type, id, query };
  if (type !== 'Patient') throw nowhere();
  const interaction = WHOLE_RECORDS.get(what);
  if (interaction === undefined) throw nowhere();
  return { interaction, type, id, query };
}

function nowhere(): Problem {
  return new Problem('not-found', 'There is no such resource.');
}

/** What became of one entry: a released text, or a problem. */
export type EntryAnswer = { readonly body: string; readonly receipt: string } | { readonly problem: Problem };

/** The batch-response Bundle as text, an entry for each that was asked, in the same order. */
export function batchResponse(answers: readonly EntryAnswer[]): string {
  const entries = answers.map((answer) => {
    if ('body' in answer) return `{"resource":${answer.body},"response":{"status":"200"}}`;
    const { status } = PROBLEM_TABLE[answer.problem.kind];
    return `{"response":{"status":"${status}","outcome":${JSON.stringify(operationOutcome(answer.problem))}}}`;
  });
  const entry = entries.length === 0 ? '' : `,"entry":[${entries.join(',')}]`;
  return `{"resourceType":"Bundle","type":"batch-response"${entry}}`;
}
