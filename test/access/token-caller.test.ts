import t from 'tap';
import { issuerFaults } from '../../src/access/issuer-faults.ts';
import type { IssuerConfiguration } from '../../src/access/issuers.ts';
import { type Scope, scopeText } from '../../src/access/scopes.ts';
import { TokenVerifier } from '../../src/access/token.ts';
import { callerReader } from '../../src/access/token-caller.ts';
import { Problem } from '../../src/fhir/problem.ts';
import { AUDIENCE, claims, extensions, HOSPITAL, jwk, KeyServer, NOW, signed } from './token-issuer.ts';

type Changes = Partial<Record<keyof IssuerConfiguration, unknown>>;

/** What one issuer's claims come to: the caller, or the reason of the refusal. */
function read(changes: Changes, payload: Record<string, unknown>): object | string {
  const issuer = { ...HOSPITAL, ...changes } as IssuerConfiguration;
  try {
    return callerReader(issuer)(payload);
  } catch (error) {
    if (error instanceof Problem) return `${error.kind} ${error.detail.reason}`;
    throw error;
  }
}

const NO = 'unauthenticated token-claims';
const SYSTEM: Changes = {
  callers: { fixed: 'system' },
  clients: { lcs: { organisation: 'RXQ', speaksFor: ['RNU'], scopes: ['user/*.rs'] } },
};
const PATIENT: Changes = { callers: { fixed: 'patient' } };
const DESK: Changes = { callers: { fixed: 'governance' } };
const iua = (changes: object): Record<string, unknown> => claims({ extensions: extensions(changes) });
const mcr = (changes: object): Record<string, unknown> => claims({ extensions: extensions({}, changes) });

t.test('claims become the caller they prove', async (t) => {
  const proven = {
    issuer: HOSPITAL.issuer,
    subject: 'nurse-7',
    client: 'ward-app',
    tokenId: 'token-1',
    scopes: [{ level: 'user', type: '*', letters: 'rs' }],
  };
  const work = { user: { id: 'nurse-7', name: 'Jo Nurse' }, organisation: 'RXQ', role: 'nurse' };
  const nurse = {
    kind: 'staff',
    ...proven,
    ...work,
    purpose: 'TREAT',
    reason: 'On my ward',
    attestsNotOwn: false,
    namedBy: 'login',
  };
  t.strictSame(read({}, claims()), nurse);
  t.strictSame(
    read({}, claims({ patient: 'p1', extensions: extensions({}, { not_own_record: true, user_id: 'u9' }) })),
    {
      ...nurse,
      user: { id: 'u9', name: 'Jo Nurse' },
      attestsNotOwn: true,
      launchedFor: 'p1',
    },
  );
  t.strictSame(read(PATIENT, mcr({ nhs_number: '9990000018' })), {
    kind: 'patient',
    ...proven,
    nhsNumber: '9990000018',
  });
  t.strictSame(
    read(DESK, claims({ extensions: extensions({ purpose_of_use: 'governance' }, { case_number: 'IG-1' }) })),
    {
      kind: 'governance',
      ...proven,
      ...work,
      purpose: 'governance',
      caseNumber: 'IG-1',
      attestsNotOwn: false,
    },
  );
  t.match(
    read({}, mcr({ relationship: 'Her named nurse' })),
    { kind: 'staff', declares: { reason: 'Her named nurse', until: NOW + 290_000 } },
    'a relationship that is declared lasts as long as the token',
  );
  t.equal(read({}, mcr({ relationship: true })), NO, 'and is in words');
  for (const person_id of [
    '9990000018',
    'https://fhir.nhs.uk/Id/nhs-number|9990000018',
    '9990000018^^^&2.16.840.1.113883.2.1.4.1&ISO',
    '9990000018^^^NHS&2.16.840.1.113883.2.1.4.1&ISO',
  ])
    t.match(read({}, iua({ person_id })), { about: '9990000018' }, person_id);
  t.match(read({}, iua({ person_id: 'p1' })), { about: 'p1' }, 'or an id of ours');
  for (const person_id of [
    'local|1',
    '1^^^&1.2.3&ISO',
    '999 000 0018',
    'https://example.org/id|9990000018',
    7,
    ['p1'],
  ])
    t.equal(read({}, iua({ person_id })), NO, `${person_id} cannot be compared`);
  t.match(read({}, mcr({ override: 'opt-out', override_reason: 'Unconscious' })), {
    overrides: { rule: 'opt-out', reason: 'Unconscious' },
  });
  t.match(read(DESK, mcr({ override: 'restricted-person' })), {
    overrides: { rule: 'restricted-person', reason: '' },
  });
  t.equal(read({}, mcr({ override: true })), NO);
  t.notMatch(read(PATIENT, mcr({ nhs_number: '9990000018', override: 'opt-out' })), { overrides: {} });
  const lcs = { ...proven, subject: 'lcs', client: 'lcs' };
  t.strictSame(
    read(SYSTEM, claims({ sub: 'lcs', client_id: 'lcs', extensions: undefined })),
    { kind: 'system', ...lcs, organisation: 'RXQ' },
    'a system',
  );
  t.strictSame(
    read(SYSTEM, claims({ sub: 'lcs', client_id: 'lcs', extensions: extensions({}, { user_id: 'sw-3' }) })),
    { ...nurse, ...lcs, user: { id: 'sw-3', name: 'Jo Nurse' }, namedBy: 'system' },
    'a system that names user, organisation, role, purpose and reason is that user',
  );
});

t.test('a system that names less than all remains a system', async (t) => {
  const named = (iuaChanges: object, mcrChanges: object = {}): object | string =>
    read(
      SYSTEM,
      claims({
        sub: 'lcs',
        client_id: 'lcs',
        extensions: extensions(iuaChanges, { user_id: 'u', ...mcrChanges }),
      }),
    );
  t.match(named({}), { kind: 'staff' });
  t.match(named({ subject_name: undefined }), { kind: 'system' });
  t.match(named({ subject_organization_id: undefined }), { kind: 'system' });
  t.match(named({ subject_role: undefined }), { kind: 'system' });
  t.match(named({ purpose_of_use: undefined }), { kind: 'system' });
  t.match(named({}, { reason: undefined }), { kind: 'system' });
  t.match(named({}, { reason: '  ' }), { kind: 'system' });
  t.match(named({}, { user_id: undefined }), { kind: 'system' }, "a client's own subject is not a user");
  t.equal(
    read({ callers: { fixed: 'system' } }, claims({ client_id: 'lcs' })),
    NO,
    'no clients are registered',
  );
  t.equal(read(SYSTEM, claims({ client_id: 'stranger' })), NO, 'the client is not registered');
  t.equal(
    read(SYSTEM, claims({ client_id: '__proto__', extensions: undefined })),
    NO,
    'a prototype is no client',
  );
});

t.test('organisations: only those that issuer and client may speak for', async (t) => {
  const of = (organisation: unknown, changes: Changes = {}): unknown => {
    const got = read(changes, iua({ subject_organization_id: organisation }));
    return typeof got === 'string' ? got : 'organisation' in got && got.organisation;
  };
  const ods = 'https://fhir.nhs.uk/Id/ods-organization-code';
  const bound = {
    clients: { 'ward-app': { organisation: 'RNU', speaksFor: ['RXQ'] } },
    organisations: { all: true },
  };
  const table: readonly [got: unknown, wanted: string][] = [
    [of('RXQ'), 'RXQ'],
    [of(`${ods}|RXQ`), 'RXQ'],
    [of('https://fhir.nhs.uk/Id/ods-organisation-code|RXQ'), 'RXQ'],
    [of('https://council.example/id|RXQ'), NO],
    [of('https://council.example/id|RXQ', { organisationSystems: ['https://council.example/id'] }), 'RXQ'],
    [of('urn:oid:2.16.840.1.113883.2.1.3.2.4.18.48|RXQ'), NO],
    [of(`${ods}/RXQ`), NO],
    [of('|RXQ'), NO],
    [of('RXQ '), NO],
    [of('rxq'), NO],
    [of('RXQ/../RNU', { organisations: { all: true } }), NO],
    [of('RNU'), NO],
    [of('RNU', { organisations: { all: true } }), 'RNU'],
    [of('RXQ', { organisations: undefined }), NO],
    [of('RNU', bound), 'RNU'],
    [of('RXQ', bound), 'RXQ'],
    [of('RYE', bound), NO],
    [of(''), NO],
    [of(undefined), NO],
    [of(['RXQ']), NO],
  ];
  table.forEach(([got, wanted], index) => {
    t.equal(got, wanted, `line ${index + 1}`);
  });
});

t.test('S-34: claims of the wrong type, or missing, refuse the token', async (t) => {
  const coding = { code: 'nurse' };
  const refused: Readonly<Record<string, object | string>> = {
    'no subject': read({}, claims({ sub: undefined })),
    'an empty subject': read({}, claims({ sub: '' })),
    'a subject of NUL': read({}, claims({ sub: 'a\0' })),
    'no client': read({}, claims({ client_id: undefined })),
    'a numeric client': read({}, claims({ client_id: 7 })),
    'no token id': read({}, claims({ jti: undefined })),
    'a long token id': read({}, claims({ jti: 'x'.repeat(256) })),
    'scopes as a list': read({}, claims({ scope: ['user/*.rs'] })),
    'no name': read({}, iua({ subject_name: undefined })),
    'a name that is an object': read({}, iua({ subject_name: { text: 'x' } })),
    'a name of half a character': read({}, iua({ subject_name: '\ud800' })),
    'no role': read({}, iua({ subject_role: undefined })),
    'no roles': read({}, iua({ subject_role: [] })),
    'several roles': read({}, iua({ subject_role: [coding, coding] })),
    'a role without a code': read({}, iua({ subject_role: [{ system: 'x' }] })),
    'a role that is a number': read({}, iua({ subject_role: 7 })),
    'a list within a list': read({}, iua({ subject_role: [[coding]] })),
    'several purposes': read({}, iua({ purpose_of_use: [{ code: 'TREAT' }, { code: 'COC' }] })),
    'a purpose of another system': read(
      {},
      iua({ purpose_of_use: [{ system: 'https://x.example', code: 'TREAT' }] }),
    ),
    'a reason that is a list': read({}, mcr({ reason: ['x'] })),
    'a reason with an escape': read({}, mcr({ reason: 'a\u001b[2J' })),
    'a declaration in words': read({}, mcr({ not_own_record: 'true' })),
    'a patient context that is a list': read({}, claims({ patient: ['p1'] })),
    'no extensions': read({}, claims({ extensions: undefined })),
    'extensions that are a text': read({}, claims({ extensions: 'x' })),
    'a patient without a number': read(PATIENT, claims()),
    'a number with spaces': read(PATIENT, mcr({ nhs_number: '999 000 0018' })),
    'a number as a number': read(PATIENT, mcr({ nhs_number: 9990000018 })),
    'an officer without a role': read(DESK, iua({ subject_role: undefined })),
  };
  for (const [title, got] of Object.entries(refused)) t.equal(got, NO, title);
  t.match(
    read({}, iua({ purpose_of_use: undefined })),
    { kind: 'staff', purpose: '' },
    "a missing purpose is rule 4's",
  );
  t.match(read({}, mcr({ reason: undefined })), { kind: 'staff', reason: '' }, 'and a missing reason');
  t.match(read({}, mcr({ reason: 'two\nlines' })), { reason: 'two\nlines' });
  t.match(read({}, claims({ scope: undefined })), { scopes: [] }, 'no scopes are no scopes');
});

t.test('O-07: nobody reads as somebody else: no token of a proxy or delegate is taken', async (t) => {
  const own = (changes: object): object | string =>
    read(PATIENT, { ...mcr({ nhs_number: '9990000018' }), ...changes });
  for (const fhirUser of ['Patient/7', 'https://phr.example/fhir/Patient/7'])
    t.match(own({ fhirUser }), { kind: 'patient' }, fhirUser);
  for (const fhirUser of [
    'RelatedPerson/7',
    'https://phr.example/fhir/RelatedPerson/7',
    'Person/7',
    'Practitioner/7',
    'patient/7',
    'Patient',
    'Patient/7?x',
    'Patient/7/_history/1',
    'https://phr.example/fhir?Patient/7',
    '',
    7,
    ['Patient/7'],
    { reference: 'Patient/7' },
  ])
    t.equal(own({ fhirUser }), NO, `a person's own token of ${JSON.stringify(fhirUser)}`);
  for (const fhirUser of ['Practitioner/7', 'PractitionerRole/7']) {
    t.match(read({}, claims({ fhirUser })), { kind: 'staff' }, fhirUser);
    t.match(read(DESK, claims({ fhirUser })), { kind: 'governance' }, fhirUser);
  }
  for (const fhirUser of ['Patient/7', 'RelatedPerson/7', 'Person/7', 'Organization/7', null]) {
    t.equal(read({}, claims({ fhirUser })), NO, `a work login of ${fhirUser}`);
    t.equal(read(DESK, claims({ fhirUser })), NO, `a desk of ${fhirUser}`);
  }
  for (const delegated of [{ act: { sub: 'x' } }, { act: null }, { may_act: { sub: 'x' } }]) {
    t.equal(own(delegated), NO, 'on behalf of somebody');
    t.equal(read({}, claims(delegated)), NO, 'on behalf of a colleague');
  }
  t.notMatch(own({ patient: '9990000018' }), { launchedFor: /./ }, 'launched for themselves');
  t.match(own({ patient: 'p9' }), { launchedFor: 'p9' }, 'launched for somebody: the rules compare');
});

t.test('which kind of caller: fixed, or as a claim says within what is allowed', async (t) => {
  const by = (kind: unknown, kinds?: readonly string[]): object | string =>
    read({ callers: { claim: '/kind', ...(kinds === undefined ? {} : { kinds }) } }, claims({ kind }));
  t.match(by('staff'), { kind: 'staff' });
  t.match(by('governance', ['staff', 'governance']), { kind: 'governance' });
  t.equal(by('governance', ['staff']), NO);
  for (const kind of [undefined, '', 'Staff', 'node', ['staff'], { staff: true }])
    t.equal(by(kind), NO, String(kind));
  t.match(read({ requires: { '/vot': ['P9'] } }, claims({ vot: 'P9' })), { kind: 'staff' });
  for (const vot of [undefined, 'P5', ['P9'], 9])
    t.equal(read({ requires: { '/vot': ['P9'] } }, claims({ vot })), NO);
});

t.test('claims are found where the configuration says', async (t) => {
  const found = { claims: { role: '/roles/0/role~1code', userName: '/name', reason: '/a~0b' } };
  const payload = claims({ name: 'Ash', roles: [{ 'role/code': 'R0260' }], 'a~b': 'ward' });
  t.match(read(found, payload), { user: { name: 'Ash' }, role: 'R0260', reason: 'ward' });
  t.equal(read({ claims: { role: '/__proto__/x' } }, claims()), NO);
  t.equal(read({ claims: { role: '/constructor/name' } }, claims()), NO);
  t.equal(read({ claims: { role: '/roles/length' } }, claims({ roles: ['x'] })), NO);
});

t.test('a token is good for what its client is registered for, and no more', async (t) => {
  const of = (callers: unknown, registered: readonly string[] | undefined, scope: string): string => {
    const client = { organisation: 'RXQ', ...(registered === undefined ? {} : { scopes: registered }) };
    const changes = { callers, clients: { lcs: client } };
    const got = read(changes, claims({ sub: 'u', client_id: 'lcs', scope, extensions: extensions() }));
    return typeof got === 'string' ? got : scopeText((got as { scopes: readonly Scope[] }).scopes);
  };
  const [service, people] = [{ fixed: 'system' }, { fixed: 'staff' }];
  const table: readonly [title: string, got: string, wanted: string][] = [
    ['the same', of(service, ['system/*.rs'], 'system/*.rs'), 'system/*.rs'],
    ['the token asks for more types', of(service, ['system/Patient.rs'], 'system/*.rs'), 'system/Patient.rs'],
    ['the token has fewer types', of(service, ['system/*.rs'], 'system/Patient.r'), 'system/Patient.r'],
    [
      'the token has more letters',
      of(service, ['system/Patient.r'], 'system/Patient.cruds'),
      'system/Patient.r',
    ],
    ['v1 registered, v2 in the token', of(service, ['system/*.read'], 'system/*.cruds'), 'system/*.rs'],
    ['v2 registered, v1 in the token', of(service, ['system/*.s'], 'system/*.*'), 'system/*.s'],
    ['letters without any in common', of(service, ['system/*.r'], 'system/*.s'), ''],
    ['another type', of(service, ['system/Patient.rs'], 'system/Observation.rs'), ''],
    ['another level', of(service, ['user/*.rs'], 'system/*.rs'), ''],
    ['the token is silent', of(service, ['system/*.rs'], ''), ''],
    [
      'two of each',
      of(service, ['system/Patient.r', 'system/Flag.rs'], 'system/Flag.s system/*.r'),
      'system/Flag.s system/Patient.r system/Flag.r',
    ],
    [
      'a category registered',
      of(service, ['system/Observation.rs?category=laboratory'], 'system/*.rs'),
      'system/Observation.rs?category=laboratory',
    ],
    [
      'a category in the token',
      of(service, ['system/*.rs'], 'system/Observation.rs?category=laboratory'),
      'system/Observation.rs?category=laboratory',
    ],
    [
      'the narrower category',
      of(service, ['system/*.rs?category=x|a,b'], 'system/Flag.rs?category=a,c'),
      'system/Flag.rs?category=x%7Ca',
    ],
    ['no category in common', of(service, ['system/*.rs?category=x|a'], 'system/*.rs?category=y|a'), ''],
    ['a service without registered scopes', of(service, undefined, 'system/*.rs user/*.rs'), ''],
    ['people, by their issuer and role', of(people, undefined, 'user/*.rs'), 'user/*.rs'],
    ['people, where scopes are registered', of(people, ['user/Patient.rs'], 'user/*.rs'), 'user/Patient.rs'],
  ];
  for (const [title, got, wanted] of table) t.equal(got, wanted, title);
  const mixed = {
    callers: { claim: '/kind' },
    clients: { 'ward-app': { organisation: 'RXQ' } },
  };
  t.match(read(mixed, claims({ kind: 'system' })), { scopes: [] }, 'whatever says that it is a service');
  t.match(read(mixed, claims({ kind: 'staff' })), { scopes: [{ level: 'user' }] });
});

t.test('a registration that would grant nothing, or something unforeseen, is no configuration', async (t) => {
  const faultsOf = (callers: unknown, scopes: unknown): readonly string[] =>
    issuerFaults({ ...HOSPITAL, callers, clients: { lcs: { organisation: 'RXQ', scopes } } });
  const service = { fixed: 'system' };
  t.strictSame(faultsOf(service, ['system/*.rs', 'system/Observation.rs?category=laboratory']), []);
  t.strictSame(faultsOf(service, undefined), [
    '/clients/lcs must list the scopes that the service may use at most',
  ]);
  t.strictSame(faultsOf({ fixed: 'staff' }, undefined), []);
  const wrong = [
    [],
    '',
    'system/*.rs',
    ['system/*.rs user/*.rs'],
    ['openid'],
    ['system/*.sr'],
    ['x'],
    [7],
    [''],
    {},
  ];
  for (const scopes of wrong) t.equal(faultsOf(service, scopes).length, 1, JSON.stringify(scopes));
});

t.test("an issuer's configuration is checked whole", async (t) => {
  t.strictSame(issuerFaults(HOSPITAL), []);
  t.strictSame(
    issuerFaults({ ...HOSPITAL, ...SYSTEM, typ: ['JWT'], maxLifetime: 300, requires: { '/vot': ['P9'] } }),
    [],
  );
  const wrong: Readonly<Record<string, unknown>> = {
    issuer: '',
    audience: [],
    keys: { url: 'http://hospital.example/jwks' },
    algorithms: ['HS256'],
    typ: ['at+jwt'],
    maxLifetime: 0,
    callers: { fixed: 'admin' },
    clients: { lcs: {} },
    organisations: { all: 'yes' },
    organisationSystems: [],
    claims: { roles: '/role' },
    requires: { vot: ['P9'] },
  };
  const faults = issuerFaults({ ...wrong, organisation: 'RXQ' });
  for (const name of [...Object.keys(wrong), 'organisation']) {
    t.ok(
      faults.some((fault) => fault.startsWith(`/${name} `)),
      name,
    );
  }
  t.equal(faults.length, Object.keys(wrong).length + 1);
  t.equal(issuerFaults({}).length, 5, 'what must be there');
  t.equal(issuerFaults(7).length, 1);
  for (const keys of [
    {},
    { url: 7 },
    { url: 'https://a.example', file: 'x' },
    { url: 'ftp://a.example' },
    { url: 'not one' },
  ]) {
    t.equal(issuerFaults({ ...HOSPITAL, keys }).length, 1, JSON.stringify(keys));
  }
  t.strictSame(
    issuerFaults({ ...HOSPITAL, keys: { url: 'http://127.0.0.1:9/jwks' } }),
    [],
    'plain HTTP to this machine',
  );
  const server = new KeyServer({});
  t.throws(() => new TokenVerifier([{ ...HOSPITAL, audience: [] }], server), /issuers\/0\/audience/);
  t.throws(() => new TokenVerifier([HOSPITAL, HOSPITAL], server), /twice/);
});

t.test('the verifier gives the caller whole', async (t) => {
  const server = new KeyServer({ 'https://hospital.example/jwks': { keys: [jwk('es384', 'k1')] } });
  const tokens = new TokenVerifier([HOSPITAL], server);
  const authorization = `Bearer ${await signed(claims({ aud: [AUDIENCE] }))}`;
  t.strictSame(await tokens.verify(authorization, NOW), callerReader(HOSPITAL)(claims()));
});
