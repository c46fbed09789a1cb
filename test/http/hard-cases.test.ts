import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import type { DemoTokenOptions } from '../../demo/issuer.ts';
import { repositoryRoot } from '../support/root.ts';
import { byNumber, type TestAnswer, type TestService, testService } from '../support/service.ts';

/*
 * The county's hard cases, asked by every kind of caller, on every path: what DESIGN 4 demands beside what came.
 * `npm run cases` prints the table.
 */

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;
const CALLERS: Readonly<Record<string, DemoTokenOptions | 'self' | 'another'>> = {
  GP: GP,
  consultant: { kind: 'staff', organisation: 'RXQ', role: 'consultant', user: 'c-1' },
  'social worker': { kind: 'staff', organisation: 'bucks-council', role: 'social-worker', user: 'sw-1' },
  'unlisted LCS profile': {
    kind: 'staff',
    organisation: 'bucks-council',
    role: 'some-new-profile',
    user: 'lcs-9',
  },
  'gp-smith (is a patient)': { ...GP, organisation: 'K82001', user: 'gp-smith', notOwnRecord: false },
  'unknown number, no attestation': { ...GP, user: 'gp-new', notOwnRecord: false },
  'no reason': { ...GP, reason: ' ' },
  research: { ...GP, purpose: 'HRESCH' },
  'non-signatory practice': { ...GP, organisation: 'K82999' },
  'role not listed': { ...GP, role: 'janitor' },
  'patient/ scope in a login': { ...GP, scope: 'patient/*.rs' },
  'scope of another type': { ...GP, scope: 'user/Immunization.rs' },
  'system without a user': { kind: 'system' },
  'privacy officer': { kind: 'governance', organisation: 'K82001', role: 'privacy-officer', user: 'po-1' },
  'the person': 'self',
  'another person': 'another',
};

/** Paths and how a refusal, an absence and an answer read on each. */
const PATHS = ['read', 'Patient?identifier', 'search', 'everything'] as const;
type Path = (typeof PATHS)[number];
type Expected = Readonly<Record<Path, string>>;

const ALL: Expected = { read: '200', 'Patient?identifier': '200 n', search: '200 n', everything: '200 n' };
const UNKNOWN: Expected = { read: '404', 'Patient?identifier': '200 0', search: '200 0', everything: '404' };
const WITHDRAWN: Expected = {
  read: '403 consent-withdrawn',
  'Patient?identifier': '200 0 consent-withdrawn',
  search: '200 0 consent-withdrawn',
  everything: '200 0 consent-withdrawn',
};
const refused = (reason: string): Expected => ({
  read: `403 ${reason}`,
  'Patient?identifier': `403 ${reason}`,
  search: `403 ${reason}`,
  everything: `403 ${reason}`,
});
/** Immunization alone: the search asked is for Patient's EpisodeOfCare, so all four are refused by the scope. */
const SAME_FOR_ALL: Readonly<Record<string, Expected>> = {
  'unknown number, no attestation': refused('own-record-attestation'),
  'no reason': refused('purpose'),
  research: refused('purpose'),
  'non-signatory practice': refused('agreement'),
  'role not listed': refused('role'),
  'patient/ scope in a login': refused('scopes'),
  'scope of another type': refused('scopes'),
  'system without a user': refused('purpose'),
  'privacy officer': refused('role'),
  'another person': UNKNOWN,
};

const PEOPLE: readonly { readonly name: string; readonly expect: (caller: string) => Expected }[] = [
  { name: 'showcase', expect: () => ALL },
  { name: 'working-single', expect: () => ALL },
  { name: 'opted-out', expect: (caller) => (caller === 'the person' ? ALL : WITHDRAWN) },
  { name: 'opted-out-by-code', expect: (caller) => (caller === 'the person' ? ALL : WITHDRAWN) },
  { name: 'opted-out-then-in', expect: () => ALL },
  { name: 'restricted', expect: () => UNKNOWN },
  { name: 'restricted-child', expect: () => UNKNOWN },
  {
    name: 'staff-patient',
    expect: (caller) => (caller === 'gp-smith (is a patient)' ? refused('own-record') : ALL),
  },
  { name: 'staff-household', expect: () => ALL },
  // another partner, a signatory, knows this person: its practice's rows are what is missing
  { name: 'non-signatory', expect: () => ({ ...ALL, search: '200 0' }) },
];

/** What wins before anything about the person (DESIGN 14): these callers are refused alike whoever is asked about. */
function expected(person: (typeof PEOPLE)[number], caller: string): Expected {
  const same = SAME_FOR_ALL[caller];
  if (same === undefined) return person.expect(caller);
  if (caller !== 'unknown number, no attestation') return same;
  // rule 7 wins over rule 5, and nobody is owned by nobody
  return person.expect(caller) === UNKNOWN ? UNKNOWN : same;
}

async function personIds(service: TestService): Promise<ReadonlyMap<string, string>> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ nhs_number: string; person_id: string }>(
    'select nhs_number, person_id from record.person_number',
  );
  await client.end();
  return new Map(rows.map((row) => [row.nhs_number, row.person_id]));
}

function told(answer: TestAnswer, path: Path): string {
  const { status, json } = answer;
  if (status !== 200) {
    const reason = json?.issue?.[0]?.details?.coding?.[0]?.code;
    return reason === undefined ? String(status) : `${status} ${reason}`;
  }
  if (path === 'read') return '200';
  const entries: {
    search: { mode: string };
    resource: { issue?: { details?: { coding?: { code?: string }[] } }[] };
  }[] = json.entry ?? [];
  const matches = entries.filter((entry) => entry.search.mode === 'match').length;
  const outcomes = entries.filter((entry) => entry.search.mode === 'outcome');
  const withdrawn = outcomes.some(
    (entry) => entry.resource.issue?.[0]?.details?.coding?.[0]?.code === 'consent-withdrawn',
  );
  return `200 ${matches === 0 ? '0' : 'n'}${withdrawn ? ' consent-withdrawn' : ''}`;
}

t.test('every hard case reads for every caller, on every path, as DESIGN 4 demands', async (t) => {
  const service = await testService(t);
  const ids = await personIds(service);
  const lines: string[] = [];
  for (const person of PEOPLE) {
    const nhsNumber = service.person(person.name).nhsNumber ?? '';
    const id = ids.get(nhsNumber) ?? '11111111-2222-4333-8444-555555555555';
    for (const [name, options] of Object.entries(CALLERS)) {
      const other = service.person('only-gp').nhsNumber ?? '';
      const token = await service.token(
        options === 'self'
          ? { kind: 'patient', nhsNumber }
          : options === 'another'
            ? { kind: 'patient', nhsNumber: other }
            : options,
      );
      const asked: Readonly<Record<Path, string>> = {
        read: `Patient/${id}`,
        'Patient?identifier': `Patient?identifier=${byNumber(nhsNumber)}`,
        search: `EpisodeOfCare?patient=${id}`,
        everything: `Patient/${id}/$everything`,
      };
      const want = expected(person, name);
      const came: string[] = [];
      for (const path of PATHS) {
        const result = told(await service.get(asked[path], token), path);
        came.push(result);
        t.equal(result, want[path], `${person.name}, ${name}, ${path}`);
      }
      const demanded = PATHS.map((path) => want[path]);
      const verdict = came.every((one, index) => one === demanded[index])
        ? 'as demanded'
        : `DEMANDED ${demanded.join(' | ')}`;
      lines.push(
        [person.name.padEnd(18), name.padEnd(30), ...came.map((one) => one.padEnd(26)), verdict].join(' '),
      );
    }
  }
  const head = [
    'case'.padEnd(18),
    'caller'.padEnd(30),
    ...PATHS.map((path) => path.padEnd(26)),
    'DESIGN 4',
  ].join(' ');
  mkdirSync(join(repositoryRoot(), '.build'), { recursive: true });
  writeFileSync(join(repositoryRoot(), '.build', 'hard-cases.txt'), `${[head, ...lines].join('\n')}\n`);

  t.test('withheld and unknown are the same, byte for byte', async (t) => {
    const token = await service.token(GP);
    const unknown = '99999999-2222-4333-8444-555555555555';
    const restricted = ids.get(service.person('restricted').nhsNumber ?? '') ?? '';
    for (const path of [(id: string) => `Patient/${id}`, (id: string) => `Patient/${id}/$everything`]) {
      const [a, b] = [await service.get(path(restricted), token), await service.get(path(unknown), token)];
      t.equal(a.text, b.text);
      t.equal(a.status, b.status);
    }
    const [a, b] = [restricted, unknown].map((id) => service.get(`Observation?patient=${id}`, token));
    const plain = (answer: TestAnswer | undefined): string =>
      (answer?.text ?? '')
        .replaceAll(restricted, 'ID')
        .replaceAll(unknown, 'ID')
        .replace(/"timestamp":"[^"]*"/, '');
    t.equal(plain(await a), plain(await b));
  });

  t.test('social care is seen with an agreement in force and leaves no trace without', async (t) => {
    const token = await service.token(GP);
    const seen = async (name: string): Promise<string> => {
      const id = ids.get(service.person(name).nhsNumber ?? '') ?? '';
      const answer = await service.get(`Patient/${id}/$everything`, token);
      t.equal(answer.status, 200, name);
      return answer.text;
    };
    const agreed = await seen('child-agreed');
    t.match(agreed, /"resourceType":"CareTeam"/, 'who the social worker is');
    t.match(agreed, /source\/lcs/);
    t.match(await seen('adult-agreed'), /source\/adult-social-care/);
    for (const name of [
      'child-not-given',
      'child-ended',
      'child-blank',
      'child-closed',
      'child-unverified',
      'adult-not-agreed',
      'adult-refused',
    ]) {
      const text = await seen(name);
      t.notMatch(text, /source\/(lcs|adult-social-care)/, `${name}: no row`);
      t.notMatch(text, /valueCode":"(lcs|adult-social-care)"/, `${name}: no contribution to Patient`);
      t.notMatch(text, /socialcare-optin/, `${name}: no consent shown`);
      t.match(text, /"diagnostics":"lcs"/, `${name}: the statement about social care is there all the same`);
    }
    const statement = (text: string): string =>
      /\{[^{}]*\{[^{}]*\[[^\]]*\][^{}]*\}[^{}]*"diagnostics":"lcs"\}/.exec(text)?.[0] ?? 'none';
    t.equal(
      statement(await seen('child-not-given')),
      statement(await seen('only-gp')),
      'known to social care or not, it reads the same',
    );
  });

  t.test('labels and elements that are not shared stay behind', async (t) => {
    const labelled = service.person('labelled').nhsNumber ?? '';
    const id = ids.get(labelled) ?? '';
    const asGp = (await service.get(`Patient/${id}/$everything`, await service.token(GP))).text;
    const asSelf = (
      await service.get(
        `Patient/${id}/$everything`,
        await service.token({ kind: 'patient', nhsNumber: labelled }),
      )
    ).text;
    t.notMatch(asGp, /v3-Confidentiality","code":"[RV]"/);
    t.match(asGp, /"code":"NOPAT"/, 'staff see what is not for the patient');
    t.notMatch(asSelf, /NOPAT|v3-Confidentiality","code":"[RV]"/);
    const elements = ids.get(service.person('elements').nhsNumber ?? '') ?? '';
    const encounters = await service.get(`Encounter?patient=${elements}`, await service.token(GP));
    const ofTrust = (encounters.json.entry ?? []).filter(
      (entry: { resource: { meta?: { source?: string } } }) =>
        entry.resource.meta?.source?.endsWith('/mental-health'),
    );
    t.ok(ofTrust.length > 0, 'the trust shares encounters');
    for (const { resource } of ofTrust)
      t.notOk('location' in resource || 'reasonCode' in resource, 'without place and reason');
  });

  t.test('a conflicting contribution is never shown as somebody else', async (t) => {
    const practice = service.person('non-signatory').nhsNumber ?? '';
    const rest = await service.get(`Patient/${ids.get(practice)}/$everything`, await service.token(GP));
    t.notMatch(rest.text, /source\/gp"|"valueCode":"gp"/, 'nothing of a practice that has not signed');
    const conflict = service.person('identity-conflict').nhsNumber ?? '';
    const answer = await service.get(`Patient/${ids.get(conflict)}/$everything`, await service.token(GP));
    t.equal(answer.status, 200);
    t.notMatch(answer.text, /source\/acute|"valueCode":"acute"/);
  });

  t.test('a number with a wrong check digit is refused with the parameter named', async (t) => {
    const wrong = service.person('wrong-check-digit').nhsNumber;
    const answer = await service.get(`Patient?identifier=${byNumber(wrong)}`, await service.token(GP));
    t.equal(answer.status, 400);
    t.strictSame(answer.json.issue[0].expression, ['identifier']);
  });

  t.test('every path to one’s own record is closed to a work login', async (t) => {
    const own = service.person('staff-patient').nhsNumber ?? '';
    const id = ids.get(own) ?? '';
    const token = await service.token({
      ...GP,
      organisation: 'K82001',
      user: 'gp-smith',
      notOwnRecord: true,
    });
    const other = await service.get(`EpisodeOfCare?patient=${id}`, await service.token(GP));
    const resource = other.json.entry[0].resource;
    const patient = (await service.get(`Patient/${id}`, await service.token(GP))).json;
    const name = patient.name[0];
    const paths = [
      `Patient/${id}`,
      `Patient?_id=${id}`,
      `Patient?identifier=${byNumber(own)}`,
      `Patient?family=${encodeURIComponent(name.family)}&given=${encodeURIComponent(name.given[0])}&birthdate=${patient.birthDate}`,
      `Patient/${id}/$everything`,
      `EpisodeOfCare/${resource.id}`,
      `EpisodeOfCare?_id=${resource.id}`,
      `EpisodeOfCare?patient=${id}`,
      `EpisodeOfCare?patient:identifier=${byNumber(own)}`,
      `Consent?patient=${id}`,
    ];
    for (const path of paths) {
      const answer = await service.get(path, token);
      t.equal(answer.status, 403, path.replace(id, 'ID').replace(own, 'NUMBER'));
      t.equal(answer.json.issue[0].details.coding[0].code, 'own-record');
      t.notMatch(answer.text, new RegExp(`${id}|${own}`), 'and the refusal names nobody');
    }
    t.equal(
      (await service.post('EpisodeOfCare/_search', `patient=${id}`, token)).status,
      403,
      'POST _search',
    );
  });
});
