import type { ServedTypeName } from '../fhir/served.ts';

/** A strictly parsed question. Everything that decides and gathers works from this, never from the raw request. */
export interface Ask {
  readonly interaction: 'read' | 'search-type' | 'everything';
  /** the type asked for; `Patient` for `$everything` */
  readonly type: ServedTypeName;
  /** whose record, or `none` for types that are about nobody */
  readonly person: PersonReference;
  /** the resource's id: for a read */
  readonly id?: string;
  /** `_id` of a search: only these */
  readonly ids?: readonly string[];
  /** directory types: `identifier` of a search, as `system|value` or `|value` */
  readonly identifiers?: readonly string[];
  /** AuditEvent: the days or instants searched, milliseconds since the epoch, `from` included, `to` not */
  readonly recorded?: { readonly from: number; readonly to: number };
  /** entries a page, at most */
  readonly count: number;
  /** where the page begins */
  readonly after?: PageStart;
}

export interface PageStart {
  /** publication that all pages are read at */
  readonly publication: number;
  /** sort key of the last entry of the page before */
  readonly lastKey: string;
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
      readonly given: string;
      readonly birthDate: string;
    }
  | { readonly by: 'none' };
