/** Whose tokens are believed, and how they are read: configuration (DESIGN 8). JSON, as it stands in the file. */
export interface IssuerConfiguration {
  /** exactly the `iss` of its tokens */
  readonly issuer: string;
  /** a token must name one of these in `aud`: our FHIR base */
  readonly audience: readonly string[];
  readonly keys: IssuerKeys;
  /** what its keys may sign with; a key is further bound by its own type */
  readonly algorithms: readonly Algorithm[];
  /** header `typ` values taken beside `at+jwt`; only for issuers that cannot send that */
  readonly typ?: readonly 'JWT'[];
  /** longest life of a token, seconds; 3600 when absent */
  readonly maxLifetime?: number;
  readonly callers: CallerKinds;
  /** clients by `client_id`: needed for systems; whoever is listed is bound to the organisations listed */
  readonly clients?: Readonly<Record<string, ClientBinding>>;
  /** organisations whose people this issuer may name; absent: none */
  readonly organisations?: readonly string[] | { readonly all: true };
  /** identifier systems, beside ODS, of organisation claims in the form `system|code` */
  readonly organisationSystems?: readonly string[];
  /** where the claims are; a pointer that is not given has its default */
  readonly claims?: Partial<ClaimPointers>;
  /** claims that must have one of these values: identity assurance (`{"/identity_proofing_level": ["P9"]}`) */
  readonly requires?: Readonly<Record<string, readonly string[]>>;
}

export const ALGORITHMS = ['RS384', 'ES384', 'RS256', 'ES256'] as const;

/** The only signatures believed, of any issuer. */
export type Algorithm = (typeof ALGORITHMS)[number];

/** A JSON Web Key Set: a file of ours, or a URL of the issuer's. Both are read again within 60 seconds. */
export type IssuerKeys = { readonly file: string } | { readonly url: string };

export const TOKEN_KINDS = ['staff', 'patient', 'system', 'governance'] as const;

export type TokenKind = (typeof TOKEN_KINDS)[number];

/** What an issuer's tokens stand for: always the same kind of caller, or as a claim says, within `kinds` where given. */
export type CallerKinds =
  | { readonly fixed: TokenKind }
  | { readonly claim: string; readonly kinds?: readonly TokenKind[] };

export interface ClientBinding {
  /** the partner that runs the client */
  readonly organisation: string;
  /** other organisations whose people the client may name */
  readonly speaksFor?: readonly string[];
  /**
   * the most that its tokens may do: SMART scopes, v1 or v2 (specification facts 3.1). What a token allows beyond them
   * counts for nothing. Absent: nothing for a service's own tokens (kind `system`), whatever the token says; for tokens
   * of people what the token says, since their issuer grants it at each login and their role limits it
   */
  readonly scopes?: readonly string[];
  /** its registered key set: what it signs user assertions with (DESIGN 4). Absent: it may send none */
  readonly keys?: IssuerKeys;
}

/** JSON Pointers (RFC 6901) into the payload. */
export interface ClaimPointers {
  readonly client: string;
  readonly scope: string;
  /** identifier of the user; where a person's own token lacks it, its `sub` */
  readonly user: string;
  readonly userName: string;
  /** a code, or `system|code` */
  readonly organisation: string;
  /** a code, a Coding, or a list of one Coding */
  readonly role: string;
  /** as `role`; the system, where given, v3-ActReason or our own */
  readonly purpose: string;
  readonly reason: string;
  readonly caseNumber: string;
  readonly nhsNumber: string;
  readonly notOwnRecord: string;
  /** the relationship of care that the user declares, in words; it lasts as long as the token */
  readonly relationship: string;
  /** person id that the application was launched for */
  readonly patient: string;
  /** the one person that the token is for: NHS number (plain, `system|value` or CX with the OID of NHS numbers) or person id */
  readonly about: string;
  /** the rule to be passed over: `restricted-person` or `opt-out` */
  readonly override: string;
  readonly overrideReason: string;
}

/** IHE IUA's names (specification facts 3.9), and ours where it has none. */
export const DEFAULT_CLAIMS: ClaimPointers = {
  client: '/client_id',
  scope: '/scope',
  user: '/extensions/mcr/user_id',
  userName: '/extensions/ihe_iua/subject_name',
  organisation: '/extensions/ihe_iua/subject_organization_id',
  role: '/extensions/ihe_iua/subject_role',
  purpose: '/extensions/ihe_iua/purpose_of_use',
  reason: '/extensions/mcr/reason',
  caseNumber: '/extensions/mcr/case_number',
  nhsNumber: '/extensions/mcr/nhs_number',
  notOwnRecord: '/extensions/mcr/not_own_record',
  relationship: '/extensions/mcr/relationship',
  patient: '/patient',
  about: '/extensions/ihe_iua/person_id',
  override: '/extensions/mcr/override',
  overrideReason: '/extensions/mcr/override_reason',
};

/** Seconds; an access token of a person or a service lives an hour at most (SMART App Launch 2.2, IUA). */
export const LONGEST_LIFE = 3600;
