import type { TimeOfDay } from '../fhir/search/time-of-day.ts';
import type { IndexColumns } from './index-columns.ts';

/** Reading the audit log. Implemented by `storage/`; asked only through `record/`, after a decision. */
export interface AuditReader {
  /**
   * Events of a bounded time, in the order of (recorded, id). They meet what is wanted as far as columns and plain text
   * can tell: whoever asks judges what they say.
   *
   * @throws Error when the log cannot be read
   */
  search(wanted: AuditSearch): Promise<AuditChunk>;
  /**
   * Whom events since `from` counted anew against the limits of people asked for, oldest first. Times are milliseconds
   * since the epoch.
   *
   * @throws Error when the log cannot be read
   */
  counted(from: number, now: number): Promise<readonly CountedEvent[]>;
  /** One event by its id; undefined where there is none. @throws Error when the log cannot be read */
  event(id: string): Promise<StoredEvent | undefined>;
  /** One event with everything that its leaf is the hash of. @throws Error when the log cannot be read */
  sealed(id: string): Promise<SealedRow | undefined>;
}

export interface AuditSearch {
  /** milliseconds since the epoch: `from` is included, `to` is not (facts 2: never without bounds) */
  readonly from: number;
  readonly to: number;
  /** an event meets all the conditions of one of these at least; none of them: no event does */
  readonly anyOf: readonly AuditConditions[];
  /** absent: newest first */
  readonly oldestFirst?: boolean;
  /** where reading goes on */
  readonly after?: PlaceInLog;
  /** events answered at most, for each of `anyOf` */
  readonly limit: number;
  /** events looked at at most, for each of `anyOf`: what no index finds is looked for in them one by one */
  readonly effort: number;
}

/** What an event is narrowed by. All that are given hold; of the values of one, any. No values: no event. */
export interface AuditConditions {
  /** only these events: UUIDs */
  readonly ids?: readonly string[];
  /** about any of these persons: UUIDs */
  readonly personIds?: readonly string[];
  /** by users or systems of an organisation, whose code is compared regardless of case */
  readonly organisations?: readonly string[];
  /** by a user, as identified at their issuer */
  readonly agents?: readonly string[];
  /** through a client application */
  readonly clients?: readonly string[];
  /** `X-Request-Id` */
  readonly requestIds?: readonly string[];
  /** FHIR AuditEvent outcome */
  readonly outcomes?: readonly number[];
  readonly kinds?: readonly string[];
  /** purposes of use, compared regardless of case */
  readonly purposes?: readonly string[];
  readonly timesOfDay?: readonly (readonly TimeOfDay[])[];
  /** of each list, one text at least stands in the body, regardless of case: ASCII letters, digits, and `-_.:/|{}",` */
  readonly containing?: readonly (readonly string[])[];
}

/** Where reading stands: an event, or one that was looked at and not wanted. */
export interface PlaceInLog {
  /** milliseconds since the epoch */
  readonly recorded: number;
  readonly id: string;
}

export interface AuditChunk {
  /** in order, each once */
  readonly events: readonly StoredEvent[];
  /** up to where everything was looked at, where there may be more; absent: there is no more */
  readonly end?: PlaceInLog;
}

/** Somebody counted anew: for which user and client, when (`AuditEntry.asked`). */
export interface CountedEvent {
  readonly asked: string;
  readonly at: number;
  readonly organisation?: string;
  readonly agent?: string;
  readonly client: string;
}

/** A stored event: what it is filtered by, and the exact text of the AuditEvent. */
export interface StoredEvent {
  readonly id: string;
  /** milliseconds since the epoch */
  readonly recorded: number;
  readonly personId?: string;
  readonly organisation?: string;
  /** JSON, as it was hashed */
  readonly body: string;
}

/** An event as it lies in the log. */
export interface SealedRow extends IndexColumns {
  readonly salt: Buffer;
  readonly leaf: Buffer;
  readonly manifest: Buffer;
  /** JSON, as it was hashed */
  readonly body: string;
}
