import type { AgentLayout } from './agents.ts';
import { EVENT_TYPE, PROFILE, SUBTYPE } from './codes.ts';
import type { OccurrenceKind } from './occurrence.ts';

/** How a kind of occurrence looks as an event: facts 1.3 to 1.6. Codes are canonical JSON. */
export interface Pattern {
  readonly type: string;
  readonly subtype: string;
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  readonly agents: AgentLayout;
  /** the BALP profile that a success claims, without and with a patient; none where BALP has no such pattern */
  readonly profile?: string;
  readonly patientProfile?: string;
}

const QUERY = {
  type: EVENT_TYPE.rest,
  action: 'E',
  agents: 'to-server',
  profile: PROFILE.query,
  patientProfile: PROFILE.patientQuery,
} as const;

const CREATE = {
  type: EVENT_TYPE.rest,
  subtype: SUBTYPE.create,
  action: 'C',
  agents: 'to-server',
  profile: PROFILE.create,
  patientProfile: PROFILE.patientCreate,
} as const;

const UPDATE = {
  type: EVENT_TYPE.rest,
  action: 'U',
  agents: 'to-server',
  profile: PROFILE.update,
  patientProfile: PROFILE.patientUpdate,
} as const;

const READ = {
  type: EVENT_TYPE.rest,
  action: 'R',
  agents: 'to-client',
  profile: PROFILE.read,
  patientProfile: PROFILE.patientRead,
} as const;

const OPERATION = { ...QUERY, subtype: `${SUBTYPE.search},${SUBTYPE.operation}` } as const;

const ALERT = { type: EVENT_TYPE.securityAlert, action: 'E', agents: 'to-server' } as const;

const CONFIGURATION = { type: EVENT_TYPE.securityAlert, action: 'U', agents: 'to-server' } as const;

/** Why a kind without a profile has none is told in `docs/audit-events.md`. */
export const PATTERNS: { readonly [K in OccurrenceKind]: Pattern } = {
  read: { ...READ, subtype: SUBTYPE.read },
  vread: { ...READ, subtype: SUBTYPE.vread },
  // the shape of a read, without its profile
  'history-instance': {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.history,
    action: 'R',
    agents: 'to-client',
  },
  'search-type': { ...QUERY, subtype: SUBTYPE.searchType },
  everything: OPERATION,
  match: OPERATION,
  summary: OPERATION,
  'as-at': OPERATION,
  'explain-access': OPERATION,
  'as-seen': OPERATION,
  // not queries of the record: no profile
  'declare-relationship': {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.operation,
    action: 'C',
    agents: 'to-server',
  },
  batch: { type: EVENT_TYPE.rest, subtype: SUBTYPE.batch, action: 'E', agents: 'to-server' },
  validate: { type: EVENT_TYPE.rest, subtype: SUBTYPE.operation, action: 'E', agents: 'to-server' },
  create: CREATE,
  update: { ...UPDATE, subtype: SUBTYPE.update },
  patch: { ...UPDATE, subtype: SUBTYPE.patch },
  delete: {
    type: EVENT_TYPE.rest,
    subtype: SUBTYPE.delete,
    action: 'D',
    agents: 'no-payload',
    profile: PROFILE.delete,
    patientProfile: PROFILE.patientDelete,
  },
  'audit-read': { ...READ, subtype: `${SUBTYPE.read},${SUBTYPE.auditLogUsed}` },
  'audit-search': { ...QUERY, subtype: `${SUBTYPE.searchType},${SUBTYPE.auditLogUsed}` },
  'audit-use': {
    type: EVENT_TYPE.auditLogUsed,
    subtype: SUBTYPE.auditLogUsed,
    action: 'R',
    agents: 'to-client',
  },
  export: {
    type: EVENT_TYPE.export,
    subtype: SUBTYPE.disclose,
    action: 'R',
    agents: 'to-client',
    patientProfile: PROFILE.disclosure,
  },
  'consent-decision': {
    type: EVENT_TYPE.securityAlert,
    subtype: SUBTYPE.consentDecision,
    action: 'E',
    agents: 'consent-decision',
    patientProfile: PROFILE.consentDecision,
  },
  'token-issue': {
    type: EVENT_TYPE.userAuthentication,
    subtype: SUBTYPE.tokenIssue,
    action: 'E',
    agents: 'token-issue',
    profile: PROFILE.tokenIssue,
  },
  load: CREATE,
  unauthenticated: {
    type: EVENT_TYPE.userAuthentication,
    subtype: SUBTYPE.login,
    action: 'E',
    agents: 'to-server',
  },
  configuration: { ...CONFIGURATION, subtype: SUBTYPE.securityConfiguration },
  roles: { ...CONFIGURATION, subtype: SUBTYPE.securityRoles },
  sweep: {
    type: EVENT_TYPE.securityAlert,
    subtype: SUBTYPE.restrictedFunction,
    action: 'E',
    agents: 'to-server',
  },
  'alert-override': { ...ALERT, subtype: `${SUBTYPE.emergencyOverride},${SUBTYPE.alertOverride}` },
  'alert-own-record': { ...ALERT, subtype: SUBTYPE.alertOwnRecord },
};
