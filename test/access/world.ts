import type { Test } from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import type {
  Caller,
  GovernanceCaller,
  PatientCaller,
  StaffCaller,
  SystemCaller,
} from '../../src/access/caller.ts';
import { decide } from '../../src/access/decide.ts';
import type { Facts, PersonFacts, RowFacts } from '../../src/access/facts.ts';
import type { DataClass, Organisation, Policy, SourcePolicy } from '../../src/access/policy.ts';
import { parseScopes } from '../../src/access/scopes.ts';
import { SERVED_NAMES, type ServedTypeName } from '../../src/fhir/served.ts';

/** A small county: two health organisations, a council, one practice that has not signed; one person and their rows. */

export const TODAY = '2026-11-22';
export const LAB = 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
export const VITAL = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs';
export const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

export const CLASSES: readonly DataClass[] = [
  'demographics',
  'problems',
  'allergies',
  'medicines',
  'immunisations',
  'results',
  'encounters',
  'procedures',
  'documents',
  'plans',
  'consent',
];

export function organisation(code: string, changes: Partial<Organisation> = {}): Organisation {
  return {
    code,
    system: 'https://fhir.nhs.uk/Id/ods-organization-code',
    name: `Organisation ${code}`,
    sector: 'health',
    agreements: [{ from: '2020-01-01' }],
    declaredFor: 'anyone',
    roles: {
      version: 'table-1',
      base: CLASSES,
      unlisted: 'base',
      roles: {
        clerk: { classes: ['demographics', 'encounters'], purposes: ['PATADMIN', 'HOPERAT'] },
        privacy: { classes: [...CLASSES, 'audit'], governance: 'privacy-officer' },
        access: { classes: [...CLASSES, 'audit'], governance: 'subject-access' },
        guardian: { classes: CLASSES, mayOverrideRestriction: true },
        medic: { classes: CLASSES, mayOverrideOptOut: true },
        sealed: {
          classes: [...CLASSES, 'audit'],
          governance: 'data-protection-officer',
          mayOverrideRestriction: true,
          mayOverrideOptOut: true,
        },
        central: { classes: [...CLASSES, 'audit'], governance: 'central-monitoring' },
      },
    },
    ...changes,
  };
}

const ALL_TYPES: SourcePolicy['shares'] = Object.fromEntries(SERVED_NAMES.map((type) => [type, {}]));

export function source(
  code: string,
  number: number,
  owner: string,
  changes: Partial<SourcePolicy> = {},
): SourcePolicy {
  return {
    number,
    code,
    name: `Source ${code}`,
    organisation: owner,
    sector: 'health',
    format: 'fhir-ndjson',
    precedence: number,
    speaksFor: ['health'],
    staleAfterHours: 30,
    shares: ALL_TYPES,
    ...changes,
  };
}

const ORGANISATIONS = [
  organisation('K82001'),
  organisation('RXQ'),
  organisation('COUNCIL', { sector: 'social-care' }),
  organisation('K82999', { agreements: [] }),
];
const SOURCES = [
  source('gp', 1, 'K82001'),
  source('acute', 2, 'RXQ'),
  source('lcs', 3, 'COUNCIL', { sector: 'social-care', format: 'lcs-csv', speaksFor: ['social-care'] }),
  source('unsigned', 4, 'K82999'),
];

export interface PolicyChanges {
  readonly organisations?: readonly Organisation[];
  readonly sources?: readonly SourcePolicy[];
  readonly optOutHides?: Policy['optOutHides'];
}

/** The county's policy; an organisation or source in `changes` takes the place of the one with its code. */
export function policy(changes: PolicyChanges = {}): Policy {
  const byCode = <T extends { readonly code: string }>(...lists: readonly (readonly T[])[]): Map<string, T> =>
    new Map(lists.flat().map((one) => [one.code, one]));
  return {
    version: 'test',
    organisations: byCode(ORGANISATIONS, changes.organisations ?? []),
    sources: byCode(SOURCES, changes.sources ?? []),
    optOutHides: changes.optOutHides ?? ['health', 'social-care'],
    testNumbers: 'allow',
  };
}

export function person(changes: Partial<PersonFacts> = {}): PersonFacts {
  return {
    personId: 'p1',
    cluster: ['p0', 'p1'],
    numbers: ['hmac-p1', 'hmac-p1-superseded'],
    epoch: 7,
    restricted: false,
    optedOut: false,
    limitedOptOuts: [],
    agreements: [],
    household: ['hmac-of-a-sister'],
    familyNames: ['example'],
    knownTo: ['gp', 'acute', 'lcs'],
    relationships: [],
    quarantined: [],
    ...changes,
  };
}

export function facts(changes: Partial<Facts> = {}): Facts {
  const loads = SOURCES.map(({ code, number }) => ({
    source: code,
    loadNo: number * 10,
    publishedAt: Date.UTC(2026, 10, 22, 3),
    businessDate: '2026-11-21',
  }));
  return {
    now: Date.UTC(2026, 10, 22, 9),
    today: TODAY,
    policy: policy(),
    publication: 40,
    sources: loads,
    person: person(),
    callerNumbers: ['hmac-of-the-user'],
    ...changes,
  };
}

function proven(scope: string): {
  issuer: string;
  subject: string;
  client: string;
  tokenId: string;
  scopes: Caller['scopes'];
} {
  return {
    issuer: 'https://issuer.example',
    subject: 's',
    client: 'c',
    tokenId: 't',
    scopes: parseScopes(scope),
  };
}

const USER = { id: 'u1', name: 'Jo Worker' };

export function staff(changes: Partial<StaffCaller> = {}, scope = 'user/*.rs'): StaffCaller {
  return {
    kind: 'staff',
    ...proven(scope),
    user: USER,
    organisation: 'RXQ',
    role: 'nurse',
    purpose: 'TREAT',
    reason: 'On my ward',
    attestsNotOwn: false,
    declares: { reason: 'On my ward', until: Date.UTC(2026, 10, 22, 10) },
    namedBy: 'login',
    ...changes,
  };
}

/** Staff who declare nothing. */
export function undeclared(changes: Partial<StaffCaller> = {}, scope = 'user/*.rs'): StaffCaller {
  const { declares: _nothing, ...caller } = staff(changes, scope);
  return caller;
}

export function officer(changes: Partial<GovernanceCaller> = {}, scope = 'user/*.rs'): GovernanceCaller {
  const base = {
    kind: 'governance',
    ...proven(scope),
    user: USER,
    organisation: 'RXQ',
    role: 'privacy',
  } as const;
  return { ...base, purpose: 'governance', caseNumber: 'IG-2026/17', attestsNotOwn: false, ...changes };
}

export function patient(changes: Partial<PatientCaller> = {}, scope = 'patient/*.rs'): PatientCaller {
  return { kind: 'patient', ...proven(scope), nhsNumber: '9990000018', ...changes };
}

export function system(changes: Partial<SystemCaller> = {}, scope = 'system/*.rs'): SystemCaller {
  return { kind: 'system', ...proven(scope), organisation: 'RXQ', ...changes };
}

/** What a patient's facts hold: their own number is always known, from the token. */
export const OWN_FACTS: Partial<Facts> = { callerNumbers: ['hmac-p1'] };

export function everything(): Ask {
  return { interaction: 'everything', type: 'Patient', person: { by: 'person-id', id: 'p1' }, count: 50 };
}

export function search(type: ServedTypeName): Ask {
  return { interaction: 'search-type', type, person: { by: 'person-id', id: 'p1' }, count: 50 };
}

export function read(type: ServedTypeName): Ask {
  return { interaction: 'read', type, id: 'r', person: { by: 'resource', id: 'r' }, count: 1 };
}

export function directory(type: ServedTypeName): Ask {
  return { interaction: 'search-type', type, person: { by: 'none' }, count: 50 };
}

export function row(
  id: string,
  from: string,
  type: ServedTypeName,
  changes: Partial<RowFacts> = {},
): RowFacts {
  return { id, personId: 'p1', type, source: from, categories: [], labels: [], codes: [], ...changes };
}

const LABEL = 'https://mycarerecord.example/fhir/CodeSystem/label';

/** Rows that a careless gatherer might bring: the person's, and some that are not for showing. */
export const ROWS: readonly RowFacts[] = [
  row('gp-patient', 'gp', 'Patient'),
  row('gp-problem', 'gp', 'Condition', { codes: ['http://snomed.info/sct|38341003'], personId: 'p0' }),
  row('gp-lab', 'gp', 'Observation', { categories: [LAB] }),
  row('gp-vital', 'gp', 'Observation', { categories: [VITAL], labels: [`${CONFIDENTIALITY}|N`] }),
  row('gp-restricted', 'gp', 'Condition', { labels: [`${CONFIDENTIALITY}|R`] }),
  row('gp-nopat', 'gp', 'Condition', { labels: ['http://terminology.hl7.org/CodeSystem/v3-ActCode|NOPAT'] }),
  row('gp-third-party', 'gp', 'Condition', { labels: [`${LABEL}|third-party`] }),
  row('gp-consent', 'gp', 'Consent'),
  row('acute-patient', 'acute', 'Patient'),
  row('acute-encounter', 'acute', 'Encounter'),
  row('lcs-patient', 'lcs', 'Patient'),
  row('lcs-team', 'lcs', 'CareTeam'),
  row('lcs-consent', 'lcs', 'Consent'),
  row('unsigned-problem', 'unsigned', 'Condition'),
  row('unheard-of-problem', 'nobody', 'Condition'),
  row('stranger', 'gp', 'Condition', { personId: 'p2' }),
  row('surgery', 'gp', 'Organization', { personId: '' }),
  row('lcs-worker', 'lcs', 'Practitioner', { personId: '' }),
  row('audit-rxq', '', 'AuditEvent', { organisation: 'RXQ' }),
  row('audit-council', '', 'AuditEvent', { organisation: 'COUNCIL' }),
  row('audit-self', '', 'AuditEvent'),
];

/** What a question comes to: the rows shown, or `rule kind reason` of the refusal. */
export function outcome(caller: Caller, ask: Ask, known: Facts, rows = ROWS): readonly string[] | string {
  const decision = decide(caller, ask, known);
  if (decision.outcome === 'refused') {
    const { rule, kind, reason } = decision.refusal;
    return `${rule} ${kind} ${reason}`;
  }
  return rows.filter((one) => decision.grant.permits(one)).map((one) => one.id);
}

/** Everything that staff in direct care see of ROWS without a social care agreement. */
export const HEALTH: readonly string[] = [
  'gp-patient',
  'gp-problem',
  'gp-lab',
  'gp-vital',
  'gp-nopat',
  'gp-third-party',
  'gp-consent',
  'acute-patient',
  'acute-encounter',
  'surgery',
];

export const SOCIAL: readonly string[] = ['lcs-patient', 'lcs-team', 'lcs-consent'];

/** Ids in the order of ROWS. */
export function inOrder(...lists: readonly (readonly string[])[]): readonly string[] {
  const wanted = new Set(lists.flat());
  return ROWS.map((one) => one.id).filter((id) => wanted.has(id));
}

export function without(ids: readonly string[], ...hidden: readonly string[]): readonly string[] {
  return ids.filter((id) => !hidden.includes(id));
}

/** `lines` put to the rules: each is what is asked, and the rows shown or the refusal. */
export type Line = readonly [
  title: string,
  caller: Caller,
  ask: Ask,
  facts: Facts,
  wanted: readonly string[] | string,
];

export function check(t: Test, lines: readonly Line[]): void {
  for (const [title, caller, ask, known, wanted] of lines) {
    t.strictSame(outcome(caller, ask, known), wanted, title);
  }
}
