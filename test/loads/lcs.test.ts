import t from 'tap';
import { guardLimits } from '../../src/loads/guards.ts';
import { columnsOf, TABLE_NAMES } from '../../src/loads/lcs/tables.ts';
import { folder, type Tables } from './lcs-folder.ts';
import { agreed, type Given, involvement, lookedAfter, person, referral, WORKER } from './lcs-rows.ts';
import { NUMBERS } from './rows.ts';
import { HORIZON, visible } from './visible.ts';
import { type Loader, loader, policy, TODAY } from './world.ts';

const [ADA, BEN, CLEO, DAN] = NUMBERS;

const NIGHT: Tables = {
  ssd_person: [
    person('agreed', ADA, { pers_surname: 'O"Neill, the "younger"' }),
    person('refused', BEN),
    person('blank', CLEO),
    person('closed', DAN),
    person('unverified', NUMBERS[4], { mcr_nhs_number_status: '02' }),
    person('numberless', ''),
  ],
  ssd_professionals: [WORKER],
  ssd_involvements: ['agreed', 'refused', 'blank', 'unverified', 'numberless'].map((of) =>
    involvement(`i-${of}`, of),
  ),
  ssd_cin_episodes: [referral('r1', 'agreed'), referral('r2', 'closed', { cine_close_date: '2026-05-01' })],
  mcr_sharing_agreements: [
    agreed('a1', 'agreed'),
    agreed('a2', 'refused', { agre_given: 'N' }),
    agreed('a3', 'closed'),
    agreed('a4', 'unverified'),
    agreed('a5', 'numberless'),
  ],
};

async function stored({ rows }: Loader): Promise<readonly unknown[]> {
  const found = await rows(
    `with ${HORIZON} select n.nhs_number, v.type from record.resource_version v join horizon h on h.source = v.source
       and v.valid_from <= h.load_no and v.valid_to > h.load_no join record.person_number n using (person_id) order by 1, 2`,
  );
  return found.map((each) => `${String(each['nhs_number'])} ${String(each['type'])}`);
}

t.test('nights of LCS', async (t) => {
  const world = await loader(t);
  const held = [1, 17, 18].map((type) => `${ADA} ${type}`);

  await t.test('only agreed, open, verified children are held', async (t) => {
    const { types, identity, consent } = await world.load(folder(1, NIGHT));
    t.match(types, {
      Patient: { new: 1, refused: 3, rejected: { unverified: 1, 'no-nhs-number': 1 } },
      CareTeam: { new: 1 },
      EpisodeOfCare: { new: 1 },
    });
    t.match(identity, { accepted: 1, unmatched: 2, refused: { 'no-agreement': 2, 'closed-case': 1 } });
    t.equal(consent.agreementsInForce, 3);
    t.same(await stored(world), held);
    const kept = JSON.stringify(await world.rows('select * from record.source_patient'));
    t.notMatch(kept, /refused|blank|closed/, 'of the others not even their number is kept');
    t.match(await world.rows('select nhs_number from record.person_number'), [{ nhs_number: ADA }]);
    t.match(
      await world.rows(
        'select given, given_by, given_by_relationship, start_date::text from record.agreement',
      ),
      [{ given: true, given_by: 'Mother', given_by_relationship: 'MTH', start_date: '2026-01-05' }],
    );
  });

  await t.test('an unchanged night changes nothing, whatever the order of rows', async (t) => {
    const before = await visible(world);
    const shuffled = { ...NIGHT, ssd_person: [...(NIGHT.ssd_person as Given[])].reverse() };
    const { types } = await world.load(folder(2, shuffled));
    t.match(types, {
      Patient: { unchanged: 1, new: 0, changed: 0 },
      CareTeam: { unchanged: 1 },
      EpisodeOfCare: { unchanged: 1 },
    });
    const without = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => !line.startsWith('published'));
    t.same(without(await visible(world)), without(before));
  });

  await t.test('a worker’s new telephone changes what names the worker, and nothing else', async (t) => {
    const { types } = await world.load(
      folder(3, { ...NIGHT, ssd_professionals: [{ ...WORKER, mcr_telephone: '01632 960009' }] }),
    );
    t.match(types, {
      Patient: { unchanged: 1, changed: 0 },
      CareTeam: { changed: 1 },
      EpisodeOfCare: { changed: 1 },
    });
  });

  await t.test('an involvement ends by the calendar, though no row changed', async (t) => {
    const ending = [involvement('i-agreed', 'agreed', { invo_involvement_end_date: TODAY })];
    await world.load(folder(4, { ...NIGHT, ssd_involvements: ending }));
    t.same(await stored(world), held);
    const tomorrow = { businessDate: '2026-11-23' };
    const now = (): number => Date.parse('2026-11-23T03:00:00Z');
    const { types } = await world.load(folder(5, { ...NIGHT, ssd_involvements: ending }, tomorrow), { now });
    t.match(types, { CareTeam: { deleted: 1 } });
  });

  await t.test('an agreement that ends, vanishes or cannot be read takes everything with it', async (t) => {
    const late = { businessDate: '2026-11-23' };
    const now = (): number => Date.parse('2026-11-23T03:00:00Z');
    const ends: readonly (readonly Given[])[] = [
      [agreed('a1', 'agreed'), agreed('a9', 'agreed', { agre_given: 'N', agre_recorded_date: '2026-11-20' })],
      [],
      [agreed('a1', 'agreed', { agre_end_date: '2026-11-22' })],
      [agreed('a1', 'agreed'), agreed('a9', 'agreed', { agre_given: 'perhaps' })],
      [agreed('a1', 'agreed'), agreed('a1', 'agreed', { agre_given: 'N' })],
    ];
    let sequence = 5;
    for (const agreements of ends) {
      sequence += 1;
      await world.load(
        folder(sequence, { ...NIGHT, mcr_sharing_agreements: [agreed('a1', 'agreed')] }, late),
        { now },
      );
      t.same(await stored(world), held);
      sequence += 1;
      const { consent } = await world.load(
        folder(sequence, { ...NIGHT, mcr_sharing_agreements: agreements }, late),
        { now },
      );
      t.equal(consent.agreementsEnded, 1);
      t.same(await stored(world), []);
      t.same(await world.rows('select * from record.agreement'), []);
    }
  });
});

t.test('a row of LCS that cannot be read takes nothing else with it', async (t) => {
  const world = await loader(t);
  await world.load(folder(1, NIGHT));
  const damaged = {
    ...NIGHT,
    ssd_person: [person('agreed', ADA, { pers_dob: 'unknown' })],
    ssd_involvements: [
      involvement('i-agreed', 'agreed'),
      involvement('i9', 'agreed', { invo_involvement_start_date: '1/1/26' }),
    ],
  };
  const { types } = await world.load(folder(2, damaged));
  t.match(types, {
    ssd_person: { rejected: { cell: 1 } },
    ssd_involvements: { rejected: { cell: 1 } },
    Patient: { unchanged: 1, deleted: 0 },
  });
  t.equal((await stored(world)).length, 3, 'yesterday’s child stands');
  t.match(
    await world.rows('select file, line, element from record.reject where load_no = 2 order by file, line'),
    [
      { file: 'mcr_sharing_agreements.csv', line: '3', element: 'agre_person_id' },
      { file: 'mcr_sharing_agreements.csv', line: '4', element: 'agre_person_id' },
      { file: 'mcr_sharing_agreements.csv', line: '5', element: 'agre_person_id' },
      { file: 'mcr_sharing_agreements.csv', line: '6', element: 'agre_person_id' },
      { file: 'ssd_cin_episodes.csv', line: '3', element: 'cine_person_id' },
      { file: 'ssd_involvements.csv', line: '3', element: 'invo_involvement_start_date' },
      { file: 'ssd_person.csv', line: '2', element: 'pers_dob' },
    ],
  );
  const withdrawn = { ...damaged, mcr_sharing_agreements: [] };
  await world.load(folder(3, withdrawn));
  t.same(await stored(world), [], 'but not without an agreement');
});

t.test('a key that is none holds up no other child’s withdrawal', async (t) => {
  for (const key of ['\u0000', 'agreed\u0000', 'a b', '\u0001x', '\u00e9', '']) {
    const world = await loader(t);
    await world.load(folder(1, NIGHT));
    t.ok((await stored(world)).length > 0);
    const damaged = {
      ...NIGHT,
      ssd_person: [...(NIGHT.ssd_person as Given[]), person(key, '')],
      mcr_sharing_agreements: [agreed('a1', 'agreed', { agre_given: 'N' }), agreed('a9', key)],
    };
    const { result, types, consent } = await world.load(folder(2, damaged));
    t.equal(result, 'published', JSON.stringify(key));
    t.match(types, {
      ssd_person: { rejected: { cell: 1 } },
      mcr_sharing_agreements: { rejected: { cell: 1 } },
    });
    t.equal(consent.agreementsEnded, 1);
    t.same(await stored(world), []);
  }
});

t.test('a folder of LCS that would have to be guessed at is refused', async (t) => {
  const world = await loader(t);
  await world.load(folder(1, NIGHT));
  const before = await visible(world);
  const header = columnsOf('ssd_person').join(',');
  const bad: Readonly<Record<string, [string, string]>> = {
    'a column too few': ['header', `${header.replace(',pers_dob', '')}\n`],
    'a column that is no name': ['header', `${header},9990000018\n`],
    'a column repeated in other letters': ['header', `${header},PERS_DOB\n`],
    'a column renamed': ['header', `${header.replace('pers_dob', 'dob')}\n`],
    'a column repeated': ['header', `${header},pers_dob\n`],
    'a column __proto__': ['header', `${header.replace('pers_dob', '__proto__')}\n`],
    'a byte order mark': ['header', `\ufeff${header}\n`],
    'no header': ['row-count', ''],
    'too few cells': ['csv', `${header}\nc1,Mina\n`],
    'an unclosed quotation mark': ['csv', `${header}\nc1,"Mina,,,,,,\nc2,,,,,,,\n`],
    'a quotation mark closed much later': ['row-count', `${header}\nc1,"Mina\nc2","x",,,,,\n`],
    'a quotation mark inside': ['csv', `${header}\nc1,Mi"na,,,,,,\n`],
    'a huge cell': ['csv', `${header}\nc1,${'x'.repeat(200_000)},,,,,,\n`],
  };
  for (const [what, [rule, text]] of Object.entries(bad)) {
    const certificate = await world.load(folder(2, { ...NIGHT, ssd_person: text }));
    t.match(
      certificate,
      { result: 'refused', reason: { rule: what === 'no header' ? /header|row-count/ : rule } },
      what,
    );
    t.match(certificate.reason?.sentence, /ssd_person\.csv/, 'naming the file');
  }
  const latin = await world.load(
    folder(2, { ...NIGHT, ssd_person: `${header}\nc1,Zo\xeb,,,,,,\n` }, { latin1: 'ssd_person' }),
  );
  t.match(latin, { result: 'refused', reason: { rule: 'file-encoding' } });
  const { ssd_cla_episodes: _, ...others } = folder(2, NIGHT).files as Record<string, string>;
  t.match(await world.load({ ...folder(2, NIGHT), files: others }), { reason: { rule: 'file-missing' } });
  const more = { ...folder(2, NIGHT).files, ssd_department: 'a\n' };
  t.match(await world.load({ ...folder(2, NIGHT), files: more }), { reason: { rule: 'file-unexpected' } });
  t.same(await visible(world), before);
});

t.test('what must never be taken in', async (t) => {
  const world = await loader(t);
  await world.load(folder(1, NIGHT));
  const before = await visible(world);
  const forbidden = [
    'ssd_permanence',
    'ssd_cla_previous_permanence',
    'ssd_immigration_status',
    'ssd_cla_convictions',
    'ssd_pre_proceedings',
    'ssd_legal_status',
    'ssd_assessment_factors',
    'ssd_family',
    'ssd_mother',
    'ssd_address',
    'ssd_send',
    'ssd_sen_need',
    'ssd_ehcp_requests',
    'ssd_ehcp_assessment',
    'ssd_ehcp_named_plan',
    'ssd_ehcp_active_plans',
    'SSD_Permanence',
  ];
  for (const name of forbidden) {
    const files = { ...folder(2, NIGHT).files, [name]: 'not even CSV "\n' };
    const { result, reason } = await world.load({ ...folder(2, NIGHT), files });
    t.match({ result, reason }, { result: 'refused', reason: { rule: 'file-forbidden' } }, name);
    t.ok(reason?.sentence.includes(`${name}.csv`), 'and is named');
  }
  t.same(await visible(world), before);

  const secret = 'S3CRET';
  const dropped: Readonly<Record<string, readonly string[]>> = {
    ssd_person: ['pers_upn', 'pers_upn_unknown', 'pers_nationality', 'pers_is_mother', 'PERS_LEGACY_ID'],
    ssd_contacts: ['cont_contact_source_code', 'cont_contact_source_desc', 'cont_contact_outcome_json'],
    ssd_cin_episodes: [
      'cine_referral_source_code',
      'cine_referral_source_desc',
      'cine_referral_outcome_json',
      'cine_cin_primary_need_code',
    ],
    ssd_cin_assessments: ['cina_assessment_outcome_json'],
    ssd_cp_plans: ['cppl_cp_plan_initial_category', 'cppl_cp_plan_latest_category'],
    ssd_cla_episodes: ['clae_cla_episode_start_reason', 'clae_cla_primary_need_code'],
    ssd_cla_care_plan: ['lacp_cla_care_plan_json'],
    ssd_cla_placement: [
      'clap_cla_placement_urn',
      'clap_cla_placement_provider',
      'clap_cla_placement_postcode',
      'clap_cla_placement_distance',
      'clap_cla_placement_change_reason',
    ],
  };
  const night = folder(2, {
    ...NIGHT,
    ...lookedAfter('agreed'),
    ssd_contacts: [{ cont_contact_id: 'k', cont_person_id: 'agreed', cont_contact_date: TODAY }],
    ssd_linked_identifiers: ['NHS Number', 'Unique Pupil Number', 'Court Case Number', 'case number'].map(
      (type, index) => ({
        link_table_id: `i${index}`,
        link_person_id: 'agreed',
        link_identifier_type: type,
        link_identifier_value: type === 'case number' ? 'C-1' : secret,
      }),
    ),
  });
  const wider = Object.entries(night.files).map(([table, text]) => {
    const columns = dropped[table] ?? [];
    const [header = '', ...lines] = String(text).trimEnd().split('\n');
    const filled = lines.map((line) => [line, ...columns.map(() => secret)].join(','));
    return [table, [[header, ...columns].join(','), ...filled].map((line) => `${line}\n`).join('')];
  });
  const certificate = await world.load({ ...night, files: Object.fromEntries(wider) });
  t.equal(certificate.result, 'published');
  t.same(
    certificate.columns.map(({ column, why }) => `${why} ${column}`).sort(),
    Object.values(dropped)
      .flat()
      .map((column) => `never-held ${column}`)
      .sort(),
  );
  t.match(
    certificate.columns.filter(({ column }) => column.startsWith('pers_upn')),
    [
      { file: 'ssd_person.csv', filled: 6 },
      { file: 'ssd_person.csv', filled: 6 },
    ],
  );
  t.match(certificate.types, { ssd_linked_identifiers: { withheld: 3 }, Encounter: { new: 1 } });
  const kept = JSON.stringify([certificate, ...(await everything(world))]);
  t.notMatch(kept, new RegExp(secret), 'no value of them is kept anywhere');
  t.match(kept, /C-1/, 'but the council’s own number is');
});

/** All that the record's tables hold. */
async function everything({ rows }: Loader): Promise<readonly unknown[]> {
  const tables = await rows(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema = 'record'`,
  );
  const found: unknown[] = [];
  for (const { name } of tables) found.push(...(await rows(`select t::text from ${String(name)} t`)));
  return found;
}

t.test('columns may stand in any order, and what is not known is named', async (t) => {
  const world = await loader(t);
  await world.load(folder(1, NIGHT));
  const turned = Object.entries(folder(2, NIGHT).files).map(([table, text]) => {
    if (table === 'ssd_person') return [table, text];
    const lines = String(text).trimEnd().split('\n');
    return [
      table,
      lines.map((line, i) => `${['my_column', ' ', 'x'][i] ?? ''},${line.split(',').reverse()}\n`).join(''),
    ];
  });
  const { types, columns } = await world.load({ ...folder(2, NIGHT), files: Object.fromEntries(turned) });
  t.match(types, {
    Patient: { unchanged: 1 },
    CareTeam: { unchanged: 1 },
    EpisodeOfCare: { unchanged: 1 },
  });
  t.equal(columns.length, TABLE_NAMES.length - 1);
  t.match(
    columns.find(({ file }) => file === 'ssd_involvements.csv'),
    { column: 'my_column', why: 'not-read', filled: 1 },
  );
});

t.test('rows that refer to people or referrals outside the folder are rejected one by one', async (t) => {
  const world = await loader(t);
  const plan = (id: string, of: string, referralId: string): Given => ({
    cppl_cp_plan_id: id,
    cppl_person_id: of,
    cppl_referral_id: referralId,
  });
  const { types } = await world.load(
    folder(1, {
      ...NIGHT,
      ssd_cin_episodes: [
        referral('r1', 'agreed'),
        referral('r2', 'closed'),
        referral('r3', 'nobody'),
        referral('r4', 'agreed', { cine_referral_date: 'yesterday' }),
      ],
      ssd_cp_plans: [
        plan('p1', 'agreed', 'r1'),
        plan('p2', 'agreed', ''),
        plan('p3', 'agreed', 'r4'),
        plan('p4', 'agreed', 'r9'),
        plan('p5', 'agreed', 'r2'),
        plan('p6', 'nobody', 'r3'),
      ],
      mcr_relations: [{ rela_relation_id: 'm1', rela_person_id: 'nobody' }],
    }),
  );
  t.match(types, { CarePlan: { new: 3 }, Flag: { new: 3 }, EpisodeOfCare: { new: 2 } });
  t.match(await world.rows('select file, line, rule, element, hint from record.reject order by file, line'), [
    { file: 'mcr_relations.csv', line: '2', rule: 'unknown-person', element: 'rela_person_id' },
    { file: 'ssd_cin_episodes.csv', line: '4', rule: 'unknown-person', element: 'cine_person_id' },
    { file: 'ssd_cin_episodes.csv', line: '5', rule: 'cell', element: 'cine_referral_date' },
    {
      file: 'ssd_cp_plans.csv',
      line: '5',
      rule: 'unknown-referral',
      element: 'cppl_referral_id',
      hint: /no row/,
    },
    {
      file: 'ssd_cp_plans.csv',
      line: '6',
      rule: 'unknown-referral',
      element: 'cppl_referral_id',
      hint: /another/,
    },
    { file: 'ssd_cp_plans.csv', line: '7', rule: 'unknown-person', element: 'cppl_person_id' },
    { file: 'ssd_person.csv', rule: 'unverified' },
    { file: 'ssd_person.csv', rule: 'no-nhs-number' },
  ]);
  const gone = {
    ...NIGHT,
    ssd_person: [],
    mcr_sharing_agreements: [agreed('a1', 'agreed', { agre_given: 'N' })],
  };
  const { consent } = await world.load(folder(2, gone));
  t.equal(consent.agreementsEnded, 2, 'agreements end without their people');
});

t.test('an adopted child is not held, whatever else is open', async (t) => {
  const world = await loader(t);
  await world.load(folder(1, NIGHT));
  t.ok((await stored(world)).length > 0);
  const adopted = referral('r9', 'agreed', { cine_close_date: '2026-05-01', cine_close_reason: 'RC1' });
  const { identity } = await world.load(
    folder(2, { ...NIGHT, ssd_cin_episodes: [referral('r1', 'agreed'), adopted] }),
  );
  t.match(identity.refused, { 'closed-case': 2 });
  t.same(await stored(world), []);
});

t.test('O-11: a child with a number of the test range is nobody, verified or not', async (t) => {
  const world = await loader(t);
  const { testNumbers, ...silent } = policy();
  t.equal(testNumbers, 'allow');
  const guards = guardLimits({ rejected: { total: 100, type: 100 } });
  const { types, identity } = await world.load(folder(1, NIGHT), { policy: silent, guards });
  t.match(types, { Patient: { new: 0, rejected: { 'test-number': 2 } } });
  t.match(identity, { accepted: 0, quarantined: { 'test-number': 2 } });
  t.strictSame(await stored(world), []);
});
