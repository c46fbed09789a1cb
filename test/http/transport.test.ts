import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import pg from 'pg';
import t from 'tap';
import { readConfiguration } from '../../src/config.ts';
import { Problem } from '../../src/fhir/problem.ts';
import { negotiate } from '../../src/http/negotiation.ts';
import { preferencesOf } from '../../src/http/prefer.ts';
import { JSON_LIMIT, jsonBodyOf, takeJson } from '../../src/http/request-body.ts';
import { recordRejected } from '../../src/record/rejected.ts';
import { STAFF } from '../support/occurrences.ts';
import { repositoryRoot } from '../support/root.ts';
import { byNumber, type TestService, testService } from '../support/service.ts';

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;
const PLAIN = 'application/fhir+json; charset=utf-8';
const VERSIONED = `${PLAIN}; fhirVersion=4.0`;
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const PORTAL = 'https://portal.example';
const LIMIT = 900;

type Headers = Readonly<Record<string, string>>;

interface Event {
  readonly kind: string;
  readonly outcome: number;
  readonly body: string;
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

const eventsOf = (service: TestService, requestId: string): Promise<Event[]> =>
  sql(service, 'select kind, outcome, body from audit.event where request_id = $1', [requestId]);

function contentType(accept: string | undefined, format?: string): string {
  try {
    return negotiate(accept, format === undefined ? [] : [['_format', format]]).contentType;
  } catch (error) {
    return error instanceof Problem ? error.kind : String(error);
  }
}

t.test('what is accepted is read with its qualities, versions and character sets', async (t) => {
  const table: readonly (readonly [string | undefined, string])[] = [
    [undefined, PLAIN],
    ['*/*', PLAIN],
    ['application/fhir+json', PLAIN],
    ['APPLICATION/FHIR+JSON', PLAIN],
    ['application/json', PLAIN],
    ['text/json', PLAIN],
    ['application/*', PLAIN],
    ['text/html, image/gif, *; q=.2, */*; q=.2', PLAIN],
    ['application/fhir+xml;q=0.9, application/fhir+json;q=0.1', PLAIN],
    ['application/fhir+xml, */*;q=0.001', PLAIN],
    ['application/fhir+json; charset=utf-8', PLAIN],
    ['application/fhir+json;charset="UTF-8"', PLAIN],
    ['application/json;q=0, */*', PLAIN],
    ['application/json;q=0, application/fhir+json', PLAIN],
    ['application/fhir+json; fhirVersion=4.0', VERSIONED],
    ['application/fhir+json;q=0.5;fhirVersion=4.0', VERSIONED],
    ['text/html, application/json;fhirVersion=4.0, */*', VERSIONED],
    ['application/fhir+json;fhirVersion=3.0, application/fhir+json', PLAIN],
    ['application/fhir+json;fhirVersion=3.0, application/fhir+json;fhirVersion=4.0', VERSIONED],
    ['application/xml;profile="a,b;q=0", application/fhir+json', PLAIN],
    ['', 'not-acceptable'],
    ['application/fhir+json;q=0', 'not-acceptable'],
    ['application/fhir+json;q=0.000, */*', 'not-acceptable'],
    ['*/*;q=0', 'not-acceptable'],
    ['application/*;q=0, */*', 'not-acceptable'],
    ['application/json;q=0', 'not-acceptable'],
    ['application/fhir+json;fhirVersion=4.0;q=0, */*', 'not-acceptable'],
    ['application/fhir+json;q=2', 'not-acceptable'],
    ['application/fhir+json;q=much', 'not-acceptable'],
    ['application/fhir+json;fhirVersion=3.0', 'not-acceptable'],
    ['*/*;fhirVersion=5.0', 'not-acceptable'],
    ['application/fhir+json;charset=utf-16', 'not-acceptable'],
    ['application/fhir+xml', 'not-acceptable'],
    ['text/html', 'not-acceptable'],
    ['application/fhir+jsonx', 'not-acceptable'],
    ['"application/fhir+json"', 'not-acceptable'],
  ];
  for (const [accept, expected] of table) t.equal(contentType(accept), expected, String(accept));
  const formats: readonly (readonly [string, string])[] = [
    ['json', PLAIN],
    ['application/json', PLAIN],
    ['application/fhir+json', PLAIN],
    ['application/fhir json', PLAIN],
    ['application/fhir json; fhirVersion=4.0', VERSIONED],
    ['application/fhir+json;fhirVersion=3.0', 'not-acceptable'],
    ['application/json;q=0.5', PLAIN],
    ['xml', 'not-acceptable'],
    ['application/fhir+xml', 'not-acceptable'],
    ['application/fhir xml', 'not-acceptable'],
    ['text/html', 'not-acceptable'],
    ['*/*', 'not-acceptable'],
    ['json, xml', 'not-acceptable'],
  ];
  for (const [format, expected] of formats) t.equal(contentType('text/html', format), expected, format);
  t.equal(contentType('text/html', ''), 'not-acceptable', 'an empty _format says nothing');

  const type = fc.constantFrom(
    'application/fhir+json',
    'application/json',
    'text/json',
    'application/*',
    '*/*',
  );
  const other = fc.constantFrom('text/html', 'application/fhir+xml', 'application/fhir+jsonp', 'image/*', '');
  const range = fc.oneof(
    other,
    type.map((one) => `${one}; fhirVersion=3.0`),
    type.map((one) => `${one};q=0`),
    type.map((one) => `${one}; charset=ascii`),
  );
  fc.assert(
    fc.property(
      fc.array(range, { minLength: 1 }),
      (ranges) => contentType(ranges.join(', ')) === 'not-acceptable',
    ),
  );
  fc.assert(
    fc.property(fc.string(), (accept) => [PLAIN, VERSIONED, 'not-acceptable'].includes(contentType(accept))),
  );
});

t.test('preferences are read wherever they stand, and malformed ones are ignored', async (t) => {
  const table: readonly (readonly [string | string[] | undefined, boolean, boolean])[] = [
    [undefined, false, false],
    ['handling=strict', false, true],
    ['Handling = "Lenient"', false, true],
    ['respond-async, handling=lenient', false, true],
    ['return=minimal; handling=strict', false, true],
    ['completeness=required', true, false],
    ['handling=lenient, completeness=required', true, true],
    ['completeness="required"; x=1', true, false],
    ['handling', false, false],
    ['handling=', false, false],
    ['handling=whatever', false, false],
    ['handling="strict', false, false],
    ['note="handling=strict, completeness=required"', false, false],
    ['=strict,,;"', false, false],
    [['handling=strict'], false, false],
  ];
  for (const [prefer, complete, handling] of table) {
    t.strictSame(preferencesOf(prefer), { complete, handling }, String(prefer));
  }
});

t.test('origins are configured whole, and each fault is named', async (t) => {
  const folder = t.testdir({});
  const demo = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8')) as object;
  const faultsOf = (cors: unknown, more: object = {}): string => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...demo, ...more, cors }));
    try {
      const read = readConfiguration({ MCR_CONFIG: file, MCR_DATA: folder }, repositoryRoot());
      return `none: ${read.cors.join(' ')}`;
    } catch (error) {
      return String(error);
    }
  };
  t.equal(faultsOf(undefined), 'none: ', 'nobody unless listed');
  const good = [
    PORTAL,
    'https://a.example:8443',
    'http://localhost:3000',
    'http://127.0.0.1:9',
    'http://[::1]:9',
  ];
  t.equal(faultsOf(good), `none: ${good.join(' ')}`);
  const bad = [
    '*',
    'null',
    'https://*.example',
    'https://portal.example/',
    'https://portal.example/app',
    'https://portal.example:443',
    'https://Portal.example',
    'https://user@portal.example',
    'http://portal.example',
    'http://localhost.portal.example',
    'portal.example',
    'file:///tmp/x',
  ];
  const said = faultsOf([PORTAL, ...bad]);
  bad.forEach((origin, index) => {
    t.match(said, `/cors/${index + 1}: ${origin} is not an origin`, origin);
  });
  t.notMatch(said, '/cors/0');
  t.match(faultsOf([PORTAL, PORTAL]), /\/cors: https:\/\/portal\.example is there twice/);
  t.match(faultsOf(PORTAL), /\/cors must be array/);
  t.match(faultsOf([7]), /\/cors\/0 must be string/);
  t.match(
    faultsOf(['http://localhost:3000'], { mode: 'production' }),
    /\/cors\/0: http:\/\/localhost:3000/,
    'of real people no page without TLS',
  );
});

t.test('HTTP around the FHIR API', async (t) => {
  const service = await testService(t, { people: 60 }, (configuration) => {
    configuration['cors'] = [PORTAL, 'http://localhost:3000'];
    configuration['limits'] = { requestsPerMinute: LIMIT };
  });
  const { app } = service.service;
  // as the operations that take a resource do it
  app.register(async (scope) => {
    takeJson(scope);
    scope.post('/fhir/$take', { config: { policy: 'public' } }, async (request) => ({
      read: jsonBodyOf(request),
      text: request.body,
    }));
    scope.post('/fhir/$refuse', { config: { policy: 'refused' } }, async (request) => {
      const about = {
        caller: STAFF,
        what: 'everything',
        requestId: request.id,
        clientAddress: '',
        rawRequest: '',
      } as const;
      throw await recordRejected(service.service.disclosure, about, new Problem('unsupported-media', 'No.'));
    });
  });
  const token = await service.token(GP);
  const found = await service.get(
    `Patient?identifier=${byNumber(service.person('showcase').nhsNumber)}`,
    token,
  );
  const id: string = found.json.entry[0].resource.id;
  const record = `Patient/${id}/$everything?_count=1000`;
  const everything = await service.get(record, token);
  const [condition] = (
    everything.json.entry as {
      resource: { resourceType: string; id: string; meta: { lastUpdated: string } };
    }[]
  )
    .map((entry) => entry.resource)
    .filter((resource) => resource.resourceType === 'Condition');
  if (condition === undefined) throw new Error('The showcase has a condition.');
  const one = `Condition/${condition.id}`;

  const send = (
    method: 'GET' | 'HEAD' | 'POST' | 'OPTIONS' | 'PUT',
    path: string,
    headers: Headers = {},
    payload?: string | Buffer,
  ) =>
    app.inject({
      method,
      url: path.startsWith('/') ? path : `/fhir/${path}`,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });

  t.test('the FHIR version comes back where it was asked for, with errors too', async (t) => {
    const versioned = { accept: 'application/fhir+json; fhirVersion=4.0' };
    for (const path of [
      `Patient/${id}`,
      `Condition?patient=${id}`,
      'metadata',
      'Patient/nobody',
      'Nothing',
    ]) {
      t.equal(
        (await service.get(path, token, versioned)).headers['content-type'],
        VERSIONED,
        path.replace(id, 'ID'),
      );
      t.equal((await service.get(path, token)).headers['content-type'], PLAIN);
    }
    t.equal((await service.get(`Patient/${id}?_format=application/fhir+json`, token)).status, 200);
    t.equal((await service.get('metadata?_format=application/fhir+json', token)).status, 200);
    for (const [path, accept] of [
      [`Patient/${id}`, 'application/fhir+json;q=0, */*'],
      [`Condition?patient=${id}&_format=xml`, '*/*'],
    ] as const) {
      const answer = await service.get(path, token, { accept, 'x-request-id': 'not-acceptable' });
      t.equal(answer.status, 406);
      t.equal(answer.headers['content-type'], PLAIN);
    }
    const events = await eventsOf(service, 'not-acceptable');
    t.strictSame(
      events.map((event) => event.kind).sort(),
      ['read', 'search-type'],
      'audited as what was attempted',
    );
  });

  t.test('_pretty=true indents every answer and changes none', async (t) => {
    for (const path of [`Patient/${id}`, record, 'metadata', 'Patient/nobody', one]) {
      const beside = path.includes('?') ? '&' : '?';
      const [plain, pretty, off] = [
        await service.get(path, token),
        await service.get(`${path}${beside}_pretty=true`, token),
        await service.get(`${path}${beside}_pretty=false`, token),
      ];
      t.equal(pretty.status, plain.status, path.replace(id, 'ID'));
      if (path !== record) {
        t.equal(pretty.text, JSON.stringify(plain.json, null, 2));
        t.equal(off.text, plain.text);
      }
      t.strictSame(pretty.json.entry, plain.json.entry);
      const wrong = await service.get(`${path}${beside}_pretty=yes`, token);
      t.equal(wrong.status, 400);
      t.strictSame(wrong.json.issue[0].expression, ['_pretty']);
    }
    const measured = (await service.get(`Observation?patient=${id}`, token)).json.entry.find(
      (entry: { resource: { valueQuantity?: object } }) => entry.resource.valueQuantity !== undefined,
    ).resource.id;
    await sql(
      service,
      `update record.resource_version set body = regexp_replace(body, '"value":[0-9.]+', '"value":7.10')
       where resource_id = $1`,
      [measured],
    );
    t.match((await service.get(`Observation/${measured}`, token)).text, '"value":7.10');
    const text = (await service.get(`Observation/${measured}?_pretty=true`, token)).text;
    t.match(text, '"value": 7.10,', 'decimals keep their digits');
    t.match((await service.get(`Patient/${id}?_pretty=true`)).text, /^{\n {2}"resourceType"/, 'a 401 too');
    t.match((await service.get('Condition?_format=xml&_pretty=true', token)).text, /^{\n/, 'and a 406');
    t.match((await service.post('Condition/_search', `patient=${id}&_pretty=true`, token)).text, /^{\n/);
    t.equal((await service.get(`Patient/${id}?_pretty=true&_pretty=true`, token)).status, 400);
    const next = (await service.get(`Observation?patient=${id}&_count=1`, token)).json.link.find(
      (link: { relation: string }) => link.relation === 'next',
    ).url;
    t.match(
      (await service.get(`${new URL(next).pathname}${new URL(next).search}&_pretty=true`, token)).text,
      /^{\n/,
    );
  });

  t.test('either handling is answered strictly, and said so', async (t) => {
    for (const handling of ['strict', 'lenient']) {
      const prefer = { prefer: `handling=${handling}` };
      const good = await service.get(`Condition?patient=${id}`, token, prefer);
      t.equal(good.status, 200);
      t.equal(good.headers['preference-applied'], 'handling=strict');
      const wrong = await service.get(`Condition?patient=${id}&colour=red`, token, prefer);
      t.equal(wrong.status, 400, handling);
      t.equal(wrong.headers['preference-applied'], 'handling=strict');
    }
    const odd = await service.get(`Condition?patient=${id}`, token, { prefer: 'handling=;;,"' });
    t.equal(odd.status, 200);
    t.equal(odd.headers['preference-applied'], undefined);
  });

  t.test('large answers are compressed for who takes gzip, and nothing else is', async (t) => {
    const everything = await service.get(record, token);
    const large = await send('GET', record, { 'accept-encoding': 'br, gzip', 'x-request-id': 'zipped' });
    t.ok(everything.text.length > 16 * 1024, `${everything.text.length} characters`);
    t.equal(large.headers['content-encoding'], 'gzip');
    t.match(String(large.headers['vary']), /accept-encoding/);
    const unzipped = gunzipSync(large.rawPayload).toString('utf8');
    t.strictSame(JSON.parse(unzipped).entry, everything.json.entry, 'the released text');
    t.ok(large.rawPayload.length < unzipped.length / 3);
    t.equal((await eventsOf(service, 'zipped')).length, 1);
    for (const [path, headers] of [
      [record, {}],
      [record, { 'accept-encoding': 'br' }],
      [record, { 'accept-encoding': 'gzip;q=0' }],
      [one, { 'accept-encoding': 'gzip' }],
      ['Patient/nobody', { 'accept-encoding': 'gzip' }],
      [`${record}&x=1`, { 'accept-encoding': 'gzip' }],
    ] as const) {
      const answer = await send('GET', path, headers);
      t.equal(answer.headers['content-encoding'], undefined, JSON.stringify(headers));
      t.equal(
        /accept-encoding/.test(String(answer.headers['vary'])),
        path === record,
        'Vary where it varies',
      );
      t.equal(Number(answer.headers['content-length']), answer.rawPayload.length);
    }
    const bomb = await send(
      'POST',
      'Condition/_search',
      {
        'content-type': 'application/x-www-form-urlencoded',
        'content-encoding': 'gzip',
        'x-request-id': 'bomb',
      },
      `patient=${id}`,
    );
    t.equal(bomb.statusCode, 415, 'no request is decompressed');
    t.equal((await eventsOf(service, 'bomb'))[0]?.kind, 'search-type', 'audited');
    const identity = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'identity' };
    t.equal((await send('POST', 'Condition/_search', identity, `patient=${id}`)).statusCode, 200);
  });

  t.test('HEAD is GET without its body on every route, and audited once (E-01)', async (t) => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    // over a socket, since a body behind HEAD would be read as the next answer
    const bytes = (method: string, path: string, requestId: string, more: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () =>
          socket.write(
            `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: ${requestId}\r\n` +
              `Authorization: Bearer ${token}\r\n${more}\r\n`,
          ),
        );
        const chunks: Buffer[] = [];
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
        socket.on('error', reject);
      });
    const varying = /^(date|x-request-id|x-audit-receipt|x-ratelimit-.*|content-length|transfer-encoding):/i;
    const headers = (answer: string): string[] =>
      (answer.split('\r\n\r\n')[0] ?? '').split('\r\n').filter((line) => !varying.test(line));
    const length = (answer: string): string | undefined => /content-length: (\d+)/i.exec(answer)?.[1];
    const routes: readonly (readonly [string, string | undefined, string?])[] = [
      [`/fhir/Patient/${id}`, 'read'],
      [`/fhir/${one}`, 'read'],
      [`/fhir/Condition?patient=${id}`, 'search-type'],
      [`/fhir/${record}`, 'everything'],
      [`/fhir/${record}`, 'everything', 'Accept-Encoding: gzip\r\n'],
      ['/fhir/Organization?_count=1', 'search-type'],
      ['/fhir/Patient/nobody', 'read'],
      [`/fhir/Condition?patient=${id}&x=1`, 'search-type'],
      ['/fhir/Coverage/1', 'read'],
      ['/fhir/Coverage', 'search-type'],
      ['/fhir/metadata', undefined],
      ['/fhir/.well-known/smart-configuration', undefined],
      ['/livez', undefined],
      ['/readyz', undefined],
      ['/metrics', undefined],
      ['/nothing', undefined],
    ];
    for (const [index, [path, kind, more = '']] of routes.entries()) {
      const name = `${path.replace(id, 'ID').slice(0, 40)} ${more.trim()}`;
      const [get, head] = [
        await bytes('GET', path, `get-${index}`, more),
        await bytes('HEAD', path, `head-${index}`, more),
      ];
      t.strictSame(headers(head), headers(get), `${name}: status and headers`);
      t.equal(head.split('\r\n\r\n').slice(1).join(''), '', `${name}: no body`);
      const [said, sent] = [length(head), length(get)];
      const moving = /everything|metrics|\?/.test(path);
      t.ok(said === undefined || moving || said === sent, `${name}: the length of GET, or none`);
      const events = await eventsOf(service, `head-${index}`);
      t.strictSame(
        events.map((event) => event.kind),
        kind === undefined ? [] : [kind],
        `${name}: audited as ${kind ?? 'nobody’s'}`,
      );
    }
  });

  t.test(
    'Last-Modified is on the read of one stored resource and on nothing else, and tells nothing',
    async (t) => {
      const updated = new Date(condition.meta.lastUpdated).toUTCString();
      const read = await service.get(one, token);
      t.equal(read.headers['last-modified'], updated);
      t.equal(new Date(read.json.meta.lastUpdated).toUTCString(), updated);
      const practitioner = (await service.get('Practitioner?_count=1', token)).json.entry[0].resource;
      const looked = await service.get(`Practitioner/${practitioner.id}`, token);
      t.equal(looked.headers['last-modified'], new Date(practitioner.meta.lastUpdated).toUTCString());
      for (const path of [
        `Patient/${id}`,
        `Condition?_id=${condition.id}`,
        record,
        'Condition/nobody',
        'metadata',
      ]) {
        t.equal((await service.get(path, token)).headers['last-modified'], undefined, path.replace(id, 'ID'));
      }
      for (const headers of [
        { 'if-modified-since': updated },
        { 'if-modified-since': new Date(Date.now() + 86_400_000).toUTCString() },
        { 'if-none-match': '*' },
        { 'if-none-match': 'W/"1"' },
        { 'if-match': '"x"' },
        { 'if-unmodified-since': new Date(0).toUTCString() },
        { range: 'bytes=0-9' },
        { 'if-range': updated, range: 'bytes=0-9' },
      ]) {
        for (const [path, status] of [
          [one, 200],
          [`Patient/${id}`, 200],
          [`Condition?patient=${id}`, 200],
          ['Condition/nobody', 404],
        ] as const) {
          const answer = await service.get(path, token, headers);
          t.equal(answer.status, status, `${Object.keys(headers).join()} ${path.replace(id, 'ID')}`);
          t.ok(answer.text.length > 10, 'whole');
          t.notOk(
            answer.headers['etag'] ?? answer.headers['accept-ranges'] ?? answer.headers['content-range'],
          );
        }
      }
    },
  );

  t.test('a valid traceparent comes back and goes into the event; any other is ignored', async (t) => {
    const paths = [`Patient/${id}`, 'Patient/nobody', 'Condition?x=1', 'Coverage/1', '/fhir/%zz'];
    for (const [index, path] of paths.entries()) {
      const requestId = `trace-${index}`;
      const answer = await service.get(path, token, { traceparent: TRACE, 'x-request-id': requestId });
      t.equal(answer.headers['traceparent'], TRACE, path.replace(id, 'ID'));
      t.equal(answer.headers['x-request-id'], requestId);
      const [event] = await eventsOf(service, requestId);
      const traced = JSON.parse(event?.body ?? '{}').entity?.filter(
        (entity: { role?: { code?: string } }) => entity.role?.code === '26',
      );
      t.match(traced, [{ type: { code: '4' }, what: { identifier: { value: TRACE } } }]);
    }
    for (const other of [
      TRACE.toUpperCase(),
      TRACE.replace(/^00/, '01'),
      TRACE.replace(/^00/, 'ff'),
      `${TRACE}-more`,
      `${TRACE}, ${TRACE}`,
      TRACE.replace(/-[0-9a-f]{32}-/, `-${'0'.repeat(32)}-`),
      TRACE.replace(/-[0-9a-f]{16}-/, `-${'0'.repeat(16)}-`),
      TRACE.slice(0, -1),
      '9990000018',
      '',
    ]) {
      const answer = await service.get(one, token, { traceparent: other, 'x-request-id': 'untraced' });
      t.equal(answer.status, 200);
      t.equal(answer.headers['traceparent'], undefined, other);
    }
    for (const { body } of await eventsOf(service, 'untraced')) t.notMatch(body, /"code":"26"/);
  });

  t.test('pages of the listed origins may read answers, and of no others (H-06)', async (t) => {
    const preflight = (origin: string | undefined, path = one) =>
      app.inject({
        method: 'OPTIONS',
        url: `/fhir/${path}`,
        headers: {
          ...(origin === undefined ? {} : { origin }),
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
          'x-request-id': 'preflight',
        },
      });
    for (const origin of [PORTAL, 'http://localhost:3000']) {
      const asked = await preflight(origin);
      t.equal(asked.statusCode, 204);
      t.equal(asked.headers['access-control-allow-origin'], origin);
      t.equal(asked.headers['access-control-allow-methods'], 'GET, HEAD, POST');
      t.equal(
        asked.headers['access-control-allow-headers'],
        'Authorization, Content-Type, Accept, Prefer, X-Request-Id, traceparent',
      );
      for (const path of [one, 'Condition/nobody', `Condition?patient=${id}`, 'metadata']) {
        const answer = await service.get(path, token, { origin });
        t.equal(answer.headers['access-control-allow-origin'], origin, path.replace(id, 'ID'));
        t.equal(answer.headers['access-control-allow-credentials'], undefined);
        t.match(String(answer.headers['vary']), /Origin/);
        t.equal(
          answer.headers['access-control-expose-headers'],
          'X-Request-Id, Last-Modified, traceparent, Location, X-Audit-Receipt',
        );
      }
      t.equal((await service.get(one, undefined, { origin })).headers['access-control-allow-origin'], origin);
    }
    for (const origin of [
      'null',
      '*',
      'https://evil.example',
      'http://portal.example',
      'https://portal.example.evil.example',
      'https://evilportal.example',
      'https://evil.portal.example',
      'https://portal.example:444',
      'https://portal.example/',
      'HTTPS://PORTAL.EXAMPLE',
      `${PORTAL}, ${PORTAL}`,
      'http://localhost:3001',
    ]) {
      const asked = await preflight(origin);
      t.equal(asked.statusCode, 404, origin);
      t.equal(asked.json().resourceType, 'OperationOutcome');
      const answer = await service.get(one, token, { origin });
      t.equal(answer.status, 200, 'who is no browser is answered as ever');
      for (const headers of [asked.headers, answer.headers]) {
        t.strictSame(
          Object.keys(headers).filter((name) => name.startsWith('access-control-')),
          [],
        );
      }
    }
    t.equal((await preflight(undefined)).statusCode, 404);
    t.strictSame(await eventsOf(service, 'preflight'), [], 'the record is not touched');
    const smart = await service.get('.well-known/smart-configuration', undefined, {
      origin: 'https://evil.example',
    });
    t.equal(smart.headers['access-control-allow-origin'], '*', 'discovery is open to any origin');
    const listed = await service.get('.well-known/smart-configuration', undefined, { origin: PORTAL });
    t.equal(listed.headers['access-control-allow-origin'], '*');
    t.equal((await service.get('metadata')).json.rest[0].security.cors, true);
  });

  t.test('a JSON body is taken where a route says so: whole, in UTF-8, up to 1 MiB', async (t) => {
    const json = '{"resourceType":"Parameters","value":7.10}';
    const take = (type: string | undefined, payload: string | Buffer = json, headers: Headers = {}) =>
      send('POST', '$take', { ...(type === undefined ? {} : { 'content-type': type }), ...headers }, payload);
    for (const type of [
      'application/fhir+json',
      'application/json',
      'Application/FHIR+JSON; Charset=UTF-8',
      'application/fhir+json;charset="utf-8"',
      'application/fhir+json; fhirVersion=4.0; charset=utf-8',
    ]) {
      const answer = await take(type);
      t.equal(answer.statusCode, 200, type);
      t.equal(answer.json().text, json, 'as it came');
    }
    for (const type of [
      undefined,
      '',
      'application/json\ta',
      'application/json garbage',
      'application/json; garbage',
      'application/json;charset=utf-7',
      'application/json; charset=utf-8; charset=utf-7',
      'application/fhir+json; fhirVersion=3.0',
      'application/jsonx',
      'application/json, application/json',
      'application/x-www-form-urlencoded',
      'application/fhir+xml',
      'text/plain',
    ]) {
      const answer = await take(type);
      t.equal(answer.statusCode, 415, String(type));
      t.equal(answer.json().resourceType, 'OperationOutcome');
    }
    t.equal((await take('application/json', json, { 'content-encoding': 'gzip' })).statusCode, 415);
    t.equal((await take('application/json', Buffer.from([0x7b, 0xff, 0x7d]))).statusCode, 415, 'no UTF-8');
    t.equal((await take('application/json', `\ufeff${json}`)).statusCode, 400);
    t.equal((await take('application/json', '{"a":1,"a":2}')).statusCode, 400);
    t.equal((await take('application/json', '{"__proto__":{}}')).statusCode, 400);
    t.equal((await take('application/json', '')).statusCode, 400);
    const full = `{"a":"${'x'.repeat(JSON_LIMIT - 8)}"}`;
    t.equal((await take('application/json', full)).statusCode, 200);
    t.equal((await take('application/json', `${full} `, { 'x-request-id': 'too-long' })).statusCode, 413);
    t.match(await eventsOf(service, 'too-long'), [{ kind: 'create', outcome: 4 }]);
    const form = (type: string) =>
      send('POST', 'Condition/_search', { 'content-type': type }, `patient=${id}`);
    t.equal((await form('application/x-www-form-urlencoded; charset=UTF-8')).statusCode, 200);
    t.equal((await form('application/x-www-form-urlencoded; charset=utf-7')).statusCode, 415);
    t.equal((await form('application/fhir+json')).statusCode, 415, 'searches take forms alone');
  });

  t.test('what is refused before a route saw it is audited, of a known caller', async (t) => {
    const form = 'application/x-www-form-urlencoded';
    const search = (type: string, body: string, headers: Headers) =>
      send('POST', 'Condition/_search', { 'content-type': type, ...headers }, body);
    t.equal(
      (await search(form, `patient=${'x'.repeat(65 * 1024)}`, { 'x-request-id': 'e-413' })).statusCode,
      413,
    );
    t.equal((await search('text/xml', '<a/>', { 'x-request-id': 'e-415' })).statusCode, 415);
    t.equal((await service.get('/fhir/%zz?patient=1', token, { 'x-request-id': 'e-url' })).status, 400);
    t.equal(
      (await service.get(`Patient/${'a'.repeat(300)}`, token, { 'x-request-id': 'e-long' })).status,
      400,
    );
    t.match(await eventsOf(service, 'e-413'), [{ kind: 'search-type', outcome: 4, body: /too-large/ }]);
    t.match(await eventsOf(service, 'e-415'), [
      { kind: 'search-type', outcome: 4, body: /unsupported-media/ },
    ]);
    t.equal((await eventsOf(service, 'e-long')).length, 0, 'the second of a minute is only counted');
    t.match(
      await eventsOf(service, 'trace-4'),
      [{ kind: 'search-type', outcome: 4, body: /invalid/ }],
      'the first was here',
    );

    const lines = await search(form, '\n'.repeat(60 * 1024), { 'x-request-id': 'e-lines' });
    t.equal(lines.statusCode, 400, 'line after line is read through once');
    t.equal((await eventsOf(service, 'e-lines')).length, 1);
    const json = { 'content-type': 'application/json', 'x-request-id': 'e-once' };
    t.equal((await send('POST', '$refuse', json, '{}')).statusCode, 415);
    t.equal(
      (await eventsOf(service, 'e-once')).length,
      1,
      'what a route accounted for is not accounted for twice',
    );

    const unknown = { authorization: '', 'x-request-id': 'e-nobody' };
    t.equal((await search('text/xml', '<a/>', unknown)).statusCode, 415);
    t.equal((await service.get('/fhir/%zz', undefined, unknown)).status, 400);
    t.strictSame(await eventsOf(service, 'e-nobody'), [], 'nobody known is counted only');

    const flood = async (requestId: string, bearer: string | undefined): Promise<number> =>
      (
        await app.inject({
          url: `/fhir/${one}`,
          remoteAddress: '198.51.100.7',
          headers: {
            'x-request-id': requestId,
            ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          },
        })
      ).statusCode;
    for (let n = 0; n < LIMIT; n += 1) await app.inject({ url: '/livez', remoteAddress: '198.51.100.7' });
    t.equal(await flood('f-new', await service.token({ ...GP, user: 'gp-new' })), 429);
    t.equal((await eventsOf(service, 'f-new')).length, 0, 'no signature is checked for it');
    t.equal(await flood('f-first', token), 429);
    t.equal(await flood('f-second', token), 429);
    t.equal(await flood('f-nobody', undefined), 429);
    t.match(await eventsOf(service, 'f-first'), [{ kind: 'read', outcome: 4, body: /throttled/ }]);
    t.equal((await eventsOf(service, 'f-second')).length, 0);
    await app.close();
    const counted = await sql<Event>(service, "select body from audit.event where kind = 'unauthenticated'");
    const text = counted.map((event) => event.body).join('\n');
    t.match(text, /"type":"throttled","valueString":"3"/, 'they are counted by address');
    t.match(text, /"type":"undecodable-address"/);
    t.match(text, /"type":"token-missing"/);
  });
});
