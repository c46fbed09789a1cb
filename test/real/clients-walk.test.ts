import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generateCounty } from '../../demo/county/generate.ts';
import { loadExtract } from '../../src/load.ts';
import { freePort } from '../support/free-port.ts';
import { testService } from '../support/service.ts';
import { listOf, NHS_NUMBER } from './people.ts';
import type { Json } from './shared-data.ts';
import { leadsTo, nameOf, names, ofType, pointedAt, readWorld, richest, type World } from './walk-world.ts';
import { inMode, KitWalker, MedplumWalker, SmartWalker, type Walker } from './walkers.ts';

/**
 * Three clients that others wrote walk a county of two nights: search, order, pages, what comes along, chains, versions,
 * refusals. What they are to find is worked out from the person's whole record.
 */

const FIRST_NIGHT = '2026-11-22';
const COUNTY = { seed: 7, people: 60 };
const PAGE = 3;
const NOBODY = '11111111-2222-4333-8444-555555555555';

t.test('three clients walk the record, each in its own way', async (t) => {
  const port = await freePort();
  const fhirBase = `http://127.0.0.1:${port}/fhir`;
  const served = await testService(t, { ...COUNTY, businessDate: FIRST_NIGHT }, (configuration) => {
    configuration['fhirBase'] = fhirBase;
  });
  await served.service.app.listen({ host: '127.0.0.1', port });
  const second = join(served.folder, 'second-night');
  await generateCounty(second, { ...COUNTY, businessDate: '2026-11-23', sequence: 2, changed: 1 });
  for (const source of ['gp', 'acute']) {
    t.equal((await loadExtract(served.service, source, join(second, source))).result, 'published', source);
  }
  const token = await served.token({
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  });
  const world = await readWorld(fhirBase, token, richest(served.extracts));
  const smart = new SmartWalker(fhirBase, token, world.patientId);
  for (const walker of [new KitWalker(fhirBase, token), new MedplumWalker(fhirBase, token), smart]) {
    await t.test(walker.name, async (t) => walk(t, walker, world));
  }
  await t.test('fhirclient, as an app that was launched on one patient', async (t) => {
    await walkLaunched(t, smart, world);
  });
});

async function walk(t: Test, walker: Walker, world: World): Promise<void> {
  const { nhsNumber, patientId } = world;
  const [patient, another] = inMode(
    await walker.search('Patient', { identifier: `${NHS_NUMBER}|${nhsNumber}` }),
    'match',
  );
  t.match(patient, { resourceType: 'Patient', id: patientId }, 'a Patient by NHS number');
  t.equal(another, undefined, 'and nobody else');
  t.same(await walker.read('Patient', patientId), patient, 'read by id');
  await walkPages(t, walker, world);
  await walkCompany(t, walker, world);
  await walkChains(t, walker, world);
  await walkVersions(t, walker, world);
  await walkRefusals(t, walker, world);
}

/** In order, to the end, every resource once; by GET and by POST. */
async function walkPages(t: Test, walker: Walker, world: World): Promise<void> {
  const expected = names(ofType(world, 'Observation'));
  const bundles = await walker.search('Observation', {
    patient: world.patientId,
    _sort: '-date',
    _count: String(PAGE),
  });
  const found = inMode(bundles, 'match');
  t.ok(expected.length > 2 * PAGE, `${expected.length} Observations`);
  t.equal(bundles.length, Math.ceil(expected.length / PAGE), 'pages');
  t.same(names(found), expected, 'every Observation once');
  const times = found.map(({ effectiveDateTime }) => Date.parse(String(effectiveDateTime)));
  t.same(
    times,
    [...times].sort((a, b) => b - a),
    'the last first, over all pages',
  );
  t.same([...new Set(bundles.map(({ total }) => total))], [expected.length], 'the same total on every page');
  const posted = inMode(
    [await walker.post('Observation', { patient: world.patientId, _count: '1000' })],
    'match',
  );
  t.same(names(posted), expected, 'the same by POST');
}

/** What comes along: forwards, backwards, and from what came along. */
async function walkCompany(t: Test, walker: Walker, world: World): Promise<void> {
  const patient = world.patientId;
  const reports = ofType(world, 'DiagnosticReport');
  const results = pointedAt(reports, 'result');
  const forwards = await walker.search('DiagnosticReport', {
    patient,
    _include: 'DiagnosticReport:result',
    '_include:iterate': 'Observation:encounter',
    _count: '2',
  });
  const observations = ofType(world, 'Observation').filter((each) => results.includes(nameOf(each)));
  t.same(names(inMode(forwards, 'match')), names(reports), 'reports, in pages');
  t.ok(
    results.length > 0 && pointedAt(observations, 'encounter').length > 0,
    'there is something to include',
  );
  t.same(
    names(inMode(forwards, 'include')),
    [...new Set([...results, ...pointedAt(observations, 'encounter')])].sort(),
    'with their results, and with the encounters of those',
  );
  const encounters = ofType(world, 'Encounter');
  const taken = ofType(world, 'Observation').filter((each) => leadsTo(each, 'encounter', encounters));
  const reported = reports.filter((each) => leadsTo(each, 'result', taken));
  const backwards = await walker.search('Encounter', {
    patient,
    _revinclude: 'Observation:encounter',
    '_revinclude:iterate': 'DiagnosticReport:result',
    _count: '1000',
  });
  t.same(names(inMode(backwards, 'match')), names(encounters), 'encounters');
  t.same(
    names(inMode(backwards, 'include')),
    names([...taken, ...reported]),
    'with what was measured then, and with the reports on that',
  );
  const staff = await walker.search('Encounter', {
    patient,
    _include: 'Encounter:participant',
    _count: '1000',
  });
  const directory = inMode(staff, 'include');
  t.ok(directory.length > 0, 'Practitioners come along from their directory');
  t.same(
    names(directory),
    pointedAt(
      encounters.flatMap(({ participant }) => listOf(participant)),
      'individual',
    ),
  );
}

/** Through what a resource refers to, and through what refers to it. */
async function walkChains(t: Test, walker: Walker, world: World): Promise<void> {
  const patient = world.patientId;
  const observations = ofType(world, 'Observation');
  const reports = ofType(world, 'DiagnosticReport');
  const measured = observations.find((each) => leadsTo(reports[0] ?? {}, 'result', [each])) ?? {};
  const [coding = {}] = listOf((measured['code'] as Json)['coding']);
  const code = `${String(coding['system'])}|${String(coding['code'])}`;
  const alike = observations.filter((each) =>
    listOf((each['code'] as Json)['coding']).some((one) => one['code'] === coding['code']),
  );
  const chained = await walker.search('DiagnosticReport', { patient, 'result:Observation.code': code });
  t.same(
    names(inMode(chained, 'match')),
    names(reports.filter((each) => leadsTo(each, 'result', alike))),
    'reports on a kind of measurement',
  );
  const having = await walker.search('Observation', {
    patient,
    '_has:DiagnosticReport:result:status': String(reports[0]?.['status']),
    _count: '1000',
  });
  const sameStatus = reports.filter(({ status }) => status === reports[0]?.['status']);
  t.same(
    names(inMode(having, 'match')),
    [...new Set(pointedAt(sameStatus, 'result'))].sort(),
    'measurements that were reported on',
  );
}

/** A measurement that the second night corrected. */
async function walkVersions(t: Test, walker: Walker, world: World): Promise<void> {
  const row = ofType(world, 'Observation').find(
    (each) =>
      each['valueQuantity'] !== undefined &&
      String(each['effectiveDateTime']) < FIRST_NIGHT &&
      /gp$/.test(String((each['meta'] as Json)['source'])),
  );
  const id = String(row?.['id']);
  const history = await walker.history('Observation', id);
  const versions = history.flatMap(({ entry }) => listOf(entry)).map(({ resource }) => resource as Json);
  t.same(
    history.map(({ type, total }) => [type, total]),
    [
      ['history', 2],
      ['history', 2],
    ],
    'two versions, a page each',
  );
  const current = await walker.read('Observation', id);
  t.same(current, row);
  t.same(versions[0], current, 'the newest first');
  const [now, before] = versions.map(({ meta }) => String((meta as Json)['versionId']));
  t.same(await walker.vread('Observation', id, now ?? ''), current, 'the current version');
  t.same(await walker.vread('Observation', id, before ?? ''), versions[1], 'the version before');
  const [value, old] = versions.map(({ valueQuantity }) => Number((valueQuantity as Json)['value']));
  t.equal(Math.round(((value ?? 0) - (old ?? 0)) * 10), 2, 'which read otherwise');
}

/** What went wrong reaches the program, as the outcome says it. */
async function walkRefusals(t: Test, walker: Walker, world: World): Promise<void> {
  const cases: readonly (readonly [string, number, string, () => Promise<unknown>])[] = [
    [
      'an unknown parameter',
      400,
      'not-supported',
      () => walker.search('Observation', { patient: world.patientId, colour: 'red' }),
    ],
    [
      'a value that is no date',
      400,
      'invalid',
      () => walker.search('Observation', { patient: world.patientId, date: 'soon' }),
    ],
    [
      'a form that says nothing of a person',
      400,
      'too-costly',
      () => walker.post('Observation', { code: '1' }),
    ],
    ['a resource that is not there', 404, 'not-found', () => walker.read('Observation', NOBODY)],
    ['a version that is not there', 404, 'not-found', () => walker.vread('Observation', NOBODY, '1')],
    ['the history of what is not there', 404, 'not-found', () => walker.history('Observation', NOBODY)],
  ];
  for (const [what, status, code, ask] of cases) {
    const refusal = await ask().then(
      () => ({ codes: ['answered'] }),
      (error: unknown) => walker.refusal(error),
    );
    t.match({ status, ...refusal }, { status, codes: [code] }, what);
  }
}

/** In the patient's context, with references resolved in place, all pages in one list. */
async function walkLaunched(t: Test, { client }: SmartWalker, world: World): Promise<void> {
  t.equal(client.patient.id, world.patientId);
  t.equal((await client.patient.read())['id'], world.patientId, 'the patient in context');
  t.equal(await client.getFhirRelease(), 4, 'R4, as the CapabilityStatement says');
  const observations = await client.patient.request<Json[]>('Observation', { pageLimit: 0, flat: true });
  const own = observations.filter(({ resourceType }) => resourceType === 'Observation');
  t.same(names(own), names(ofType(world, 'Observation')), "the patient's Observations, by its own parameter");
  const [encounter] = ofType(world, 'Encounter');
  const resolved = await client.request<Json>(`Encounter/${String(encounter?.['id'])}`, {
    resolveReferences: ['subject', 'participant.individual', 'serviceProvider'],
  });
  t.match(
    resolved['subject'],
    { resourceType: 'Patient', id: world.patientId },
    'a reference resolved in place',
  );
  t.match(resolved['serviceProvider'], { resourceType: 'Organization' });
}
