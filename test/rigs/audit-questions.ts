import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type DemoTokenOptions, demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import { readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { parseSearch } from '../../src/fhir/search/parse.ts';
import { auditPeriod } from '../../src/http/audit-period.ts';
import { decodedPairs } from '../../src/http/query.ts';
import { SEARCHES } from '../../src/http/searches.ts';
import { type AuditScope, narrowed } from '../../src/record/audit-narrowing.ts';
import { searchStatement } from '../../src/storage/audit-search.ts';
import { type Service, wire } from '../../src/wire.ts';
import { repositoryRoot } from '../support/root.ts';
import { COLUMNS, CURIOUS, DAYS, ISSUER, PERSON_SQL, personId, year } from './audit-year.ts';
import { Ground } from './ground.ts';

/** The privacy officer's questions put to a year of events, each with what it takes, as the log grows. */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    // prints the plans of statements that touch more buffers
    plans: { type: 'string', default: '1000000000' },
  },
});
const SIZES = values.events.split(',').map(Number);
const ROUNDS = Number(values.rounds);
const DAY = 86_400_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** From last month, for which a new log has its partitions. */
function firstDay(): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1);
}

const start = firstDay();
const span = (from: number, days: number): string =>
  `date=ge${dayOf(start + from * DAY)}&date=lt${dayOf(start + (from + days) * DAY)}`;

/** @param people how many there are */
function questions(people: number): readonly (readonly [name: string, query: string])[] {
  const user = `agent:identifier=${encodeURIComponent(`${ISSUER}|${CURIOUS.user}`)}`;
  return [
    ['1 everything a user did in a month', `${span(90, 30)}&${user}`],
    ['2 who looked at a person in a year', `${span(0, DAYS)}&patient=${personId(Math.floor(people / 4))}`],
    ['3 refusals in a week', `${span(200, 7)}&outcome=4,8,12`],
    ['4 own-record attempts in a quarter', `${span(200, 90)}&mcr-outcome-reason=own-record`],
    ['5 refusals for an opt-out in a quarter', `${span(200, 90)}&mcr-outcome-reason=consent-withdrawn`],
    [
      '6 out of hours, one person, a year',
      `${span(0, DAYS)}&patient=${personId(3)}&mcr-time-of-day=18:30-08:00,sat,sun`,
    ],
    [
      '6 out of hours, an organisation, a week',
      `${span(200, 7)}&mcr-organisation=RXQ&mcr-time-of-day=18:30-08:00,sat,sun`,
    ],
    [
      '7 declared relationships, a month',
      `${span(200, 30)}&mcr-organisation=RXQ&mcr-detail=relationship$declared`,
    ],
    ['8 through one client in a day', `${span(200, 1)}&agent:identifier=hospice-viewer`],
    ['9 broken glass in a year', `${span(0, DAYS)}&mcr-purpose=BTG`],
    ['10 sweeps in a year', `${span(0, DAYS)}&subtype=http://dicom.nema.org/resources/ontology/DCM|110132`],
    ['10 everything of one request, in a year', `${span(0, DAYS)}&entity:identifier=${CURIOUS.requestId}`],
    ['a small organisation, a month', `${span(200, 30)}&mcr-organisation=K82036`],
    ['nothing but the time, a month', `${span(200, 30)}`],
    ['a name, which no column has, a month', `${span(200, 30)}&agent-name=Dr Example 7`],
  ];
}

async function fill(client: pg.Client, events: number, people: number): Promise<void> {
  const { rows: indexes } = await client.query<{ name: string; text: string }>(
    `select c.oid::regclass::text as name, pg_get_indexdef(c.oid) as text from pg_index i
     join pg_class c on c.oid = i.indexrelid where i.indrelid = 'audit.event'::regclass and not i.indisprimary`,
  );
  // rows first, indexes after: as good, and much faster
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  // what is only read here need not survive a crash
  const { rows: partitions } = await client.query<{ name: string }>(
    "select relid::regclass::text as name from pg_partition_tree('audit.event') where isleaf",
  );
  for (const { name } of partitions) await client.query(`alter table ${name} set unlogged`);
  const lines = batched(year({ events, people, start }), 500);
  await pipeline(Readable.from(lines), client.query(copyFrom(`copy audit.event (${COLUMNS}) from stdin`)));
  // as it is told of a partitioned table, it would be made on the parent alone
  for (const { text } of indexes) await client.query(text.replace(' ON ONLY ', ' ON '));
  await client.query(
    `insert into record.person (person_id) select ${PERSON_SQL} from generate_series(0, $1::integer - 1) n`,
    [people],
  );
  // a hospital's patients, and those of practices of very different size
  await client.query(
    `insert into record.source_patient (source, local_id, person_id, state, custodian, content_hash, birth_date, family, given,
       names, restricted, judged_at)
     select s.source, n::text, ${PERSON_SQL}, 'accepted', s.custodian, '\\x00', '1970-01-01', 'x', 'y', '{}', false, 0
     from generate_series(0, $1::integer - 1) n
     cross join lateral (
       select 2 as source, null as custodian where n % 5 < 2
       union all select 1, case when n % 2000 = 0 then 'K82036' when n % 3 = 0 then 'K82001' else 'K82004' end) s`,
    [people],
  );
  await client.query('analyze');
}

function* batched(lines: Iterable<string>, size: number): Generator<string> {
  let text = '';
  let held = 0;
  for (const line of lines) {
    text += line;
    held += 1;
    if (held < size) continue;
    yield text;
    [text, held] = ['', 0];
  }
  if (text !== '') yield text;
}

interface Asked {
  readonly service: Service;
  readonly token: (options: DemoTokenOptions) => Promise<string>;
}

async function serviceOver(ground: Ground, database: string): Promise<Asked> {
  const content = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8'));
  const limits = { requestsPerMinute: 1e9, peoplePerUserHour: 1e9, peoplePerClientHour: 1e9 };
  Object.assign(content, { fhirBase: 'http://127.0.0.1:8080/fhir', logLevel: 'silent', limits });
  const file = join(ground.folder, `${database}.json`);
  writeFileSync(file, JSON.stringify(content));
  const data = join(ground.folder, `data-${database}`);
  const env = { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: ground.url(database), MCR_PORT: '0' };
  const configuration = readConfiguration(env, repositoryRoot());
  mkdirSync(join(data, 'keys'), { recursive: true });
  await makeIssuerKeys(join(data, 'keys'));
  const service = await wire(configuration, await startDatabase(configuration, () => {}));
  return { service, token: (options) => demoToken(join(data, 'keys'), configuration.fhirBase, options) };
}

interface Measured {
  readonly first: number;
  readonly warm: number;
  readonly matches: number;
  readonly more: string;
}

async function ask({ service }: Asked, query: string, token: string): Promise<Measured> {
  const times: number[] = [];
  let [matches, more] = [0, ''];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const began = performance.now();
    const answer = await service.app.inject({
      method: 'GET',
      url: `/fhir/AuditEvent?${query}`.replaceAll(' ', '%20').replaceAll('|', '%7C'),
      headers: { authorization: `Bearer ${token}` },
    });
    times.push(performance.now() - began);
    if (answer.statusCode !== 200)
      throw new Error(`${query}: ${answer.statusCode} ${answer.body.slice(0, 300)}`);
    matches = answer.body.split('"mode":"match"').length - 1;
    const cut = answer.body.includes('search-goes-on');
    more = cut ? 'goes on' : answer.body.includes('"relation":"next"') ? 'more' : '';
  }
  const [first = 0, ...warm] = times;
  return { first, warm: warm.sort((a, b) => a - b)[Math.floor(warm.length / 2)] ?? 0, matches, more };
}

/** Buffers of the statements for a first page, as PostgreSQL counts them. */
async function buffers(client: pg.Client, query: string, scope: AuditScope | undefined): Promise<number> {
  const pairs = decodedPairs(query);
  const parsed = parseSearch(pairs, SEARCHES.AuditEvent?.table ?? new Map(), { base: '' });
  const { from, to } = auditPeriod(parsed, Date.now());
  const patient = pairs.find(([name]) => name === 'patient')?.[1];
  const criteria = parsed.filter(({ name }) => name !== 'patient' && name !== 'date');
  const given = patient === undefined ? {} : { personIds: [patient] };
  let all = 0;
  for (const conditions of narrowed(criteria, given, scope)) {
    const wanted = { from, to, anyOf: [], limit: 51, effort: 500 };
    const { text, values: bound } = searchStatement(wanted, conditions);
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${text}`, [...bound]);
    const { Plan: plan } = rows[0]['QUERY PLAN'][0];
    const these = Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']);
    if (these > Number(values.plans)) {
      const { rows: lines } = await client.query(`explain (analyze, buffers) ${text}`, [...bound]);
      for (const line of lines) say(`  ${line['QUERY PLAN']}`);
    }
    all += these;
  }
  return all;
}

async function main(): Promise<void> {
  const ground = await Ground.make();
  try {
    for (const events of SIZES) await measure(ground, events);
  } finally {
    await ground.close();
  }
}

async function measure(ground: Ground, events: number): Promise<void> {
  const database = `questions_${events}`;
  const people = Math.max(2000, Math.round(events / 18));
  await ground.copy(database, 'migrated');
  const client = await ground.client(database);
  await client.query('set timezone = utc; set jit = off');
  const began = performance.now();
  // the sources have their numbers before anything refers to them
  const asked = await serviceOver(ground, database);
  await fill(client, events, people);
  const { rows } = await client.query(
    `select pg_size_pretty(sum(pg_table_size(relid))) as heap, pg_size_pretty(sum(pg_indexes_size(relid))) as indexes
     from pg_partition_tree('audit.event') where isleaf`,
  );
  say(
    `\n${events} events of ${people} people in ${DAYS} days: ${rows[0].heap}, indexes ${rows[0].indexes}; made in ${Math.round((performance.now() - began) / 1000)} s`,
  );
  const officers: readonly (readonly [string, DemoTokenOptions, AuditScope | undefined])[] = [
    [
      'central monitoring',
      { kind: 'governance', organisation: 'mcr-ig', role: 'central-monitoring', user: 'ig' },
      undefined,
    ],
    [
      'officer of a hospital',
      { kind: 'governance', organisation: 'RXQ', role: 'privacy-officer', user: 'po' },
      { organisation: 'RXQ' },
    ],
    [
      'officer of a small practice',
      { kind: 'governance', organisation: 'K82036', role: 'privacy-officer', user: 'po' },
      undefined,
    ],
  ];
  for (const [who, options, scope] of officers) {
    const token = await asked.token(options);
    say(`\n${who.padEnd(44)} first ms   warm ms  events  buffers`);
    for (const [name, query] of questions(people)) {
      const { first, warm, matches, more } = await ask(asked, query, token);
      const counted = who.includes('small') ? '' : String(await buffers(client, query, scope));
      say(
        `${name.padEnd(44)} ${first.toFixed(0).padStart(8)} ${warm.toFixed(1).padStart(9)} ${String(matches).padStart(7)} ${counted.padStart(8)} ${more}`,
      );
    }
  }
  await asked.service.close();
  await client.end();
  await ground.drop(database);
}

await main();
