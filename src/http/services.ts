import type { TokenVerifier } from '../access/token.ts';
import type { UserAssertions } from '../access/user-assertion.ts';
import type { Occurrence } from '../audit/occurrence.ts';
import type { DisclosePorts } from '../record/ports.ts';
import type { ConformanceResource } from './conformance.ts';
import type { SourceSight } from './loads-page.ts';

/** What the HTTP edge stands on; made in `wire.ts`. */
export interface HttpServices {
  readonly disclosure: DisclosePorts;
  readonly tokens: TokenVerifier;
  readonly assertions: UserAssertions;
  /** our own profiles, code systems and value sets */
  readonly conformance: readonly ConformanceResource[];
  readonly limits: { readonly requestsPerMinute: number; readonly eventLoopDelayMs: number };
  /** addresses and CIDR ranges whose X-Forwarded-For is believed; empty: nobody's */
  readonly proxies: readonly string[];
  /** origins whose pages may read answers; empty: none */
  readonly cors: readonly string[];
  /** whether the service can answer: empty when ready, else sentences that say what is missing */
  readonly unready: () => Promise<readonly string[]>;
  /** operational figures in the Prometheus text format, no personal data */
  readonly metrics: () => Promise<string>;
  /** sources and their loads: names, times and counts, no personal data */
  readonly loads: () => Promise<readonly SourceSight[]>;
  /** writes an event that is not a disclosure (an aggregate of unauthenticated refusals) */
  readonly account: (occurrence: Occurrence) => Promise<void>;
  /** one short line a request: method, route template, status, milliseconds */
  readonly logRequest: (line: RequestLine) => void;
  /** a defect, with the opaque id that the answer carries */
  readonly logDefect: (id: string, error: Error) => void;
  /** the authorization server to announce to clients, where there is one */
  readonly smart?:
    | { readonly issuer: string; readonly tokenEndpoint: string; readonly jwksUri?: string }
    | undefined;
  readonly version: string;
}

export interface RequestLine {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
}
