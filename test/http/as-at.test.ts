import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generateCounty } from '../../demo/county/generate.ts';
import { keepNumbersApart, loadNumberChanges, unmergeNumbers } from '../../src/identity-desk.ts';
import { loadExtract } from '../../src/load.ts';
import { viewReader } from '../../src/storage/read-view.ts';
import { NEVER } from '../support/gate.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import {
  behind,
  comparable,
  eventsOf,
  given,
  idsIn,
  nextOf,
  OPEN_END,
  plant,
  publishAgain,
  RESTRICTED,
  sourceOf,
} from '../support/planted.ts';
import { type TestAnswer, testService } from '../support/service.ts';

/* The record as it was at an instant: nights through the real loader, read as they came and read again from the end. */

const SEED = 11;
const COUNTY = { seed: SEED, people: 45, businessDate: '2026-11-20' };
const OFFICER = {
  kind: 'governance',
  organisation: 'mcr-ig',
  role: 'subject-access',
  user: 'sar-1',
  caseNumber: 'SAR-2026/7',
} as const;
/** of a desk that opens neither withdrawn nor unagreed information */
const PRIVACY = { ...OFFICER, organisation: 'K82001', role: 'privacy-officer', user: 'po-1' } as const;
const TYPES = [
  'Patient',
  'AllergyIntolerance',
  'Condition',
  'MedicationRequest',
  'MedicationStatement',
  'Immunization',
  'Encounter',
  'Observation',
  'Procedure',
  'DiagnosticReport',
  'Appointment',
  'DocumentReference',
  'ServiceRequest',
  'Task',
  'Provenance',
  'CarePlan',
  'CareTeam',
  'EpisodeOfCare',
  'Flag',
  'RelatedPerson',
  'Medication',
];
const OWN_ISSUES = ['as-at', 'not-kept', 'history-removed', 'erased'];

interface Seen {
  readonly person: string;
  readonly instant: string;
  readonly answer: TestAnswer;
}

interface Issue {
  readonly details: { readonly coding: readonly { readonly code: string }[] };
  readonly diagnostics?: string;
}

function issuesOf(answer: TestAnswer): readonly Issue[] {
  const entries: readonly { resource: { resourceType: string; issue: Issue[] } }[] = answer.json.entry ?? [];
  return entries.flatMap(({ resource }) =>
    resource.resourceType === 'OperationOutcome' ? resource.issue : [],
  );
}

const codesOf = (answer: TestAnswer): readonly string[] =>
  issuesOf(answer).map(({ details }) => details.coding[0]?.code ?? '');

/** Everything that an answer gives, byte for byte, but for when and under which address it was asked, and our own words. */
function record(answer: TestAnswer): string {
  const end = answer.text.indexOf('{"fullUrl":"urn:uuid:4d7e2a2c-');
  const text = (end < 0 ? answer.text : answer.text.slice(0, end))
    .replace(/"timestamp":"[^"]*"/, '"timestamp":""')
    .replace(/"link":\[[^\]]*\]/, '"link":[]');
  const states = issuesOf(answer).filter(
    ({ details }) => !OWN_ISSUES.includes(details.coding[0]?.code ?? ''),
  );
  return `${answer.status} ${text} ${JSON.stringify(states)}`;
}

/** Two long texts: where they part, instead of all of both. */
function difference(one: string, other: string): string {
  if (one === other) return '';
  let at = 0;
  while (one[at] === other[at]) at += 1;
  return `${one.slice(Math.max(at - 200, 0), at + 200)}\n${other.slice(Math.max(at - 200, 0), at + 200)}`;
}

t.setTimeout(300_000);
t.test('the record as it was at an instant', async (t) => {
  const service = await testService(t, COUNTY, (configuration) => {
    const organisations = configuration['organisations'] as {
      code: string;
      roles: { base: string[]; roles: Record<string, { classes: string[] }> };
    }[];
    const classes =
      organisations.find(({ code }) => code === 'mcr-ig')?.roles.roles['subject-access']?.classes ?? [];
    const desk = organisations.find(({ code }) => code === 'K82001')?.roles.roles['privacy-officer'];
    if (desk !== undefined) desk.classes = [...classes, 'audit'];
  });
  const client = await behind(t, service);
  const sql = (text: string, ...values: unknown[]) => client.query(text, values);
  const people = await personIds(service);
  const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
  const idOf = (name: string): string => people.get(numberOf(name)) ?? '';
  const [officer, privacy, gp] = [
    await service.token(OFFICER),
    await service.token(PRIVACY),
    await service.token(GP),
  ];
  let asked = 0;
  const ask = (path: string, by = officer): Promise<TestAnswer> => {
    asked += 1;
    return service.get(path, by, { 'x-request-id': `as-at-${asked}` });
  };
  const asAt = (person: string, instant: string, by = officer, more = ''): Promise<TestAnswer> =>
    ask(`Patient/${person}/$as-at?instant=${encodeURIComponent(instant)}&_count=1000${more}`, by);
  const now = (person: string, by = officer): Promise<TestAnswer> =>
    ask(`Patient/${person}/$everything?_count=1000&${TYPES.map((type) => `_type=${type}`).join('&')}`, by);
  const published = async (): Promise<string> => {
    const { rows } = await sql('select max(published_at) as at from record.publication');
    return new Date(rows[0].at).toISOString();
  };
  const names = ['showcase', 'adult-agreed', 'child-agreed', 'record-of-50', 'only-gp'];
  const watched = names.map(idOf);
  const seen: Seen[] = [];
  const look = async (): Promise<void> => {
    const instant = await published();
    for (const person of watched) seen.push({ person, instant, answer: await now(person) });
  };
  const file = (name: string, ...lines: string[]): string => {
    const path = join(service.folder, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  let nightly = 0;
  const night = async (sequence: number): Promise<void> => {
    const folder = join(service.folder, `night-${sequence}`);
    const businessDate = `2026-11-${19 + sequence}`;
    await generateCounty(folder, { ...COUNTY, businessDate, sequence, changed: 0.4 });
    for (const code of service.configuration.policy.sources.keys()) {
      const certificate = await loadExtract(service.service, code, join(folder, code));
      t.equal(certificate.result, 'published', `${code} ${sequence}`);
      nightly += 1;
      await look();
    }
  };
  /** A delta of one source: rows that come, rows that go. */
  const delta = async (
    code: string,
    sequence: number,
    files: Record<string, readonly object[]>,
  ): Promise<void> => {
    const folder = join(service.folder, `delta-${code}-${sequence}`);
    mkdirSync(folder);
    const described = Object.entries(files).map(([type, rows]) => {
      const bytes = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      writeFileSync(join(folder, `${type}.ndjson`), bytes);
      return {
        name: `${type}.ndjson`,
        type,
        rows: rows.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
    });
    const manifest = {
      format: 'fhir-ndjson',
      source: code,
      businessDate: `2026-11-${19 + sequence}`,
      sequence,
      kind: 'delta',
      files: described,
    };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const certificate = await loadExtract(service.service, code, folder);
    t.equal(certificate.result, 'published', JSON.stringify(certificate).slice(0, 600));
  };

  await look();
  await night(2);
  await night(3);
  const [showcase = '', adult = '', child = ''] = watched;
  const localId = service.person('showcase').localIds?.['acute'] ?? '';
  const added = (id: string, more: object = {}) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'http://snomed.info/sct', code: '364075005' }] },
    subject: { reference: `Patient/${localId}` },
    valueQuantity: { value: 12.5 },
    ...more,
  });
  await delta('acute', 4, { Observation: [added('comes'), added('labelled-later')] });
  await look();
  const beforeDeletion = await published();
  const comes = given(await now(showcase)).filter(
    ({ valueQuantity }) => Object(valueQuantity).value === 12.5,
  );
  const [first, second] = comes.map(({ id }) => id);
  t.equal(comes.length, 2);

  await t.test(
    `at every publication of a seeded sequence of nights (seed ${SEED}) it is what a reader got then`,
    async (t) => {
      t.equal(seen.length, (nightly + 2) * watched.length);
      const distinct = new Set<string>();
      for (const { person, instant, answer } of seen) {
        const again = await asAt(person, instant);
        t.equal(
          difference(record(again), record(answer)),
          '',
          `${names[watched.indexOf(person)]} at ${instant}`,
        );
        distinct.add(record(again));
        t.strictSame(codesOf(again).slice(0, 2), ['as-at', 'not-kept']);
      }
      t.ok(distinct.size > 3 * watched.length, `${distinct.size} states told apart`);
      const all = given(await asAt(showcase, beforeDeletion));
      t.notOk(
        all.some(({ resourceType }) => resourceType === 'Consent'),
        'a consent is as it is now: not shown',
      );
    },
  );

  await t.test('a view is of one publication, or of one of each source', async (t) => {
    const { database, configuration } = service.service;
    const codes = [...configuration.policy.sources.values()].map(
      ({ number, code }) => [number, code] as const,
    );
    const viewOf = viewReader(database, new Map(codes));
    const { rows } = await sql(
      `select s.code, array_agg(p.p::int order by p.p) as all, array_agg(p.load_no::int order by p.p) as loads
       from record.publication p join record.source s on s.number = p.source group by s.code`,
    );
    const newest = new Map<string, number>(rows.map((row) => [row.code, row.all.at(-1)]));
    const last = Math.max(...newest.values());
    const byCode = (view: Awaited<ReturnType<typeof viewOf>>) =>
      Object.fromEntries(view.map(({ source, loadNo }) => [source, loadNo]));
    t.strictSame(
      byCode(await viewOf({ publication: last })),
      Object.fromEntries(rows.map((row) => [row.code, row.loads.at(-1)])),
    );
    t.strictSame(await viewOf({ publications: newest }), await viewOf({ publication: last }));
    const [acute] = rows.filter(({ code }) => code === 'acute');
    const [one, two] = acute.all;
    for (const [publication, index] of [
      [one, 0],
      [two - 1, 0],
      [two, 1],
      [last, acute.loads.length - 1],
    ] as const)
      t.strictSame(byCode(await viewOf({ publications: new Map([['acute', publication]]) })), {
        acute: acute.loads[index],
      });
    t.strictSame(await viewOf({ publication: 0 }), []);
    t.strictSame(await viewOf({ publications: new Map() }), []);
    t.strictSame(await viewReader(database, new Map())({ publication: last }), []);
  });

  await t.test('what a source takes back stays in it; what is labelled since does not', async (t) => {
    await delta('acute', 5, {
      Observation: [
        added('comes', { status: 'amended' }),
        added('labelled-later', { meta: { security: [RESTRICTED] } }),
      ],
    });
    const gone = await publishAgain(client, 'acute');
    const then = given(await asAt(showcase, beforeDeletion)).map(({ id }) => id);
    t.ok(then.includes(first ?? '') !== then.includes(second ?? ''), 'the labelled one alone is left out');
    const shown = then.includes(first ?? '') ? first : second;
    const labelled = shown === first ? second : first;
    await sql(
      'update record.resource_version set valid_to = $3 where resource_id = $1 and valid_to = $2',
      shown,
      OPEN_END,
      gone,
    );
    await sql('update record.resource_key set deleted = true where resource_id = $1', shown);
    t.notOk(idsIn(await now(showcase)).includes(shown ?? ''), 'deleted at the source');
    t.ok(idsIn(await asAt(showcase, beforeDeletion)).includes(shown ?? ''), 'and as it was then');
    await sql(
      'update record.resource_version set valid_to = $3 where resource_id = $1 and valid_to = $2',
      labelled,
      OPEN_END,
      gone,
    );
    t.notOk(
      idsIn(await asAt(showcase, beforeDeletion)).includes(labelled ?? ''),
      'gone with its label, it keeps it',
    );
    const acute = await sourceOf(client, 'acute');
    const labels = await sql(
      'select labels from record.resource_version where resource_id = $1 order by valid_from',
      labelled,
    );
    t.ok(
      labels.rows.some((row) => row.labels.length === 0) && labels.rows.some((row) => row.labels.length > 0),
    );
    await plant(
      client,
      showcase,
      acute,
      { resourceType: 'Observation', id: labelled ?? '', status: 'final' },
      [],
      { from: acute.loadNo + 5000 },
    );
    t.notOk(
      idsIn(await asAt(showcase, beforeDeletion)).includes(labelled ?? ''),
      'a load that is not published loosens nothing',
    );
    await sql(
      'delete from record.resource_version where resource_id = $1 and valid_to = $2',
      labelled,
      OPEN_END,
    );
    await plant(
      client,
      showcase,
      acute,
      { resourceType: 'Observation', id: shown ?? '', status: 'final' },
      [RESTRICTED],
      { from: acute.loadNo + 5000 },
    );
    t.notOk(
      idsIn(await asAt(showcase, beforeDeletion)).includes(shown ?? ''),
      'and what restricts does not wait for it',
    );
    await sql(
      'delete from record.resource_version where resource_id = $1 and valid_to = $2',
      shown,
      OPEN_END,
    );
    await sql('update record.resource_key set person_id = $2 where resource_id = $1', shown, idOf('only-gp'));
    t.notOk(
      idsIn(await asAt(showcase, beforeDeletion)).includes(shown ?? ''),
      'a row that is somebody else’s today is nobody’s to show',
    );
    await sql('update record.resource_key set person_id = $2 where resource_id = $1', shown, showcase);
    t.ok(idsIn(await asAt(showcase, beforeDeletion)).includes(shown ?? ''));
  });

  await t.test('an instant is one, whatever its zone, and what is none is refused', async (t) => {
    const at = Date.parse(beforeDeletion);
    const zoned = (hours: number): string =>
      `${new Date(at + hours * 3_600_000).toISOString().slice(0, -1)}${hours < 0 ? '-' : '+'}0${Math.abs(hours)}:00`;
    const plain = record(await asAt(showcase, beforeDeletion));
    for (const same of [zoned(1), zoned(-5), beforeDeletion.slice(0, -1)])
      t.equal(difference(record(await asAt(showcase, same)), plain), '', same);
    const before = new Date(at - 1).toISOString();
    t.ok(record(await asAt(showcase, before)) !== plain, 'the millisecond before it was published');
    for (const [query, reason] of [
      ['', /instant/],
      ['instant=', /./],
      ['instant=2026-11-24', /second/],
      ['instant=2026-11', /second/],
      ['instant=2026-11-24T03:00Z', /second/],
      ['instant=2026-11-24T03:00:00+01:00', /instant/],
      ['instant=2026-11-31T03:00:00Z', /instant/],
      ['instant=2026-11-24T25:00:00Z', /instant/],
      ['instant=ge2026-11-24T03:00:00Z', /instant/],
      ['instant=yesterday', /instant/],
      ['instant=2026-11-24T03:00:00Z&instant=2026-11-24T03:00:00Z', /instant/],
      [`instant=${new Date(Date.now() + 60_000).toISOString()}`, /not come/],
      ['instant=9999-12-31T23:59:59Z', /not come/],
      ['instant=2026-11-24T03:00:00Z&start=2026-01-01', /start/],
      ['instant=2026-11-24T03:00:00Z&_type=Consent', /_type/],
      ['instant=2026-11-24T03:00:00Z&_type=AuditEvent', /_type/],
    ] as const) {
      const answer = await ask(`Patient/${showcase}/$as-at?${query}`);
      t.equal(answer.status, 400, query);
      t.match(JSON.stringify(answer.json.issue), reason, query);
      const [event] = await eventsOf(client, `as-at-${asked}`);
      t.strictSame([event?.kind, event?.outcome], ['as-at', 4], query);
    }
  });

  await t.test('before anything was published it is empty, and says so source by source', async (t) => {
    for (const instant of ['2020-01-01T00:00:00Z', '0001-01-01T00:00:00Z']) {
      const answer = await asAt(showcase, instant);
      t.strictSame([answer.status, answer.json.total, idsIn(answer)], [200, 0, []]);
      const states = issuesOf(answer).filter(({ diagnostics }) => diagnostics !== undefined);
      t.equal(states.length, service.configuration.policy.sources.size);
      for (const { details } of states) t.equal(details.coding[0]?.code, 'source-never-loaded');
      t.match(answer.text, /nothing was published/);
      t.match(answer.json.meta.tag[0], { code: 'incomplete' });
      const [event] = await eventsOf(client, `as-at-${asked}`);
      t.strictSame(
        [event?.kind, event?.outcome, event?.person, event?.released.size],
        ['as-at', 0, showcase, 0],
      );
    }
    t.equal((await asAt(NEVER, '2020-01-01T00:00:00Z')).status, 404);
    const required = await service.get(`Patient/${showcase}/$as-at?instant=2020-01-01T00:00:00Z`, officer, {
      prefer: 'completeness=required',
    });
    t.equal(required.status, 503);
  });

  await t.test(
    'pages, types and a batch are of the same instant, whatever is published meanwhile',
    async (t) => {
      const whole = await asAt(showcase, beforeDeletion);
      let page = await ask(`Patient/${showcase}/$as-at?instant=${beforeDeletion}&_count=7`);
      const found = [...idsIn(page)];
      await publishAgain(client, 'gp');
      for (let next = nextOf(page); next !== undefined; next = nextOf(page)) {
        t.match(next, /\$as-at\?_page=/);
        page = await ask(next);
        t.equal(page.status, 200);
        found.push(...idsIn(page));
      }
      t.strictSame(found, idsIn(whole));
      const types = await asAt(showcase, beforeDeletion, officer, '&_type=Observation&_type=Condition');
      t.strictSame(
        idsIn(types),
        given(whole)
          .filter(({ resourceType }) => ['Observation', 'Condition'].includes(resourceType))
          .map(({ id }) => id),
      );
      const counted = await ask(`Patient/${showcase}/$as-at?instant=${beforeDeletion}&_count=0`);
      t.strictSame([counted.json.total, idsIn(counted)], [whole.json.total, []]);
      const batch = await service.service.app.inject({
        method: 'POST',
        url: '/fhir',
        headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${officer}` },
        payload: {
          resourceType: 'Bundle',
          type: 'batch',
          entry: [
            {
              request: {
                method: 'GET',
                url: `Patient/${showcase}/$as-at?instant=${beforeDeletion}&_count=1000`,
              },
            },
          ],
        },
      });
      t.strictSame(batch.json().entry[0].resource.entry.length, whole.json.entry.length);
    },
  );

  await t.test(
    'every look is an event of its own kind, with the instant, the case and what was released',
    async (t) => {
      const answer = await asAt(showcase, beforeDeletion);
      const [event, ...others] = await eventsOf(client, `as-at-${asked}`);
      t.equal(others.length, 0);
      t.strictSame([event?.kind, event?.outcome, event?.person], ['as-at', 0, showcase]);
      const details = JSON.parse(event?.body ?? '{}').entity.flatMap(
        (entity: { detail?: unknown[] }) => entity.detail ?? [],
      );
      for (const told of [
        { type: 'policy-version' },
        { type: 'case-number', valueString: OFFICER.caseNumber },
        { type: 'attests-not-own' },
        { type: 'as-at', valueString: beforeDeletion },
        { type: 'asks', valueString: 'as-at Patient' },
      ]) {
        const named = details.filter(({ type }: { type?: string }) => type === told.type);
        t.equal(named.length, 1, told.type);
        t.match(named[0], told);
      }
      const shown = given(answer).filter(({ resourceType }) => resourceType !== 'Patient');
      for (const { id, meta } of shown) t.ok(event?.released.has(`${id}/${meta?.versionId}`), id);
      t.ok((event?.released.size ?? 0) > shown.length, 'and the contributions to the Patient');
      const { rows } = await sql(
        `select ('x' || encode(substring(manifest from 2 for 8), 'hex'))::bit(64)::bigint as p from audit.event where request_id = $1`,
        `as-at-${asked}`,
      );
      const { rows: at } = await sql(
        "select max(p) as p from record.publication where published_at < $1::timestamptz + interval '1 ms'",
        beforeDeletion,
      );
      t.equal(rows[0].p, at[0].p, 'the publication that was read');
    },
  );

  await t.test('nobody but governance with a case opens it', async (t) => {
    const callers = {
      GP: gp,
      patient: await service.token({ kind: 'patient', nhsNumber: numberOf('showcase') }),
      'another patient': await service.token({ kind: 'patient', nhsNumber: numberOf('only-gp') }),
      system: await service.token({ kind: 'system' }),
      'no case': await service.token({ ...OFFICER, caseNumber: ' ' }),
      'another purpose': await service.token({ ...OFFICER, purpose: 'TREAT' }),
      'a desk without the classes': await service.token({ ...PRIVACY, organisation: 'K82004' }),
      'a search scope': await service.token({ ...OFFICER, scope: 'user/*.s' }),
      'a patient scope': await service.token({ ...OFFICER, scope: 'patient/*.rs' }),
    };
    for (const [name, by] of Object.entries(callers)) {
      const answers = new Set<string>();
      for (const person of [showcase, NEVER, idOf('restricted')]) {
        const answer = await asAt(person, beforeDeletion, by);
        t.equal(answer.status, 403, name);
        answers.add(comparable(answer));
        const [event] = await eventsOf(client, `as-at-${asked}`);
        t.strictSame([event?.kind, event?.outcome, event?.released.size], ['as-at', 4, 0], name);
        t.match(event?.body, /"type":"as-at","valueString"/);
      }
      t.equal(answers.size, 1, `${name}: whoever is asked about, in the same words`);
    }
    t.equal((await service.get(`Patient/${showcase}/$as-at?instant=${beforeDeletion}`)).status, 401);
  });

  await t.test(
    'consent that is withdrawn since closes it to a desk, and leaves it open to a case',
    async (t) => {
      const care = (answer: TestAnswer): number =>
        given(answer).filter(
          ({ meta }) =>
            String(Object(meta).source).endsWith('care') || String(Object(meta).source).endsWith('lcs'),
        ).length;
      for (const person of [adult, child]) {
        t.ok(care(await asAt(person, beforeDeletion, privacy)) > 0, 'agreed');
        await sql('update record.agreement set given = false where person_id = $1', person);
        const answer = await asAt(person, beforeDeletion, privacy);
        t.equal(care(answer), 0, 'withdrawn on every path');
        t.ok(codesOf(answer).includes('not-shared'));
        t.ok(care(await asAt(person, beforeDeletion)) > 0, 'subject access sees what was released then');
        await sql('update record.agreement set given = true where person_id = $1', person);
      }
      await sql(
        `insert into record.opt_out values ($1, true, now(), 1, gen_random_uuid())
      on conflict (nhs_number) do update set opted_out = true`,
        numberOf('showcase'),
      );
      for (const instant of [beforeDeletion, '2020-01-01T00:00:00Z']) {
        const answer = await asAt(showcase, instant, privacy);
        t.strictSame([answer.status, codesOf(answer), idsIn(answer)], [200, ['consent-withdrawn'], []]);
      }
      t.ok(given(await asAt(showcase, beforeDeletion)).length > 10);
      await sql('update record.opt_out set opted_out = false where nhs_number = $1', numberOf('showcase'));
    },
  );

  await t.test('restriction and quarantine of today hold for what was', async (t) => {
    const gone = comparable(await asAt(NEVER, beforeDeletion)).replaceAll(NEVER, 'ID');
    await sql('insert into record.restriction values ($1, 1)', showcase);
    for (const instant of [beforeDeletion, '2020-01-01T00:00:00Z'])
      t.equal(comparable(await asAt(showcase, instant)).replaceAll(showcase, 'ID'), gone);
    await sql('delete from record.restriction where person_id = $1', showcase);
    const { number } = await sourceOf(client, 'acute');
    const from = (answer: TestAnswer) =>
      given(answer).filter(({ meta }) => String(Object(meta).source).endsWith('/acute'));
    t.ok(from(await asAt(showcase, beforeDeletion)).length > 0);
    await sql(`insert into record.quarantine values ($1, $2, 'birth-date')`, showcase, number);
    const answer = await asAt(showcase, beforeDeletion);
    t.equal(answer.status, 200);
    t.equal(from(answer).length, 0, 'a contribution that may be somebody else’s');
    await sql('delete from record.quarantine where person_id = $1', showcase);
  });

  await t.test('somebody whom a caller may not see today is not told by an empty record', async (t) => {
    const hidden = randomUUID();
    await sql('insert into record.person (person_id) values ($1)', hidden);
    await sql(
      `insert into record.agreement (person_id, source, given, recorded_at, start_date, resource_id)
         select $1, number, true, now(), '2020-01-01', gen_random_uuid() from record.source where code = 'lcs'`,
      hidden,
    );
    const lcs = await sourceOf(client, 'lcs');
    const child = { resourceType: 'Patient', id: randomUUID(), active: true };
    await plant(client, hidden, lcs, child, [], { from: 1 });
    for (const instant of ['2020-01-01T00:00:00Z', beforeDeletion])
      t.equal((await asAt(hidden, instant, privacy)).status, 200, 'whoever may see them may know of them');
    await sql('update record.agreement set given = false where person_id = $1', hidden);
    for (const instant of ['2020-01-01T00:00:00Z', beforeDeletion]) {
      t.equal((await asAt(hidden, instant, privacy)).status, 404);
      t.equal(
        comparable(await asAt(hidden, instant, privacy)).replaceAll(hidden, 'ID'),
        comparable(await asAt(NEVER, instant, privacy)).replaceAll(NEVER, 'ID'),
      );
    }
    await sql('update record.agreement set given = true where person_id = $1', hidden);
  });

  await t.test('who was one record then is one record, by everybody’s rules of today', async (t) => {
    const [away, current] = [idOf('record-of-50'), idOf('working-single')];
    const [oldNumber, newNumber] = [numberOf('record-of-50'), numberOf('working-single')];
    const apart = new Date().toISOString();
    const before = [record(await asAt(away, apart)), record(await asAt(current, apart))];
    await sql(
      `update record.person o set birth_date = n.birth_date, family = n.family, given = n.given
       from record.person n where o.person_id = $1 and n.person_id = $2`,
      away,
      current,
    );
    const changes = file(
      'merge.csv',
      'old_number,new_number,kind,date',
      `${oldNumber},${newNumber},merged,2026-11-01`,
    );
    t.same(await loadNumberChanges(service.service, changes), { linked: 2, notLinked: 0 });
    const merged = await now(current);
    const together = new Date().toISOString();
    for (const [index, id] of [away, current].entries())
      t.equal(difference(record(await asAt(id, apart)), before[index] ?? ''), '', 'apart as they were');
    for (const id of [away, current])
      t.equal(difference(record(await asAt(id, together)), record(merged)), '', 'merged as they were');
    await sql('insert into record.restriction values ($1, 1)', away);
    t.equal(
      (await asAt(current, apart)).status,
      404,
      'whoever is linked today is asked about, whatever was then',
    );
    await sql('delete from record.restriction where person_id = $1', away);
    await unmergeNumbers(
      service.service,
      file('unmerge.csv', 'old_number,new_number', `${oldNumber},${newNumber}`),
    );
    for (const id of [away, current])
      t.equal(
        difference(record(await asAt(id, together)), record(merged)),
        '',
        'merged by mistake, as it was shown',
      );
    t.equal(difference(record(await asAt(current, apart)), before[1] ?? ''), '');
    for (const restricted of [away, current]) {
      await sql('insert into record.restriction values ($1, 1)', restricted);
      for (const id of [away, current])
        t.equal((await asAt(id, together)).status, 404, 'either’s restriction closes both');
      t.equal((await asAt(restricted === away ? current : away, apart)).status, 200);
      await sql('delete from record.restriction where person_id = $1', restricted);
    }
    await sql(
      `insert into record.opt_out values ($1, true, now(), 1, gen_random_uuid())
      on conflict (nhs_number) do update set opted_out = true`,
      oldNumber,
    );
    t.strictSame(codesOf(await asAt(current, together, privacy)), ['consent-withdrawn']);
    await sql('delete from record.opt_out where nhs_number = $1', oldNumber);
    await keepNumbersApart(
      service.service,
      file('apart.csv', 'nhs_number,other_number', `${newNumber},${oldNumber}`),
    );
    for (const id of [away, current]) {
      const answer = await asAt(id, together);
      t.equal(answer.json.entry[0].resource.id, id);
      t.notMatch(
        answer.text,
        id === away ? current : away,
        'what must never be linked is not linked in the past either',
      );
    }
  });

  await t.test('what is no longer kept is said, and is not merely absent', async (t) => {
    const whole = await asAt(showcase, beforeDeletion);
    t.notOk(codesOf(whole).includes('history-removed'));
    const acute = await sourceOf(client, 'acute');
    await sql('insert into record.history_removed values ($1, $2, now())', acute.number, acute.loadNo);
    const answer = await asAt(showcase, beforeDeletion);
    const [removed] = issuesOf(answer).filter(({ details }) => details.coding[0]?.code === 'history-removed');
    t.equal(removed?.diagnostics, 'acute');
    t.match(answer.json.meta?.tag[0], { code: 'incomplete' });
    t.notOk(
      codesOf(await asAt(showcase, new Date().toISOString())).includes('history-removed'),
      'of what stands now nothing is missing',
    );
    const lcs = await sourceOf(client, 'lcs');
    await sql('insert into record.history_removed values ($1, $2, now())', lcs.number, lcs.loadNo + 1);
    const lacksLcs = async (): Promise<boolean> =>
      issuesOf(await asAt(child, beforeDeletion, privacy)).some(
        ({ details, diagnostics }) => details.coding[0]?.code === 'history-removed' && diagnostics === 'lcs',
      );
    t.ok(await lacksLcs(), 'agreed');
    await sql('update record.agreement set given = false where person_id = $1', child);
    t.notOk(await lacksLcs(), 'of a source that is not shared nothing is told');
    await sql('update record.agreement set given = true where person_id = $1', child);
    await sql('delete from record.history_removed');
    const [row] = given(whole).filter(({ resourceType }) => resourceType === 'Condition');
    await sql(
      'update record.resource_version set body = null, search_line = null where resource_id = $1',
      row?.id,
    );
    const erased = await asAt(showcase, beforeDeletion);
    t.strictSame(
      idsIn(erased),
      idsIn(whole).filter((id) => id !== row?.id),
    );
    t.ok(codesOf(erased).includes('erased'));
    await sql(`update record.resource_version set body = null where person_id = $1 and type = 1`, showcase);
    t.equal(
      (await asAt(showcase, beforeDeletion)).status,
      404,
      'nobody who cannot be shown today is shown as they were',
    );
  });
});
