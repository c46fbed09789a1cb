import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { MAX_LINE_BYTES, RowHasher, readRows, scanLines } from '../../src/loads/fhir-ndjson/lines.ts';
import { readRow } from '../../src/loads/fhir-ndjson/row.ts';
import { patientRecord, withCurrentNumber } from '../../src/loads/patient-record.ts';
import { Preparer } from '../../src/loads/prepare.ts';
import type { StagedFile } from '../../src/loads/staging.ts';
import { NHS, NUMBERS, observation, patient, type Row } from './rows.ts';
import { KEY, policy, TODAY } from './world.ts';

const [ADA, BEN] = NUMBERS;
const HASH = Buffer.alloc(32);

t.test('what a Patient row says of who it is', async (t) => {
  const record = (more: Record<string, unknown>) => patientRecord(patient('p', ADA, more), 3, HASH, TODAY);
  t.match(record({}), {
    localId: 'p',
    line: 3,
    nhsNumber: ADA,
    restricted: false,
    demographics: { given: 'ada' },
  });
  t.notOk('fault' in record({}));
  const number = (value: string, more: Record<string, unknown> = {}) => ({ system: NHS, value, ...more });
  const status = (code?: string) => ({
    extension: [
      {
        url: 'https://x/Extension-UKCore-NHSNumberVerificationStatus',
        valueCodeableConcept: { coding: code ? [{ code }] : [] },
      },
    ],
  });
  const identified: readonly [string, readonly object[], object][] = [
    ['written 3-3-4', [number('999 000 0018')], { nhsNumber: ADA }],
    ['verified', [number(ADA, status('01'))], { nhsNumber: ADA }],
    ['traced', [number(ADA, status('02'))], { nhsNumber: ADA, fault: 'nhs-number-status' }],
    ['with an empty status', [number(ADA, status())], { fault: 'nhs-number-status' }],
    ['of a wrong check digit', [number('9990000017')], { fault: 'nhs-number' }],
    ['of two', [number(ADA), number(BEN)], { fault: 'nhs-number' }],
    ['twice the same', [number(ADA), number('999-000-0018')], { nhsNumber: ADA }],
    ['and a former one', [number(ADA), number(BEN, { use: 'old' })], { nhsNumber: ADA }],
    ['and one that ended', [number(ADA), number(BEN, { period: { end: '2026-11-21' } })], { nhsNumber: ADA }],
    ['only a former one', [number(ADA, { use: 'old' })], { fault: 'no-nhs-number' }],
    ['of another system', [{ system: 'urn:x', value: ADA }], { fault: 'no-nhs-number' }],
  ];
  for (const [what, identifier, expected] of identified)
    t.match(record({ identifier }), expected, `a number ${what}`);
  const label = (code: string) => ({
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code }] },
  });
  t.equal(record(label('R')).restricted, true);
  t.equal(record(label('V')).restricted, true);
  t.equal(record(label('N')).restricted, false);
  const partners = { meta: { security: [{ system: 'https://partner.example/labels', code: 'R' }] } };
  t.equal(record(partners).restricted, true, 'by a system of the partner’s own');
  const names = [
    { use: 'old', family: 'Before' },
    { use: 'maiden', family: 'Née', given: ['Ada'] },
    { family: 'O’Neill', given: ['Åda'] },
  ];
  t.match(record({ name: names }), {
    demographics: { family: 'oneill', given: 'ada' },
    names: ['nee\tada', 'oneill\tada'],
  });
  t.equal(record({ name: [{ family: 'Only' }], birthDate: undefined }).fault, 'demographics-missing');

  const shown = withCurrentNumber(
    patient('p', ADA, {
      identifier: [number('999 000 0018'), number(BEN, { use: 'old' }), { system: 'urn:x', value: '1' }],
      link: [{}],
    }),
    TODAY,
  );
  t.match(shown, { identifier: [{ value: ADA }, { value: '1' }] });
  t.notMatch(JSON.stringify(shown), new RegExp(`${BEN}|link`), 'no former number, no link');
});

t.test('what is stored of a resource', async (t) => {
  const gp = policy().sources.get('gp');
  if (gp === undefined) throw new Error('There is no GP source.');
  const preparer = (shares = gp.shares): Preparer =>
    new Preparer({
      policy: { ...gp, shares },
      businessDate: TODAY,
      loadNo: 12,
      startedAt: Date.parse('2026-11-22T03:00:00Z'),
      key: KEY,
    });
  const owner = { personId: '11111111-2222-4333-8444-555555555555', localId: 'p1' };
  const body = (row: Row): Record<string, unknown> =>
    JSON.parse(preparer().prepare(row, owner)?.row.body ?? '{}') as Record<string, unknown>;

  const labelled = { meta: { security: [{ code: 'R' }] } };
  for (const resourceType of ['Practitioner', 'Patient']) {
    const holding = { ...observation('o9', 'p1'), contained: [{ resourceType, id: 'x', ...labelled }] };
    t.same(
      preparer().prepare(holding, owner)?.row.labels,
      ['|R'],
      `the label of a contained ${resourceType}`,
    );
  }

  const stored = body({
    ...observation('o1', 'p1'),
    text: { status: 'generated', div: '<div>secret story</div>' },
    meta: {
      versionId: '7',
      lastUpdated: '2020-01-01T00:00:00Z',
      source: 'urn:theirs',
      tag: [{ system: 'urn:their-tags', code: 'x' }],
      profile: ['https://partner.example/p', 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient'],
      security: [{ system: 'urn:s', code: 'NOPAT' }],
    },
    contained: [
      { resourceType: 'Practitioner', id: 'x', text: { status: 'generated', div: '<div>more</div>' } },
    ],
    performer: [
      { reference: '#x' },
      { reference: 'Practitioner/d1' },
      { reference: 'Patient/p1' },
      { reference: 'Patient/p2', display: 'Her brother' },
    ],
    encounter: { reference: 'https://partner.example/Encounter/7' },
    partOf: [{ reference: 'Basic/1' }],
  });
  t.match(stored, {
    resourceType: 'Observation',
    id: preparer().id('Observation', 'o1'),
    meta: {
      versionId: '12',
      lastUpdated: '2026-11-22T03:00:00.000Z',
      source: 'https://mycarerecord.example/source/gp',
      profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Observation'],
      security: [{ code: 'NOPAT' }],
      tag: [{ system: 'https://mycarerecord.example/fhir/CodeSystem/sector', code: 'health' }],
    },
    subject: { reference: `Patient/${owner.personId}` },
    performer: [
      { reference: '#x' },
      { reference: `Practitioner/${preparer().id('Practitioner', 'd1')}` },
      { reference: `Patient/${owner.personId}` },
      { reference: undefined, display: String },
    ],
  });
  t.equal((stored['meta'] as { profile: unknown[] }).profile.length, 1);
  t.equal((stored['meta'] as { tag: unknown[] }).tag.length, 1);
  t.notMatch(
    JSON.stringify(stored),
    /story|more<|brother|partner\.example|their/,
    'no narrative, no address, no tag of theirs',
  );
  t.match(Object.keys(stored).slice(0, 3), ['resourceType', 'id', 'meta']);

  const request: Row = {
    resourceType: 'MedicationRequest',
    id: 'r',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/p1' },
    medicationReference: { reference: 'Medication/m' },
  };
  const prepared = preparer().prepare(request, owner);
  const copy = preparer().id('Medication', 'm', owner.personId);
  t.match(prepared?.references, [{ type: 21, localId: 'm', personId: owner.personId, resourceId: copy }]);
  t.not(copy, preparer().id('Medication', 'm', 'another'), 'a copy for each person');
  t.equal(preparer({ Observation: {} }).prepare(request, owner), undefined, 'a type that is not shared');
  const alone = preparer({ MedicationRequest: {} }).prepare(request, owner);
  t.same(alone?.references, [], 'nor is it referred to');
  const document = {
    resourceType: 'DocumentReference',
    id: 'd',
    status: 'current',
    content: [{ attachment: { url: 'Binary/b' } }],
  };
  t.match(preparer().prepare(document, owner)?.references, [{ type: 22, localId: 'b' }]);
});

t.test('a line is a resource, or it is said what it is not', async (t) => {
  const read = (text: string | Buffer) => {
    const reading = readRow(Buffer.from(text), 'Observation');
    return reading.ok ? 'ok' : `${reading.fault.rule} ${reading.fault.id ?? ''}`.trim();
  };
  const good = JSON.stringify(observation('o1', 'p'));
  t.equal(read(good), 'ok');
  t.equal(read(`${good}\r`), 'ok');
  t.equal(
    read(Buffer.concat([Buffer.from('{"id":"o1","x":"'), Buffer.from([0xe9]), Buffer.from('"}')])),
    'encoding o1',
  );
  t.equal(read(good.replace('final', '\ufffd')), 'encoding o1');
  t.equal(read(good.slice(0, 60)), 'json o1');
  t.equal(read('{"id":"a","id":'), 'json a');
  t.equal(read('null'), 'json');
  t.equal(read(''), 'json');
  t.equal(read('{"resourceType":"Patient","id":"o1"}'), 'resource-type');
  t.equal(read(good.replace('"o1"', '"o/1"')), 'id');
  t.equal(read(good.replace('"final"', '"\\ud800"')), 'structure o1', 'a lone surrogate');
  t.equal(read(good.replace('"final"', '"\\u0000"')), 'structure o1');
  t.equal(read(`{"__proto__":{},${good.slice(1)}`), 'structure o1');
});

t.test('lines are found whatever the blocks, and hashed with their versions', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcr-lines-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'x');
  const scan = async (text: string | Buffer) => {
    writeFileSync(path, text);
    const lines: string[] = [];
    const places: { line: number; start: number; length: number; file: number; hash: Buffer }[] = [];
    const file: StagedFile = {
      index: 0,
      name: 'x',
      type: 'X',
      rows: 0,
      sha256: '',
      path,
      sent: path,
      bytes: 0,
    };
    const rows = await scanLines(
      file,
      ({ line, start, length, bytes }) => {
        lines.push(bytes === undefined ? 'too long' : bytes.toString());
        places.push({ line, start, length, file: 0, hash: HASH });
      },
      async () => {},
    );
    const handle = await open(path);
    const again: string[] = [];
    for await (const found of readRows(handle, places))
      again.push(...found.map(({ bytes }) => bytes.toString()));
    await handle.close();
    return { rows, lines, again };
  };
  t.match(await scan('a\nbb\n'), { rows: 2, lines: ['a', 'bb'], again: ['a', 'bb'] });
  t.match(await scan('a\n\nb'), { rows: 3, lines: ['a', '', 'b'], again: ['a', '', 'b'] });
  t.match(await scan(''), { rows: 0, lines: [] });
  const long = 'x'.repeat(MAX_LINE_BYTES);
  t.match(
    (await scan(`${long}\n${long}y\nz`)).lines.map((line) => line.length),
    [MAX_LINE_BYTES, 'too long'.length, 1],
  );
  const arbitrary = fc.array(
    fc.oneof(
      fc.string(),
      fc.nat({ max: 3_000_000 }).map((n) => 'é'.repeat(n / 2)),
    ),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(arbitrary, async (all) => {
      const lines = all.map((line) => line.replaceAll('\n', ' '));
      const found = await scan(lines.map((line) => `${line}\n`).join(''));
      return (
        found.rows === lines.length &&
        [found.lines, found.again].every((each) => each.join('\n') === lines.join('\n'))
      );
    }),
    { numRuns: 30 },
  );
  const hash = (salt: number, text: string) =>
    new RowHasher(Buffer.alloc(32, salt)).hash(Buffer.from(text)).toString('hex');
  t.equal(hash(1, 'a'), hash(1, 'a'));
  t.not(hash(1, 'a'), hash(2, 'a'), 'another version of mapper or policy is another row');
  t.not(hash(1, 'a'), hash(1, 'b'));
});

t.test('UK Core is declared of what is stored, not of what came', async (t) => {
  const gp = policy().sources.get('gp');
  if (gp === undefined) throw new Error('There is no GP source.');
  const own = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-AllergyIntolerance';
  const row = {
    resourceType: 'AllergyIntolerance',
    id: 'a1',
    meta: { profile: [`${own}|2.5.0`] },
    patient: { reference: 'Patient/p1' },
    code: { text: 'Nuts' },
  };
  const owner = { personId: '11111111-2222-4333-8444-555555555555', localId: 'p1' };
  const declared = (exceptElements: readonly string[]): unknown => {
    const shares = { AllergyIntolerance: { exceptElements } };
    const context = { businessDate: TODAY, loadNo: 12, startedAt: 0, key: KEY };
    const prepared = new Preparer({ ...context, policy: { ...gp, shares } }).prepare(row, owner);
    return JSON.parse(prepared?.row.body ?? '{}').meta.profile;
  };
  t.strictSame(declared([]), [own, `${own}|2.5.0`], 'though the claim was of a version');
  t.equal(declared(['code']), undefined, 'the code is not shared, so neither holds');
});
