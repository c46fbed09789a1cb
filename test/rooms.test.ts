import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';
import { repositoryRoot } from './support/root.ts';

/** DESIGN 3: what each room may import. A room may always import itself. */
const CORE = ['fhir', 'identity', 'access', 'audit'];
const ROOMS: Readonly<Record<string, { rooms: readonly string[]; packages: readonly string[] }>> = {
  fhir: { rooms: [], packages: ['ajv', 'ajv-formats', '@medplum/fhirtypes', '@medplum/core'] },
  identity: { rooms: ['fhir'], packages: ['@medplum/fhirtypes'] },
  access: { rooms: ['fhir', 'identity'], packages: ['jose', 'lru-cache', '@medplum/fhirtypes'] },
  audit: { rooms: ['fhir', 'identity', 'access'], packages: ['@medplum/fhirtypes'] },
  record: { rooms: CORE, packages: ['@medplum/fhirtypes'] },
  loads: { rooms: [...CORE], packages: ['csv-parse', '@medplum/fhirtypes'] },
  governance: { rooms: [...CORE, 'record'], packages: ['@medplum/fhirtypes'] },
  sources: { rooms: [...CORE, 'record'], packages: ['fhir-kit-client', '@medplum/fhirtypes'] },
  federation: { rooms: [...CORE, 'record'], packages: ['jose', 'fhir-kit-client', '@medplum/fhirtypes'] },
  storage: {
    rooms: [...CORE, 'record', 'loads', 'governance'],
    packages: ['pg', 'pg-copy-streams', '@medplum/fhirtypes'],
  },
  http: {
    rooms: [...CORE, 'record', 'governance'],
    packages: [
      'fastify',
      '@fastify/compress',
      '@fastify/cors',
      '@fastify/helmet',
      '@fastify/rate-limit',
      '@fastify/swagger',
      '@fastify/swagger-ui',
      '@fastify/under-pressure',
      '@medplum/fhirtypes',
    ],
  },
  oauth: { rooms: CORE, packages: ['oidc-provider'] },
  launch: { rooms: CORE, packages: ['fastify'] },
  viewer: { rooms: [...CORE, 'record', 'governance'], packages: ['fastify', 'nunjucks'] },
  cli: { rooms: ['loads', 'governance', 'audit', 'access', 'identity'], packages: [] },
};

/** Files of the root that rooms of the edge may reach: the command line goes through `wire.ts`. */
const ROOT_FILES: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'config',
    'wire',
    'serve',
    'package-root',
    'demonstration',
    'load',
    'load-desk',
    'audit-desk',
    'audit-keys',
    'retention',
    'certificate-key',
    'matching',
    'identity-desk',
    'inbox',
    'preview',
  ],
};

/** Narrower than the room: only these files may import the package (DESIGN 3, 13). */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  jose: ['access/jws.ts', 'access/keys.ts'],
};

const source = join(repositoryRoot(), 'src');

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : files(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(path: string): Import[] {
  const file = relative(source, path);
  const room = file.includes('/') ? (file.split('/')[0] ?? '') : '';
  const text = readFileSync(path, 'utf8');
  const found = [...text.matchAll(/(?:from\s+|import\s*\(\s*|^import\s+)'([^']+)'/gm)].map(
    (match) => match[1] ?? '',
  );
  return found.map((specifier) => ({
    file,
    room,
    target: specifier.startsWith('.') ? relative(source, resolve(dirname(path), specifier)) : specifier,
  }));
}

function allowed({ room, target }: Import): boolean {
  const table = ROOMS[room];
  if (table === undefined) return room === '';
  if (target.startsWith('node:')) return true;
  const local = target.endsWith('.ts');
  if (!local) return table.packages.some((name) => target === name || target.startsWith(`${name}/`));
  const other = target.includes('/') ? (target.split('/')[0] ?? '') : '';
  if (other === '') return (ROOT_FILES[room] ?? []).includes(target.replace(/\.ts$/, ''));
  return other === room || table.rooms.includes(other);
}

const all = files(source);
const imports = all.flatMap(importsOf);

t.test('every folder of src is a room of the table', async (t) => {
  const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) t.ok(ROOMS[name], `${name} is a room`);
});

t.test('imports point inwards only', async (t) => {
  t.ok(imports.length > 100, 'imports were found');
  const wrong = imports.filter((one) => !allowed(one)).map(({ file, target }) => `${file} imports ${target}`);
  t.strictSame(wrong, []);
});

t.test('packages that only certain files may import are imported by no other', async (t) => {
  for (const [name, where] of Object.entries(ONLY)) {
    const others = imports.filter(
      (one) => one.target === name && one.room === 'access' && !where.includes(one.file),
    );
    t.strictSame(
      others.map((one) => one.file),
      [],
    );
  }
});

t.test('core rooms have no clock, environment or files', async (t) => {
  const forbidden =
    /process\.env|Date\.now\(|Math\.random\(|new Date\(\)|from 'node:(fs|net|http|https|child_process|os)/;
  const wrong = all
    .filter((path) => CORE.includes(relative(source, path).split('/')[0] ?? ''))
    .filter((path) => forbidden.test(readFileSync(path, 'utf8')))
    .map((path) => relative(source, path));
  t.strictSame(wrong, []);
});

t.test('the environment is read in one place', async (t) => {
  const readers = all
    .filter((path) => /process\.env\b/.test(readFileSync(path, 'utf8')))
    .map((p) => relative(source, p));
  t.strictSame(readers, ['package-root.ts']);
});

t.test('nothing is cast into a grant, a receipt or a release', async (t) => {
  const cast = /\bas\s+(unknown\s+as\s+)?(Grant|Receipt|Released)\b|(?<![A-Za-z])<(Grant|Receipt|Released)>/;
  const wrong = all
    .filter((path) => cast.test(readFileSync(path, 'utf8')))
    .map((path) => relative(source, path));
  t.strictSame(wrong, []);
});

t.test('no route answers around the funnel', async (t) => {
  const around =
    /reply\.raw|\.hijack\(|as unknown as|@ts-ignore|@ts-expect-error|:\s*any\s*[;,)=[]|export default/;
  const wrong = all
    .filter((path) => around.test(readFileSync(path, 'utf8')))
    .map((path) => relative(source, path));
  t.strictSame(wrong, []);
});

t.test('no file has more than 300 lines', async (t) => {
  const long = all
    .map((path) => ({ file: relative(source, path), lines: readFileSync(path, 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > 301);
  t.strictSame(long, []);
});
