import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import { folder } from './lcs-folder.ts';
import { person as child, involvement, referral } from './lcs-rows.ts';
import { MAPPING, people, person, service, services } from './mapped-terms.ts';
import { NUMBERS, observation, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, policy, writeExtract } from './world.ts';

/** Everything a partner may send by mistake or worse: each is answered in one sentence, and the record stands. */

const [ADA, BEN, CAT, DOT] = NUMBERS;
const HUGE = 50 * 1024 * 1024;

const patients = [patient('p1', ADA), patient('p2', BEN)];
const observations = Array.from({ length: 100 }, (_, index) =>
  observation(`o${index}`, `p${1 + (index % 2)}`),
);
const gp = (more: Partial<ExtractSpec> = {}): ExtractSpec => ({
  source: 'gp',
  files: { Patient: patients, Observation: observations },
  ...more,
});

const children = {
  ssd_person: [child('c1', CAT)],
  ssd_cin_episodes: [referral('r1', 'c1')],
  ssd_involvements: [involvement('i1', 'c1')],
  mcr_sharing_agreements: [
    { agre_agreement_id: 'a1', agre_person_id: 'c1', agre_given: 'Y', agre_recorded_date: '2026-01-01' },
  ],
};
const lcs = (more: Partial<ExtractSpec> = {}): ExtractSpec => folder(1, children, more);
const lcsFile = (table: string): string => String(lcs().files[table]);

const tables = { people: people(person('1', DOT)), services: services(service('a', '1'), service('b', '1')) };
const adult = (more: Partial<ExtractSpec> = {}): ExtractSpec => ({
  source: 'adult',
  format: 'mapped-csv',
  files: tables,
  ...more,
});

const WORLD: Pick<LoadOptions, 'policy' | 'mapping'> = {
  policy: policy({ adult: { format: 'mapped-csv', shares: { Patient: {}, EpisodeOfCare: {} } } }),
  mapping: MAPPING,
};

interface BadInput {
  /** as it would be sent on the second night */
  readonly sent: ExtractSpec;
  /** what is done to the folder before it is loaded */
  readonly spoil?: (folder: string) => void;
  /** and while it is copied, once this much of it is */
  readonly whileRead?: (folder: string) => void;
  readonly result: Certificate['result'];
  readonly rule?: string;
  readonly sentence?: RegExp;
  /** rows that are not taken, of an extract that is */
  readonly rejected?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const refused = (rule: string, sentence: RegExp, sent: ExtractSpec, spoil?: BadInput['spoil']): BadInput => ({
  result: 'refused',
  rule,
  sentence,
  sent,
  ...(spoil && { spoil }),
});

type Manifest = {
  businessDate: string;
  source: string;
  files: { name: string; rows: number; sha256: string }[];
};

/** Changes the manifest of a folder and leaves the files alone. */
const saying =
  (change: (manifest: Manifest) => void) =>
  (path: string): void => {
    const file = join(path, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    change(manifest);
    writeFileSync(file, JSON.stringify(manifest));
  };

/** Changes a file, and its hash in the manifest with it: the sender meant it. */
const holding =
  (name: string, change: (bytes: Buffer) => Buffer) =>
  (path: string): void => {
    const bytes = change(readFileSync(join(path, name)));
    writeFileSync(join(path, name), bytes);
    saying(({ files }) => {
      const file = files.find((each) => each.name === name);
      if (file !== undefined) file.sha256 = createHash('sha256').update(bytes).digest('hex');
    })(path);
  };

const text =
  (change: (content: string) => string) =>
  (bytes: Buffer): Buffer =>
    Buffer.from(change(bytes.toString('utf8')));
const firstOf = ({ files }: Manifest): Manifest['files'][number] => files[0] as Manifest['files'][number];
/** The columns of a table in reverse, its rows with them. No cell has a comma. */
const reversed = (content: string): string =>
  content.replace(/^.+$/gm, (line) => line.split(',').reverse().join(','));
const truncated = (name: string) => (path: string) =>
  writeFileSync(join(path, name), readFileSync(join(path, name)).subarray(0, -9));
const broken = (count: number): readonly Row[] =>
  observations.map((row, index) => (index < count ? ({ ...row, status: 7 } as Row) : row));
const OTHER = observation('o1', 'p2', 666);

const BAD: Readonly<Record<string, BadInput>> = {
  // F-42
  'F-42 a truncated file': refused(
    'file-changed',
    /Patient\.ndjson is not the one/,
    gp(),
    truncated('Patient.ndjson'),
  ),
  'F-42 a truncated table of LCS': refused(
    'file-changed',
    /ssd_person\.csv is not/,
    lcs(),
    truncated('ssd_person.csv'),
  ),
  'F-42 a truncated table': refused(
    'file-changed',
    /services\.csv is not/,
    adult(),
    truncated('services.csv'),
  ),
  'F-42 a file that was cut before it was hashed': refused(
    'row-count',
    /Observation\.ndjson has 61 rows; the manifest says 100\./,
    gp(),
    holding(
      'Observation.ndjson',
      text((all) => all.split('\n').slice(0, 61).join('\n')),
    ),
  ),
  'F-42 a packed file that ends too soon': refused(
    'gzip',
    /Observation\.ndjson\.gz is not gzip, or not all of it/,
    gp({ packed: { Observation: (bytes) => gzipSync(bytes).subarray(0, -12) } }),
  ),
  'F-42 a wrong count': refused(
    'row-count',
    /Patient\.ndjson has 2 rows; the manifest says 3\./,
    gp(),
    saying((manifest) => Object.assign(firstOf(manifest), { rows: 3 })),
  ),
  'F-42 a wrong count of LCS': refused(
    'row-count',
    /ssd_person\.csv has 1 rows; the manifest says 2\./,
    lcs(),
    saying((manifest) => Object.assign(firstOf(manifest), { rows: 2 })),
  ),
  'F-42 a wrong count of a table': refused(
    'row-count',
    /people\.csv has 1 rows; the manifest says 2\./,
    adult(),
    saying((manifest) => Object.assign(firstOf(manifest), { rows: 2 })),
  ),
  'F-42 a wrong hash': refused(
    'file-changed',
    /\(SHA-256\)\.$/,
    gp(),
    saying((manifest) => Object.assign(firstOf(manifest), { sha256: 'a'.repeat(64) })),
  ),
  'an unterminated quote in LCS': refused(
    'csv',
    /ssd_person\.csv cannot be read as CSV from line 2 on/,
    lcs(),
    holding(
      'ssd_person.csv',
      text((all) => all.replace('Testley', '"Testley')),
    ),
  ),
  'an unterminated quote in a table': refused(
    'csv',
    /services\.csv cannot be read as CSV from line 2 on/,
    adult(),
    holding(
      'services.csv',
      text((all) => all.replace('HS', '"HS')),
    ),
  ),
  // F-49
  'F-49 a wrong encoding of LCS': refused(
    'file-encoding',
    /ssd_person\.csv is not UTF-8/,
    lcs({ files: { ...lcs().files, ssd_person: lcsFile('ssd_person').replace('Testley', 'Zo\xeb') } }),
    holding('ssd_person.csv', (bytes) => Buffer.from(bytes.toString('utf8'), 'latin1')),
  ),
  'F-49 a wrong encoding of a table': refused(
    'file-encoding',
    /services\.csv is not UTF-8/,
    adult(),
    holding('services.csv', (bytes) =>
      Buffer.from(bytes.toString('utf8').replace('North', 'N\xf6rth'), 'latin1'),
    ),
  ),
  'F-49 UTF-16 with its mark': refused(
    'file-encoding',
    /people\.csv is not UTF-8/,
    adult(),
    holding('people.csv', (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le')),
  ),
  'F-49 a wrong encoding in two rows of a hundred': {
    result: 'published',
    sent: gp({ files: { Patient: patients, Observation: [...observations.slice(0, 98)] } }),
    spoil: (path) => {
      const bad = observations
        .slice(98)
        .map((row) => `${JSON.stringify({ ...row, note: [{ text: 'Zo\xeb' }] })}\n`)
        .join('');
      holding('Observation.ndjson', (bytes) => Buffer.concat([bytes, Buffer.from(bad, 'latin1')]))(path);
      saying((manifest) => Object.assign(manifest.files[1] as object, { rows: 100 }))(path);
    },
    rejected: { Observation: { encoding: 2 } },
  },
  'F-49 a wrong encoding in all of them': {
    result: 'held',
    rule: 'guard',
    sentence: /Rows rejected of type Observation: 100 of 100, 100 %; the limit is 25 %\./,
    sent: gp(),
    spoil: holding('Observation.ndjson', (bytes) =>
      Buffer.from(bytes.toString('utf8').replaceAll('"final"', '"fin\xe4l"'), 'latin1'),
    ),
  },
  'a renamed column of LCS': refused(
    'header',
    /ssd_person\.csv lacks the column\(s\) pers_dob\./,
    lcs(),
    holding(
      'ssd_person.csv',
      text((all) => all.replace('pers_dob', 'date_of_birth')),
    ),
  ),
  'a renamed column of a table': refused(
    'header',
    /services\.csv lacks "Team"/,
    adult(),
    holding(
      'services.csv',
      text((all) => all.replace('Team', 'Teams')),
    ),
  ),
  'columns of LCS in another order': {
    result: 'published',
    sent: lcs(),
    spoil: holding('ssd_person.csv', text(reversed)),
  },
  'columns of a table in another order': {
    result: 'published',
    sent: adult(),
    spoil: holding('services.csv', text(reversed)),
  },
  'another partner’s extract': refused(
    'wrong-source',
    /The manifest is of another source/,
    gp(),
    saying((manifest) => Object.assign(manifest, { source: 'acute' })),
  ),
  'another partner’s format': refused(
    'wrong-format',
    /The source sends lcs-csv, not fhir-ndjson\./,
    gp({ source: 'lcs' }),
  ),
  'another partner’s table': refused(
    'header',
    /people\.csv lacks "Person"/,
    adult(),
    holding('people.csv', () => Buffer.from(lcsFile('ssd_person'))),
  ),
  'a file that is rewritten before its turn': {
    ...refused('file-changed', /Observation\.ndjson is not the one/, gp()),
    whileRead: (path) => writeFileSync(join(path, 'Observation.ndjson'), `${JSON.stringify(OTHER)}\n`),
  },
  'a file that grows while it is read': {
    ...refused('file-changed', /Observation\.ndjson is not the one/, gp()),
    whileRead: (path) => appendFileSync(join(path, 'Observation.ndjson'), `${JSON.stringify(OTHER)}\n`),
  },
  'a zip bomb': refused(
    'unpacked-size',
    /Observation\.ndjson\.gz unpacks to more than 100 times its size/,
    gp({ packed: { Observation: () => gzipSync(Buffer.alloc(HUGE, 0x20)) } }),
  ),
  'a path that leads out of the folder': refused(
    'manifest',
    /The manifest's member files\[0\]\.name is missing or not as agreed\./,
    gp(),
    saying((manifest) => Object.assign(firstOf(manifest), { name: '../../Patient.ndjson' })),
  ),
  'an absolute path': refused(
    'manifest',
    /files\[0\]\.name/,
    gp(),
    saying((manifest) => Object.assign(firstOf(manifest), { name: '/etc/passwd' })),
  ),
  'a link that leads out of the folder': refused('file-kind', /Patient\.ndjson is a link/, gp(), (path) => {
    renameSync(join(path, 'Patient.ndjson'), `${path}.outside`);
    symlinkSync(`${path}.outside`, join(path, 'Patient.ndjson'));
  }),
  'a cell of 50 MB in LCS': refused(
    'csv',
    /ssd_person\.csv cannot be read as CSV from line 2 on/,
    lcs(),
    holding(
      'ssd_person.csv',
      text((all) => all.replace('Testley', 'x'.repeat(HUGE))),
    ),
  ),
  'a cell of 50 MB in a table': refused(
    'csv',
    /services\.csv cannot be read as CSV from line 2 on/,
    adult(),
    holding(
      'services.csv',
      text((all) => all.replace('HS', 'x'.repeat(HUGE))),
    ),
  ),
  'a line of 50 MB': {
    result: 'published',
    sent: gp(),
    spoil: holding(
      'Observation.ndjson',
      text((all) => all.replace('"final"', `"${'x'.repeat(HUGE)}"`)),
    ),
    rejected: { Observation: { 'too-long': 1 } },
  },
  'the same rows twice': {
    result: 'published',
    sent: gp({
      files: { Patient: [...patients, ...patients], Observation: [...observations, ...observations] },
    }),
  },
  'F-50 a row twice, otherwise': {
    result: 'published',
    sent: gp({ files: { Patient: patients, Observation: [...observations, OTHER] } }),
    rejected: { Observation: { 'duplicate-id': 1 } },
  },
  'rows of LCS twice': {
    result: 'published',
    sent: folder(1, { ...children, ssd_involvements: [involvement('i1', 'c1'), involvement('i1', 'c1')] }),
    rejected: { ssd_involvements: { 'duplicate-id': 1 } },
  },
  'rows of a table twice': {
    result: 'published',
    sent: adult({
      files: { ...tables, services: services(service('a', '1'), service('a', '1'), service('b', '1')) },
    }),
  },
  'more than a quarter of the rows broken': {
    result: 'held',
    rule: 'guard',
    sentence: /Rows rejected of type Observation: 26 of 100, 26 %; the limit is 25 %\./,
    sent: gp({ files: { Patient: patients, Observation: broken(26) } }),
  },
  'F-47 half of the rows gone': {
    result: 'held',
    rule: 'guard',
    sentence: /Stored of type Observation: 50 instead of 100, 50 % fewer/,
    sent: gp({ files: { Patient: patients, Observation: observations.slice(50) } }),
  },
  'F-48 far more rows than before': {
    result: 'held',
    rule: 'guard',
    sentence: /Stored of type Observation: 400 instead of 100, 300 % more/,
    sent: gp({
      files: {
        Patient: patients,
        Observation: [0, 1, 2, 3].flatMap((n) =>
          observations.map((row) => ({ ...row, id: `${row.id}-${n}` })),
        ),
      },
    }),
  },
  'F-51 a file that is not there': refused(
    'file-missing',
    /The last extract had a file of type Observation: an empty type is an empty file\./,
    gp({ files: { Patient: patients } }),
  ),
  // F-43
  'F-43 yesterday’s extract again': { result: 'duplicate', sent: gp({ sequence: 1 }) },
  'F-43 yesterday’s extract of LCS again': { result: 'duplicate', sent: lcs({ sequence: 1 }) },
  'F-43 yesterday’s files under other names': refused(
    'sequence',
    /The extract has sequence \d+; sequence \d+ has been published, from other files\./,
    gp({ sequence: 1 }),
    (path) => {
      renameSync(join(path, 'Patient.ndjson'), join(path, 'renamed.ndjson'));
      saying((manifest) => Object.assign(firstOf(manifest), { name: 'renamed.ndjson' }))(path);
    },
  ),
  // F-45
  'F-45 the day after': refused(
    'future-date',
    /The business date lies in the future\./,
    gp({ businessDate: '2026-11-23' }),
  ),
  'F-45 the day before the last': refused(
    'earlier-date',
    /earlier than that of the last published extract\./,
    gp({ businessDate: '2026-11-20' }),
  ),
  'F-46 a delta out of order': refused(
    'sequence-gap',
    /The delta has sequence 40; \d+ comes next/,
    gp({ kind: 'delta', sequence: 40 }),
  ),
};

/** What readers see, but for which night it was published by. */
async function standing(world: Loader): Promise<readonly string[]> {
  return (await visible(world)).filter((line) => !line.startsWith('published:'));
}

t.setTimeout(180_000);
t.test('bad input is answered in one sentence, and the previous record stands', async (t) => {
  const world = await loader(t);
  const first = { gp: gp(), lcs: lcs(), adult: adult() };
  const folders = new Map<string, string>();
  for (const [code, spec] of Object.entries(first)) {
    const path = writeExtract(world.root, { ...spec, businessDate: '2026-11-21' });
    folders.set(code, path);
    t.match(await world.loadFolder(path, code, WORLD), { result: 'published' }, code);
  }
  const sequences = new Map<string, number>();
  let before = await standing(world);
  t.ok(before.filter((line) => line.includes('Observation')).length >= 100);
  for (const [what, bad] of Object.entries(BAD)) {
    const { source, sequence } = bad.sent;
    const taken = sequences.get(source) ?? 1;
    const spec = { ...bad.sent, sequence: sequence === undefined || sequence === 1 ? taken + 1 : sequence };
    const again = bad.result === 'duplicate' || (sequence === 1 && bad.rule === 'sequence');
    const path = again ? `${folders.get(source)}-again` : writeExtract(world.root, spec);
    if (again) cpSync(String(folders.get(source)), path, { recursive: true });
    bad.spoil?.(path);
    let touched = false;
    const certificate = await world.loadFolder(path, source, {
      ...WORLD,
      progress: (phase, done) => {
        if (phase !== 'stage' || done === 0 || touched) return;
        touched = true;
        bad.whileRead?.(path);
      },
    });
    const { result, reason } = certificate;
    t.equal(result, bad.result, `${what}: ${JSON.stringify(reason)}`);
    t.equal(reason?.rule, bad.rule, what);
    if (bad.sentence !== undefined) t.match(reason?.sentence, bad.sentence, what);
    if (result === 'refused')
      t.equal(reason?.sentence.match(/\.(?: |$)/g)?.length, 1, `${what}: one sentence`);
    t.notMatch(
      JSON.stringify(certificate),
      /\b9990000\d{3}\b|Testley|Family0/,
      `${what}: nothing of a person`,
    );
    const after = await standing(world);
    if (result === 'published') {
      sequences.set(source, spec.sequence);
      folders.set(source, path);
      const rejected = Object.entries(certificate.types)
        .map(([type, tally]) => [type, tally.rejected] as const)
        .filter(([, rules]) => Object.keys(rules).length > 0);
      t.same(Object.fromEntries(rejected), bad.rejected ?? {}, what);
    }
    t.same(after, before, `${what}: the record stands`);
    before = after;
  }
});
