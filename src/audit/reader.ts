import type { IndexColumns } from './index-columns.ts';

/** Reading the audit log. Implemented by `storage/`; asked only through `record/`, after a decision. */
export interface AuditReader {
  /**
   * Events of a bounded time, newest first, by (recorded, id).
   *
   * @throws Error when the log cannot be read
   */
  search(wanted: AuditSearch): Promise<readonly StoredEvent[]>;
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
  /** only events about any of these persons: UUIDs; empty: none */
  readonly personIds?: readonly string[];
  /** only events by users or systems of this organisation */
  readonly organisation?: string;
  /** only these events: UUIDs; empty: none */
  readonly ids?: readonly string[];
  /** only events of this `X-Request-Id` */
  readonly requestId?: string;
  /** the last event of the page before */
  readonly after?: { readonly recorded: number; readonly id: string };
  /** events at most */
  readonly limit: number;
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
