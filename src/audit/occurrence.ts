import type { Caller } from '../access/caller.ts';

/** Something that must be in the audit log: what the BALP AuditEvent is built from (specification facts 1). */
export interface Occurrence {
  /** unique id of the AuditEvent, a UUID */
  readonly id: string;
  /** milliseconds since the epoch */
  readonly at: number;
  /** `X-Request-Id`, ours or the client's */
  readonly requestId: string;
  /** `traceparent` as it came, where it was valid: joins what all systems did for one act of somebody */
  readonly trace?: string;
  readonly what: OccurrenceKind;
  /** absent: unauthenticated, or the service itself */
  readonly caller?: Caller;
  /** name of the caller's organisation as it is at the time */
  readonly organisationName?: string;
  /** identifier system of the organisation's code */
  readonly organisationSystem?: string;
  /** address of the client as the connection shows it */
  readonly clientAddress: string;
  /** the person it is about: our person id */
  readonly personId?: string;
  /** for a read: `Type/id/_history/version` of what was read, or `Type/id` where nothing was released; for a history `Type/id` */
  readonly resource?: string;
  /** request line, Accept and X-Request-Id lines, and the form body of a POST; never the Authorization header */
  readonly rawRequest?: string;
  /** cleaned, readable request */
  readonly description?: string;
  readonly outcome: Outcome;
  /** ids of the rules and the policy version that decided, as `AuditEvent.agent.policy` cannot hold them */
  readonly policyVersion?: string;
  /** recorded consents that decided: what of the record they let be shown, or kept back */
  readonly consents?: readonly ConsentDecided[];
  /** what a load, an export or an operation wants to add, string by string; never personal data */
  readonly details?: Readonly<Record<string, string>>;
}

/** A decision of a consent that somebody recorded; what is permitted or denied without one is told by none. */
export interface ConsentDecided {
  /** URI of the kind of consent, `Consent.policy.uri` (`fhir/consent-policies.ts`) */
  readonly policy: string;
  readonly decision: 'permit' | 'deny';
}

export type OccurrenceKind =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'search-type'
  /** operations that find and show: subtype `search` plus `operation` */
  | 'everything'
  | 'match'
  | 'summary'
  /** the record as it was at an instant, which `details` name */
  | 'as-at'
  /** what the rules made of a request, or would make of one */
  | 'explain-access'
  /** what was released by the request of an event, which `details` name */
  | 'as-seen'
  /** a user's word that they care for the person */
  | 'declare-relationship'
  /** an operation that shows nothing of the record */
  | 'validate'
  /** requests sent together that were refused together; else each has an event of its own */
  | 'batch'
  /** writes: only ever attempted, the record is view-only */
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  /** reads and searches of this log */
  | 'audit-read'
  | 'audit-search'
  /** another use of this log than to read it: a proof made of it */
  | 'audit-use'
  /** data taken out as a file: of one person, or of the log */
  | 'export'
  /** a recorded consent refused a request; beside the event of that request */
  | 'consent-decision'
  /** an access token made; its `caller` is whom it will prove */
  | 'token-issue'
  /** an extract loaded: one per load and outcome */
  | 'load'
  /** unauthenticated refusals of one source and minute, together */
  | 'unauthenticated'
  | 'configuration'
  /** what roles may see, changed */
  | 'roles'
  /** more people asked for within an hour than a limit allows: one for each user or client and hour */
  | 'sweep'
  /** for the privacy officer, beside the event that it names: a rule was passed over, or one's own record asked for */
  | 'alert-override'
  | 'alert-own-record';

/** FHIR AuditEvent outcome: 0 success, 4 refused or client's fault, 8 ours, 12 service unable. */
export interface Outcome {
  readonly code: '0' | '4' | '8' | '12';
  /** our reason code (`own-record`, `relationship-required`); absent on success */
  readonly reason?: string;
}

/** A resource that was released: kept beside the event in a binary manifest and hashed with it, never inside it. */
export interface ReleasedResource {
  /** stored rows it was made of: itself, or the contributions of a Patient */
  readonly madeOf: readonly ReleasedItem[];
  /** as it was sent: the manifest keeps a digest; absent where it is only named */
  readonly text?: string;
}

/** A stored row. */
export interface ReleasedItem {
  /** UUID of the resource */
  readonly id: string;
  /** load number (`versionId`) */
  readonly version: number;
}
