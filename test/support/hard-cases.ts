import type { DemoTokenOptions } from '../../demo/issuer.ts';

/*
 * The county's hard cases and what DESIGN 4 demands of them, written out: its table of refusals (which status and
 * outcome code on a read, on a search and on $everything), its rules 1 to 11, and DESIGN 14 on which refusal wins.
 * Nothing here is computed from the service. `n` is any number from 1: how many rows somebody has is the county's.
 */

export const GP = {
  kind: 'staff',
  organisation: 'K82004',
  role: 'general-practitioner',
  user: 'gp-jones',
} as const;

export const CALLERS: Readonly<Record<string, DemoTokenOptions | 'self' | 'another'>> = {
  GP: GP,
  consultant: { kind: 'staff', organisation: 'RXQ', role: 'consultant', user: 'c-1' },
  'social worker': { kind: 'staff', organisation: 'bucks-council', role: 'social-worker', user: 'sw-1' },
  'unlisted LCS profile': {
    kind: 'staff',
    organisation: 'bucks-council',
    role: 'some-new-profile',
    user: 'lcs-9',
  },
  'gp-smith (is a patient)': { ...GP, organisation: 'K82001', user: 'gp-smith', notOwnRecord: false },
  'unknown number, no attestation': { ...GP, user: 'gp-new', notOwnRecord: false },
  'no reason': { ...GP, reason: ' ' },
  research: { ...GP, purpose: 'HRESCH' },
  'non-signatory practice': { ...GP, organisation: 'K82999' },
  'role not listed': { ...GP, role: 'janitor' },
  'patient/ scope in a login': { ...GP, scope: 'patient/*.rs' },
  'scope of another type': { ...GP, scope: 'user/Immunization.rs' },
  'system without a user': { kind: 'system' },
  'privacy officer': { kind: 'governance', organisation: 'K82001', role: 'privacy-officer', user: 'po-1' },
  'the person': 'self',
  'another person': 'another',
};

/** The paths of the table and, last, how many rows of `$everything` name social care as their source. */
export const PATHS = [
  'read Patient',
  'Patient?identifier',
  'EpisodeOfCare?patient',
  'Condition?patient',
  '$everything',
  'social care rows',
] as const;
export type Path = (typeof PATHS)[number];
export type Expected = Readonly<Record<Path, string>>;

function onEvery(read: string, search: string, everything: string, socialCare: string): Expected {
  return {
    'read Patient': read,
    'Patient?identifier': search,
    'EpisodeOfCare?patient': search,
    'Condition?patient': search,
    $everything: everything,
    'social care rows': socialCare,
  };
}

/** Shown. `not-shared` is the statement about social care: at least one of its two sources holds no agreement. */
const SHOWN = onEvery('200', '200 n', '200 n not-shared', '0');
/** The county's GP extract holds no Condition of these people. */
const NO_PROBLEMS: Expected = { ...SHOWN, 'Condition?patient': '200 0' };
const WITH_SOCIAL_CARE: Expected = { ...SHOWN, 'social care rows': 'n' };
/** Refusal table, rows 7 and "patient token on another person": as if unknown. */
const UNKNOWN = onEvery('404', '200 0', '404', '-');
/** Refusal table, row 8: a read says it, searches and `$everything` hold only the outcome. */
const WITHDRAWN = onEvery('403 consent-withdrawn', '200 0 consent-withdrawn', '200 0 consent-withdrawn', '0');
/** Refusal table, rows 1 to 5: 403 on every path. */
const refused = (reason: string): Expected => onEvery(`403 ${reason}`, `403 ${reason}`, `403 ${reason}`, '-');

/** What is decided before anything about the person (DESIGN 14): alike whoever is asked about. */
const SAME_FOR_ALL: Readonly<Record<string, Expected>> = {
  // of rule 5 this half is about the caller alone, so it cannot wait for rule 7 without telling who exists
  'unknown number, no attestation': refused('own-record-attestation'),
  'no reason': refused('purpose'),
  research: refused('purpose'),
  'non-signatory practice': refused('agreement'),
  'role not listed': refused('role'),
  'patient/ scope in a login': refused('scopes'),
  // Immunization alone: none of the paths asks for it
  'scope of another type': refused('scopes'),
  'system without a user': refused('purpose'),
  'privacy officer': refused('role'),
  'another person': UNKNOWN,
};

/** Who is asked about; `but` names the callers for whom it is otherwise. */
interface HardCase {
  readonly expect: Expected;
  readonly but?: Readonly<Record<string, Expected>>;
}

export const PEOPLE: Readonly<Record<string, HardCase>> = {
  // the same child as child-agreed
  showcase: { expect: WITH_SOCIAL_CARE },
  'working-single': { expect: SHOWN },
  // rule 8: hides every sector from staff, not from the person
  'opted-out': { expect: WITHDRAWN, but: { 'the person': SHOWN } },
  'opted-out-by-code': { expect: WITHDRAWN, but: { 'the person': SHOWN } },
  'opted-out-then-in': { expect: SHOWN },
  // rule 7: also to themselves
  restricted: { expect: UNKNOWN },
  'restricted-child': { expect: UNKNOWN },
  // rule 5
  'staff-patient': { expect: NO_PROBLEMS, but: { 'gp-smith (is a patient)': refused('own-record') } },
  'staff-household': { expect: SHOWN },
  // rule 2: another partner, a signatory, knows this person; its practice's rows are what is missing
  'non-signatory': {
    expect: { ...SHOWN, 'EpisodeOfCare?patient': '200 0', 'Condition?patient': '200 0' },
  },
  // rule 9: in force and receiving services, or no trace; health data is there all the same
  'child-agreed': { expect: WITH_SOCIAL_CARE },
  'child-not-given': { expect: NO_PROBLEMS },
  'child-ended': { expect: SHOWN },
  'child-blank': { expect: SHOWN },
  'child-closed': { expect: SHOWN },
  'child-unverified': { expect: SHOWN },
  'adult-agreed': { expect: WITH_SOCIAL_CARE },
  'adult-not-agreed': { expect: SHOWN },
  'adult-refused': { expect: SHOWN },
  // rules 10 and 11 leave out rows and elements: DETAILS below
  labelled: { expect: SHOWN },
  elements: { expect: SHOWN },
  'identity-conflict': { expect: SHOWN },
};

export function demanded(person: string, caller: string): Expected {
  const hardCase = PEOPLE[person];
  if (hardCase === undefined) throw new Error(`Nothing is demanded of ${person}.`);
  return SAME_FOR_ALL[caller] ?? hardCase.but?.[caller] ?? hardCase.expect;
}

/** An entry's resource, as far as the counts look into it. */
export interface Shown {
  readonly resourceType: string;
  readonly meta?: { readonly source?: string; readonly security?: readonly { readonly code?: string }[] };
  readonly [element: string]: unknown;
}

/** Something counted in what `$everything` shows: '0' or 'n' for each caller who may see the person. */
interface Detail {
  readonly person: string;
  readonly counted: string;
  readonly rule: string;
  readonly count: (resource: Shown) => boolean;
  readonly demand: Readonly<Record<string, '0' | 'n'>>;
}

const alike = (demand: '0' | 'n'): Detail['demand'] => ({
  GP: demand,
  consultant: demand,
  'social worker': demand,
  'unlisted LCS profile': demand,
  'gp-smith (is a patient)': demand,
  'the person': demand,
});
const labelled = (resource: Shown, codes: readonly string[]): boolean =>
  resource.meta?.security?.some((label) => codes.includes(label.code ?? '')) === true;
const from = (resource: Shown, source: string): boolean =>
  resource.meta?.source?.endsWith(`/source/${source}`) === true;
const contributes = (resource: Shown, source: string): boolean =>
  resource.resourceType === 'Patient' && JSON.stringify(resource).includes(`"valueCode":"${source}"`);

/** The practice of `elements` is made to know neither telecom nor address: they could only be the trust's. */
export const DETAILS: readonly Detail[] = [
  {
    person: 'labelled',
    counted: 'rows labelled R or V',
    rule: '11: restricted rows as if unknown',
    count: (resource) => labelled(resource, ['R', 'V']),
    demand: alike('0'),
  },
  {
    person: 'labelled',
    counted: 'rows labelled NOPAT',
    rule: '11: for staff, not for the person (3: no letters to the council)',
    count: (resource) => labelled(resource, ['NOPAT']),
    demand: { ...alike('n'), 'social worker': '0', 'unlisted LCS profile': '0', 'the person': '0' },
  },
  {
    person: 'elements',
    counted: 'mental health Encounters',
    rule: '10: the trust shares them',
    count: (resource) => resource.resourceType === 'Encounter' && from(resource, 'mental-health'),
    demand: alike('n'),
  },
  {
    person: 'elements',
    counted: 'of them with location, reasonCode',
    rule: '10: without these elements',
    count: (resource) =>
      resource.resourceType === 'Encounter' &&
      from(resource, 'mental-health') &&
      ('location' in resource || 'reasonCode' in resource),
    demand: alike('0'),
  },
  {
    person: 'elements',
    counted: "Patient with the trust's part",
    rule: '10: the trust shares Patient',
    count: (resource) => contributes(resource, 'mental-health'),
    demand: alike('n'),
  },
  {
    person: 'elements',
    counted: 'of them with telecom, address',
    rule: '10: without these elements',
    count: (resource) =>
      contributes(resource, 'mental-health') && ('telecom' in resource || 'address' in resource),
    demand: alike('0'),
  },
  {
    person: 'identity-conflict',
    counted: "the hospital's rows or part",
    rule: 'DESIGN 14: a contradicting contribution is quarantined',
    count: (resource) => from(resource, 'acute') || contributes(resource, 'acute'),
    demand: alike('0'),
  },
];

/** Everybody whom rules 1 to 4 let ask: the number itself is what is wrong. */
export const WRONG_NUMBER: Readonly<Record<string, string>> = {
  GP: '400 identifier',
  consultant: '400 identifier',
  'social worker': '400 identifier',
  'unlisted LCS profile': '400 identifier',
  'gp-smith (is a patient)': '400 identifier',
};
