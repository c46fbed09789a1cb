import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { generateCounty } from '../../demo/county/generate.ts';
import { foldString } from '../../src/fhir/search/fold.ts';
import { loadExtract } from '../../src/load.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';

/** Searching as a client meets it: results, pages, what comes along, versions, directories. */

const GP = {
  kind: 'staff',
  organisation: 'K82001',
  role: 'general-practitioner',
  reason: 'Appointment today',
} as const;
const COUNTY = { seed: 7, people: 60, businessDate: '2026-11-22' };

interface Entry {
  readonly search: { readonly mode: string };
  // biome-ignore lint/suspicious/noExplicitAny: resources are looked into by the test, member by member
  readonly resource: any;
}

const entriesOf = (answer: TestAnswer, mode: string): readonly Entry[] =>
  (answer.json.entry ?? []).filter((entry: Entry) => entry.search.mode === mode);
const idsOf = (answer: TestAnswer, mode = 'match'): readonly string[] =>
  entriesOf(answer, mode).map(({ resource }) => `${resource.resourceType}/${resource.id}`);

t.setTimeout(240_000);
t.test('searching', async (t) => {
  const service = await testService(t, COUNTY);
  const token = await service.token(GP);
  const get = (path: string) => service.get(path, token);
  const nhsNumber = service.person('showcase').nhsNumber;
  const found = await get(`Patient?identifier=${byNumber(nhsNumber)}`);
  const patient = found.json.entry[0].resource;
  const id: string = patient.id;
  const all = await get(`Observation?patient=${id}&_count=1000`);
  const observations = entriesOf(all, 'match').map(({ resource }) => resource);

  const pages = async (path: string): Promise<readonly TestAnswer[]> => {
    const seen: TestAnswer[] = [];
    for (let next: string | undefined = path; next !== undefined && seen.length < 50; ) {
      const page: TestAnswer = await get(next);
      t.equal(page.status, 200, next.slice(0, 60).replace(id, 'ID'));
      seen.push(page);
      const link = page.json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
      next = link?.slice('http://127.0.0.1:8080/fhir/'.length);
    }
    return seen;
  };

  t.test('conditions narrow together, and every value of one is an alternative', async (t) => {
    t.ok(observations.length > 3, `${observations.length} observations`);
    const [first] = observations;
    const { system, code } = first.code.coding[0];
    const expected = observations.filter((each) =>
      each.code.coding?.some((one: { code: string }) => one.code === code),
    );
    const byCode = await get(`Observation?patient=${id}&code=${system}%7C${code}&_count=1000`);
    t.strictSame([...idsOf(byCode)].sort(), expected.map((each) => `Observation/${each.id}`).sort());
    t.equal(byCode.json.total, expected.length);
    const either = await get(`Observation?patient=${id}&code=${code},nothing-like-it&_count=1000`);
    t.strictSame(idsOf(either), idsOf(byCode));
    const others = await get(`Observation?patient=${id}&code:not=${code}&_count=1000`);
    t.equal(others.json.total, observations.length - expected.length);
    const day = first.effectiveDateTime.slice(0, 10);
    const both = await get(`Observation?patient=${id}&code=${code}&date=${day}`);
    t.ok(idsOf(both).includes(`Observation/${first.id}`));
    t.equal((await get(`Observation?patient=${id}&code=${code}&date=gt2999-01-01`)).json.total, 0);
    const posted = await service.post('Observation/_search', `patient=${id}&code=${code}&_count=1000`, token);
    t.strictSame(idsOf(posted), idsOf(byCode));
  });

  t.test('pages in any order and of any size show everything once', async (t) => {
    for (const sort of [
      '',
      '&_sort=date',
      '&_sort=-date,code',
      '&_sort=-value-quantity,_id',
      '&_sort=status',
    ]) {
      const whole = idsOf(await get(`Observation?patient=${id}&_count=1000${sort}`));
      for (const count of [1, 2, 3, 7]) {
        const answers = await pages(`Observation?patient=${id}&_count=${count}${sort}`);
        t.strictSame(
          answers.flatMap((page) => idsOf(page)),
          whole,
          `${sort} by ${count}`,
        );
        t.ok(
          answers.every((page) => page.json.total === observations.length),
          'every page has the same total',
        );
      }
    }
    const days = entriesOf(await get(`Observation?patient=${id}&_sort=-date&_count=1000`), 'match').map(
      ({ resource }) => Date.parse(resource.effectiveDateTime),
    );
    t.strictSame(
      days,
      [...days].sort((a, b) => b - a),
    );
  });

  t.test('a client that rebuilds the next link goes on with its page', async (t) => {
    const [first] = await pages(`Observation?patient=${id}&_count=2&code:missing=false`);
    const next = new URL(
      first?.json.link.find(({ relation }: { relation: string }) => relation === 'next').url,
    );
    const page = next.searchParams.get('_page') ?? '';
    const plain = await get(`Observation?_page=${page}`);
    t.strictSame(idsOf(await get(`Observation?_page=${page}&_count=20`)), idsOf(plain));
    for (const more of ['&patient=1', '&_count=x', `&_page=${page}`, '&_sort=date']) {
      t.equal((await get(`Observation?_page=${page}${more}`)).status, 400, more.slice(0, 8));
    }
    t.equal((await get(`Condition?_page=${page}`)).status, 400, 'an address that it was not given for');
    const keys = Array.from({ length: 9 }, () => 'date').join(',');
    t.equal((await get(`Observation?patient=${id}&_sort=${keys}`)).status, 400, 'an order of nine keys');
    t.equal((await get(`Patient/${id}/$everything?_page=${page}`)).status, 400);
    const long = Array.from(
      { length: 99 },
      (_, index) => `http://example.org/system/${index}%7Ccode-${index}`,
    ).join(',');
    const [wide] = await pages(`Observation?patient=${id}&_count=1&code:not=${long}`);
    t.ok(
      wide?.json.link.find(({ relation }: { relation: string }) => relation === 'next').url.length < 8000,
      'a long search has a link that can be followed',
    );
  });

  t.test('totals and parts of resources are given as asked', async (t) => {
    const path = `Observation?patient=${id}`;
    t.notOk('total' in (await get(`${path}&_total=none`)).json);
    t.equal((await get(`${path}&_total=accurate`)).json.total, observations.length);
    for (const asked of ['_summary=count', '_count=0']) {
      const { json } = await get(`${path}&${asked}`);
      t.equal(json.total, observations.length);
      t.notOk(entriesOf({ json } as TestAnswer, 'match').length);
    }
    const subsetted = (resource: { meta: { tag: { code: string }[] } }) =>
      resource.meta.tag.some(({ code }) => code === 'SUBSETTED');
    for (const { resource } of entriesOf(await get(`${path}&_elements=effectiveDateTime`), 'match')) {
      t.ok(subsetted(resource));
      t.strictSame(
        Object.keys(resource).filter(
          (name) => !['resourceType', 'id', 'meta', 'status', 'code', 'effectiveDateTime'].includes(name),
        ),
        [],
        'what was asked for, and what is mandatory',
      );
    }
    for (const { resource } of entriesOf(await get(`${path}&_summary=true`), 'match')) {
      t.ok(subsetted(resource) && resource.code && resource.subject);
      t.notOk(resource.meta.profile, 'a part claims no profile of the whole');
      t.notOk(resource.category || resource.note, 'no part of the summary');
    }
    for (const { resource } of entriesOf(await get(`${path}&_summary=text`), 'match'))
      t.notOk(resource.subject);
    t.strictSame(idsOf(await get(`${path}&_summary=false`)), idsOf(await get(path)));
    const [one] = observations;
    const read = (await get(`Observation/${one.id}?_elements=issued`)).json;
    t.ok(subsetted(read) && read.code && !read.subject);
    t.equal((await get(`Observation/${one.id}?_summary=count`)).status, 400);
    t.equal((await get(`${path}&_summary=text&_include=Observation:encounter`)).status, 400);
    t.equal((await get(`${path}&_summary=data&_elements=code`)).status, 400);
  });

  t.test('what is referred to and what refers comes along, once, and is not counted', async (t) => {
    const requests = await get(
      `MedicationRequest?patient=${id}&_include=MedicationRequest:requester&_include=MedicationRequest:patient`,
    );
    const included = entriesOf(requests, 'include').map(({ resource }) => resource);
    t.ok(included.some(({ resourceType }) => resourceType === 'Patient'));
    t.ok(included.some(({ resourceType }) => resourceType === 'Practitioner'));
    t.equal(new Set(idsOf(requests, 'include')).size, included.length);
    t.equal(requests.json.total, idsOf(requests).length);
    const onlyPatients = await get(
      `MedicationRequest?patient=${id}&_include=MedicationRequest:subject:Patient`,
    );
    t.strictSame(idsOf(onlyPatients, 'include'), [`Patient/${id}`]);

    const back = await get(`Patient?_id=${id}&_revinclude=Observation:patient&_revinclude=Encounter:patient`);
    t.strictSame(
      idsOf(back, 'include').filter((name) => name.startsWith('Observation')).length,
      observations.length,
    );
    t.ok(idsOf(back, 'include').some((name) => name.startsWith('Encounter')));

    const further = await get(
      `Encounter?patient=${id}&_revinclude=Observation:encounter&_include:iterate=Observation:performer&_count=1000`,
    );
    const performers = idsOf(further, 'include').filter((name) => /^(Practitioner|Organization)/.test(name));
    const near = await get(`Encounter?patient=${id}&_revinclude=Observation:encounter&_count=1000`);
    t.notOk(idsOf(near, 'include').some((name) => /^(Practitioner|Organization)/.test(name)));
    t.ok(
      performers.length > 0 || !observations.some((each) => each.performer),
      'a step further with :iterate alone',
    );
    for (const bad of [
      '*',
      'Observation:*',
      'Observation:secret',
      'Encounter:patient',
      'Observation:subject:AuditEvent',
      'AuditEvent:patient',
    ]) {
      t.equal((await get(`Observation?patient=${id}&_include=${bad}`)).status, 400, bad);
    }
  });

  t.test('a search looks along references, forwards and backwards', async (t) => {
    const encounters = entriesOf(await get(`Encounter?patient=${id}&_count=1000`), 'match').map(
      ({ resource }) => resource,
    );
    const linked = observations.filter((each) => each.encounter !== undefined);
    const [one] = linked;
    t.ok(one, 'some observation has an encounter');
    const encounter = encounters.find((each) => `Encounter/${each.id}` === one.encounter.reference);
    const expected = linked.filter(
      (each) =>
        encounters.find((other) => `Encounter/${other.id}` === each.encounter.reference)?.class.code ===
        encounter.class.code,
    );
    for (const name of ['encounter.class', 'encounter:Encounter.class']) {
      const answer = await get(`Observation?patient=${id}&${name}=${encounter.class.code}&_count=1000`);
      t.strictSame([...idsOf(answer)].sort(), expected.map((each) => `Observation/${each.id}`).sort(), name);
    }
    const code = one.code.coding[0].code;
    const having = await get(`Encounter?patient=${id}&_has:Observation:encounter:code=${code}&_count=1000`);
    const wanted = new Set(
      linked
        .filter((each) => each.code.coding.some((c: { code: string }) => c.code === code))
        .map((each) => each.encounter.reference),
    );
    t.strictSame([...idsOf(having)].sort(), [...wanted].sort());
    const person = await get(`Patient?_id=${id}&_has:Observation:patient:code=${code}`);
    t.strictSame(idsOf(person), [`Patient/${id}`]);
    t.equal((await get(`Patient?_id=${id}&_has:Observation:patient:code=nothing-like-it`)).json.total, 0);
    const named = await get(
      `Observation?patient=${id}&subject:Patient.family=${encodeURIComponent(patient.name[0].family)}&_count=1000`,
    );
    t.equal(named.json.total, observations.length);
  });

  t.test('a person is found by number with conditions beside it, or by what means one person', async (t) => {
    const { family, given } = patient.name[0];
    const known = `family=${encodeURIComponent(family)}&birthdate=${patient.birthDate}`;
    for (const path of [
      `Patient?identifier=${byNumber(nhsNumber)}&birthdate=${patient.birthDate}&gender=${patient.gender}`,
      `Patient?identifier=${byNumber(nhsNumber)}&family=${encodeURIComponent(family.slice(0, 3))}`,
      `Patient?${known}&gender=${patient.gender}`,
      `Patient?${known}&address-postalcode=${encodeURIComponent(patient.address[0].postalCode)}`,
      `Patient?${known}&given=${encodeURIComponent(given[0])}&gender=${patient.gender}`,
      `Patient?_id=${id}&name=${encodeURIComponent(given[0])}`,
    ]) {
      t.strictSame(idsOf(await get(path)), [`Patient/${id}`], path.replace(id, 'ID').slice(0, 70));
    }
    for (const path of [
      `Patient?identifier=${byNumber(nhsNumber)}&birthdate=1901-01-01`,
      `Patient?${known}&gender=unknown`,
      `Patient?_id=${id}&family=nobody`,
    ]) {
      t.strictSame(idsOf(await get(path)), [], path.slice(0, 40));
    }
    t.equal((await get(`Patient?${known}`)).status, 400, 'a family name and a day may be several people');
  });

  t.test('a directory is searched by what it holds, in pages, and counted when asked', async (t) => {
    const pagesOfAll = await pages('Practitioner?_count=7');
    const everybody = pagesOfAll.flatMap((page) => entriesOf(page, 'match').map(({ resource }) => resource));
    t.ok(everybody.length > 10);
    t.equal(new Set(everybody.map((each) => each.id)).size, everybody.length);
    t.equal((await get('Practitioner?_summary=count')).json.total, everybody.length);
    const [one] = everybody;
    const family = one.name[0].family;
    const named = await get(`Practitioner?family=${encodeURIComponent(family.toUpperCase())}&_count=1000`);
    t.ok(idsOf(named).includes(`Practitioner/${one.id}`));
    t.ok(idsOf(named).length < everybody.length);
    const sorted = (await pages('Practitioner?_sort=family&_count=9')).flatMap((page) =>
      entriesOf(page, 'match').map(({ resource }) => foldString(resource.name[0].family)),
    );
    t.strictSame(sorted, [...sorted].sort());
    const roles = await get(
      'PractitionerRole?_include=PractitionerRole:practitioner&_include=PractitionerRole:organization&_count=3',
    );
    if (idsOf(roles).length > 0) t.ok(idsOf(roles, 'include').length > 0);
    const organisations = entriesOf(await get('Organization?_count=1000'), 'match').map(
      ({ resource }) => resource,
    );
    // two sources may each hold a row of one organisation: a code finds all that carry it, and no other
    const codes = organisations.map(({ identifier: [ods] }) => ods);
    t.ok(codes.length > 2 && new Set(codes.map(({ value }) => value)).size > 1);
    for (const ods of codes) {
      const carrying = organisations
        .filter(({ identifier }) => identifier.some(({ value }: { value: string }) => value === ods.value))
        .map(({ id }) => `Organization/${id}`);
      for (const value of [ods.value, ods.value.toLowerCase()]) {
        const found = await get(`Organization?identifier=${encodeURIComponent(`${ods.system}|${value}`)}`);
        t.strictSame([...idsOf(found)].sort(), [...carrying].sort());
      }
    }
    for (const bad of [
      'Practitioner?_has:PractitionerRole:practitioner:role=x',
      `Organization?_revinclude=Patient:organization`,
    ]) {
      t.equal((await get(bad)).status, 400, bad);
    }
  });

  t.test('versions are kept: read as it was, and listed, newest first', async (t) => {
    const before = await get(`Condition?patient=${id}&_count=1000`);
    const extracts = join(service.folder, 'second-night');
    await generateCounty(extracts, { ...COUNTY, businessDate: '2026-11-23', sequence: 2, changed: 1 });
    const certificate = await loadExtract(service.service, 'gp', join(extracts, 'gp'));
    t.equal(certificate.result, 'published', JSON.stringify(certificate.result));
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    const { rows } = await client.query(
      `select resource_id::text as id, min(valid_from)::text as first, max(valid_from)::text as last, t.type
       from record.resource_version v join (values (3, 'Condition'), (8, 'Observation'), (4, 'MedicationRequest'), (7, 'Encounter')) t(code, type) on t.code = v.type
       where person_id = $1 group by resource_id, t.type having count(*) = 2 and max(valid_to) = 9223372036854775807 limit 1`,
      [id],
    );
    await client.end();
    const [changed] = rows;
    t.ok(changed, 'the second night changed something of this person');
    const { type, id: resourceId, first, last } = changed;
    const history = await get(`${type}/${resourceId}/_history`);
    t.equal(history.json.type, 'history');
    t.equal(history.json.total, 2);
    t.strictSame(
      history.json.entry.map(({ resource }: Entry) => resource.meta.versionId),
      [last, first],
    );
    t.strictSame(
      history.json.entry.map(
        ({ request, response }: { request: { method: string }; response: { etag: string } }) => [
          request.method,
          response.etag,
        ],
      ),
      [
        ['PUT', `W/"${last}"`],
        ['PUT', `W/"${first}"`],
      ],
    );
    const old = await get(`${type}/${resourceId}/_history/${first}`);
    t.equal(old.status, 200);
    t.strictSame(old.json, history.json.entry[1].resource);
    t.strictSame(
      (await get(`${type}/${resourceId}/_history/${last}`)).json,
      (await get(`${type}/${resourceId}`)).json,
    );
    for (const version of ['999999', 'abc', '0'])
      t.equal((await get(`${type}/${resourceId}/_history/${version}`)).status, 404, version);
    const paged = await pages(`${type}/${resourceId}/_history?_count=1`);
    t.strictSame(
      paged.map((page) => page.json.entry[0].resource.meta.versionId),
      [last, first],
    );
    const since = history.json.entry[0].response.lastModified;
    t.equal((await get(`${type}/${resourceId}/_history?_since=${since}`)).json.total, 1);
    t.equal(
      (await get(`${type}/${resourceId}/_history?_at=${history.json.entry[1].response.lastModified}`)).json
        .total,
      1,
    );
    t.equal(
      (await get(`${type}/${resourceId}/_history?_since=2999-01-01`)).json.total,
      1,
      'the newest is current from now on',
    );
    t.equal((await get(`${type}/00000000-0000-4000-8000-000000000000/_history`)).status, 404);
    t.equal((await get(`Patient/${id}/_history`)).status, 404, 'a Patient is made for each request');
    t.ok(before.json.total > 0);
  });
});
