import { connect } from 'node:net';
import type { AuditEvent } from '@medplum/fhirtypes';
import pg from 'pg';
import t from 'tap';
import { decodeManifest } from '../../src/audit/manifest.ts';
import { tellConfiguration } from '../../src/tell-configuration.ts';
import { byNumber, type TestService, testService } from '../support/service.ts';

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;

interface Entry {
  readonly fullUrl: string;
  readonly search: { readonly mode: string };
  readonly resource: { readonly resourceType: string; readonly id: string };
}

async function sql<T>(service: TestService, text: string, values: readonly unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as T[];
  } finally {
    await client.end();
  }
}

/** Somebody with a Medication of their own, who has not opted out and is not restricted. */
async function somebodyWithMedication(service: TestService): Promise<string | undefined> {
  const rows = await sql<{ id: string }>(
    service,
    `select r.person_id::text as id from record.resource_version r
     where r.type = 21 and not exists (select from record.restriction x where x.person_id = r.person_id)
       and not exists (select from record.person_number n join record.opt_out o using (nhs_number) where n.person_id = r.person_id)
     limit 1`,
  );
  return rows[0]?.id;
}

const eventsOf = (service: TestService, requestId: string) =>
  sql<{ outcome: number; kind: string; body: string; manifest: Buffer }>(
    service,
    'select outcome, kind, body, manifest from audit.event where request_id = $1',
    [requestId],
  );

t.test('the FHIR edge', async (t) => {
  // out-of-hours promises more than it can keep: always stale
  const service = await testService(t, { people: 60 }, (configuration) => {
    const sources = configuration['sources'] as { code: string; staleAfterHours: number }[];
    for (const source of sources) if (source.code === 'out-of-hours') source.staleAfterHours = 1e-9;
  });
  const token = await service.token(GP);
  const showcase = service.person('showcase').nhsNumber;
  const found = await service.get(`Patient?identifier=${byNumber(showcase)}`, token);
  const id: string = found.json.entry[0].resource.id;

  t.test(
    'finds a Patient by number, and by family, given and birth date however they are written',
    async (t) => {
      const patient = found.json.entry[0].resource;
      const { family, given } = patient.name[0];
      const written = [
        [family, given[0]],
        [family.toUpperCase(), given[0].toLowerCase()],
      ];
      for (const [f, g] of written) {
        const answer = await service.get(
          `Patient?family=${encodeURIComponent(f)}&given=${encodeURIComponent(g)}&birthdate=${patient.birthDate}`,
          token,
        );
        t.strictSame(
          answer.json.entry.filter((e: Entry) => e.search.mode === 'match').map((e: Entry) => e.resource.id),
          [id],
        );
        t.equal(answer.json.total, 1);
      }
      for (const query of [
        `family=${family}`,
        `family=${family}&given=${given[0]}`,
        'birthdate=2014-01-01',
        `family=${family}&given=x&birthdate=2014`,
      ]) {
        const answer = await service.get(`Patient?${query}`, token);
        t.equal(answer.status, 400, 'demographics that do not mean one person are refused');
        t.equal(answer.json.issue[0].code, 'too-costly');
      }
    },
  );

  t.test('pages by sealed links until everything was seen once', async (t) => {
    const whole = await service.get(`Patient/${id}/$everything`, token);
    const all = whole.json.entry.filter((e: Entry) => e.search.mode === 'match').map((e: Entry) => e.fullUrl);
    const seen: string[] = [];
    let path: string | undefined = `Patient/${id}/$everything?_count=7`;
    let pages = 0;
    while (path !== undefined && pages < 100) {
      const page = await service.get(path, token);
      t.equal(page.status, 200);
      t.equal(page.json.total, all.length, 'the total is of all pages');
      const matches = page.json.entry.filter((e: Entry) => e.search.mode === 'match');
      t.ok(matches.length <= 7);
      seen.push(...matches.map((e: Entry) => e.fullUrl));
      const next = page.json.link.find((l: { relation: string; url: string }) => l.relation === 'next')?.url;
      path = next?.slice('http://127.0.0.1:8080/fhir/'.length);
      pages += 1;
    }
    t.strictSame(seen, all);
    const first = await service.get(`Immunization?patient=${id}&_count=2`, token);
    const next: string = first.json.link
      .find((l: { relation: string }) => l.relation === 'next')
      .url.slice('http://127.0.0.1:8080'.length);
    t.equal(
      (await service.get(`${next}&_count=2`, token)).status,
      200,
      'a _count beside the token is tolerated',
    );
    t.equal((await service.get(`${next}&patient=${id}`, token)).status, 400, 'anything else is not');
    t.equal(
      (await service.get(next, await service.token({ ...GP, user: 'gp-other' }))).status,
      400,
      'another user',
    );
    t.equal(
      (await service.get(next.replace('Immunization', 'Condition'), token)).status,
      400,
      'another type',
    );
    t.equal((await service.get(next.slice(0, -2), token)).status, 400, 'a token that was cut');
  });

  t.test('takes a search by POST as by GET', async (t) => {
    const [get, post] = [
      await service.get(`Condition?patient=${id}`, token),
      await service.post('Condition/_search', `patient=${id}`, token),
    ];
    t.equal(post.status, 200);
    t.strictSame(post.json.entry, get.json.entry);
    t.equal(
      (await service.post(`Condition/_search?patient=${id}`, `patient=${id}`, token)).status,
      400,
      'once in the URL and once in the body',
    );
  });

  t.test('reads a Medication and a Binary only where a visible row refers to it', async (t) => {
    const [medication] = await sql<{ id: string }>(
      service,
      `select resource_id::text as id from record.resource_version where type = 21 and person_id = $1`,
      [(await somebodyWithMedication(service)) ?? id],
    );
    if (medication === undefined) throw new Error('The county has no medication to read.');
    t.equal((await service.get(`Medication/${medication.id}`, token)).status, 200);
    const narrow = await service.token({ ...GP, scope: 'user/Medication.rs user/Patient.rs' });
    t.equal(
      (await service.get(`Medication/${medication.id}`, narrow)).status,
      404,
      'without the rows that refer to it',
    );
    const binaries = await sql<{ id: string }>(
      service,
      'select resource_id::text as id from record.resource_version where type = 22 limit 1',
    );
    t.equal((await service.get(`Binary/${binaries[0]?.id}`, token)).status, 200);
  });

  t.test('refuses what it does not understand, and names the parameter', async (t) => {
    const bad: readonly (readonly [string, string | undefined])[] = [
      [`Observation?patient=${id}&foo=1`, 'foo'],
      [`Observation?patient=${id}&_sort=note`, '_sort'],
      [`Observation?patient=${id}&_include=*`, '_include'],
      [`Observation?patient=${id}&%5Fhas:Observation:patient:secret=1`, '_has:Observation:patient:secret'],
      [`Observation?patient=${id}&__proto__=1`, '__proto__'],
      [`Observation?patient=${id}&constructor=1`, 'constructor'],
      [`Observation?patient=${id}&patient=${id}`, 'patient'],
      [`Observation?patient=${id},${id}`, 'patient'],
      [`Observation?patient:Practitioner=${id}`, 'patient:Practitioner'],
      [`Observation?patient=${id}&_count=-1`, '_count'],
      [`Observation?patient=${id}&_count=NaN`, '_count'],
      ['Observation', 'patient'],
      [`Patient?identifier=${byNumber('9990000017')}`, 'identifier'],
      [`Patient/${id}?_elements=secret`, '_elements'],
      ['AuditEvent', 'date'],
      [`Observation?patient=%zz`, undefined],
      [`Observation?patient=a%00b`, undefined],
      [`Patient/a%2fb`, 'id'],
      [`Patient/${'a'.repeat(65)}`, 'id'],
    ];
    for (const [path, parameter] of bad) {
      const answer = await service.get(path, token);
      t.equal(answer.status, 400, path.slice(0, 60).replace(id, 'ID'));
      t.equal(answer.json.resourceType, 'OperationOutcome');
      if (parameter !== undefined) t.strictSame(answer.json.issue[0].expression, [parameter]);
    }
  });

  t.test('answers 401 with a reason class to tokens that are none', async (t) => {
    const [head, payload, signature] = token.split('.');
    const bad: readonly (readonly [string | undefined, string])[] = [
      [undefined, 'token-missing'],
      ['', 'token-missing'],
      ['nonsense', 'token-malformed'],
      [`${head}.${payload}.`, 'token-malformed'],
      [`${head}.${payload}.${signature?.split('').reverse().join('')}`, 'token-signature'],
      ['x'.repeat(9000), 'token-too-large'],
    ];
    for (const [value, reason] of bad) {
      const answer = await service.get(`Patient/${id}`, value);
      t.equal(answer.status, 401, reason);
      t.equal(answer.json.issue[0].details.coding[0].code, reason);
      t.match(String(answer.headers['www-authenticate']), /^Bearer/);
      t.notMatch(answer.text, /verification failed|jose|JWS/, 'and no detail');
    }
    t.equal(
      (await service.get(`Patient/${id}?access_token=${token}`)).status,
      401,
      'a token in the URL is none',
    );
  });

  t.test(
    'carries no-store, its request id, and nothing to be cached by, on every answer about a person',
    async (t) => {
      for (const path of [
        `Patient/${id}`,
        `Observation?patient=${id}`,
        'Patient/unknown',
        `Observation?patient=${id}&x=1`,
      ]) {
        const answer = await service.get(path, token, { 'x-request-id': 'req-1.A_b' });
        t.equal(answer.headers['cache-control'], 'no-store', path.replace(id, 'ID'));
        t.notOk(answer.headers['etag'] ?? answer.headers['last-modified']);
        t.equal(answer.headers['x-request-id'], 'req-1.A_b');
        t.match(String(answer.headers['content-type']), /^application\/fhir\+json/);
      }
      const odd = await service.get(`Patient/${id}`, token, { 'x-request-id': 'a b<script>' });
      t.notMatch(String(odd.headers['x-request-id']), /script/);
      t.equal((await service.get(`Patient/${id}`, token, { accept: 'application/fhir+xml' })).status, 406);
      t.equal((await service.get(`Patient/${id}?_format=xml`, token)).status, 406);
      t.equal(
        (await service.get(`Patient/${id}?_format=json`, token, { accept: 'text/html' })).status,
        200,
        '_format beats Accept',
      );
      const modified = await service.get(`Patient/${id}`, token, { 'if-none-match': 'W/"1"' });
      t.equal(modified.status, 200, 'no conditional oracle');
    },
  );

  t.test('is view-only: writes are refused with an explanation, whatever they carry', async (t) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      for (const url of ['/fhir/Patient', `/fhir/Patient/${id}`]) {
        const answer = await service.service.app.inject({
          method,
          url,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/fhir+json',
            'x-request-id': `w-${method}-${url.length}`,
          },
          payload: '{"resourceType":"Patient"}',
        });
        t.equal(answer.statusCode, 405, `${method} ${url.replace(id, 'ID')}`);
        t.match(answer.body, /view-only/);
        t.equal(answer.headers['allow'], 'GET, HEAD');
        const [event] = await eventsOf(service, `w-${method}-${url.length}`);
        t.equal(event?.kind, { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method]);
      }
    }
    const search = await service.service.app.inject({
      method: 'PUT',
      url: '/fhir/Condition/_search',
      headers: { authorization: `Bearer ${token}` },
    });
    t.equal(search.headers['allow'], 'GET, HEAD, POST', 'a search may be posted');
  });

  t.test('audits each request by itself: reads, searches, refusals, malformed ones, HEAD', async (t) => {
    const asked: readonly (readonly [string, string, string | undefined, number])[] = [
      ['r-read', `Patient/${id}`, token, 0],
      ['r-search', `Observation?patient=${id}`, token, 0],
      ['r-everything', `Patient/${id}/$everything`, token, 0],
      ['r-unknown', 'Patient/nobody', token, 4],
      ['r-malformed', 'Observation?nonsense=1', token, 4],
      ['r-no-address', `Coverage?patient=${id}`, token, 4],
      ['r-purpose', `Patient/${id}`, await service.token({ ...GP, purpose: 'HRESCH' }), 4],
    ];
    for (const [requestId, path, bearer, outcome] of asked) {
      const answer = await service.get(path, bearer, { 'x-request-id': requestId });
      const events = await eventsOf(service, requestId);
      t.equal(events.length, 1, `${requestId} has one event`);
      t.equal(Number(events[0]?.outcome), outcome, requestId);
      t.notMatch(events[0]?.body ?? '', /Bearer|eyJ/, 'without the token');
      if (answer.status === 200) t.match(events[0]?.body ?? '', `Patient/${id}`, 'naming the person');
    }
    for (const [path, kind] of [
      [`Patient/${id}?_elements=secret`, 'read'],
      ['Observation?nonsense=1', 'search-type'],
      [`Patient/${id}/$everything?nonsense=1`, 'everything'],
    ] as const) {
      const answer = await service.get(path, token, { 'x-request-id': `k-${kind}` });
      t.equal(answer.status, 400, kind);
      t.equal((await eventsOf(service, `k-${kind}`))[0]?.kind, kind, 'as what was attempted');
    }
    await service.service.app.inject({
      method: 'HEAD',
      url: `/fhir/Patient/${id}`,
      headers: { authorization: `Bearer ${token}`, 'x-request-id': 'r-head' },
    });
    t.equal((await eventsOf(service, 'r-head')).length, 1, 'HEAD is a read');
  });

  t.test('what is disclosed is in the manifest of its event, resource by resource', async (t) => {
    for (const [requestId, path] of [
      ['m-1', `Patient/${id}/$everything?_count=9`],
      ['m-2', `Immunization?patient=${id}`],
    ] as const) {
      const answer = await service.get(path, token, { 'x-request-id': requestId });
      const [event] = await eventsOf(service, requestId);
      const { released } = decodeManifest(event?.manifest ?? Buffer.alloc(0));
      const named = new Set(released.map((item) => item.id));
      for (const { resource, search } of answer.json.entry as Entry[]) {
        // the aggregated Patient is named by the rows it was made of
        if (search.mode !== 'match' || resource.resourceType === 'Patient') continue;
        t.ok(named.has(resource.id), `${resource.resourceType} is named`);
      }
    }
  });

  t.test(
    'O-08: lets officers read the audit log within their organisation, and people read who looked at them',
    async (t) => {
      const today = new Date().toISOString().slice(0, 10);
      const [central, local] = [
        await service.token({
          kind: 'governance',
          organisation: 'mcr-ig',
          role: 'central-monitoring',
          user: 'ig',
        }),
        await service.token({ kind: 'governance', organisation: 'RXQ', role: 'privacy-officer', user: 'po' }),
      ];
      await service.get(
        `Patient/${id}`,
        await service.token({
          kind: 'staff',
          organisation: 'RXQ',
          role: 'consultant',
          user: 'dr.consulting',
          name: 'Dr Consulting',
        }),
      );
      const every = await service.get(`AuditEvent?date=${today}&_count=500`, central);
      const own = await service.get(`AuditEvent?date=${today}&_count=500`, local);
      const organisations = (text: string): Set<string> =>
        new Set(
          [...text.matchAll(/ods-organization-code","value":"([^"]+)"|"value":"(K82004|RXQ)"/g)].map(
            (m) => m[1] ?? m[2] ?? '',
          ),
        );
      t.ok(every.json.entry.length > own.json.entry.length);
      t.ok(own.json.entry.length > 0);
      const naming = JSON.parse(own.text).entry.filter(({ resource }: { resource: AuditEvent }) =>
        resource.agent.some(({ name }) => name !== undefined),
      );
      t.ok(naming.length > 0);
      for (const { resource } of naming)
        t.ok(
          organisations(JSON.stringify(resource)).has('RXQ'),
          'they read the names of their own people alone',
        );
      const about = await service.get(`AuditEvent?date=${today}&patient=${id}`, central);
      t.ok(
        about.json.entry.every((e: { resource: unknown }) =>
          JSON.stringify(e.resource).includes(`Patient/${id}`),
        ),
      );
      const one = about.json.entry[0].resource.id;
      t.equal((await service.get(`AuditEvent/${one}`, central)).status, 200);
      t.equal((await service.get(`AuditEvent?date=${today}`, token)).status, 403, 'not for staff');
      const self = await service.token({ kind: 'patient', nhsNumber: showcase ?? '' });
      const looked = await service.get(`AuditEvent?date=${today}&patient=${id}`, self);
      t.equal(looked.status, 200);
      t.ok(looked.json.entry.length > 0);
      t.notMatch(looked.text, /Dr Consulting|dr\.consulting/, 'roles and organisations, no names');
      t.match(looked.text, /consultant/);
      const other = service.person('working-single').nhsNumber ?? '';
      const stranger = await service.get(
        `AuditEvent?date=${today}&patient=${id}`,
        await service.token({ kind: 'patient', nhsNumber: other }),
      );
      t.equal(stranger.json.total ?? stranger.json.entry?.length ?? 0, 0, 'nobody else’s');
    },
  );

  t.test('answers the directory to any caller and nobody’s record to a system', async (t) => {
    const system = await service.token({ kind: 'system' });
    const organisations = await service.get('Organization?_count=3', system);
    t.equal(organisations.status, 200);
    t.equal(organisations.json.entry.filter((e: Entry) => e.search.mode === 'match').length, 3);
    const surgery = await service.get(
      'Organization?identifier=https://fhir.nhs.uk/Id/ods-organization-code%7CK82001',
      system,
    );
    t.ok(surgery.json.entry?.[0]?.resource.id);
    t.equal((await service.get(`Organization/${surgery.json.entry[0].resource.id}`, system)).status, 200);
    const seen: string[] = [];
    let next: string | undefined = '/fhir/Practitioner?_count=4';
    while (next !== undefined && seen.length < 1000) {
      const page = await service.get(next, system);
      seen.push(
        ...page.json.entry.filter((e: Entry) => e.search.mode === 'match').map((e: Entry) => e.resource.id),
      );
      next = page.json.link
        .find((l: { relation: string; url: string }) => l.relation === 'next')
        ?.url.slice('http://127.0.0.1:8080'.length);
    }
    t.ok(seen.length > 4);
    t.equal(new Set(seen).size, seen.length, 'each practitioner once, over all pages');
    const practitioners = await service.get('Practitioner?_count=1000', system);
    t.notMatch(practitioners.text, /source\/(lcs|adult-social-care)/, 'no social worker is in a directory');
    t.equal((await service.get(`Condition?patient=${id}`, system)).status, 403);
  });

  t.test('rather answers 503 than an answer that lacks a source, where that was asked for', async (t) => {
    const prefer = { prefer: 'completeness=required' };
    t.equal(
      (await service.get(`Immunization?patient=${id}`, token, prefer)).status,
      200,
      'its one source is current',
    );
    const stale = await service.get(`Encounter?patient=${id}`, token);
    t.equal(stale.json.meta.tag[0].code, 'incomplete');
    t.match(stale.text, /source-stale/);
    t.equal((await service.get(`Encounter?patient=${id}`, token, prefer)).status, 503);
    const { name, birthDate } = found.json.entry[0].resource;
    for (const family of [name[0].family, 'Nobodyatall']) {
      const query = `Patient?family=${encodeURIComponent(family)}&given=${encodeURIComponent(name[0].given[0])}&birthdate=${birthDate}`;
      t.equal((await service.get(query, token)).status, 200);
      t.equal((await service.get(query, token, prefer)).status, 503, 'whether or not somebody is found');
    }
  });

  t.test('refuses ambiguous requests that a parser would let through', async (t) => {
    await service.service.app.listen({ host: '127.0.0.1', port: 0 });
    const address = service.service.app.server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const raw = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.on('data', (data) => {
          answer += data.toString();
        });
        socket.on('end', () => resolve(answer.split('\r\n')[0] ?? ''));
        socket.on('error', reject);
      });
    const auth = `Authorization: Bearer ${token}`;
    t.match(
      await raw(`GET /fhir/Patient/${id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${auth}\r\n\r\n`),
      / 200 /,
    );
    t.match(
      await raw(
        `GET /fhir/Patient/${id} HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-Id: two-hosts\r\nConnection: close\r\n${auth}\r\n\r\n`,
      ),
      / 400 /,
    );
    t.match(
      await raw(
        `GET /fhir/Patient/${id} HTTP/1.1\r\nHost: a\r\nX-Request-Id: two-tokens\r\nConnection: close\r\n${auth}\r\n${auth}\r\n\r\n`,
      ),
      / 400 /,
    );
    t.match(
      await raw(
        `GET http://evil.example/fhir/Patient/${id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${auth}\r\n\r\n`,
      ),
      / 400 /,
    );
    t.match(
      await eventsOf(service, 'two-hosts'),
      [{ kind: 'read', outcome: 4, body: /"outcomeDesc":"invalid"/ }],
      'of a known caller the first in a minute has an event',
    );
    t.strictSame(await eventsOf(service, 'two-tokens'), [], 'of two tokens neither is believed');
  });

  t.test('consents that decide are found in the log, and so is every use of it', async (t) => {
    const today = new Date().toISOString().slice(0, 10);
    const officer = await service.token({
      kind: 'governance',
      organisation: 'mcr-ig',
      role: 'central-monitoring',
    });
    const gone = service.person('opted-out').nhsNumber;
    const refused = await service.get(`Patient?identifier=${byNumber(gone)}`, token, {
      'x-request-id': 'c-out',
    });
    t.match(refused.text, /consent-withdrawn/);
    const events = await eventsOf(service, 'c-out');
    t.strictSame(
      events.map(({ kind, outcome }) => [kind, Number(outcome)]).sort(),
      [
        ['consent-decision', 4],
        ['search-type', 4],
      ],
      'the request, and the decision beside it',
    );
    for (const { body } of events) t.match(body, /health-optout/);
    const decision = events.find(({ kind }) => kind === 'consent-decision')?.body ?? '';
    t.match(decision, /IHE\.BasicAudit\.AuthZconsent/);
    const worker = await service.token({
      kind: 'staff',
      organisation: 'bucks-council',
      role: 'social-worker',
    });
    const kinds = async (requestId: string, path: string, bearer = worker) => {
      await service.get(path, bearer, { 'x-request-id': requestId });
      const told = await eventsOf(service, requestId);
      const consents = told.flatMap(({ body }) =>
        (JSON.parse(body).entity as { type?: { code?: string }; detail?: { valueString?: string }[] }[])
          .filter(({ type }) => type?.code === 'Consent')
          .map(({ detail = [] }) => detail[0]?.valueString),
      );
      return [told.map(({ kind }) => kind), consents];
    };
    t.strictSame(await kinds('c-agreed', `Patient/${id}/$everything`), [['everything'], ['permit']]);
    t.strictSame(
      await kinds('c-none', `Immunization?patient=${id}`),
      [['search-type'], []],
      'a default is none',
    );
    t.strictSame(await kinds('c-case', `Patient/${id}/$everything`, officer), [['everything'], []]);

    const log = `AuditEvent?date=${today}`;
    const found = async (query: string): Promise<string> =>
      (await service.get(`${log}&${query}`, officer)).text;
    const consents = await found('entity-type=http://hl7.org/fhir/resource-types%7CConsent');
    for (const requestId of ['c-out', 'c-agreed']) t.match(consents, `"${requestId}"`);
    t.notMatch(consents, /"c-none"/);
    t.match(
      await found('subtype=https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType%7CAuthZ-Consent'),
      /"c-out"/,
    );
    const [own] = JSON.parse(consents).entry as Entry[];
    t.strictSame(await kinds('c-log', `${log}&_count=1`, officer), [['audit-search'], []]);
    t.strictSame(await kinds('c-event', `AuditEvent/${own?.resource.id}`, officer), [['audit-read'], []]);
    t.strictSame(await kinds('c-bad', 'AuditEvent?nonsense=1', officer), [['audit-search'], []]);
    const used = await found('subtype=http://dicom.nema.org/resources/ontology/DCM%7C110101');
    for (const requestId of ['c-log', 'c-event', 'c-bad']) t.match(used, `"${requestId}"`);
  });

  t.test(
    'a service that works by another configuration says so, once, and what is not as it was',
    async (t) => {
      const since = Date.now();
      const told = async () =>
        (
          await sql<{ kind: string; body: string }>(
            service,
            `select kind, body from audit.event where kind in ('configuration', 'roles') and recorded >= to_timestamp($1)
           order by recorded, seq`,
            [since / 1000],
          )
        ).map(({ kind, body }) => {
          const entity: { detail?: { type: string; valueString: string }[] }[] = JSON.parse(body).entity;
          const details = entity.flatMap(({ detail = [] }) => detail);
          return { kind, ...Object.fromEntries(details.map((one) => [one.type, one.valueString])) };
        });
      const { configuration } = service.service;
      t.equal(await tellConfiguration(service.service), true);
      t.equal(await tellConfiguration(service.service), false, 'the same is told once');
      t.match(await told(), [{ kind: 'configuration', 'version-before': 'none' }]);
      const organisations = new Map(configuration.policy.organisations);
      const trust = organisations.get('RXQ');
      if (trust === undefined) throw new Error('The county has no RXQ.');
      organisations.set('RXQ', {
        ...trust,
        roles: { ...trust.roles, version: 'spring 2031', unlisted: 'refuse' },
      });
      const policy = { ...configuration.policy, version: 'another', organisations };
      const limits = { ...configuration.limits, requestsPerMinute: 7 };
      const other = { ...service.service, configuration: { ...configuration, policy, limits, issuers: [] } };
      t.equal(await tellConfiguration(other), true);
      t.equal(await tellConfiguration(service.service, '99.0.0'), true, 'and back, with another program');
      const [, change, roles, back] = await told();
      t.match(change, {
        kind: 'configuration',
        changed: 'limits, policy, roles RXQ',
        removed: `issuer ${configuration.issuers[0]?.issuer}`,
        'policy-before': configuration.policy.version,
        'policy-version': 'another',
      });
      t.match(roles, { kind: 'roles', changed: `RXQ ${trust.roles.version} to spring 2031` });
      t.match(back, { changed: 'limits, policy, roles RXQ, software', software: '99.0.0' });
      await t.rejects(
        tellConfiguration({ ...other, account: () => Promise.reject(new Error('away')) }),
        /away/,
        'what cannot be told is not gone by',
      );
      t.equal(await tellConfiguration(other), true, 'and is told the next time');
      const unread = JSON.stringify(await told());
      t.notMatch(unread, /requestsPerMinute|postgres|keys/, 'names alone');
    },
  );

  t.test('answers 503 without data while the database is away, and recovers by itself', async (t) => {
    const admin = new pg.Client({ connectionString: service.databaseUrl.replace(/\/[^/]*$/, '/postgres') });
    await admin.connect();
    const database = new URL(service.databaseUrl).pathname.slice(1);
    await admin.query(`alter database "${database}" allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      database,
    ]);
    const away = await service.get(`Patient/${id}`, token);
    t.equal(away.status, 503);
    t.ok(away.headers['retry-after']);
    t.notMatch(away.text, new RegExp(`${id}|${showcase}`));
    t.equal((await service.get('/livez')).status, 200);
    t.equal((await service.get('/readyz')).status, 503);
    await admin.query(`alter database "${database}" allow_connections true`);
    await admin.end();
    let status = 0;
    for (let attempt = 0; attempt < 100 && status !== 200; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      status = (await service.get(`Patient/${id}`, token)).status;
    }
    t.equal(status, 200, 'it answers again');
  });

  t.test(
    'every route declares what it may give, and none answers without a token but the public ones',
    async (t) => {
      const routes = service.service.app.printRoutes({ commonPrefix: false });
      t.match(routes, /fhir/);
      for (const path of [
        'Patient/1',
        'Patient?identifier=x',
        'Observation',
        `Patient/${id}/$everything`,
        'AuditEvent',
        'Consent',
        'Organization',
        'Organization/1',
        'Binary/1',
      ]) {
        t.equal((await service.get(path)).status, 401, path.replace(id, 'ID'));
      }
      for (const path of ['metadata', '.well-known/smart-configuration'])
        t.equal((await service.get(path)).status, 200, path);
    },
  );

  t.test('counts unauthenticated refusals, and audits them together', async (t) => {
    await service.service.app.close();
    const events = await sql<{ outcome: number; body: string }>(
      service,
      "select outcome, body from audit.event where kind = 'unauthenticated'",
    );
    t.equal(events.length, 1, 'many refusals of one address, one event');
    t.match(events[0]?.body, /token-missing/);
    t.match(events[0]?.body, /127\.0\.0\.1/);
  });
});
