import t from 'tap';
import { columnsOf, TABLE_NAMES, type TableName } from '../../src/loads/lcs/tables.ts';
import { agreed, type Given, involvement, person, referral, WORKER } from './lcs-rows.ts';
import { NUMBERS } from './rows.ts';
import { HORIZON, visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, TODAY } from './world.ts';

const [ADA, BEN, CLEO, DAN] = NUMBERS;

type Tables = Partial<Record<TableName, readonly Given[] | string>>;

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function folder(sequence: number, tables: Tables, more: Partial<ExtractSpec> = {}): ExtractSpec {
  const files = TABLE_NAMES.map((table) => {
    const given = tables[table] ?? [];
    const columns = columnsOf(table);
    const lines =
      typeof given === 'string'
        ? []
        : given.map((each) => columns.map((column) => quoted(each[column] ?? '')).join(','));
    return [
      table,
      typeof given === 'string' ? given : [columns.join(','), ...lines].map((line) => `${line}\n`).join(''),
    ];
  });
  return { source: 'lcs', format: 'lcs-csv', sequence, files: Object.fromEntries(files), ...more };
}

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
      { file: 'ssd_involvements.csv', line: '3', element: 'invo_involvement_start_date' },
      { file: 'ssd_person.csv', line: '2', element: 'pers_dob' },
      { file: 'ssd_person.csv' },
      { file: 'ssd_person.csv' },
      { file: 'ssd_person.csv' },
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
    'columns in another order': ['header', `${[...columnsOf('ssd_person')].reverse().join(',')}\n`],
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
  const more = { ...folder(2, NIGHT).files, ssd_address: 'a\n' };
  t.match(await world.load({ ...folder(2, NIGHT), files: more }), { reason: { rule: 'file-unexpected' } });
  t.same(await visible(world), before);
});
