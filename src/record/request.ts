import type { Ask } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import type { TableFormat } from './audit-table.ts';
import type { PageQuestion } from './page-token.ts';

/** A question with who asks it and how it came: what `disclose` decides on and accounts for. */
export interface DisclosureRequest {
  readonly caller: Caller;
  readonly ask: Ask;
  /** `X-Request-Id`: the client's where it is a plain token, else ours */
  readonly requestId: string;
  /** `traceparent` as it came; absent where it was not valid */
  readonly trace?: string;
  readonly clientAddress: string;
  /** as received, without Authorization (BALP: the query is kept raw) */
  readonly rawRequest: string;
  /** path and query as understood: the self link */
  readonly self: string;
  /** what a further page asks */
  readonly again: PageQuestion;
  /** `Prefer: completeness=required`: rather no answer than one that lacks a source */
  readonly requireComplete: boolean;
  /** a search of AuditEvents: as a table, for other tools; absent: a Bundle */
  readonly as?: TableFormat;
}
