import type { DateRange } from '../fhir/search/date.ts';
import type { Standing } from '../fhir/search/order.ts';
import type { ParsedParameter } from '../fhir/search/parameter.ts';
import type { Results } from '../fhir/search/results.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type { Caller } from './caller.ts';

/** A strictly parsed question. Everything that decides and gathers works from this, never from the raw request. */
export interface Ask {
  readonly interaction: Interaction;
  /** the type asked for; `Patient` for operations on a person */
  readonly type: ServedTypeName;
  /** whose record, or `none` for types that are about nobody */
  readonly person: PersonReference;
  /** the resource's id: for a read, a version or a history */
  readonly id?: string;
  /** `versionId`: for a version */
  readonly version?: number;
  /** `_id` of a search: only these */
  readonly ids?: readonly string[];
  /** directory types: `identifier` of a search, as `system|value`; the database finds them */
  readonly identifiers?: readonly string[];
  /** what a resource must meet beside being of the person: all of them */
  readonly criteria?: readonly ParsedParameter[];
  /** types that the criteria look into beside the type asked for: chains and `_has` */
  readonly looksInto?: readonly ServedTypeName[];
  /** order, size and company of the results; absent: as they come, whole and alone */
  readonly results?: Results;
  /** `$match`: what must be true of the person */
  readonly certain?: CertainPerson;
  /** `$everything`, `$as-at`: which part of it */
  /** `$declare-relationship`: what is declared */
  readonly declares?: { readonly reason: string; readonly hours?: number };
  /** `$everything`: which part of it */
  readonly part?: RecordPart;
  /** a history: versions that were current at some time in it */
  readonly versionsFrom?: DateRange;
  /** `$as-at`, `$as-seen`: the instant whose record is asked for, milliseconds since the epoch */
  readonly asAt?: number;
  /** AuditEvent: the days or instants searched, milliseconds since the epoch, `from` included, `to` not */
  readonly recorded?: { readonly from: number; readonly to: number };
  /** `$explain-access`: which request is to be explained */
  readonly explained?: ExplainedRequest;
  /** entries a page, at most */
  readonly count: number;
  /** where the page begins */
  readonly after?: PageStart;
}

export type Interaction =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'search-type'
  | 'everything'
  /** `$match`: a person by what is known of them, where that is certain */
  | 'match'
  /** `$summary`: an International Patient Summary */
  | 'summary'
  /** `$as-at`: the record as it was published at an instant */
  | 'as-at'
  /** `$explain-access`: what the rules made of a request, or would make of one */
  | 'explain-access'
  /** `$as-seen`: what the request of an audit event released */
  | 'as-seen'
  /** `$declare-relationship`: a relationship of care with the person, on the user's word; shows nothing of the record */
  | 'declare-relationship';

/** What is known of a person who is to be found with certainty. What is not given is not compared. */
export interface CertainPerson {
  /** whole */
  readonly birthDate: string;
  readonly family?: string;
  readonly given?: string;
  /** administrative gender */
  readonly gender?: string;
  readonly postalCode?: string;
}

/** A request whose verdicts are asked for: one that was audited, or one that nobody made. */
export type ExplainedRequest =
  | { readonly by: 'event'; readonly id: string }
  /** `X-Request-Id`, in a time: milliseconds since the epoch, `from` included, `to` not */
  | { readonly by: 'request-id'; readonly requestId: string; readonly from: number; readonly to: number }
  | {
      readonly by: 'supposition';
      readonly caller: Caller;
      readonly interaction: Exclude<Interaction, 'explain-access'>;
      readonly type: ServedTypeName;
      /** milliseconds since the epoch; absent: now */
      readonly at?: number;
    };

/** What `$everything` is narrowed to. Times are milliseconds since the epoch. */
export interface RecordPart {
  readonly types?: readonly ServedTypeName[];
  /** stored at this time or later */
  readonly since?: number;
  /** care given in this time; what has no date of care is always in it */
  readonly care?: DateRange;
}

export interface PageStart {
  /** publication that all pages are read at */
  readonly publication: number;
  /** sort key of the last entry of the page before */
  readonly lastKey: string;
  /** where that entry stands in the order asked for */
  readonly standing?: Standing;
}

/** How a request names the person. */
export type PersonReference =
  | { readonly by: 'person-id'; readonly id: string }
  | { readonly by: 'nhs-number'; readonly nhsNumber: string }
  /** the person that a stored resource belongs to (read by id, search by `_id`) */
  | { readonly by: 'resource'; readonly id: string }
  | {
      readonly by: 'demographics';
      readonly family: string;
      /** absent where other criteria say enough */
      readonly given?: string;
      readonly birthDate: string;
    }
  | { readonly by: 'none' };
