/** Every way a request can fail, named once. DESIGN 11: one Problem, one exhaustive table, one door. */
export type ProblemKind =
  | 'invalid'
  | 'unsupported'
  | 'too-costly'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'gone'
  | 'not-acceptable'
  | 'too-large'
  | 'unsupported-media'
  | 'conflict'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'defect';

/** HTTP status and FHIR R4 IssueType (http://hl7.org/fhir/R4/valueset-issue-type.html) of each kind. */
export const PROBLEM_TABLE: {
  readonly [K in ProblemKind]: { readonly status: number; readonly code: string };
} = {
  invalid: { status: 400, code: 'invalid' },
  unsupported: { status: 400, code: 'not-supported' },
  'too-costly': { status: 400, code: 'too-costly' },
  unauthenticated: { status: 401, code: 'login' },
  forbidden: { status: 403, code: 'forbidden' },
  'not-found': { status: 404, code: 'not-found' },
  'method-not-allowed': { status: 405, code: 'not-supported' },
  gone: { status: 410, code: 'deleted' },
  'not-acceptable': { status: 406, code: 'not-supported' },
  'too-large': { status: 413, code: 'too-long' },
  'unsupported-media': { status: 415, code: 'not-supported' },
  conflict: { status: 409, code: 'conflict' },
  throttled: { status: 429, code: 'throttled' },
  unavailable: { status: 503, code: 'transient' },
  timeout: { status: 504, code: 'timeout' },
  defect: { status: 500, code: 'exception' },
};

/** What a Problem may say beside its kind. Nothing here may hold personal data. */
export interface ProblemDetail {
  /** Our own reason code, `https://mycarerecord.example/fhir/CodeSystem/outcome` (for example `own-record`). */
  readonly reason?: string;
  /** FHIRPath or parameter names that the problem is about. */
  readonly expression?: readonly string[];
  /** Seconds after which a client may try again (throttled, unavailable). */
  readonly retryAfter?: number;
}

/**
 * A refusal or a failure that the outside may be told of. The message is a sentence for the reader of the answer: it
 * says what to do, and never holds personal data, a scope, SQL or a partner's body.
 */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly detail: ProblemDetail;

  constructor(kind: ProblemKind, message: string, detail: ProblemDetail = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.kind = kind;
    this.detail = detail;
  }
}
