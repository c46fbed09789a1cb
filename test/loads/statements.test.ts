import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { validateStructure } from '../../src/fhir/structure.ts';
import { limitsOf } from '../../src/loads/consent-limits.ts';
import { readConsentStatement } from '../../src/loads/consent-statement.ts';
import { readStaffDirectory } from '../../src/loads/staff-directory.ts';
import { agreementInForce, laterOptOut } from '../../src/loads/standing.ts';
import { agreement, NUMBERS, observation, optOut, type Row } from './rows.ts';
import { TODAY } from './world.ts';

const [ADA, BEN] = NUMBERS;

t.test('what a row states about sharing', async (t) => {
  const read = (row: object) => {
    const reading = readConsentStatement(row, validateStructure(row).length === 0, TODAY);
    return reading.kind === 'statement'
      ? reading.statement
      : reading.kind === 'fault'
        ? reading.rule
        : 'ignored';
  };
  const at = (text: string): number => Date.parse(text);
  const table: readonly [string, object, unknown][] = [
    [
      'a refusal',
      optOut('c', 'p', 'deny', '2026-11-01T10:00:00Z'),
      { localId: 'p', optedOut: true, enteredAt: at('2026-11-01T10:00:00Z') },
    ],
    [
      'a refusal of a day',
      optOut('c', 'p', 'deny', '2026-11-01'),
      { optedOut: true, enteredAt: at('2026-11-01T23:59:59.999Z') },
    ],
    [
      'a refusal of a summer’s day',
      optOut('c', 'p', 'deny', '2026-06-01'),
      { enteredAt: at('2026-06-01T22:59:59.999Z') },
    ],
    [
      'a permission of a day',
      optOut('c', 'p', 'permit', '2026-11-01'),
      { optedOut: false, enteredAt: at('2026-11-01T00:00:00Z') },
    ],
    [
      'a refusal of the future',
      optOut('c', 'p', 'deny', '2030-01-01'),
      { optedOut: true, enteredAt: at('2026-11-22T23:59:59.999Z') },
    ],
    ['a permission of the future', optOut('c', 'p', 'permit', '2030-01-01'), 'consent-date'],
    ['an undated refusal', { ...optOut('c', 'p', 'deny', ''), dateTime: undefined }, { optedOut: true }],
    ['an undated permission', { ...optOut('c', 'p', 'permit', ''), dateTime: undefined }, 'consent-date'],
    [
      'a refusal without type',
      { ...optOut('c', 'p', 'deny', '2026-11-01'), provision: undefined },
      { optedOut: true },
    ],
    ['a faulty refusal', { ...optOut('c', 'p', 'deny', '2026-11-01'), scope: 3 }, { optedOut: true }],
    ['a faulty permission', { ...optOut('c', 'p', 'permit', '2026-11-01'), category: [] }, 'consent-form'],
    [
      'a limited permission',
      { ...optOut('c', 'p', 'permit', '2026-11-01'), provision: { type: 'permit', class: [{ code: 'x' }] } },
      'consent-limits',
    ],
    ['a draft', { ...optOut('c', 'p', 'deny', '2026-11-01'), status: 'draft' }, 'ignored'],
    [
      'one entered in error',
      { ...optOut('c', 'p', 'deny', '2026-11-01'), status: 'entered-in-error' },
      'ignored',
    ],
    [
      'one about something else',
      { ...optOut('c', 'p', 'deny', '2026-11-01'), policy: [{ uri: 'urn:x' }] },
      'ignored',
    ],
    [
      'one by its rule',
      {
        ...optOut('c', 'p', 'deny', '2026-11-01'),
        policy: undefined,
        policyRule: { coding: [{ code: 'https://mycarerecord.example/policy/health-optout/v1' }] },
      },
      { optedOut: true },
    ],
    ['one about nobody', { ...optOut('c', 'p', 'deny', '2026-11-01'), patient: undefined }, 'no-person'],
    [
      'an agreement',
      agreement('c', 'p', { type: 'permit', period: { start: '2026-02', end: '2027-01' } }),
      { given: true, startDate: '2026-02-28', endDate: '2027-01-01' },
    ],
    [
      'an agreement without period',
      agreement('c', 'p', { type: 'permit' }, '2026-03-04'),
      { given: true, startDate: '2026-03-04' },
    ],
    [
      'an agreement with an end that is no date',
      agreement('c', 'p', { type: 'permit', period: { end: 'soon' } }),
      { given: false },
    ],
    ['an agreement of the future', agreement('c', 'p', { type: 'permit' }, '2030-01-01'), { given: false }],
    ['an agreement refused', agreement('c', 'p', { type: 'deny' }), { about: 'social-care', given: false }],
    ['no object', [], 'ignored'],
  ];
  for (const [what, row, expected] of table) t.match(read(row), expected, what);
  const coded = (code: string, more: Record<string, unknown> = {}): Row =>
    observation('o', 'p', 1, {
      code: { coding: [{ system: 'http://snomed.info/sct', code }] },
      effectiveDateTime: '2026-11-01',
      ...more,
    });
  t.match(read(coded('416409005')), { optedOut: true, sourceId: 'Observation/o' });
  t.match(
    read(coded('416409005', { code: { coding: [{ code: '416409005' }] } })),
    { optedOut: true },
    'without its system',
  );
  t.match(
    read(coded('416409005', { effectiveDateTime: undefined, status: 7 })),
    { optedOut: true },
    'faulty and undated',
  );
  t.match(read(coded('417528008')), { optedOut: false });
  t.equal(read(coded('417528008', { status: 'preliminary' })), 'consent-form');
  t.equal(read(coded('416409005', { status: 'entered-in-error' })), 'ignored');
  t.equal(read(coded('364075005')), 'ignored');
});

t.test('C-03, C-09: what is empty, limited, not in force or not made permits nothing', async (t) => {
  const read = (row: object) => readConsentStatement(row, validateStructure(row).length === 0, TODAY);
  const permits = (row: object): boolean => {
    const reading = read(row);
    if (reading.kind !== 'statement') return false;
    return reading.statement.about === 'health' ? !reading.statement.optedOut : reading.statement.given;
  };
  const health = optOut('c', 'p', 'permit', '2026-11-01');
  const social = agreement('c', 'p', { type: 'permit' }, '2026-03-04');
  t.ok(permits(health) && permits(social), 'whole they do');
  for (const row of [health, social]) {
    for (const limit of ['actor', 'purpose', 'class', 'code', 'action', 'securityLabel', 'data', 'provision'])
      t.notOk(
        permits({ ...row, provision: { type: 'permit', [limit]: [] } }),
        `no ${limit} is not every ${limit}`,
      );
    for (const limit of ['actor', 'class', 'action', 'data'])
      t.notOk(permits({ ...row, provision: { type: 'permit', [limit]: [{}] } }), `an empty ${limit}`);
    for (const status of ['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error', '', undefined])
      t.notOk(permits({ ...row, status }), `${status}`);
    for (const provision of [undefined, {}, { type: '' }, { type: ['permit'] }, []])
      t.notOk(permits({ ...row, provision }), JSON.stringify(provision));
    for (const dateTime of ['2030-01-01', 'soon']) t.notOk(permits({ ...row, dateTime }), dateTime);
  }
});
t.test(
  'limits of a consent: kept where all of them can be, else a refusal is of everything and a permission none',
  async (t) => {
    const to = (code: string, role = 'IRCP') => ({
      role: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: role }],
      },
      reference: { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organisation-code', value: code } },
    });
    const type = (code: string) => ({ system: 'http://hl7.org/fhir/resource-types', code });
    const use = (code: string) => ({ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code });
    const read = (row: object) => {
      const reading = readConsentStatement(row, validateStructure(row).length === 0, TODAY);
      if (reading.kind !== 'statement') return reading.kind === 'fault' ? reading.rule : reading.kind;
      const { statement } = reading;
      const limits = statement.limits ?? 'none';
      return statement.about === 'health' ? [statement.optedOut, limits] : [statement.given, limits];
    };
    const refusal = (provision: object, more: object = {}) =>
      read({ ...optOut('c', 'p', 'deny', '2026-11-01'), provision: { type: 'deny', ...provision }, ...more });
    const rxq = 'https://fhir.nhs.uk/Id/ods-organization-code|RXQ';
    t.strictSame(refusal({ actor: [to('RXQ')] }), [true, { organisations: [rxq] }]);
    t.strictSame(refusal({ class: [type('Condition'), type('Flag')] }), [
      true,
      { types: ['Condition', 'Flag'] },
    ]);
    t.strictSame(refusal({ purpose: [use('CAREMGT')] }), [true, { purposes: ['CAREMGT'] }]);
    t.strictSame(
      refusal({ purpose: [use('CAREMGT'), use('TREAT')] }),
      [true, 'none'],
      'treatment is all of it',
    );
    t.strictSame(refusal({ period: { start: '2026-11-01', end: '2027' } }), [true, { to: '2027-12-31' }]);
    t.strictSame(refusal({ period: { start: '2027-01' } }), [true, { from: '2027-01-01' }]);
    t.strictSame(
      refusal({ period: { start: '2026-11-01' } }),
      [true, 'none'],
      'it has begun, and has no end',
    );
    for (const unkept of [
      { actor: [to('RXQ', 'CST')] },
      { actor: [{ ...to('RXQ'), reference: { reference: 'Organization/1' } }] },
      { actor: [to('RXQ')], class: [type('Unheard')] },
      { class: [{ code: 'Condition' }] },
      { purpose: [{ system: 'https://partner.example', code: 'TREAT' }] },
      { actor: [to('RXQ')], dataPeriod: { start: '2020' } },
      { provision: [{ type: 'permit', actor: [to('RXQ')] }] },
      { period: { end: 'soon' } },
    ]) {
      t.strictSame(refusal(unkept), [true, 'none'], JSON.stringify(unkept));
      t.not(read(agreement('c', 'p', { type: 'permit', ...unkept }))[0], true, 'and permits nothing');
    }
    for (const name of ['actor', 'class', 'purpose'])
      t.equal(limitsOf({ [name]: [] }), undefined, `an empty list of ${name} is not everybody`);
    t.strictSame(refusal({ actor: [to('RXQ')] }, { category: 7 }), [true, 'none'], 'of a faulty row');
    const permission = (provision: object) => read(agreement('c', 'p', { type: 'permit', ...provision }));
    t.strictSame(permission({ actor: [to('RXQ')] }), [true, { organisations: [rxq] }]);
    t.strictSame(permission({ class: [type('CareTeam')] }), [true, { types: ['CareTeam'] }]);
    t.strictSame(permission({ purpose: [use('TREAT')] }), [true, 'none']);
    t.strictSame(permission({ purpose: [use('ETREAT')] }), [true, { purposes: ['ETREAT'] }]);
    const ends = {
      ...optOut('c', 'p', 'permit', '2026-11-01'),
      provision: { type: 'permit', actor: [to('RXQ')] },
    };
    t.equal(read(ends), 'consent-limits', 'an opt-out ends for everybody, or not at all');
  },
);

t.test('of several statements', async (t) => {
  const said = (sourceId: string, given: boolean, recordedAt: number, dates = {}) =>
    ({
      about: 'social-care',
      localId: 'p',
      sourceId,
      given,
      recordedAt,
      startDate: '2026-01-01',
      ...dates,
    }) as const;
  const inForce = (...statements: readonly ReturnType<typeof said>[]) =>
    agreementInForce(statements, TODAY)?.sourceId;
  t.equal(inForce(), undefined);
  t.equal(inForce(said('a', true, 1), said('b', true, 2)), 'b');
  t.equal(inForce(said('a', true, 1), said('b', false, 2)), undefined);
  t.equal(inForce(said('a', true, 2), said('b', false, 2)), undefined, 'of the same moment the refusal');
  t.equal(inForce(said('a', false, 1), said('b', true, 2)), 'b');
  t.equal(
    inForce(said('a', true, 1), said('b', true, 2, { endDate: '2026-11-21' })),
    undefined,
    'an older one does not return',
  );
  t.equal(inForce(said('a', true, 1, { endDate: TODAY })), 'a', 'the last day counts');
  t.equal(inForce(said('a', true, 1, { startDate: '2026-11-23' })), undefined);
  const { startDate, ...undated } = said('a', true, 1);
  t.equal(agreementInForce([undated], startDate), undefined, 'an agreement without a beginning');
  fc.assert(
    fc.property(
      fc.array(fc.record({ optedOut: fc.boolean(), enteredAt: fc.integer({ min: 0, max: 3 }) }), {
        minLength: 1,
      }),
      (all) => {
        const [first, ...rest] = all;
        const last = rest.reduce(laterOptOut, first ?? { optedOut: true, enteredAt: 0 });
        const latest = Math.max(...all.map((each) => each.enteredAt));
        return last.optedOut === all.some((each) => each.enteredAt === latest && each.optedOut);
      },
    ),
  );
});

t.test('a staff directory is read whole or not at all, and numbers leave it as hashes', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mcr-staff-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const read = (text: string) => {
    writeFileSync(join(root, 'staff.csv'), text);
    return readStaffDirectory(join(root, 'staff.csv'), (nhsNumber) => `hash of ${nhsNumber.length} digits`);
  };
  const header = 'organisation,user_id,nhs_number\n';
  t.same(await read(`${header}K1,smith,999 000 0018\nK1,smith,${ADA}\nK2,"o'neill, a",${BEN}\n`), [
    { organisation: 'K1', userId: 'smith', nhsHmac: 'hash of 10 digits' },
    { organisation: 'K2', userId: "o'neill, a", nhsHmac: 'hash of 10 digits' },
  ]);
  t.same(await read(header), []);
  for (const bad of [
    '',
    'user_id,organisation,nhs_number\n',
    `${header}K1,smith,9990000017\n`,
    `${header},smith,${ADA}\n`,
  ]) {
    await t.rejects(read(bad), Error);
  }
  for (const bad of [
    `${header}K1,,${ADA}\n`,
    `${header}K1,a\n`,
    `${header}K1,a,${ADA},x\n`,
    `${header}K1,"a,${ADA}\n`,
  ]) {
    await t.rejects(read(bad), Error);
  }
  await t.rejects(read(`${header}K1,smith,9990000017\n`), { message: /Line 2/ });
});
