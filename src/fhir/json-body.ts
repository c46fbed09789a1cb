import { namesFault } from './json-names.ts';
import { Problem } from './problem.ts';

/** Far deeper than a resource has reason to be. */
const DEEPEST = 64;

/** Names that reach into JavaScript's own objects; FHIR has no such elements. */
const FOREIGN: ReadonlySet<string> = new Set(['__proto__', 'constructor']);

/** An escaped NUL, which no database text can hold. Counted from the first of a run of backslashes. */
const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/;

const SENTENCES = {
  'too-deep': `The body is nested deeper than ${DEEPEST}.`,
  'named-twice': 'The body names a member twice in one object.',
  'name-refused': 'The body holds a member that FHIR does not have.',
} as const;

/**
 * Reads the body of an operation, a resource as JSON, in the one way that every parser would (attack catalogue I-01,
 * I-03). Decimals are read as JavaScript's numbers: what must keep its digits goes through `decimals.ts`.
 *
 * @param text the body as it came; its length is bounded by the edge
 * @throws Problem `invalid` for what is no JSON object, a byte order mark, a NUL, a member named twice, members named
 *   `__proto__` or `constructor`, and nesting beyond 64
 */
export function readJsonBody(text: string): Readonly<Record<string, unknown>> {
  if (text.startsWith('\ufeff')) throw invalid('The body begins with a byte order mark: leave it out.');
  if (text.includes('\\u0000') && ESCAPED_NUL.test(text)) throw invalid('The body holds a NUL character.');
  const fault = namesFault(text, DEEPEST, (name) => !FOREIGN.has(name));
  if (fault !== undefined) throw invalid(SENTENCES[fault]);
  const value = parsed(text);
  if (!isObject(value)) throw invalid('The body must be a resource: a JSON object.');
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The body is not JSON.');
  }
}

function invalid(message: string): Problem {
  return new Problem('invalid', message);
}
