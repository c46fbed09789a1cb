import t from 'tap';
import { validateStructure } from '../../src/fhir/structure.ts';
import { agreementStatement } from '../../src/loads/lcs/agreement.ts';
import { faultyColumn } from '../../src/loads/lcs/cells.ts';
import { type ChildRows, inForce, isAdopted, isOpenCase, type Workers } from '../../src/loads/lcs/child.ts';
import { childResources } from '../../src/loads/lcs/map.ts';
import { withoutUnverifiedNumber } from '../../src/loads/lcs/patient.ts';
import { columnsOf, TABLE_NAMES, type TableName } from '../../src/loads/lcs/tables.ts';
import { agreed, type Given, involvement, lookedAfter, person, referral, row, WORKER } from './lcs-rows.ts';
import { NUMBERS } from './rows.ts';
import { TODAY } from './world.ts';

const [ADA] = NUMBERS;
const COUNCIL = { system: 'urn:ods', code: 'council', name: 'The Council' };

function childRows(more: { readonly [T in TableName]?: readonly Given[] }): ChildRows {
  const rows = TABLE_NAMES.map((table) => [table, (more[table] ?? []).map((given) => row(table, given))]);
  return Object.fromEntries(rows) as ChildRows;
}

t.test('what of a child’s rows is in force, and what becomes of it', async (t) => {
  const workers: Workers = new Map([['w1', row('ssd_professionals', WORKER)]]);
  const rows = childRows({
    ssd_person: [person('c1', ADA, { pers_death_date: '' })],
    ssd_involvements: [
      involvement('i2', 'c1', { invo_professional_id: 'gone', invo_professional_role_id: 'Support' }),
      involvement('i1', 'c1'),
      involvement('i3', 'c1', { invo_involvement_end_date: '2026-11-21' }),
      involvement('i4', 'c1', { invo_involvement_start_date: '2026-11-23' }),
    ],
    ssd_cin_episodes: [
      referral('r1', 'c1'),
      referral('r2', 'c1', { cine_close_date: '2026-02-01', cine_close_reason: 'RC8' }),
      referral('r3', 'c1', { cine_referral_nfa: 'Y' }),
    ],
    ssd_cin_plans: [
      {
        cinp_cin_plan_id: 'p1',
        cinp_person_id: 'c1',
        cinp_cin_plan_start_date: '2026-03-01',
        cinp_cin_plan_end_date: TODAY,
      },
    ],
    ssd_cp_plans: [
      {
        cppl_cp_plan_id: 'p1',
        cppl_person_id: 'c1',
        cppl_cp_plan_start_date: '2026-03-01',
      },
    ],
    ssd_cla_episodes: [{ clae_cla_episode_id: 'l1', clae_person_id: 'c1' }],
    mcr_relations: [
      {
        rela_relation_id: 'm1',
        rela_person_id: 'c1',
        rela_name: 'Mary Testley',
        rela_relationship: 'MTH',
        rela_parental_responsibility: 'Y',
        rela_telephone: '01632 960002',
      },
    ],
  });
  const child = inForce(rows, workers, TODAY);
  if (child === undefined) throw new Error('There is no child.');
  t.same(
    child.involvements.map((each) => each.invo_involvements_id),
    ['i1', 'i2'],
    'in an order of their own',
  );
  t.same(
    child.referrals.map((each) => each.cine_referral_id),
    ['r1'],
  );
  t.equal(child.cinPlans.length, 1, 'the last day counts');
  const resources = childResources(child, COUNCIL);
  for (const resource of resources) t.same(validateStructure(resource), [], `${resource.resourceType} is R4`);
  t.same(
    resources.map((each) => `${each.resourceType}/${each.id}`),
    [
      'Patient/c1',
      'CareTeam/c1',
      'EpisodeOfCare/r1',
      'EpisodeOfCare/cla-l1',
      'CarePlan/cin-p1',
      'CarePlan/cp-p1',
      'Flag/cp-p1',
      'Flag/cla-l1',
      'RelatedPerson/m1',
    ],
  );
  const text = JSON.stringify(resources);
  t.notMatch(text, /RC8|SW12345/, 'no reason or registration');
  t.match(resources[1], {
    contained: [
      {
        resourceType: 'Practitioner',
        name: [{ text: 'Asha Example' }],
        telecom: [{ value: '01632 960001' }, { value: 'asha@council.example' }],
      },
      { resourceType: 'Organization', name: 'North' },
      { resourceType: 'Organization', name: 'North' },
    ],
    participant: [
      { role: [{ text: 'Allocated social worker' }], member: { reference: '#worker-1' } },
      { role: [{ text: 'Support' }] },
    ],
  });
  const [, second] = (resources[1]?.['participant'] ?? []) as readonly object[];
  t.notOk('member' in (second ?? {}), 'a worker who is not listed is left out');
  t.match(resources[2], {
    team: [{ reference: '#team' }, { reference: 'CareTeam/c1' }],
    careManager: { reference: '#worker' },
  });
  t.match(resources[8], {
    relationship: [{ coding: [{ code: 'MTH' }] }],
    extension: [{ valueBoolean: true }],
    telecom: [{ value: '01632 960002' }],
  });

  t.equal(inForce(childRows({}), workers, TODAY), undefined);
  const idle = inForce(
    childRows({ ssd_person: [person('c1', ADA)], mcr_relations: [{ rela_relation_id: 'x' }] }),
    workers,
    TODAY,
  );
  t.equal(idle && isOpenCase(idle), false, 'a relation opens no case');
  for (const table of [
    'ssd_involvements',
    'ssd_cin_episodes',
    'ssd_cin_plans',
    'ssd_cp_plans',
    'ssd_cla_episodes',
  ] as const) {
    const open = inForce(childRows({ ssd_person: [person('c1', ADA)], [table]: [{}] }), workers, TODAY);
    t.equal(open && isOpenCase(open), true, table);
  }
});

/** The resources of a child with these rows, without the id. */
function mapped(more: Parameters<typeof childRows>[0], day = TODAY) {
  const workers: Workers = new Map([['w1', row('ssd_professionals', WORKER)]]);
  const child = inForce(
    childRows({ ssd_person: [person('c1', ADA)], ssd_cin_episodes: [referral('r1', 'c1')], ...more }),
    workers,
    day,
  );
  if (child === undefined) throw new Error('There is no child.');
  const resources = childResources(child, COUNCIL);
  return (type: string) => resources.filter((each) => each.resourceType === type);
}

t.test('tables of the public terms, row by row', async (t) => {
  const identifier = (more: Given): Given => ({
    link_table_id: 'k1',
    link_person_id: 'c1',
    link_identifier_type: 'Case Number',
    link_identifier_value: 'C-77',
    ...more,
  });
  const numbers = (more: Given): readonly unknown[] => {
    const [patient] = mapped({ ssd_linked_identifiers: [identifier(more)] })('Patient');
    return ((patient?.['identifier'] ?? []) as readonly unknown[]).slice(2);
  };
  t.same(numbers({ link_valid_from_date: '2026-01-01' }), [
    {
      system: 'https://mycarerecord.example/Id/lcs-case',
      value: 'C-77',
      period: { start: '2026-01-01' },
    },
  ]);
  t.same(numbers({ link_valid_to_date: '2026-11-21' }), [], 'no longer valid');
  t.same(numbers({ link_identifier_value: '' }), []);

  const contact = (on: string) =>
    mapped({ ssd_contacts: [{ cont_contact_id: 'k1', cont_person_id: 'c1', cont_contact_date: on }] })(
      'ServiceRequest',
    );
  t.match(contact('2026-11-22'), [
    { id: 'k1', status: 'completed', code: { coding: [{ code: 'contact' }] }, authoredOn: '2026-11-22' },
  ]);
  t.equal(contact('2025-11-22').length, 1, 'a year ago');
  for (const on of ['2025-11-21', '2026-11-23', '']) t.same(contact(on), [], `on ${on}`);

  const assessment = (more: Given) =>
    mapped({
      ssd_cin_assessments: [
        {
          cina_assessment_id: 'a1',
          cina_person_id: 'c1',
          cina_referral_id: 'r1',
          cina_assessment_start_date: '2026-01-03',
          cina_assessment_team: 'North',
          cina_assessment_worker_id: 'w1',
          ...more,
        },
      ],
    })('Task');
  t.match(assessment({}), [
    {
      id: 'a1',
      status: 'in-progress',
      owner: { reference: '#worker', display: 'Asha Example' },
      contained: [{ resourceType: 'Practitioner', telecom: [{ value: '01632 960001' }, {}] }],
      focus: { reference: 'EpisodeOfCare/r1' },
      executionPeriod: { start: '2026-01-03' },
    },
  ]);
  t.match(assessment({ cina_assessment_auth_date: '2026-02-01' }), [
    { status: 'completed', executionPeriod: { end: '2026-02-01' } },
  ]);
  t.match(assessment({ cina_assessment_worker_id: 'gone' }), [
    { owner: { reference: '#team' }, contained: [{ resourceType: 'Organization', name: 'North' }] },
  ]);
  t.notOk('owner' in (assessment({ cina_assessment_worker_id: '', cina_assessment_team: '' })[0] ?? {}));
  for (const referral of ['', 'r2']) t.same(assessment({ cina_referral_id: referral }), [], 'not open');

  const missing = (end: string) =>
    mapped({
      ssd_missing: [
        {
          miss_table_id: 'x1',
          miss_person_id: 'c1',
          miss_missing_episode_start_date: '2026-11-20',
          miss_missing_episode_end_date: end,
        },
      ],
    })('Flag');
  t.match(missing(''), [{ id: 'missing-x1', code: { coding: [{ code: 'missing' }] } }]);
  t.same(missing('2026-11-21'), []);
});

t.test('what is recorded of a child who is looked after', async (t) => {
  const types = ['CarePlan', 'Encounter', 'Procedure', 'Observation'] as const;
  const all = mapped(lookedAfter('c1'));
  for (const type of types)
    for (const resource of all(type)) t.same(validateStructure(resource), [], `${type} is R4`);
  t.match(all('CarePlan'), [{ id: 'cla-lp1', category: [{ coding: [{ code: 'looked-after-child' }] }] }]);
  t.match(all('Observation'), [
    { id: 'imms-c1', valueBoolean: false, effectiveDateTime: '2026-03-02' },
    { id: 'sdq-q1', valueInteger: 12, effectiveDateTime: '2026-03-03' },
  ]);
  const ended = mapped(
    lookedAfter('c1', { ssd_cla_episodes: { clae_cla_episode_ceased_date: '2026-05-01' } }),
  );
  for (const type of types) t.same(ended(type), [], `${type} goes with the care episode`);

  const placement = (type: string) =>
    mapped(lookedAfter('c1', { ssd_cla_placement: { clap_cla_placement_type: type } }))('Encounter').map(
      (each) => (each['class'] as { readonly code: string }).code,
    );
  const kinds: Readonly<Record<string, readonly string[]>> = {
    'foster-care': ['U1', 'U2', 'U3', 'U4', 'U5', 'U6', 'u1'],
    residential: ['K1', 'K2', 'R1', 'R2', 'R3', 'R5', 'S1'],
    'with-parents': ['P1'],
    'independent-living': ['P2', 'H5'],
    temporary: ['T0', 'T1', 'T2', 'T3', 'T4'],
    other: ['Z1'],
  };
  for (const [kind, codes] of Object.entries(kinds))
    for (const code of codes) t.same(placement(code), [kind], code);
  for (const code of ['A3', 'A4', 'A5', 'A6', 'a3', '', 'A7', 'constructor'])
    t.same(placement(code), [], `${code} is not held`);

  const check = (type: string, status: string) => {
    const [found] = mapped(
      lookedAfter('c1', {
        ssd_cla_health: { clah_health_check_type: type, clah_health_check_status: status },
      }),
    )('Procedure');
    const { coding } = (found?.['code'] ?? {}) as {
      readonly coding?: readonly { readonly code: string }[];
    };
    return `${coding?.[0]?.code} ${String(found?.['status'])}`;
  };
  t.equal(check('Dental Check', ''), 'dental-check completed');
  t.equal(check('HEALTH ASSESSMENT', 'completed'), 'health-assessment completed');
  t.equal(check('Health surveillance check', 'Declined'), 'health-check not-done');
  t.equal(check('Optician', 'Due'), 'health-check preparation');
  t.equal(check('', 'somehow'), 'health-check unknown');
});

t.test('a child who was adopted is of an identity that was left behind', async (t) => {
  const adopted = (more: Parameters<typeof childRows>[0]) => isAdopted(childRows(more), TODAY);
  const closed = (reason: string, on: string) =>
    adopted({
      ssd_cin_episodes: [
        referral('r1', 'c1', { cine_close_reason: reason, cine_close_date: on }),
        referral('r2', 'c1'),
      ],
    });
  const ceased = (reason: string, on: string) =>
    adopted({
      ssd_cla_episodes: [
        {
          clae_cla_episode_id: 'l1',
          clae_cla_episode_ceased_reason: reason,
          clae_cla_episode_ceased_date: on,
        },
      ],
    });
  t.equal(closed('RC1', '2026-05-01'), true);
  t.equal(closed('RC7', '2026-05-01'), false);
  t.equal(closed('RC1', '2026-11-23'), false, 'not yet');
  t.equal(ceased('E11', '2026-05-01'), true);
  t.equal(ceased('e12', ''), true);
  t.equal(ceased('E4A', '2026-05-01'), false);
});

t.test('an NHS number that the council has not verified is not shown', async (t) => {
  const numbers = (status: string) => {
    const child = inForce(
      childRows({ ssd_person: [person('c1', ADA, { mcr_nhs_number_status: status })] }),
      new Map(),
      TODAY,
    );
    if (child === undefined) throw new Error('There is no child.');
    return JSON.stringify(childResources(withoutUnverifiedNumber(child), COUNCIL)).includes(ADA);
  };
  t.equal(numbers('01'), true);
  for (const status of ['', '02', '03']) t.equal(numbers(status), false, status);
});

t.test('a row of agreements as a statement', async (t) => {
  const said = (more: Given) =>
    agreementStatement(row('mcr_sharing_agreements', agreed('a', 'c', more)), TODAY);
  t.match(said({}), { given: true, startDate: '2026-01-05', givenBy: 'Mother', givenByRelationship: 'MTH' });
  t.match(said({ agre_given: 'N' }), { given: false });
  t.match(said({ agre_given: '' }), { given: false }, 'blank is not given');
  t.match(said({ agre_recorded_date: '' }), { given: false }, 'undated');
  t.match(said({ agre_recorded_date: '2026-11-23' }), { given: false }, 'of tomorrow');
  t.match(said({ agre_start_date: '' }), { given: true, startDate: '2026-01-05' });
  t.ok(
    said({ agre_given: 'N', agre_recorded_date: '' }).recordedAt >
      said({ agre_recorded_date: '2026-11-21' }).recordedAt,
  );
});

t.test('cells hold what their columns hold', async (t) => {
  const fault = (given: Given) =>
    faultyColumn(
      'ssd_person',
      columnsOf('ssd_person').map((column) => person('c1', ADA, given)[column] ?? ''),
    );
  t.equal(fault({}), undefined);
  for (const id of ['', 'a b', 'a/b', '__proto__', 'x'.repeat(57)])
    t.equal(fault({ pers_person_id: id }), 'pers_person_id', id);
  for (const dob of ['14/05/2016', '2016-02-30', '2016-5-14', 'x'])
    t.equal(fault({ pers_dob: dob }), 'pers_dob', dob);
  t.equal(fault({ pers_sex: 'female' }), 'pers_sex');
  t.equal(fault({ pers_surname: 'a\u0000b' }), 'pers_surname');
  t.equal(fault({ pers_surname: 'caf\ufffd' }), 'pers_surname');
  for (const name of ['=HYPERLINK("x")', '<script>', "'; drop table", ''])
    t.equal(fault({ pers_surname: name }), undefined, name);
});
