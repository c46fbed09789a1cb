import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import { NUMBERS, observation, patient, type Row } from './rows.ts';
import { HORIZON } from './visible.ts';
import { type ExtractSpec, type Loader, loader, policy } from './world.ts';

const [ADA, , CLEO] = NUMBERS;

function counts(certificate: Certificate, type: string): string {
  const {
    new: fresh = 0,
    changed = 0,
    unchanged = 0,
    deleted = 0,
    rejected = {},
  } = certificate.types[type] ?? {};
  return `${fresh} new, ${changed} changed, ${unchanged} unchanged, ${deleted} deleted, ${JSON.stringify(rejected)}`;
}

const bodies = async ({ rows }: Loader, type: number): Promise<readonly Record<string, unknown>[]> => {
  const found = await rows(
    `with ${HORIZON} select v.body from record.resource_version v join horizon h on h.source = v.source
     where v.valid_from <= h.load_no and v.valid_to > h.load_no and v.type = $1 order by v.body`,
    [type],
  );
  return found.map((row) => JSON.parse(String(row['body'])) as Record<string, unknown>);
};

t.test('a bad row loses nothing else, and what was stored of it stands', async (t) => {
  const world = await loader(t);
  const good = [
    observation('o1', 'p1'),
    observation('o2', 'p1'),
    observation('o3', 'p1'),
    observation('o4', 'p1'),
  ];
  const text = (rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await world.load({ source: 'gp', files: { Patient: [patient('p1', ADA)], Observation: good } });
  const [, second, third, fourth] = good.map((row) => JSON.stringify(row));
  const bad = [
    `${JSON.stringify({ ...good[0], status: 'nonsense' })}`,
    `${second?.slice(0, -5)}`,
    `${third}`,
    `${JSON.stringify(observation('o3', 'p1', 99))}`,
    `${fourth}`,
    `${fourth}`,
    '',
    '[]',
    `{"resourceType":"Condition","id":"x"}`,
    `{"resourceType":"Observation","id":"a/b"}`,
    `{"resourceType":"Observation","id":"${'y'.repeat(40)}","note":"\ufffd"}`,
    `${JSON.stringify({ ...observation('o9', 'p1'), implicitRules: 'https://example.org/rules' })}`,
    `${JSON.stringify({ ...observation('o10', 'p1'), subject: { display: 'somebody' } })}`,
    `${JSON.stringify(observation('o11', 'nobody'))}`,
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    `${JSON.stringify({ ...observation('o12', 'p1'), note: [{ text: 'x'.repeat(6_000_000) }] })}`,
    `${JSON.stringify(observation('o13', 'p1'))}`,
  ];
  const certificate = await world.load({
    source: 'gp',
    sequence: 2,
    files: { Patient: text([patient('p1', ADA)]), Observation: bad.map((line) => `${line}\n`).join('') },
  });
  t.equal(certificate.result, 'published');
  t.same(certificate.types['Observation']?.rejected, {
    structure: 1,
    json: 4,
    'duplicate-id': 1,
    'resource-type': 1,
    id: 1,
    encoding: 1,
    'implicit-rules': 1,
    'no-person': 1,
    'unknown-person': 1,
    'too-long': 1,
  });
  const stored = await bodies(world, 8);
  t.equal(stored.length, 5, 'yesterday’s four, and the good one');
  t.match(await world.rows(`select line, rule, element, hint from record.reject where rule = 'structure'`), [
    { line: '1', element: 'Observation.status', hint: 'code' },
  ]);
  const rejects = await world.rows('select * from record.reject');
  t.notMatch(JSON.stringify(rejects), /nonsense|somebody|nobody|o11/, 'no values');
});

t.test('a bad Patient row leaves the person as it was known', async (t) => {
  const world = await loader(t);
  const files = { Observation: [observation('o1', 'p1')] };
  await world.load({ source: 'gp', files: { Patient: [patient('p1', ADA)], ...files } });
  const certificate = await world.load({
    source: 'gp',
    sequence: 2,
    files: { Patient: [patient('p1', ADA, { gender: 'banana' })], ...files },
  });
  t.equal(counts(certificate, 'Patient'), '0 new, 0 changed, 0 unchanged, 0 deleted, {"structure":1}');
  t.equal(counts(certificate, 'Observation'), '0 new, 0 changed, 1 unchanged, 0 deleted, {}');
  t.equal((await bodies(world, 1)).length, 1);
});

t.test('a directory row with a label that restricts is not taken', async (t) => {
  const world = await loader(t);
  const practitioner = (id: string, code: string): Row => ({
    resourceType: 'Practitioner',
    id,
    meta: { security: [{ code }] },
  });
  const night = (sequence: number, code: string): ExtractSpec => ({
    source: 'gp',
    sequence,
    files: {
      Patient: [patient('p1', ADA)],
      Practitioner: [practitioner('d1', 'N'), practitioner('d2', code)],
    },
  });
  const held = async (): Promise<unknown> =>
    (
      await world.rows(
        `with ${HORIZON} select from record.directory_version d join horizon h on h.source = d.source
       where d.valid_from <= h.load_no and d.valid_to > h.load_no and d.body is not null`,
      )
    ).length;
  await world.load(night(1, 'N'));
  t.equal(await held(), 2);
  const certificate = await world.load(night(2, 'R'));
  t.match(certificate.types['Practitioner'], { rejected: { 'restricted-directory': 1 } });
  t.equal(await held(), 1, 'nor does what was stored of it stand');
});

t.test('only what is shared is stored', async (t) => {
  const world = await loader(t);
  const shares = {
    Patient: { exceptElements: ['telecom'] },
    Observation: { exceptCodes: ['urn:c|secret'], exceptCategories: ['urn:k|hidden'] },
    Condition: { days: { from: '2027-01-01' } },
  };
  const coded = (id: string, coding: object, category?: object): Row =>
    observation(id, 'p1', 1, {
      code: { coding: [coding] },
      ...(category && { category: [{ coding: [category] }] }),
    });
  const files = {
    Patient: [patient('p1', ADA, { telecom: [{ system: 'phone', value: '01632 960001' }] })],
    Observation: [
      coded('o1', { system: 'urn:c', code: 'open' }),
      coded('o2', { system: 'urn:c', code: 'secret' }),
      coded('o3', { code: 'secret' }),
      coded('o4', { system: 'urn:c', code: 'open' }, { system: 'urn:k', code: 'hidden' }),
    ],
    Condition: [{ resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/p1' } }],
    Encounter: [{ resourceType: 'Encounter', id: 'e1' }],
    Basic: [{ resourceType: 'Basic', id: 'b1' }],
    AuditEvent: [{ resourceType: 'AuditEvent', id: 'a1' }],
  };
  const certificate = await world.load({ source: 'gp', files }, { policy: policy({ gp: { shares } }) });
  const { types } = certificate;
  t.match(types, {
    Observation: { new: 1, withheld: 3 },
    Condition: { withheld: 1 },
    Encounter: { withheld: 1 },
  });
  t.match(types, { Basic: { notServed: 1 }, AuditEvent: { notServed: 1 } });
  const stored = await world.rows('select body from record.resource_version');
  t.notMatch(JSON.stringify(stored), /01632|secret|hidden/);
  t.match(await bodies(world, 1), [{ meta: { tag: [{ code: 'health' }, { code: 'SUBSETTED' }] } }]);

  const wider = await world.load({ source: 'gp', sequence: 2, files });
  t.match(wider.types, {
    Observation: { new: 3, changed: 1 },
    Patient: { changed: 1 },
    Condition: { new: 1 },
  });
});

t.test('readers see the old or the new, never a mixture', async (t) => {
  const world = await loader(t);
  const people = [...NUMBERS].map((number, index) => patient(`p${index}`, number));
  const rows = (value: number): readonly Row[] =>
    Array.from({ length: 12_000 }, (_, index) =>
      observation(`o${index + value * 3000}`, `p${index % people.length}`, value),
    );
  await world.load({ source: 'gp', files: { Patient: people, Observation: rows(0) } });
  const digest = async (): Promise<string> => {
    const [row] = await world.rows(
      `with ${HORIZON} select md5(string_agg(v.resource_id || v.body, '' order by v.resource_id)) as digest
       from record.resource_version v join horizon h on h.source = v.source
       where v.valid_from <= h.load_no and v.valid_to > h.load_no`,
    );
    return String(row?.['digest']);
  };
  const seen = [await digest()];
  let running = true;
  const reading = (async () => {
    while (running) seen.push(await digest());
  })();
  await world.load({ source: 'gp', sequence: 2, files: { Patient: people, Observation: rows(1) } });
  running = false;
  await reading;
  seen.push(await digest());
  const distinct = [...new Set(seen)];
  t.equal(distinct.length, 2, `${seen.length} reads saw two states`);
  t.same(
    seen,
    [...seen].sort((a, b) => distinct.indexOf(a) - distinct.indexOf(b)),
    'the old, then the new',
  );
});

t.test('two loads of one source take turns, two sources run side by side', async (t) => {
  const world = await loader(t);
  const spec = (source: string, sequence: number): ExtractSpec => ({
    source,
    sequence,
    files: {
      Patient: [patient('p1', ADA), patient('p2', CLEO)],
      Observation: [observation('o1', 'p1', sequence)],
    },
  });
  const results = await Promise.all([
    world.load(spec('gp', 1)),
    world.load(spec('gp', 1)),
    world.load(spec('acute', 1)),
  ]);
  t.same(results.map((each) => each.result).sort(), ['duplicate', 'published', 'published']);
  t.match(
    await world.rows('select count(*)::int as n from record.person'),
    [{ n: 2 }],
    'one person a number',
  );
});
