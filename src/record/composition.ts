import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import type { Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { Problem } from '../fhir/problem.ts';
import { served } from '../fhir/served.ts';
import { isWhole, type Part, subsetOf } from '../fhir/subset.ts';
import type { DisclosePorts, Row } from './ports.ts';
import { changeText, type VisibleRow } from './redact.ts';
import type { DisclosureRequest } from './request.ts';

/** The text of an answer, and what of the record is in it; or the problem that stands in its place. */
export type Answer =
  | {
      readonly body: string;
      readonly released: readonly Shown[];
      readonly problem?: undefined;
      /** something was waited for after the rows: texts, a directory, versions */
      readonly waited?: boolean;
      /** a read of one stored resource: its `meta.lastUpdated`, milliseconds since the epoch */
      readonly lastModified?: number;
      /** what takes effect once the account is durable, before the answer leaves */
      readonly effect?: () => Promise<void>;
      /** of an answer that is no Bundle: path and query of the next page */
      readonly next?: string;
      /** what the account is to say beside how it was decided */
      readonly details?: Readonly<Record<string, string>>;
    }
  | {
      readonly problem: Problem;
      readonly released: readonly [];
      readonly body?: undefined;
      readonly waited?: undefined;
      readonly lastModified?: undefined;
      readonly next?: undefined;
      readonly effect?: undefined;
      readonly details?: undefined;
    };

/** A resource of an answer: what the account names, and seals the text of. */
export interface Shown {
  /** stored rows it was made of */
  readonly madeOf: readonly Row[];
  /** exactly as it stands in the answer; absent where it is only spoken of */
  readonly text?: string;
}

/** What an answer is composed of. */
export interface Composition {
  readonly ports: DisclosePorts;
  readonly request: DisclosureRequest;
  readonly facts: Facts;
  readonly grant: Grant;
  /** rows of what was asked, already narrowed to it but for the criteria */
  readonly asked: readonly VisibleRow[];
  /** all rows that may be looked into */
  readonly visible: readonly VisibleRow[];
  /** what the answer lacks */
  readonly issues: readonly OperationOutcomeIssue[];
}

/** Not visible and not there are the same, byte for byte: one message for both. */
export function notFound(): Problem {
  return new Problem('not-found', 'There is no such resource.');
}

/** As much of a text as was asked for. */
export function partOf(body: string, part: Part | undefined): string {
  return part === undefined || isWhole(part)
    ? body
    : changeText(body, (resource) => subsetOf(resource, part));
}

/** Whether the answer says how many match: a directory is read a page at a time, unless its count is asked for. */
export function isCounted({ ask }: DisclosureRequest): boolean {
  if (ask.results?.total === 'none') return false;
  return served(ask.type).keeping !== 'directory' || ask.results?.summary === 'count';
}
