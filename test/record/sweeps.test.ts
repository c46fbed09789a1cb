import fc from 'fast-check';
import type pg from 'pg';
import t from 'tap';
import type { Caller } from '../../src/access/caller.ts';
import { isNhsNumber } from '../../src/identity/nhs-number.ts';
import { PeopleAsked, WINDOW } from '../../src/record/people-asked.ts';
import { wire } from '../../src/wire.ts';
import { patient, staff, system } from '../access/world.ts';
import { GP } from '../support/hard-cases.ts';
import { behind } from '../support/planted.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';

/** Sweeps over people: attack catalogue O-09 and D-04. */

const USER_LIMIT = 8;
const CLIENT_LIMIT = 20;
const REQUESTS = 400;
const RESTRICTED_FUNCTION = 'http://dicom.nema.org/resources/ontology/DCM|110132';

/** Valid numbers of the test range that nobody in the county has: from the far end of it. */
function* unknownNumbers(): Generator<string> {
  for (let number = 9_999_999_999; ; number -= 1) if (isNhsNumber(String(number))) yield String(number);
}

t.test('no user and no client is ever given more different people an hour than the limit', async (t) => {
  const callers: readonly Caller[] = [
    staff({ user: { id: 'a', name: '' }, client: 'x' }),
    staff({ user: { id: 'b', name: '' }, client: 'x' }),
    staff({ user: { id: 'a', name: '' }, organisation: 'K82001', client: 'y' }),
    patient({ subject: 'a', client: 'x' }),
    system({ client: 'y' }),
  ];
  const limits = { perUser: 3, perClient: 5 };
  const step = fc.record({
    caller: fc.nat({ max: callers.length - 1 }),
    asked: fc.nat({ max: 12 }).map((n) => `person ${n}`),
    wait: fc.oneof(
      { weight: 9, arbitrary: fc.nat({ max: 60_000 }) },
      { weight: 1, arbitrary: fc.nat({ max: WINDOW }) },
    ),
  });
  let refusals = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const people = new PeopleAsked(limits);
      let now = 0;
      // who was newly given whom and when, kept apart from the counter
      const given: { readonly key: string; readonly asked: string; readonly at: number }[] = [];
      const recent = (key: string) => given.filter((one) => one.key === key && one.at > now - WINDOW);
      for (const { caller: index, asked, wait } of steps) {
        now += wait;
        const caller = callers[index] as Caller;
        const keys = [
          `client ${caller.client}`,
          ...(caller.kind === 'system' ? [] : [`user ${index}`]),
        ] as const;
        const room = keys.every((key) => {
          const known = recent(key);
          const limit = key.startsWith('user') ? limits.perUser : limits.perClient;
          return known.some((one) => one.asked === asked) || known.length < limit;
        });
        const counted = people.count(caller, asked, now);
        if (counted.outcome === 'exceeded') {
          refusals += 1;
          if (room || counted.retryAfter < 1 || counted.retryAfter > WINDOW / 1000) return false;
          continue;
        }
        if (!room) return false;
        const fresh = keys.filter((key) => !recent(key).some((one) => one.asked === asked));
        if (counted.fresh !== fresh.length > 0) return false;
        for (const key of fresh) given.push({ key, asked, at: now });
      }
      return true;
    }),
    { numRuns: 1500 },
  );
  t.ok(refusals > 500, `and it refuses: ${refusals}`);
});

t.test('what other processes counted counts here, once, and for no longer than an hour', async (t) => {
  const people = new PeopleAsked({ perUser: 2, perClient: 10 });
  const counted = { asked: 'p1', at: 1000, organisation: 'RXQ', agent: 'u1', client: 'c' };
  people.learn([counted, counted, { ...counted, asked: 'p2', at: 2000 }], 3000);
  t.match(people.count(staff(), 'p3', 3000), { outcome: 'exceeded', by: 'user', limit: 2, first: true });
  t.match(people.count(staff(), 'p3', 3001), { outcome: 'exceeded', first: false }, 'reported once');
  t.strictSame(people.count(staff(), 'p1', 3001), { outcome: 'counted', fresh: false });
  t.match(people.count(staff({ organisation: 'K82001' }), 'p3', 3001), { outcome: 'counted', fresh: true });
  people.notReported(staff(), 'user');
  t.match(
    people.count(staff(), 'p3', 3002),
    { outcome: 'exceeded', first: true },
    'a report that failed is due',
  );
  t.match(people.count(staff(), 'p4', 1000 + WINDOW), { outcome: 'counted' }, 'the first has left the hour');
  people.learn([counted], 5000 + WINDOW);
  t.match(people.count(staff(), 'p5', 5000 + WINDOW), { outcome: 'counted' }, 'what is older is not learnt');
});

t.test('sweeps over HTTP', async (t) => {
  const service = await testService(t, { people: 60 }, (configuration) => {
    configuration['limits'] = {
      requestsPerMinute: REQUESTS,
      peoplePerUserHour: USER_LIMIT,
      peoplePerClientHour: CLIENT_LIMIT,
    };
  });
  const client = await behind(t, service);
  const unknown = unknownNumbers();
  const next = (): string => unknown.next().value ?? '';
  const { app } = service.service;
  let address = 0;
  /** each test asks from an address of its own, and with a client of its own */
  const asker = async (name: string, options: { readonly client?: string; readonly role?: string } = {}) => {
    address += 1;
    const token = await service.token({ ...GP, user: name, client: name, ...options });
    return (path: string, from = `10.9.0.${address}`, headers: Readonly<Record<string, string>> = {}) =>
      get(path, token, from, headers);
  };
  const get = async (
    path: string,
    token: string,
    from: string,
    headers: Readonly<Record<string, string>> = {},
    instance = app,
  ): Promise<TestAnswer> => {
    const {
      statusCode,
      headers: answered,
      body,
    } = await instance.inject({
      url: `/fhir/${path}`,
      headers: { authorization: `Bearer ${token}`, ...headers },
      remoteAddress: from,
    });
    return { status: statusCode, headers: answered, text: body, json: JSON.parse(body) };
  };
  const byNhs = (number: string): string => `Patient?identifier=${byNumber(number)}`;
  const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
  const idOf = async (name: string): Promise<string> => {
    const { rows } = await client.query<{ id: string }>(
      'select person_id::text as id from record.person_number where nhs_number = $1',
      [numberOf(name)],
    );
    return rows[0]?.id ?? '';
  };
  const statuses = async (ask: (path: string) => Promise<TestAnswer>, paths: readonly string[]) => {
    const found: number[] = [];
    for (const path of paths) found.push((await ask(path)).status);
    return found;
  };
  const central = await service.token({
    kind: 'governance',
    organisation: 'mcr-ig',
    role: 'central-monitoring',
    user: 'ig-1',
    caseNumber: 'IG-1',
  });
  const TRIPPED = [...Array(USER_LIMIT).fill(200), 429];

  await t.test(
    'O-09: numbers swept by one user are refused at the limit, whether they are known or not',
    async (t) => {
      const ask = await asker('sweeper');
      t.strictSame(
        await statuses(
          ask,
          Array.from({ length: USER_LIMIT }, () => byNhs(next())),
        ),
        TRIPPED.slice(0, -1),
        'up to the limit the answer is that nobody was found',
      );
      const refused = [];
      for (const number of [next(), numberOf('showcase'), numberOf('restricted'), numberOf('opted-out')])
        refused.push(await ask(byNhs(number), '10.9.7.7', { 'x-request-id': 'swept' }));
      for (const [place, answer] of refused.entries()) {
        t.equal(answer.status, 429, `${place}`);
        t.equal(answer.json.resourceType, 'OperationOutcome');
        t.match(answer.json.issue, [
          { code: 'throttled', details: { coding: [{ code: 'too-many-people' }] } },
        ]);
        t.ok(Number(answer.headers['retry-after']) > 3500, 'and when to come back');
        t.equal(answer.text, refused[0]?.text, 'the same for known, hidden and unknown');
      }
      const { rows } = await client.query(
        `select outcome, manifest from audit.event where request_id = 'swept' and kind <> 'sweep'`,
      );
      t.equal(rows.filter(({ outcome }) => outcome === 4).length, 4, 'each refusal has an event');
      t.ok(
        rows.every(({ manifest }) => manifest.length === 9),
        'and nothing was released',
      );
    },
  );

  await t.test('O-09: from many addresses it is the same user', async (t) => {
    const ask = await asker('traveller');
    const answers: number[] = [];
    for (let n = 0; n <= USER_LIMIT; n += 1)
      answers.push((await ask(byNhs(next()), `10.8.0.${n}`, { 'x-forwarded-for': `1.2.3.${n}` })).status);
    t.strictSame(answers, TRIPPED);
  });

  await t.test('who is hidden counts exactly as who does not exist', async (t) => {
    const [hidden, nobody] = [await asker('of-hidden'), await asker('of-nobody')];
    const restricted = [byNhs(numberOf('restricted')), `Patient/${await idOf('restricted')}`];
    const absent = [byNhs(next()), 'Patient/00000000-0000-4000-8000-000000000001'];
    const rest = Array.from({ length: USER_LIMIT }, () => byNhs(next()));
    const seen = async (ask: (path: string) => Promise<TestAnswer>, paths: readonly string[]) => {
      const found: string[] = [];
      for (const path of paths) {
        const { status, text } = await ask(path);
        found.push(status === 200 ? '200' : `${status} ${text}`);
      }
      return found;
    };
    t.strictSame(await seen(hidden, [...restricted, ...rest]), await seen(nobody, [...absent, ...rest]));
    t.equal((await hidden(restricted[0] ?? '')).status, 200, 'who was asked for by that name stays answered');
    t.equal((await hidden(byNhs(next()))).status, 429);
  });

  await t.test('by demographics a hidden person counts as one who is not there', async (t) => {
    const { rows } = await client.query<{ family: string; given: string; birth_date: string }>(
      `select family, given, birth_date::text from record.person_search where person_id = $1 limit 1`,
      [await idOf('restricted')],
    );
    const [one] = rows;
    const born = one?.birth_date ?? '';
    const ask = async (name: string, family: string) => {
      const asks = await asker(name);
      const path = `Patient?family=${family}&given=${one?.given.split(' ')[0]}&birthdate=${born}`;
      const first = await asks(path);
      const rest = Array.from({ length: USER_LIMIT }, () => byNhs(next()));
      return [first.status, first.json.total, await statuses(asks, rest)];
    };
    t.strictSame(await ask('guesses-right', one?.family ?? ''), await ask('guesses-wrong', 'nobodyhere'));
  });

  await t.test('one person opened by number, by id and by what is theirs is one person', async (t) => {
    const ask = await asker('worker');
    const id = await idOf('showcase');
    const found = await ask(`Observation?patient=${id}&_count=3`);
    const rows = found.json.entry.filter(
      (entry: { search: { mode: string } }) => entry.search.mode === 'match',
    );
    const paths = [
      byNhs(numberOf('showcase')),
      `Patient/${id}`,
      `Patient/${id}/$everything?_count=2`,
      ...rows.map((entry: { resource: { id: string } }) => `Observation/${entry.resource.id}`),
    ];
    t.strictSame(
      await statuses(ask, paths),
      paths.map(() => 200),
    );
    const others = Array.from({ length: USER_LIMIT }, () => byNhs(next()));
    t.strictSame(await statuses(ask, others), [...Array(USER_LIMIT - 1).fill(200), 429]);
    t.strictSame(
      await statuses(ask, paths),
      paths.map(() => 200),
      'and stays open to whoever has reached the limit',
    );
    t.equal(
      (await ask('Observation/00000000-0000-4000-8000-000000000002')).status,
      429,
      'a guessed id is one more',
    );
    t.equal((await ask('Organization?name=x')).status, 200, 'directories are about nobody');
  });

  await t.test('what is asked at the same time is counted one by one', async (t) => {
    const ask = await asker('impatient');
    const answers = await Promise.all(Array.from({ length: 3 * USER_LIMIT }, () => ask(byNhs(next()))));
    t.equal(answers.filter(({ status }) => status === 200).length, USER_LIMIT);
    t.equal(answers.filter(({ status }) => status === 429).length, 2 * USER_LIMIT);
  });

  await t.test('O-09: one client is refused whoever its users are, and others are not', async (t) => {
    const answers: number[] = [];
    for (let n = 0; n <= CLIENT_LIMIT; n += 1) {
      const ask = await asker(`user-${n}`, { client: 'one-client' });
      answers.push((await ask(byNhs(next()))).status);
    }
    t.strictSame(answers, [...Array(CLIENT_LIMIT).fill(200), 429]);
    t.equal((await (await asker('user-of-another'))(byNhs(next()))).status, 200);
  });

  await t.test('D-04: a sweep is reported once, where officers look and where operators look', async (t) => {
    const day = new Date().toISOString().slice(0, 10);
    const found = await get(
      `AuditEvent?date=${day}&subtype=${RESTRICTED_FUNCTION}&_count=50`,
      central,
      '10.9.8.1',
    );
    t.equal(found.status, 200, found.text.slice(0, 300));
    const events = found.json.entry.map(({ resource }: { resource: { agent: unknown[] } }) => resource);
    const text = (event: unknown): string => JSON.stringify(event);
    const ofSweeper = events.filter((event: unknown) => text(event).includes('"sweeper"'));
    t.equal(ofSweeper.length, 1, 'four refusals, one report');
    t.match(ofSweeper[0], {
      type: { code: '110113' },
      outcome: '4',
      outcomeDesc: 'too-many-people',
    });
    t.match(text(ofSweeper[0]), /"people-asked-for-by","valueString":"user"/);
    t.equal(events.filter((event: unknown) => text(event).includes('"valueString":"client"')).length, 1);
    const officer = async (organisation: string) => {
      const token = await service.token({
        kind: 'governance',
        organisation,
        role: 'privacy-officer',
        user: 'po',
        caseNumber: 'IG-2',
      });
      return (await get(`AuditEvent?date=${day}&subtype=${RESTRICTED_FUNCTION}`, token, '10.9.8.2')).text;
    };
    t.match(await officer(GP.organisation), /"sweeper"/, "the organisation's own officer sees it");
    t.notMatch(await officer('RXQ'), /"sweeper"/, "another's does not");
    const metrics = await app.inject('/metrics');
    t.match(metrics.body, /mcr_sweeps_total\{by="client"\} 1/);
    t.match(metrics.body, /mcr_sweeps_total\{by="user"\} \d/);
  });

  await t.test('the limits hold over several processes and across a restart', async (t) => {
    const token = await service.token({ ...GP, user: 'twofold', client: 'twofold' });
    const other = await wire(service.configuration, service.started);
    t.teardown(() => other.close());
    const at = (instance: typeof app) => (number: string) =>
      get(byNhs(number), token, '10.9.5.1', {}, instance).then(({ status }) => status);
    const [here, there] = [at(app), at(other.app)];
    const numbers = Array.from({ length: USER_LIMIT }, next);
    for (const [place, number] of numbers.entries()) t.equal(await (place % 2 ? here : there)(number), 200);
    await Promise.all([service.service.countTogether(), other.countTogether()]);
    t.strictSame([await here(next()), await there(next())], [429, 429], 'each knows what the other counted');
    t.equal(await there(numbers[1] ?? ''), 200, 'and whom');
    const restarted = await wire(service.configuration, service.started);
    t.teardown(() => restarted.close());
    t.equal(await at(restarted.app)(next()), 429, 'a restart forgets nothing');
    const kept = await countedFor(client, 'twofold');
    t.equal(kept, USER_LIMIT, 'an event for each person, none for who was counted already');
  });

  await t.test('an entry of a batch counts like a request: of people and of requests', async (t) => {
    const batch = async (token: string, urls: readonly string[], from: string) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/fhir',
        remoteAddress: from,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
        payload: JSON.stringify({
          resourceType: 'Bundle',
          type: 'batch',
          entry: urls.map((url) => ({ request: { method: 'GET', url } })),
        }),
      });
      return answer.statusCode === 200
        ? answer.json().entry.map((entry: { response: { status: string } }) => entry.response.status)
        : [String(answer.statusCode)];
    };
    const token = await service.token({ ...GP, user: 'batcher', client: 'batcher' });
    const people = Array.from({ length: USER_LIMIT + 3 }, () => byNhs(next()));
    t.strictSame(await batch(token, people, '10.9.6.1'), [
      ...Array(USER_LIMIT).fill('200'),
      ...Array(3).fill('429'),
    ]);
    const directory = Array.from({ length: 50 }, () => 'Organization?name=x');
    const answered: string[] = [];
    for (let n = 0; n < 9; n += 1) answered.push(...(await batch(token, directory, '10.9.6.2')));
    t.strictSame(answered.slice(0, REQUESTS), Array(REQUESTS).fill('200'));
    t.strictSame(answered.slice(REQUESTS), ['429'], 'as many entries as requests are allowed in a minute');
    const rest = await batch(token, [...directory.slice(0, 49), 'nonsense'], '10.9.6.3');
    t.equal(rest.length, 50);
    const beyond: string[] = [];
    for (let n = 0; n < 7; n += 1) beyond.push(...(await batch(token, directory, '10.9.6.3')));
    await batch(token, directory.slice(0, 20), '10.9.6.3');
    const last = await batch(token, directory, '10.9.6.3');
    t.equal(beyond.filter((status) => status === '200').length, 350);
    t.strictSame(last, ['429'], 'what was malformed counted as well');
  });
});

async function countedFor(client: pg.Client, agent: string): Promise<number> {
  const { rows } = await client.query(
    'select count(*)::int as n from audit.event where agent = $1 and asked is not null',
    [agent],
  );
  return rows[0]?.n ?? 0;
}
