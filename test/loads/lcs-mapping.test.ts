import t from 'tap';
import { validateStructure } from '../../src/fhir/structure.ts';
import { agreementStatement } from '../../src/loads/lcs/agreement.ts';
import { type ChildRows, inForce, isOpenCase, type Workers } from '../../src/loads/lcs/child.ts';
import { childResources } from '../../src/loads/lcs/map.ts';
import { columnsOf, faultyColumn, TABLE_NAMES, type TableName } from '../../src/loads/lcs/tables.ts';
import { agreed, type Given, involvement, person, referral, row, WORKER } from './lcs-rows.ts';
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
        cppl_cp_plan_latest_category: 'Neglect',
      },
    ],
    ssd_cla_episodes: [
      { clae_cla_episode_id: 'l1', clae_person_id: 'c1', clae_cla_episode_start_reason: 'S' },
    ],
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
      'CarePlan/cin-p1',
      'CarePlan/cp-p1',
      'Flag/cp-p1',
      'Flag/cla-l1',
      'RelatedPerson/m1',
    ],
  );
  const text = JSON.stringify(resources);
  t.notMatch(text, /N1|RC8|Neglect|"S"|SW12345/, 'no need, reason, category or registration');
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
  t.match(resources[7], {
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
