import type { ServedTypeName } from '../fhir/served.ts';
import { isTestNumber } from '../identity/nhs-number.ts';
import type { Weekday } from './arrival.ts';

/**
 * What is agreed, as data: signatories with dates, role tables, what each source shares. Read from the configuration,
 * checked against its schema, versioned; the version goes into every decision (DESIGN 4, rules 2, 3 and 10).
 */
export interface Policy {
  /** hash of everything below: changes whenever anything here does */
  readonly version: string;
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** by code */
  readonly sources: ReadonlyMap<string, SourcePolicy>;
  /** sectors whose data an opt-out hides from staff: both by our reading of "opt out completely" */
  readonly optOutHides: readonly Sector[];
  /** whether NHS numbers of the test range are taken as people's; absent: refused, in extracts and in requests */
  readonly testNumbers?: 'allow' | 'refuse';
}

/** Whether a number is of the test range and may be nobody's here. */
export function isRefusedNumber({ testNumbers }: Policy, nhsNumber: string): boolean {
  return testNumbers !== 'allow' && isTestNumber(nhsNumber);
}

export type Sector = 'health' | 'social-care';

/** Days are `YYYY-MM-DD`, Europe/London, both ends included; no `to`: until further notice. */
export interface Days {
  readonly from: string;
  readonly to?: string;
}

export interface Organisation {
  /** ODS code, or the local code where none is settled */
  readonly code: string;
  /** identifier system of the code */
  readonly system: string;
  readonly name: string;
  readonly sector: Sector;
  /** when it is bound by the data sharing agreement; empty: not a signatory */
  readonly agreements: readonly Days[];
  readonly roles: RoleTable;
  /** what its people need beside their role to open a person's record; absent: `declared` */
  readonly relationship?: RelationshipPolicy;
  /** hours for which a relationship that somebody declares may last; absent: 24 */
  readonly declaredHours?: number;
  /** whether people, and officers elsewhere, read the names of its staff in audit events; absent: role and organisation alone */
  readonly namesStaff?: boolean;
  /** for whom a relationship counts that a token declares; absent: `named` */
  readonly declaredFor?: DeclaredFor;
  /** whether roles that may do so pass over an opt-out in an emergency, for health information; absent: off */
  readonly emergencyOverride?: 'on' | 'off';
}

/** `named`: the person whom the token names. `anyone`: whoever is asked for with the token, for as long as it lives. */
export type DeclaredFor = 'named' | 'anyone';

/**
 * `required`: a relationship that a source has recorded. `declared`: such a one, or one that the user declares, with a
 * reason and a time limit. `off`: none.
 */
export type RelationshipPolicy = 'required' | 'declared' | 'off';

/** Classes of data that a role may see. */
export type DataClass =
  | 'demographics'
  | 'problems'
  | 'allergies'
  | 'medicines'
  | 'immunisations'
  | 'results'
  | 'encounters'
  | 'procedures'
  | 'documents'
  | 'plans'
  | 'consent'
  | 'audit';

export interface RoleTable {
  /** the organisation's own name for this state of its table, or a hash of it: goes into every decision */
  readonly version: string;
  /** classes for everyone the organisation lets in; profiles below only narrow them */
  readonly base: readonly DataClass[];
  /** what becomes of a role that the table does not list */
  readonly unlisted: 'base' | 'refuse';
  readonly roles: Readonly<Record<string, RolePolicy>>;
}

export interface RolePolicy {
  /** intersected with the base; a role of the desks has what it lists here, whatever the base is */
  readonly classes: readonly DataClass[];
  /** v3-ActReason codes this role may claim; absent: the purposes of direct care */
  readonly purposes?: readonly string[];
  /** present for roles of the desks: what the role may do there */
  readonly governance?: GovernanceRole;
  /** may open the record of a person under special protection, with a reason, and with an alert; absent: no */
  readonly mayOverrideRestriction?: boolean;
  /** may pass over an opt-out where the organisation has `emergencyOverride` on, with a reason and an alert; absent: no */
  readonly mayOverrideOptOut?: boolean;
}

export type GovernanceRole =
  | 'privacy-officer'
  | 'data-protection-officer'
  | 'subject-access'
  | 'central-monitoring';

export interface SourcePolicy {
  /** small permanent number, as stored */
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly organisation: string;
  readonly sector: Sector;
  readonly format: 'fhir-ndjson' | 'fhir-bundle' | 'lcs-csv' | 'mapped-csv';
  /** of `mapped-csv`: the file that says what its tables become */
  readonly mapping?: string;
  /** 1 is highest: who establishes identity and wins in the aggregated Patient (DESIGN 14) */
  readonly precedence: number;
  /** whether its patients are registered with whoever manages their record: the feeds of general practice */
  readonly registers?: boolean;
  /** consents this source is entitled to record */
  readonly speaksFor: readonly Sector[];
  /** hours after which the last load is shown as stale */
  readonly staleAfterHours: number;
  /** `hh:mm`, Europe/London, by when its extract is promised; absent: nothing is */
  readonly expectedBy?: string;
  /** days of the week on which it is; absent: every day */
  readonly expectedOn?: readonly Weekday[];
  /** the types it shares, with their exceptions; a type that is not here is not shared */
  readonly shares: Readonly<Partial<Record<ServedTypeName, SharedType>>>;
}

/** What of a type is shared. Every exception narrows. */
export interface SharedType {
  readonly days?: Days;
  /** `system|code` of `category` */
  readonly exceptCategories?: readonly string[];
  /** `system|code` of the resource's code */
  readonly exceptCodes?: readonly string[];
  /** elements removed before anything leaves (`telecom`, `address`, `participant.individual`) */
  readonly exceptElements?: readonly string[];
}
