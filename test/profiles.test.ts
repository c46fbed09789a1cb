import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import t from 'tap';
import { ASSERTION_REFUSALS, TOKEN_REFUSALS } from '../src/access/refuse-token.ts';
import { readConformance } from '../src/conformance.ts';
import { OWN_PROFILE } from '../src/fhir/own-profiles.ts';
import { supportedProfiles } from '../src/http/conformance.ts';
import { Oracle } from './real/oracle.ts';
import type { Element, Json } from './support/differential.ts';
import { repositoryRoot } from './support/root.ts';

const BASE = 'https://mycarerecord.example/fhir/';
const folder = join(repositoryRoot(), 'profiles');
const resources = readdirSync(folder).map(
  (name): Json => JSON.parse(readFileSync(join(folder, name), 'utf8')),
);

/** Files of `src/` with their text, without generated ones and comments. */
function sources(): readonly { readonly file: string; readonly text: string }[] {
  const root = join(repositoryRoot(), 'src');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
    .map((file) => ({
      file: relative(root, join(root, file)),
      text: readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, ''),
    }));
}

function codesOf(id: string): string[] {
  const system = resources.find((each) => each['url'] === `${BASE}CodeSystem/${id}`);
  return ((system?.['concept'] ?? []) as { code: string }[]).map(({ code }) => code).sort();
}

/** Required value sets, which Medplum's validator does not look at, by the member that is bound to them. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  status: ['draft', 'active', 'retired', 'unknown'],
  kind: ['complex-type', 'resource', 'operation', 'query'],
  derivation: ['constraint'],
  content: ['complete'],
  fhirVersion: ['4.0.1'],
  rules: ['open', 'closed', 'openAtEnd'],
  severity: ['error', 'warning'],
  strength: ['required', 'extensible', 'preferred', 'example'],
};

/** Names of members whose code is in no value set. */
function unheardOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const codes = Object.hasOwn(CODES, name) ? CODES[name] : undefined;
    return codes === undefined || codes.includes(inner) ? unheardOf(inner) : [name];
  });
}

t.test('every profile, code system and value set is valid FHIR R4 and says what it is', async (t) => {
  const oracle = new Oracle();
  for (const resource of resources) {
    const { resourceType, id, url } = resource;
    t.strictSame(oracle.faults(resource), [], `${url} is valid`);
    t.strictSame(unheardOf(resource), [], `${url} has codes of the required value sets`);
    t.equal(url, `${BASE}${resourceType}/${id}`, 'its canonical is where it is served, under our own name');
    for (const member of ['version', 'name', 'title', 'status', 'date', 'publisher', 'description']) {
      // R4 gives a SearchParameter no title
      if (member === 'title' && resourceType === 'SearchParameter') continue;
      t.type(resource[member], 'string', `${url} has a ${member}`);
    }
    t.match(resource['name'], /^[A-Z][A-Za-z0-9]*$/, 'a name that programs can use');
  }
  const wrong = { resourceType: 'CodeSystem', status: 'unheard-of' };
  t.not(oracle.faults(wrong).length, 0, 'the oracle judges');
  t.strictSame(unheardOf(wrong), ['status'], 'and so are codes');
});

t.test('differentials speak of each element once, in the place its id says', async (t) => {
  for (const resource of resources) {
    const { element } = (resource['differential'] ?? { element: [] }) as { element: readonly Element[] };
    t.equal(new Set(element.map(({ id }) => id)).size, element.length, `${resource['url']}`);
    for (const { id, path, sliceName } of element as (Element & { path: string })[]) {
      t.equal(path, id.replaceAll(/:[^.]*/g, ''), id);
      t.equal(sliceName, /:([^.:]*)$/.exec(id)?.[1], id);
    }
  }
});

t.test('every code system has its value set, and codes are counted and told once', async (t) => {
  for (const system of resources.filter((each) => each['resourceType'] === 'CodeSystem')) {
    const { url, concept, count, valueSet } = system;
    const codes = (concept as { code: string }[]).map(({ code }) => code);
    t.equal(new Set(codes).size, count, `${url}`);
    const set = resources.find((each) => each['url'] === valueSet);
    t.strictSame(set?.['compose'], { include: [{ system: url }] }, `${valueSet}`);
  }
});

t.test('every canonical of ours that the code names is defined', async (t) => {
  const found = sources().flatMap(({ text }) => [
    ...text.matchAll(/https:\/\/mycarerecord\.example\/fhir\/[A-Za-z]+\/[a-z-]+/g),
  ]);
  const named = new Set([...found.map(([url]) => url), ...Object.values(OWN_PROFILE)]);
  const defined = resources.map((each) => each['url']);
  for (const url of named) t.ok(defined.includes(url), `${url} is defined`);
  t.ok(named.size > 10, `${named.size} are named`);
});

t.test('the reasons of outcomes are those that the code gives', async (t) => {
  const found = new Set<string>(Object.keys({ ...TOKEN_REFUSALS, ...ASSERTION_REFUSALS }));
  const rooms = /^(fhir|access|audit|record|governance|sources|federation|http|oauth|launch|viewer)\//;
  const failures: string[] = [];
  for (const { file, text } of sources().filter((each) => rooms.test(each.file))) {
    const given = [
      /\breason: '([a-z-]+)'(?! \|)/g,
      /\bforbid\(\s*'([a-z-]+)'/g,
      /\bforbidAboutPerson\(\s*'[a-z-]+',\s*'([a-z-]+)'/g,
      /(?<!function )\bissue\(\s*'[a-z]+',\s*'[a-z-]+',\s*'([a-z-]+)'/g,
    ].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));
    for (const reason of given) found.add(reason);
    const kinds = /readonly reason: ('late'.*);/.exec(text)?.[1];
    if (file === 'record/ports.ts') failures.push(...(kinds?.match(/[a-z]+/g) ?? []));
  }
  t.strictSame(failures, ['late', 'down', 'refused'], 'how a source fails');
  for (const failure of failures) found.add(`source-${failure}`);
  t.strictSame([...found].sort(), codesOf('outcome'));
});

t.test('codes of our own are those of the tables that use them', async (t) => {
  const all = sources();
  const matches = (file: string, pattern: RegExp): string[] => {
    const text = all.find((each) => each.file === file)?.text ?? '';
    return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].sort();
  };
  const lcs = 'loads/lcs/plans.ts';
  const shown = /code: '([a-z-]+)', display:/g;
  t.strictSame(codesOf('social-care-plan'), matches(lcs, /code: '([a-z-]+)', title:/g));
  t.strictSame(codesOf('social-care-flag'), matches(lcs, shown));
  t.strictSame(codesOf('social-care-activity'), matches('loads/lcs/activities.ts', shown));
  t.strictSame(codesOf('social-care-placement'), matches('loads/lcs/placement.ts', shown));
  t.strictSame(codesOf('purpose'), matches('access/rules/purpose.ts', /GOVERNANCE_PURPOSE = '([a-z]+)'/g));
  t.strictSame(codesOf('label'), matches('access/rules/labels.ts', /CodeSystem\/label\|([a-z-]+)'/g));
  t.strictSame(codesOf('alert'), matches('audit/codes.ts', /coding\(ALERT, '([a-z-]+)'\)/g));
  t.strictSame(codesOf('bundle'), matches('record/bundle.ts', /CodeSystem\/bundle","code":"([a-z-]+)"/g));
  t.strictSame(
    codesOf('sector').join("', '"),
    matches('config-schema.ts', /sector: \{ enum: \['(.*)'\]/g)[0],
  );
});

t.test('the profiles of a type are UK Core’s, where there is one, and ours', async (t) => {
  const conformance = await readConformance(folder);
  t.strictSame(supportedProfiles('Consent', conformance), [
    'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Consent',
    `${BASE}StructureDefinition/health-opt-out`,
    `${BASE}StructureDefinition/social-care-opt-in`,
  ]);
  t.strictSame(supportedProfiles('AuditEvent', conformance), [
    `${BASE}StructureDefinition/audit-query`,
    `${BASE}StructureDefinition/audit-read`,
  ]);
  t.strictSame(supportedProfiles('Binary', conformance), []);
  t.notOk(conformance.some(({ constrains }) => constrains === 'Extension'));
});

t.test('a file that does not hold what its name says stops the start, and is named', async (t) => {
  const wrong: readonly [string, object | string, RegExp][] = [
    [
      'CodeSystem-a.json',
      { resourceType: 'CodeSystem', id: 'b' },
      /CodeSystem-a\.json .* holds CodeSystem\/b/,
    ],
    ['CodeSystem-c.json', { resourceType: 'CodeSystem', id: 'c' }, /CodeSystem-c\.json .* has no url/],
    ['CodeSystem-d.json', 'not JSON', /CodeSystem-d\.json .* is not JSON/],
  ];
  for (const [name, content, message] of wrong) {
    const one = mkdtempSync(join(tmpdir(), 'mcr-profiles-'));
    writeFileSync(join(one, name), typeof content === 'string' ? content : JSON.stringify(content));
    await t.rejects(readConformance(one), message);
    rmSync(one, { recursive: true });
  }
});

t.test('the image ships what the service reads at its start', async (t) => {
  const dockerfile = readFileSync(join(repositoryRoot(), 'Dockerfile'), 'utf8');
  t.match(dockerfile, /COPY --from=build \/app\/profiles \.\/profiles\n/);
});
