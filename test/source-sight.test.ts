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
