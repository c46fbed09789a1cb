import { createHash } from 'node:crypto';
import pg from 'pg';
import t from 'tap';
import { LateWatch, sightOf } from '../src/source-sight.ts';
import { loadsInSight, notedProgress } from '../src/storage/load-overview.ts';
import { progressNotes } from '../src/storage/load-progress.ts';
import { sourceStates } from '../src/wire.ts';
import { testService } from './support/service.ts';

const DAY = 86_400_000;

t.setTimeout(120_000);
t.test('operators see sources and loads, and nobody else', async (t) => {
  const world = await testService(t, { people: 60 }, (configuration) => {
    const sources = configuration['sources'] as {
      code: string;
      expectedBy?: string;
      staleAfterHours: number;
    }[];
    for (const source of sources) {
      if (source.code === 'gp') Object.assign(source, { expectedBy: '06:30', staleAfterHours: 1000 });
    }
  });
  const { service } = world;
  const { policy } = service.configuration;
  const codes = [...policy.sources.keys()];
  const admin = new pg.Client({ connectionString: world.databaseUrl });
  await admin.connect();
  t.teardown(() => admin.end());
  const sight = async (now = Date.now()) =>
    sightOf(policy, await loadsInSight(service.database), await notedProgress(service.database), now);
  const of = async (code: string, now?: number) => (await sight(now)).find(({ source }) => source === code);

  t.test('what is published, with counts, as a page and as figures', async (t) => {
    const { status, json, headers } = await world.get('/loads');
    t.equal(status, 200);
    t.equal(headers['cache-control'], 'no-store');
    t.equal(json.sources.length, policy.sources.size);
    const gp = json.sources.find(({ source }: { source: string }) => source === 'gp');
    t.match(gp, {
      published: { state: 'published', counts: { deleted: 0 } },
      held: 0,
      last: { state: 'published' },
    });
    t.ok(gp.published.rows > 20);
    t.ok((await notedProgress(service.database)).has('gp'), 'a load notes how far it came');
    const { text } = await world.get('/metrics');
    t.match(text, new RegExp(`mcr_source_rows{source="gp"} ${gp.published.rows}\n`));
    for (const figure of [
      'age_seconds',
      'rejected_rows',
      'held_loads',
      'late',
      'stale',
      'published_timestamp_seconds',
    ]) {
      t.match(text, new RegExp(`mcr_source_${figure}{source="gp"} \\d`), figure);
    }
  });

  t.test('a load that runs, with its phase; a held one, by its rule', async (t) => {
    await admin.query(`insert into record.load (source, business_date, sequence, kind, format, manifest_hash, state,
        started_at, file_types)
      select number, '2026-11-23', 99, 'full', 'fhir-ndjson', '\\x00', 'running', clock_timestamp() - interval '1 s', '{}'
      from record.source where code = 'acute'`);
    await admin.query(`update record.load_progress set updated_at = updated_at - interval '1 hour'`);
    t.match((await of('acute'))?.running, { sequence: 99 });
    t.equal((await of('acute'))?.running?.progress, undefined, 'what the last load noted is not this one’s');
    const note = progressNotes(service.database, 'acute', Date.now);
    note('map', 500, 2000);
    for (let tries = 0; tries < 200 && (await of('acute'))?.running?.progress?.phase !== 'map'; tries += 1);
    t.match(await of('acute'), {
      running: { sequence: 99, state: 'running', progress: { phase: 'map', done: 500, total: 2000 } },
      published: { state: 'published' },
    });
    await admin.query(`update record.load set state = 'held', certificate = '{"files":[],"types":{},
      "reason":{"rule":"guard","sentence":"Practice K82001 lost people."}}' where sequence = 99`);
    const page = await world.get('/loads');
    t.match(
      page.json.sources.find(({ source }: { source: string }) => source === 'acute'),
      {
        held: 1,
        last: { state: 'held', rule: 'guard' },
      },
    );
    t.notMatch(page.text, /K82001|lost people/, 'sentences of certificates are for the desk');
    t.match((await world.get('/metrics')).text, /mcr_source_held_loads{source="acute"} 1\n/);
  });

  t.test('a browser is shown a page: what runs, at what rate, what is held and by what', async (t) => {
    const html = (accept: string) => world.get('/loads', undefined, { accept });
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    for (const accept of ['*/*', 'application/json', 'text/html;q=0', 'application/json, text/html;q=0.5'])
      t.match((await html(accept)).headers['content-type'], /^application\/json/, accept);
    const began = (seconds: number) =>
      admin.query(
        `insert into record.load (source, business_date, sequence, kind, format, manifest_hash, state, started_at,
           file_types)
         select number, '2026-11-24', 100, 'full', 'fhir-ndjson', '\\x00', 'running',
           clock_timestamp() - make_interval(secs => $1), '{}' from record.source where code = 'community'`,
        [seconds],
      );
    await began(60);
    await admin.query(
      `insert into record.load_progress (source, load_phase, done, total, updated_at, phase_began)
       select number, 'map', 12000, 30000, clock_timestamp(), clock_timestamp() - interval '20 s'
       from record.source where code = 'community'
       on conflict (source) do update set load_phase = 'map', done = 12000, total = 30000,
         updated_at = excluded.updated_at, phase_began = excluded.phase_began`,
    );
    await admin.query(`update record.load set certificate = $1 where sequence = 99`, [
      JSON.stringify({
        files: [{ name: '<b>', type: 'Patient', rows: 7, sha256: '' }],
        types: {},
        guards: [
          { guard: 'shrink', scope: 'practice', name: 'K82001', outcome: 'exceeded' },
          { guard: 'rejected', scope: 'type', name: '<i>Patient</i>', outcome: 'exceeded' },
          { guard: 'growth', scope: 'total', outcome: 'within' },
        ],
        reason: { rule: '<script>alert(1)</script>', sentence: 'Practice K82001 lost people.' },
      }),
    ]);
    const { status, text, headers } = await html(browser);
    t.equal(status, 200);
    t.match(headers['content-type'], /^text\/html; charset=utf-8/);
    t.match([headers['cache-control'], headers['vary']], ['no-store', /accept/]);
    const csp = String(headers['content-security-policy']);
    t.match(
      csp,
      /^default-src 'none';style-src 'sha256-[^']+';base-uri 'none';form-action 'none';frame-ancestors 'none'$/,
    );
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    t.ok(csp.includes(createHash('sha256').update(style).digest('base64')), 'its style is allowed, no other');
    const [held] = (await world.get('/loads')).json.sources.flatMap(
      ({ waiting }: { waiting: object[] }) => waiting,
    );
    t.match(held, { state: 'held', guards: ['shrink practice', 'rejected type <i>Patient</i>'] });
    t.match(text, /Held: each waits for a decision/);
    t.match(text, `<code>mcr loads release ${held.load} --operator NAME --reason TEXT</code>`);
    t.match(text, /shrink practice, rejected type &lt;i&gt;Patient&lt;\/i&gt;/);
    t.match(text, /held \(&lt;script&gt;alert\(1\)&lt;\/script&gt;\)/);
    t.match(
      text,
      /community<\/td>[\s\S]*<td>map<\/td><td class="n">12,000 of 30,000 rows<\/td><td class="n">(6\d\d|5[5-9]\d) a second<\/td><td class="n">(2[5-9]|3\d) s<\/td>/,
    );
    for (const code of codes) t.match(text, `<code>${code}</code>`);
    t.notMatch(text, /<script|K82001|lost people|onload|https?:/);
    t.notMatch(text, /\b9\d{9}\b/, 'no NHS number');
    await admin.query(`delete from record.load where sequence = 100`);
  });

  t.test('a source that is late, in the list, in the figures and once in the log', async (t) => {
    const inTime = Date.parse('2026-11-23T06:00:00Z');
    await admin.query(`update record.publication set published_at = '2026-11-22T23:00:00Z'`);
    await admin.query(
      `update record.load set finished_at = '2026-11-22T23:00:00Z' where state = 'published'`,
    );
    const events: unknown[] = [];
    const watch = new LateWatch((event) => void events.push(event));
    const state = async (now: number) => (await sourceStates(service, now)).find(({ code }) => code === 'gp');
    t.match(await state(inTime), { state: 'current' });
    watch.look(await sight(inTime));
    t.same(events, []);
    const late = Date.parse('2026-11-24T06:31:00Z');
    t.match(await state(late), { state: 'late', lateSince: '2026-11-24T06:30:00.000Z' });
    for (const after of [0, DAY]) watch.look(await sight(late + after));
    t.same(events, [{ what: 'source-late', source: 'gp', lateSince: '2026-11-24T06:30:00.000Z' }]);
    watch.look(await sight(inTime));
    t.same(events.at(-1), { what: 'source-arrived', source: 'gp' });
    t.match(await state(late + 60 * DAY), { state: 'stale' });
  });
});
