import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parseManifest } from '../../src/loads/manifest.ts';
import { LoadFailed } from '../../src/loads/options.ts';
import { Refusal } from '../../src/loads/refusal.ts';
import { NUMBERS, observation, patient } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, loader, writeExtract } from './world.ts';

const [ADA] = NUMBERS;

const GOOD = {
  format: 'fhir-ndjson',
  source: 'gp',
  businessDate: '2026-11-22',
  sequence: 1,
  kind: 'full',
  files: [{ name: 'Patient.ndjson', type: 'Patient', rows: 1, sha256: 'a'.repeat(64) }],
};

const encoded = (json: unknown): Buffer => Buffer.from(JSON.stringify(json));

t.test('a manifest is read strictly', async (t) => {
  t.match(parseManifest(encoded(GOOD)), { source: 'gp', sequence: 1, files: [{ name: 'Patient.ndjson' }] });
  const [file] = GOOD.files;
  const bad: Readonly<Record<string, unknown>> = {
    'no object': [],
    'another member': { ...GOOD, more: 1 },
    'a missing member': { ...GOOD, kind: undefined },
    'another kind': { ...GOOD, kind: 'difference' },
    'another format': { ...GOOD, format: 'hl7v2' },
    'a day that is none': { ...GOOD, businessDate: '2026-02-30' },
    'a time': { ...GOOD, businessDate: '2026-11-22T00:00:00Z' },
    'sequence 0': { ...GOOD, sequence: 0 },
    'a broken sequence': { ...GOOD, sequence: 1.5 },
    'a sequence as text': { ...GOOD, sequence: '1' },
    'no files': { ...GOOD, files: [] },
    'a name twice': { ...GOOD, files: [file, { ...file, type: 'Condition' }] },
    'a name twice but for case': {
      ...GOOD,
      files: [file, { ...file, name: 'patient.NDJSON', type: 'Condition' }],
    },
    'a type twice': { ...GOOD, files: [file, { ...file, name: 'b' }] },
    'upper-case hex': { ...GOOD, files: [{ ...file, sha256: 'A'.repeat(64) }] },
    'negative rows': { ...GOOD, files: [{ ...file, rows: -1 }] },
  };
  for (const [what, json] of Object.entries(bad)) t.throws(() => parseManifest(encoded(json)), Refusal, what);
  const names = [
    '../x',
    '/etc/passwd',
    'a/b',
    'a\\b',
    '..',
    '.',
    '',
    '.hidden',
    'CON',
    'nul.ndjson',
    'com1',
    'a\0b',
    'é',
    'ａ',
  ];
  for (const name of [...names, 'x'.repeat(300), 'manifest.json', 'Manifest.JSON', 'a b', 'a\n']) {
    t.throws(
      () => parseManifest(encoded({ ...GOOD, files: [{ ...file, name }] })),
      Refusal,
      JSON.stringify(name),
    );
  }
  t.throws(
    () => parseManifest(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), encoded(GOOD)])),
    Refusal,
    'byte order mark',
  );
  t.throws(() => parseManifest(Buffer.from(JSON.stringify(GOOD), 'utf16le')), Refusal, 'UTF-16');
  t.throws(() => parseManifest(Buffer.alloc(300_000, 32)), Refusal, 'size');
});

t.test('whatever a manifest holds, it is read or refused, without repeating what it holds', async (t) => {
  const member = fc.constantFrom(...Object.keys(GOOD), 'name', 'type', 'rows', 'sha256');
  fc.assert(
    fc.property(member, fc.jsonValue(), (name, value) => {
      const [file] = GOOD.files;
      const changed =
        name in GOOD ? { ...GOOD, [name]: value } : { ...GOOD, files: [{ ...file, [name]: value }] };
      try {
        const { files } = parseManifest(encoded(changed));
        return files.every((each) => /^[A-Za-z0-9][\w.-]*$/.test(each.name));
      } catch (error) {
        const text = typeof value === 'string' && value.length > 12 ? value : undefined;
        return error instanceof Refusal && (text === undefined || !error.message.includes(text));
      }
    }),
    { numRuns: 500 },
  );
  t.pass('500 manifests');
});

const spec = (more: Partial<ExtractSpec> = {}): ExtractSpec => ({
  source: 'gp',
  sequence: 2,
  files: { Patient: [patient('p1', ADA)], Observation: [observation('o1', 'p1')] },
  ...more,
});

type Manifest = Record<string, unknown> & { files: { name: string; rows: number; sha256: string }[] };
const edit =
  (change: (manifest: Manifest) => void) =>
  (manifest: Record<string, unknown>): unknown => {
    change(manifest as Manifest);
    return manifest;
  };

/** Extracts that are refused whole: how each is spoiled, and the rule that must say so. */
const SPOILED: Readonly<
  Record<string, { rule: string; spec?: Partial<ExtractSpec>; spoil?: (folder: string) => void }>
> = {
  'of another source': {
    rule: 'wrong-source',
    spec: { manifest: edit((m) => Object.assign(m, { source: 'acute' })) },
  },
  'in another format': {
    rule: 'wrong-format',
    spec: { manifest: edit((m) => Object.assign(m, { format: 'lcs-csv' })) },
  },
  'of tomorrow': { rule: 'future-date', spec: { businessDate: '2026-11-23' } },
  'of a day before the last one': { rule: 'earlier-date', spec: { businessDate: '2026-11-21' } },
  'with the sequence of the last one and other rows': {
    rule: 'sequence',
    spec: { sequence: 1, files: { Patient: [patient('p1', ADA)], Observation: [] } },
  },
  'with fewer rows than said': { rule: 'row-count', spec: { manifest: edit((m) => rowsOf(m, 2)) } },
  'with more rows than said': { rule: 'row-count', spec: { manifest: edit((m) => rowsOf(m, 0)) } },
  'without a type that it had': { rule: 'file-missing', spec: { files: { Patient: [patient('p1', ADA)] } } },
  'with a byte order mark': {
    rule: 'file-encoding',
    spec: { files: { Patient: '\ufeff{}\n', Observation: [] } },
  },
  'without manifest': { rule: 'file-missing', spoil: (folder) => rmSync(join(folder, 'manifest.json')) },
  'without a file': { rule: 'file-missing', spoil: (folder) => rmSync(join(folder, 'Observation.ndjson')) },
  'with a file too many': {
    rule: 'file-unexpected',
    spoil: (folder) => writeFileSync(join(folder, 'extra'), ''),
  },
  'with other bytes': {
    rule: 'file-changed',
    spoil: (folder) => appendFileSync(join(folder, 'Patient.ndjson'), ' '),
  },
  truncated: {
    rule: 'file-changed',
    spoil: (folder) => writeFileSync(join(folder, 'Patient.ndjson'), '{"resour'),
  },
  'with a link': { rule: 'file-kind', spoil: (folder) => aside(folder, (from, to) => symlinkSync(from, to)) },
  'with a second name': {
    rule: 'file-kind',
    spoil: (folder) => aside(folder, (from, to) => linkSync(from, to)),
  },
  'with a folder': { rule: 'file-kind', spoil: (folder) => aside(folder, (_, to) => mkdirSync(to)) },
  'with a pipe': {
    rule: 'file-kind',
    spoil: (folder) => aside(folder, (_, to) => execFileSync('mkfifo', [to])),
  },
};

function rowsOf(manifest: Manifest, rows: number): void {
  const file = manifest.files.find((each) => each.name === 'Observation.ndjson');
  if (file !== undefined) file.rows = rows;
}

/** Moves a file out of the folder and puts something else in its place. */
function aside(folder: string, replace: (moved: string, place: string) => void): void {
  const place = join(folder, 'Observation.ndjson');
  renameSync(place, `${folder}.moved`);
  replace(`${folder}.moved`, place);
}

t.test('a spoiled extract is refused, said why, and yesterday’s record stands', async (t) => {
  const world = await loader(t);
  await world.load(spec({ sequence: 1 }));
  const before = await visible(world);
  for (const [what, { rule, spec: more = {}, spoil }] of Object.entries(SPOILED)) {
    const folder = writeExtract(world.root, spec(more));
    spoil?.(folder);
    const certificate = await world.loadFolder(folder, 'gp');
    t.match(certificate, { result: 'refused', reason: { rule } }, what);
    t.notMatch(certificate.reason?.sentence, world.root, 'no path of ours');
    t.match(world.events.at(-1), { result: 'refused', source: 'gp', details: { rule } });
  }
  t.match(await world.loadFolder(join(world.root, 'nowhere'), 'gp'), { reason: { rule: 'file-missing' } });
  t.same(await visible(world), before);
  t.same(readdirSync(join(world.root, 'staging', 'gp')), [], 'no copies are left');
  const states = await world.rows(`select distinct state from record.load order by 1`);
  t.same(states, [{ state: 'published' }, { state: 'refused' }]);
  t.equal((await world.load(spec())).result, 'published', 'and the next one is taken');
});

t.test(
  'a load that fails is taken back and audited, and nothing is published that is not audited',
  async (t) => {
    const world = await loader(t);
    await world.load(spec({ sequence: 1 }));
    const before = await visible(world);
    const folder = writeExtract(
      world.root,
      spec({ files: { Patient: [patient('p1', ADA)], Observation: [observation('o1', 'p1', 7)] } }),
    );
    const told: string[] = [];
    const failing = world.loadFolder(folder, 'gp', {
      audit: async (event) => {
        told.push(event.result);
        if (event.result === 'published') throw new Error('the log is full');
      },
    });
    await t.rejects(failing, LoadFailed);
    t.same(told, ['published', 'failed']);
    t.same(await visible(world), before);
    t.same(await world.rows('select * from record.load_change'), []);
    t.match(await world.rows('select state from record.load order by load_no desc limit 1'), [
      { state: 'failed' },
    ]);
    t.match(await world.loadFolder(folder, 'gp'), {
      result: 'published',
      types: { Observation: { changed: 1 } },
    });
  },
);

t.test('a file that is exchanged while it is read does not get in', async (t) => {
  const world = await loader(t);
  const good = spec({ sequence: 1 });
  const folder = writeExtract(world.root, good);
  const name = join(folder, 'Observation.ndjson');
  const other = `${JSON.stringify(observation('o1', 'p1', 666))}\n`;
  const certificate = await world.loadFolder(folder, 'gp', {
    progress: (phase) => {
      if (phase === 'scan') writeFileSync(name, other);
    },
  });
  t.equal(certificate.result, 'published');
  t.match(await world.rows(`select body from record.resource_version where body like '%666%'`), []);
  t.not(
    createHash('sha256').update(other).digest('hex'),
    certificate.files.find((file) => file.type === 'Observation')?.sha256,
  );
});
