import type { Scope } from './scopes.ts';

/** Who asks, as proven by a verified token. DESIGN 4: kinds of caller. Nothing here comes from unsigned headers. */
export type Caller = StaffCaller | SystemCaller | PatientCaller | GovernanceCaller;

interface Proven {
  /** the token's issuer, one of the configured ones */
  readonly issuer: string;
  /** the token's subject within its issuer */
  readonly subject: string;
  /** the registered client (partner system, viewer) that holds the token */
  readonly client: string;
  /** `jti`, kept in the audit so that the token's use can be traced */
  readonly tokenId: string;
  /** what the token allows at most; empty allows nothing */
  readonly scopes: readonly Scope[];
}

/** What a work login may say beside who asks: for whom alone, and that a rule is to be passed over. */
interface Meant {
  /**
   * the one person that the token is for (IUA `person_id`): ten digits, or a person id. Anybody else is as unknown.
   * Absent: the token names nobody
   */
  readonly about?: string;
  /** absent: nothing is passed over */
  readonly overrides?: ClaimedOverride;
}

/** A claim to pass over a rule for the person whom the token names. Whether the role may is for the rules. */
export interface ClaimedOverride {
  /** name of the rule, as claimed */
  readonly rule: string;
  /** why, in the user's words; empty when none was given */
  readonly reason: string;
}

/** A person with a work login, or a partner's service whose signed assertion names one. */
export interface StaffCaller extends Proven, Meant {
  readonly kind: 'staff';
  readonly user: WorkUser;
  readonly organisation: string;
  readonly role: string;
  /** v3-ActReason code */
  readonly purpose: string;
  /** why this record, in the organisation's words or codes; empty when none was given */
  readonly reason: string;
  /** the person declares that the record is not their own (only asked where their number is not known) */
  readonly attestsNotOwn: boolean;
  /** what the token declares of the people it asks for; absent: nothing */
  readonly declares?: DeclaredRelationship;
  /** `system`: named by the signed claims of a partner's own token, so that `system/` scopes are theirs to use */
  readonly namedBy: 'login' | 'system';
  /** `jti` of the client's assertion that names the user, where it came beside the token; kept in the audit */
  readonly assertionId?: string;
  /** person id that the token was launched for: `patient/` scopes count for this person alone, and not without it */
  readonly launchedFor?: string;
}

/** A relationship of care that rests on the user's word. */
export interface DeclaredRelationship {
  /** which relationship it is, in the user's words */
  readonly reason: string;
  /** milliseconds since the epoch, not included */
  readonly until: number;
}

/** A partner's service with no user: directories and metadata only. */
export interface SystemCaller extends Proven {
  readonly kind: 'system';
  readonly organisation: string;
}

/** A person reading their own record through a Personal Health Record. */
export interface PatientCaller extends Proven {
  readonly kind: 'patient';
  /** ten digits, as the issuer vouches for it */
  readonly nhsNumber: string;
  /** person id that the token was launched for: theirs, or nothing is shown; absent: none, or by their number */
  readonly launchedFor?: string;
}

/** A named role of the desks: privacy officer, IG lead, Data Protection Officer. */
export interface GovernanceCaller extends Proven, Meant {
  readonly kind: 'governance';
  readonly user: WorkUser;
  readonly organisation: string;
  readonly role: string;
  readonly purpose: string;
  /** the case this look belongs to; empty when none was given */
  readonly caseNumber: string;
  /** as a staff member's: the person declares that the record is not their own */
  readonly attestsNotOwn: boolean;
}

export interface WorkUser {
  /** identifier at the issuer or the organisation, as audited */
  readonly id: string;
  /** name as the token gives it, kept in the audit as it was at the time */
  readonly name: string;
}
