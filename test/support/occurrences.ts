import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type {
  Caller,
  GovernanceCaller,
  PatientCaller,
  StaffCaller,
  SystemCaller,
} from '../../src/access/caller.ts';
import type { ServiceIdentity } from '../../src/audit/event.ts';
import type { Occurrence, OccurrenceKind } from '../../src/audit/occurrence.ts';
import type { AuditEntry } from '../../src/audit/ports.ts';

export const SERVICE: ServiceIdentity = {
  site: 'api.mcr.example.nhs.uk',
  observer: 'mcr-api',
  baseUrl: 'https://api.mcr.example.nhs.uk/fhir',
};

const PROVEN = {
  issuer: 'https://idp.example.gov.uk',
  client: 'lcs-viewer',
  tokenId: '9a1d4a2e-5f06-4f0a-8f4e-0d8f3e9c2b11',
  scopes: [],
};

export const STAFF: StaffCaller = {
  ...PROVEN,
  kind: 'staff',
  subject: 'sw-7781',
  user: { id: 'sw-7781', name: 'Asha Example' },
  organisation: 'LOCAL-CSC',
  role: "Children's social worker",
  purpose: 'TREAT',
  reason: 'section 47 enquiry',
  attestsNotOwn: true,
  namedBy: 'login',
};

export const SYSTEM: SystemCaller = {
  ...PROVEN,
  kind: 'system',
  subject: 'gp-system',
  client: 'gp-system',
  organisation: 'K82999',
};

export const PATIENT: PatientCaller = {
  ...PROVEN,
  kind: 'patient',
  subject: 'login-4711',
  client: 'phr',
  nhsNumber: '9990000018',
};

export const GOVERNANCE: GovernanceCaller = {
  ...PROVEN,
  kind: 'governance',
  subject: 'po-1',
  user: { id: 'po-1', name: 'Priya Example' },
  organisation: 'RXQ',
  role: 'privacy-officer',
  purpose: 'HOPERAT',
  caseNumber: 'INC-2031-0042',
  attestsNotOwn: false,
};

/** A successful search by a social worker, about a person of its own, unless told otherwise. */
export function occurrence(parts: Partial<Occurrence> = {}): Occurrence {
  const personId = parts.personId ?? randomUUID();
  const url = `/fhir/Observation?patient=${personId}&category=laboratory`;
  return {
    id: randomUUID(),
    at: Date.now(),
    requestId: randomUUID(),
    what: 'search-type',
    caller: STAFF,
    organisationName: "Example Council Children's Services",
    organisationSystem: 'https://mycarerecord.example/Id/organisation',
    clientAddress: '10.20.30.40',
    personId,
    rawRequest: `GET ${url} HTTP/1.1\r\nAccept: application/fhir+json\r\n`,
    description: `GET ${url}`,
    outcome: { code: '0' },
    policyVersion: 'policy-7',
    ...parts,
  };
}

export function entry(parts: Partial<Occurrence> = {}, released = 1): AuditEntry {
  return {
    occurrence: occurrence(parts),
    released: Array.from({ length: released }, (_, i) => ({ id: randomUUID(), version: i + 1 })),
    publication: 12,
  };
}

export const KINDS: readonly OccurrenceKind[] = [
  'read',
  'search-type',
  'everything',
  'create',
  'update',
  'patch',
  'delete',
  'load',
  'unauthenticated',
  'configuration',
  'sweep',
  'alert-override',
  'alert-own-record',
];

/** Any UTF-16, lone surrogates and control characters included: what a client can put into a request. */
export const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((c) => String.fromCharCode(c)),
});
const text = fc.oneof(fc.string(), anyText, fc.constantFrom('', ' ', '\u0000', '"\\', '💊', '\ud83d'));

const proven = { issuer: text, subject: text, client: text, tokenId: text, scopes: fc.constant([]) };
const work = {
  user: fc.record({ id: text, name: text }),
  organisation: text,
  role: text,
  purpose: text,
  attestsNotOwn: fc.boolean(),
};
const anyCaller: fc.Arbitrary<Caller> = fc.oneof(
  fc.record({
    kind: fc.constant('staff' as const),
    ...proven,
    ...work,
    reason: text,
    namedBy: fc.constant('login' as const),
  }),
  fc.record({ kind: fc.constant('governance' as const), ...proven, ...work, caseNumber: text }),
  fc.record({ kind: fc.constant('system' as const), ...proven, organisation: text }),
  fc.record({ kind: fc.constant('patient' as const), ...proven, nhsNumber: text }),
);

/** Any occurrence at all, with texts that nobody sane would send. */
export const anyOccurrence: fc.Arbitrary<Occurrence> = fc.record(
  {
    id: fc.uuid(),
    at: fc.integer({ min: 0, max: Date.UTC(2099, 0, 1) }),
    requestId: text,
    trace: text,
    what: fc.constantFrom(...KINDS),
    clientAddress: fc.oneof(text, fc.ipV4(), fc.ipV6()),
    outcome: fc.oneof(
      fc.constant({ code: '0' as const }),
      fc.record({ code: fc.constantFrom('4' as const, '8' as const, '12' as const), reason: text }),
    ),
    caller: anyCaller,
    organisationName: text,
    organisationSystem: text,
    personId: fc.uuid(),
    resource: text,
    rawRequest: text,
    description: text,
    policyVersion: text,
    details: fc.dictionary(text, text, { maxKeys: 3 }),
  },
  { requiredKeys: ['id', 'at', 'requestId', 'what', 'clientAddress', 'outcome'] },
);

export function random(size: number): Uint8Array {
  return randomBytes(size);
}

export function later(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}
