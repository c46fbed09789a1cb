import type { PersonReference } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import type { ConsentLimits } from '../access/consent-limits.ts';
import type { Grant } from '../access/decide.ts';
import type { Facts, RowFacts } from '../access/facts.ts';
import type { Policy } from '../access/policy.ts';
import type { Journal } from '../audit/journal.ts';
import type { AuditReader } from '../audit/reader.ts';
import type { ServedTypeName } from '../fhir/served.ts';
import type { AlertKind } from './alerts.ts';
import type { PageTokens } from './page-token.ts';
import type { PeopleAsked } from './people-asked.ts';
import type { Moment, View } from './view.ts';

/** A stored or fetched resource: what decisions need, and the exact text that may leave. */
export interface Row extends RowFacts {
  /** `versionId` */
  readonly version: number;
  /** JSON of one resource; absent where only its existence was asked for */
  readonly body?: string;
  /** its search line, as it was stored with it; absent: to be made from the text */
  readonly line?: string;
  /** whom it is shown to be about, where that is not the person it is stored for (`merged.ts`) */
  readonly subject?: string;
}

/** What is wanted of a source, already within what the grant permits. */
export interface Wanted {
  readonly types: readonly ServedTypeName[];
  /** only these resources; absent: all of the types */
  readonly ids?: readonly string[];
  /** every row is looked into by its search line; texts come only with few rows, and with those of `lookedInto` */
  readonly lines: boolean;
  /** with so many rows all of them come with their texts; with more, what is shown is fetched by key */
  readonly bodies: number;
  /** types whose bodies are needed whatever the page: what is looked into before anything is paged */
  readonly lookedInto: readonly ServedTypeName[];
  /** rows of an earlier publication: the labels that their newest versions have count too */
  readonly continued: boolean;
  /** rows as they were: with all their texts, those that came of erasure without; of nobody who was not decided on */
  readonly past: boolean;
}

/** An answer of a source. A failure is data, never an exception (DESIGN 4). */
export type Fetched =
  | {
      readonly ok: true;
      readonly rows: readonly Row[];
      /** the person's consent epoch as the source saw it with the rows; absent where it does not know it */
      readonly epoch?: number;
    }
  | {
      readonly ok: false;
      readonly source: string;
      readonly reason: 'late' | 'down' | 'refused';
      readonly lastGood?: number;
    };

/** A loaded extract, a live partner and another node are the same thing. */
export interface Source {
  fetch(grant: Grant, wanted: Wanted, signal: AbortSignal): Promise<Fetched>;
}

/** The store's own questions, beside being a Source. Every method throws when the database is away. */
export interface RecordStore extends Source {
  /**
   * everything a decision may know, in one query: of today, whatever the moment. Only the sources, and who was shown as
   * one person, are those of the moment; absent: now
   */
  facts(person: PersonReference, caller: Caller, moment?: Moment): Promise<Facts>;
  /**
   * asks the database what the record of somebody would have been asked, of nobody: so that who is hidden and who does
   * not exist are told apart by no time (attack catalogue C-23)
   */
  nobody(wanted: Wanted): Promise<void>;
  /** person ids whose demographics match, at most `limit` + 1 */
  candidates(wanted: Demographic, limit: number): Promise<readonly string[]>;
  /** versions of one resource up to the grant's publication, newest first, whoever's they were at the time */
  versions(grant: Grant, type: ServedTypeName, id: string): Promise<readonly Row[]>;
  /**
   * versions by id and version, whatever became of them since: of these people, or of a directory
   *
   * @param policy whose sources they are of
   */
  kept(items: readonly ItemWanted[], people: readonly string[], policy: Policy): Promise<readonly KeptItem[]>;
  /** what each source of a policy had published by a publication */
  viewAt(publication: number, policy: Policy): Promise<View>;
  /** an earlier policy by its version; undefined where it is not kept */
  policy(version: string): Promise<Policy | undefined>;
  /** texts of rows by key, for rows that came without */
  bodies(rows: readonly Row[]): Promise<ReadonlyMap<string, string>>;
  /** keyed HMACs of the NHS numbers of each person, superseded ones included */
  numbersOf(personIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * of these people, those who are patients of the organisation, under any number of theirs: a source of its own has
   * them, or one in which it manages their record
   */
  patientsAmong(organisation: string, personIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** everybody who is a patient of the organisation, with all their person ids; undefined: more than `most` */
  fewPatientsOf(organisation: string, most: number): Promise<readonly string[] | undefined>;
  /** the person's consent epoch as it is now */
  epoch(personIds: readonly string[]): Promise<number>;
  /** takes the place of what the user declared of the person before */
  declareRelationship(declaration: Declaration): Promise<void>;
  consents(grant: Grant): Promise<readonly ConsentRecord[]>;
  directory(grant: Grant, type: ServedTypeName, wanted: DirectoryWanted): Promise<readonly Row[]>;
}

/** A version of a resource, as an audit manifest names it. */
export interface ItemWanted {
  readonly id: string;
  readonly version: number;
}

/** What is still there of it. */
export interface KeptItem extends ItemWanted {
  /** absent where that version is not there; without a text where that was erased */
  readonly row?: Row;
  /** absent where nothing is known of it */
  readonly type?: ServedTypeName;
  /** it is somebody else's today than any of those asked about */
  readonly elsewhere: boolean;
  /** retention has removed versions of that time */
  readonly removed: boolean;
}

/** A relationship of care with a person that a user has declared. Times are milliseconds since the epoch. */
export interface Declaration {
  readonly personId: string;
  readonly organisation: string;
  readonly userId: string;
  readonly reason: string;
  readonly at: number;
  readonly until: number;
}

/** Folded names; without `given` every given name. */
export interface Demographic {
  readonly family: string;
  readonly given?: string;
  readonly birthDate: string;
}

export interface DirectoryWanted {
  /** with search lines */
  readonly lines: boolean;
  readonly ids?: readonly string[];
  readonly identifiers?: readonly string[];
  readonly afterKey?: string;
  readonly limit: number;
}

/** A consent as recorded: an opt-out from sharing, or an agreement to share social care data. */
export type ConsentRecord = OptOutRecord | AgreementRecord;

interface Recorded {
  readonly id: string;
  readonly personId: string;
  readonly source: string;
  /** milliseconds since the epoch */
  readonly recordedAt: number;
}

export interface OptOutRecord extends Recorded {
  readonly kind: 'opt-out';
  readonly optedOut: boolean;
  /** absent: none */
  readonly limits?: ConsentLimits;
}

export interface AgreementRecord extends Recorded {
  readonly kind: 'agreement';
  readonly given: boolean;
  readonly givenBy?: string;
  readonly from?: string;
  readonly to?: string;
  /** absent: none */
  readonly limits?: ConsentLimits;
}

/** What `disclose` stands on. */
export interface DisclosePorts {
  readonly store: RecordStore;
  /** live partners and nodes, beside the store */
  readonly sources: readonly Source[];
  readonly journal: Journal;
  readonly auditReader: AuditReader;
  readonly now: () => number;
  readonly randomUUID: () => string;
  /** milliseconds that all sources together may take */
  readonly deadline: number;
  /** milliseconds for which a page of an audit search looks through what no index finds; it gets somewhere in any case */
  readonly auditSearchTime: number;
  /** the configured FHIR base, no slash at the end: links are built from it, never from a request */
  readonly baseUrl: string;
  readonly pageTokens: PageTokens;
  /** whom each user and client has asked for within an hour */
  readonly people: PeopleAsked;
  /** a name that somebody was asked by, as a UUID made with a key: nobody tells the name from it */
  readonly hashOfName: (name: string) => string;
  /** a user or client was refused for the first time in an hour; `eventId` names the event that says who */
  readonly sweptBy: (by: 'user' | 'client', eventId: string) => void;
  /** an alert for the privacy officer is durable; `eventId` names it */
  readonly alerted: (kind: AlertKind, eventId: string) => void;
}
