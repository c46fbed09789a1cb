import pg from 'pg';
import t from 'tap';
import { decodeManifest } from '../../src/audit/manifest.ts';
import { byNumber, NHS_NUMBER, type TestAnswer, type TestService, testService } from '../support/service.ts';

/** Operations whose question is a body, batches, and the International Patient Summary, over HTTP and the whole service. */

const GP = {
  kind: 'staff',
  organisation: 'K82001',
  role: 'general-practitioner',
  reason: 'Appointment today',
} as const;

t.setTimeout(240_000);
t.test('operations', async (t) => {
  const service = await testService(t);
  const token = await service.token(GP);
  const showcase = service.person('showcase');
  const found = await service.get(`Patient?identifier=${byNumber(showcase.nhsNumber)}`, token);
  const patient = found.json.entry[0].resource;
  const id: string = patient.id;

  const post = async (
    path: string,
    body: unknown,
    bearer: string | undefined = token,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestAnswer> => {
    const answer = await service.service.app.inject({
      method: 'POST',
      url: `/fhir${path}`,
      headers: {
        'content-type': 'application/fhir+json',
        ...headers,
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = answer.body;
    return { status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) };
  };
  const match = (resource: unknown, more: readonly unknown[] = []) =>
    post('/Patient/$match', {
      resourceType: 'Parameters',
      parameter: [{ name: 'resource', resource }, ...more],
    });
  const [name] = patient.name;
  const known = {
    resourceType: 'Patient',
    name: [{ family: name.family, given: [name.given[0]] }],
    birthDate: patient.birthDate,
    gender: patient.gender,
    address: [{ postalCode: patient.address[0].postalCode }],
  };
  const numbered = { ...known, identifier: [{ system: NHS_NUMBER, value: showcase.nhsNumber }] };

  t.test('$match gives the one certain match, graded', async (t) => {
    for (const resource of [
      known,
      numbered,
      { resourceType: 'Patient', identifier: numbered.identifier, birthDate: known.birthDate },
    ]) {
      const answer = await match(resource, [{ name: 'onlyCertainMatches', valueBoolean: true }]);
      t.equal(answer.status, 200);
      t.equal(answer.json.total, 1);
      const [entry] = answer.json.entry;
      t.equal(entry.resource.id, id);
      t.strictSame(entry.search, {
        extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/match-grade', valueCode: 'certain' }],
        mode: 'match',
        score: 1,
      });
    }
  });

  t.test('$match gives nobody where anything that is given is not true of the person', async (t) => {
    const others: readonly object[] = [
      { ...numbered, birthDate: '1951-02-03' },
      { ...numbered, name: [{ family: 'Nobody', given: [name.given[0]] }] },
      { ...numbered, gender: known.gender === 'male' ? 'female' : 'male' },
      { ...numbered, address: [{ postalCode: 'ZZ99 9ZZ' }] },
      { ...known, name: [{ family: name.family, given: ['Nobody'] }] },
      { ...known, address: [{ postalCode: 'ZZ99 9ZZ' }] },
    ];
    for (const resource of others) {
      const answer = await match(resource);
      t.equal(answer.status, 200, JSON.stringify(resource).slice(0, 40));
      t.equal(answer.json.total, 0);
      t.notMatch(answer.text, id);
    }
  });

  t.test('$match refuses what could mean several people, and what it does not understand', async (t) => {
    const { address: _address, ...withoutAddress } = known;
    const { birthDate: _day, ...withoutDay } = numbered;
    const bad: readonly (readonly [unknown, RegExp])[] = [
      [withoutAddress, /Give enough/],
      [withoutDay, /Give enough/],
      [{ ...known, birthDate: '1990' }, /Give enough/],
      [{ ...numbered, identifier: [{ system: NHS_NUMBER, value: '9990000017' }] }, /check digit/],
      [{ resourceType: 'Observation' }, /no Patient/],
      [{ ...known, gender: 'banana' }, /no Patient of FHIR R4/],
    ];
    for (const [resource, sentence] of bad) {
      const answer = await match(resource);
      t.equal(answer.status, 400, String(sentence));
      t.match(answer.json.issue[0].details.text, sentence);
    }
    t.equal((await match(known, [{ name: 'unknown', valueString: 'x' }])).status, 400);
    t.equal((await post('/Patient/$match', known)).status, 400, 'a bare Patient is no Parameters');
    t.equal((await service.get('Patient/$match', token)).status, 400, '$ is no letter of an id');
  });

  t.test(
    '$match of a person who may not be seen reads like that of nobody, and opting out says so',
    async (t) => {
      const answerFor = async (name: string) => {
        const person = service.person(name);
        const resource = {
          resourceType: 'Patient',
          identifier: [{ system: NHS_NUMBER, value: person.nhsNumber }],
          birthDate: '1980-01-01',
        };
        const { text } = await match(resource);
        return text.replace(/"timestamp":"[^"]+"/, '');
      };
      const nobody = (await match({ ...numbered, identifier: [{ system: NHS_NUMBER, value: '4010232137' }] }))
        .text;
      t.equal(await answerFor('restricted'), nobody.replace(/"timestamp":"[^"]+"/, ''));
      t.match(await answerFor('opted-out'), /consent-withdrawn/);
    },
  );

  const batch = (entry: readonly unknown[], bearer = token, headers = {}) =>
    post('', { resourceType: 'Bundle', type: 'batch', entry }, bearer, headers);
  const get = (url: string) => ({ request: { method: 'GET', url } });

  t.test('a batch answers each entry in its place, decided on and audited on its own', async (t) => {
    const other = service.person('restricted');
    const answer = await batch(
      [
        get(`Patient/${id}`),
        get(`Observation?patient=${id}&_count=2`),
        get('Patient/00000000-0000-4000-8000-000000000000'),
        get(`Patient?identifier=${byNumber(other.nhsNumber)}`),
        get(`Observation?patient=${id}&nonsense=1`),
        get(`Patient/${id}/$everything?_count=3`),
        get('Coverage?patient=1'),
        { request: { method: 'DELETE', url: `Patient/${id}` } },
        { request: { method: 'GET', url: `Patient/${id}`, ifNoneMatch: 'W/"1"' } },
        { resource: {} },
      ],
      token,
      { 'x-request-id': 'one-batch' },
    );
    t.equal(answer.status, 200);
    t.equal(answer.headers['cache-control'], 'no-store');
    t.equal(answer.json.type, 'batch-response');
    const { entry } = answer.json;
    t.strictSame(
      entry.map((each: { response: { status: string } }) => each.response.status),
      ['200', '200', '404', '200', '400', '200', '404', '405', '400', '400'],
    );
    t.equal(entry[0].resource.id, id);
    t.equal(
      entry[1].resource.entry.filter((each: { search: { mode: string } }) => each.search.mode === 'match')
        .length,
      2,
    );
    t.equal(entry[2].response.outcome.issue[0].code, 'not-found');
    t.equal(entry[3].resource.total, 0, 'a restricted person is as unknown');
    t.match(entry[4].response.outcome.issue[0].expression, ['nonsense']);
    const events = await eventsOf(service, 'one-batch');
    t.equal(events.length, 10, 'an event for each');
    t.equal(events.filter(({ outcome }) => outcome === '0').length, 3);
  });

  t.test(
    'S-21, S-22: a batch is bounded, flat and view-only, and nothing in it is conditional',
    async (t) => {
      const many = Array.from({ length: 51 }, () => get(`Patient/${id}`));
      const tooMany = await batch(many);
      t.equal(tooMany.status, 400);
      t.match(tooMany.json.issue[0].details.text, /at most 50 entries/);
      t.equal((await batch([])).status, 200, 'an empty one is answered');
      t.equal((await post('', { resourceType: 'Bundle', type: 'transaction', entry: [] })).status, 400);
      t.equal((await post('', { resourceType: 'Patient' })).status, 400);
      const nested = await batch([
        { request: { method: 'POST', url: '' }, resource: { resourceType: 'Bundle', type: 'batch' } },
      ]);
      t.equal(nested.json.entry[0].response.status, '405');
      for (const condition of [{ ifMatch: 'W/"1"' }, { ifNoneMatch: '*' }, { ifNoneExist: 'identifier=x' }]) {
        const [entry] = (await batch([{ request: { method: 'GET', url: `Patient/${id}`, ...condition } }]))
          .json.entry;
        t.equal(entry.response.status, '400', JSON.stringify(condition));
        t.notOk(entry.resource);
      }
      const subject = { reference: `Patient?identifier=${NHS_NUMBER}|${showcase.nhsNumber}` };
      const [created] = (
        await batch([
          {
            request: { method: 'POST', url: 'Observation' },
            resource: { resourceType: 'Observation', subject },
          },
        ])
      ).json.entry;
      t.equal(created.response.status, '405', 'a conditional reference is looked up by nobody');
      for (const url of [
        'http://evil.example/Patient/1',
        '//evil/Patient',
        '../metrics',
        'Patient/a%2fb',
        'Patient?_id=%zz',
        '',
      ]) {
        const [entry] = (await batch([get(url)])).json.entry;
        t.match(entry.response.status, /^40[04]$/, url);
        t.notOk(entry.resource);
      }
      t.equal((await post('', { resourceType: 'Bundle', type: 'batch' }, '')).status, 401);
      t.equal((await post('', '{"resourceType":"Bundle","type":"batch","__proto__":{}}')).status, 400);
      t.equal((await post('', `${'['.repeat(9000)}`)).status, 400);
    },
  );

  t.test(
    '$validate checks by the rules of a load, repeats nothing and is accounted for without the content',
    async (t) => {
      const sound = await post('/Patient/$validate', known, token, { 'x-request-id': 'validate-1' });
      t.equal(sound.status, 200);
      t.equal(sound.json.issue[0].severity, 'information');
      const faulty = await post('/Patient/$validate', {
        resourceType: 'Patient',
        gender: 'SECRET',
        name: 'SECRET',
      });
      t.equal(faulty.status, 200);
      t.ok(faulty.json.issue.every((issue: { severity: string }) => issue.severity === 'error'));
      t.ok(
        faulty.json.issue.some((issue: { expression: string[] }) => issue.expression[0] === 'Patient.gender'),
      );
      t.notMatch(faulty.text, /SECRET/);
      const wrapped = {
        resourceType: 'Parameters',
        parameter: [
          { name: 'resource', resource: known },
          { name: 'mode', valueCode: 'create' },
        ],
      };
      t.equal((await post('/Patient/$validate', wrapped)).status, 200);
      t.equal(
        (await post('/Observation/$validate', known)).status,
        400,
        'another type than the address says',
      );
      t.equal((await post('/Patient/$validate', known, '')).status, 401);
      const [event] = await eventsOf(service, 'validate-1');
      t.equal(event?.kind, 'validate');
      const query = JSON.parse(event?.body ?? '{}').entity.find(
        (each: { query?: string }) => each.query !== undefined,
      ).query;
      t.notMatch(Buffer.from(query, 'base64').toString(), new RegExp(name.family));
    },
  );

  t.test('$everything by POST takes the same as by GET', async (t) => {
    const parameter = [
      { name: '_type', valueCode: 'Observation' },
      { name: '_type', valueCode: 'Encounter' },
      { name: '_count', valueInteger: 4 },
    ];
    const posted = await post(`/Patient/${id}/$everything`, { resourceType: 'Parameters', parameter });
    const got = await service.get(`Patient/${id}/$everything?_type=Observation,Encounter&_count=4`, token);
    t.equal(posted.status, 200);
    const ids = (answer: TestAnswer) =>
      answer.json.entry.map((each: { resource: { id: string } }) => each.resource.id);
    t.strictSame(ids(posted), ids(got));
    t.ok(posted.json.total > 0);
    t.equal(
      (
        await post(`/Patient/${id}/$everything`, {
          resourceType: 'Parameters',
          parameter: [{ name: 'x', valueCode: 'y' }],
        })
      ).status,
      400,
    );
  });

  t.test('$everything is narrowed by type, by time of care and by time of storing', async (t) => {
    const all = (await service.get(`Patient/${id}/$everything`, token)).json;
    const narrowed = async (query: string) =>
      (await service.get(`Patient/${id}/$everything?${query}`, token)).json;
    const count = (type: string) =>
      all.entry.filter((each: { resource: { resourceType: string } }) => each.resource.resourceType === type)
        .length;
    t.equal((await narrowed('_type=Observation')).total, count('Observation'));
    t.equal(
      (await narrowed('_type=Observation,Immunization')).total,
      count('Observation') + count('Immunization'),
    );
    const none = await narrowed('_type=Observation&start=1900-01-01&end=1900-12-31');
    t.equal(none.total, 0);
    const undated = await narrowed('start=1900-01-01&end=1900-12-31');
    t.ok(undated.total > 0 && undated.total < all.total, 'what has no date of care is always in it');
    t.equal((await narrowed('_since=2999-01-01')).total, 0);
    t.equal((await narrowed('_since=2000-01-01')).total, all.total - 0);
    t.equal((await narrowed('_count=0')).total, all.total);
    for (const query of [
      '_type=AuditEvent',
      '_type=Organization',
      '_type=secret',
      'start=ge2020',
      'end=yesterday',
    ]) {
      t.equal((await service.get(`Patient/${id}/$everything?${query}`, token)).status, 400, query);
    }
  });

  t.test('$summary is a document of what may be seen, and its account names what is in it', async (t) => {
    const answer = await service.get(`Patient/${id}/$summary`, token, { 'x-request-id': 'summary-1' });
    t.equal(answer.status, 200);
    const { type, entry } = answer.json;
    t.equal(type, 'document');
    t.equal(entry[0].resource.resourceType, 'Composition');
    t.equal(entry[1].resource.id, id);
    const [event] = await eventsOf(service, 'summary-1');
    t.equal(event?.kind, 'summary');
    const named = new Set(event?.released);
    const rows = entry.slice(2).map((each: { resource: { id: string } }) => each.resource.id);
    t.ok(rows.length > 3);
    t.ok(
      rows.every((row: string) => named.has(row) || rows.length === 0),
      'disclosed within audited',
    );
    t.equal((await service.get('Patient/00000000-0000-4000-8000-000000000000/$summary', token)).status, 404);
    const optedOut = service.person('opted-out');
    const ids = await service.get(`Patient?identifier=${byNumber(optedOut.nhsNumber)}`, token);
    t.match(ids.text, /consent-withdrawn/);
  });
});

interface StoredEvent {
  readonly kind: string;
  readonly outcome: string;
  readonly body: string;
  /** ids of the manifest */
  readonly released: readonly string[];
}

async function eventsOf(service: TestService, requestId: string): Promise<readonly StoredEvent[]> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      'select outcome::text, kind, body, manifest from audit.event where request_id = $1 order by seq',
      [requestId],
    );
    return rows.map(({ kind, outcome, body, manifest }) => ({
      kind,
      outcome,
      body,
      released: decodeManifest(manifest).released.map(({ id }) => id),
    }));
  } finally {
    await client.end();
  }
}
