import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes';
import fc from 'fast-check';
import t from 'tap';
import { OBSERVER } from '../../src/audit/agents.ts';
import { after, chain, NO_HEAD, type Position } from '../../src/audit/batch.ts';
import type { Occurrence } from '../../src/audit/occurrence.ts';
import { seal } from '../../src/audit/seal.ts';
import { loadStaff } from '../../src/load.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { entry, GOVERNANCE, PATIENT, SERVICE, STAFF, SYSTEM } from '../support/occurrences.ts';
import { behind } from '../support/planted.ts';
import { serviceOver, type TestAnswer, testService } from '../support/service.ts';

/*
 * Searches of the audit log (IHE ITI-81) against a naive oracle: every event of the log, looked through one by one. What
 * the database narrows by columns and text, and how pages are cut, must change nothing.
 */

const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';
const DAY = 86_400_000;

const agentOf = (event: AuditEvent, code: string): AuditEventAgent | undefined =>
  event.agent.find(({ type }) => type?.coding?.some((coding) => coding.code === code));
const entities = (event: AuditEvent): readonly AuditEventEntity[] => event.entity ?? [];
const details = (event: AuditEvent) => entities(event).flatMap(({ detail = [] }) => detail);
const identifiers = (event: AuditEvent): readonly (string | undefined)[] =>
  event.agent.map(({ who }) => who?.identifier?.value);
const clock = (event: AuditEvent): string =>
  new Date(event.recorded).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' }).slice(0, 5);
const weekday = (event: AuditEvent): string =>
  new Date(event.recorded).toLocaleDateString('en-GB', { timeZone: 'Europe/London', weekday: 'short' });
const purposes = (event: AuditEvent): readonly (string | undefined)[] =>
  (event.purposeOfEvent ?? []).flatMap(({ coding = [] }) => coding.map(({ code }) => code));

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const REQUEST = 'request-of-the-table';
const PEOPLE: readonly string[] = Array.from({ length: 4 }, () => randomUUID());

/** Every parameter, and what an event is that it finds, told without the matcher. */
const TABLE: readonly (readonly [query: string, finds: (event: AuditEvent) => boolean])[] = [
  ['action=R', ({ action }) => action === 'R'],
  ['action:not=R', ({ action }) => action !== 'R'],
  ['type=rest', ({ type }) => type.code === 'rest'],
  ['type=http://dicom.nema.org/resources/ontology/DCM%7C110113', ({ type }) => type.code === '110113'],
  ['subtype=search', ({ subtype }) => subtype?.some(({ code }) => code === 'search') === true],
  [
    'subtype=read,110132',
    ({ subtype }) => subtype?.some(({ code }) => code === 'read' || code === '110132') === true,
  ],
  ['outcome=4', ({ outcome }) => outcome === '4'],
  ['outcome=8,12', ({ outcome }) => outcome === '8' || outcome === '12'],
  ['outcome:not=0', ({ outcome }) => outcome !== '0'],
  ['agent:identifier=dr.jones', (event) => identifiers(event).includes('dr.jones')],
  [
    `agent:identifier=${STAFF.issuer}%7Cdr.jones`,
    (event) => agentOf(event, 'IRCP')?.who?.identifier?.value === 'dr.jones',
  ],
  ['agent:identifier=other-viewer', (event) => identifiers(event).includes('other-viewer')],
  [
    'agent:identifier=RXQ,K82004',
    (event) => identifiers(event).some((each) => each === 'RXQ' || each === 'K82004'),
  ],
  [`agent:identifier=${OBSERVER}`, (event) => identifiers(event).includes(OBSERVER)],
  [`agent:identifier=dr odd`, (event) => identifiers(event).includes('dr odd')],
  [
    `agent=Patient/${PEOPLE[0]}`,
    (event) => event.agent.some(({ who }) => who?.reference === `Patient/${PEOPLE[0]}`),
  ],
  ['agent-name=zo', (event) => event.agent.some(({ name }) => /^zo|^zö/i.test(name ?? ''))],
  ['agent-name:exact=Zoë O’Neill', (event) => event.agent.some(({ name }) => name === 'Zoë O’Neill')],
  [
    'agent-role:text=consult',
    (event) => event.agent.some(({ role }) => /^consult/.test(role?.[0]?.text ?? '')),
  ],
  ['altid=sw-7781', (event) => event.agent.some(({ altId }) => altId === 'sw-7781')],
  ['address:exact=10.9.8.7', (event) => event.agent.some(({ network }) => network?.address === '10.9.8.7')],
  [
    'address=10.9',
    (event) => event.agent.some(({ network }) => network?.address?.startsWith('10.9') === true),
  ],
  [
    'entity:identifier=request-of-the-table',
    (event) => entities(event).some(({ what }) => what?.identifier?.value === REQUEST),
  ],
  [
    `entity:identifier=${TRACE}`,
    (event) => entities(event).some(({ what }) => what?.identifier?.value === TRACE),
  ],
  [
    `entity=Patient/${PEOPLE[1]}`,
    (event) =>
      entities(event).some(({ what }) => what?.reference?.startsWith(`Patient/${PEOPLE[1]}`) === true),
  ],
  ['entity-role=24', (event) => entities(event).some(({ role }) => role?.code === '24')],
  ['entity-type=XrequestId', (event) => entities(event).some(({ type }) => type?.code === 'XrequestId')],
  ['entity-name:missing=false', () => false],
  [
    'policy=urn:ietf:params:oauth:jti:one-token',
    (event) => event.agent.some(({ policy }) => policy?.includes('urn:ietf:params:oauth:jti:one-token')),
  ],
  ['site=api.mcr.example.nhs.uk', ({ source }) => source.site === 'api.mcr.example.nhs.uk'],
  [
    `source:identifier=${SERVICE.observer}`,
    ({ source }) => source.observer.identifier?.value === SERVICE.observer,
  ],
  ['mcr-purpose=etreat', (event) => purposes(event).includes('ETREAT')],
  ['mcr-purpose=TREAT,BTG', (event) => purposes(event).some((each) => each === 'TREAT' || each === 'BTG')],
  ['mcr-organisation=rxq', (event) => /^rxq$/i.test(agentOf(event, 'PROV')?.who?.identifier?.value ?? '')],
  [
    `mcr-organisation=${ODS}%7CK82004`,
    (event) => agentOf(event, 'PROV')?.who?.identifier?.value === 'K82004',
  ],
  ['mcr-outcome-reason=own-record', ({ outcomeDesc }) => outcomeDesc === 'own-record'],
  ['mcr-outcome-reason=Consent-Withdrawn', ({ outcomeDesc }) => outcomeDesc === 'consent-withdrawn'],
  [
    'mcr-detail=relationship$declared',
    (event) =>
      details(event).some(({ type, valueString }) => type === 'relationship' && valueString === 'declared'),
  ],
  [
    'mcr-detail=reason$A%26E "red" phone',
    (event) => details(event).some(({ valueString }) => valueString === 'A&E "red" phone'),
  ],
  ['mcr-detail-type=relationship', (event) => details(event).some(({ type }) => type === 'relationship')],
  [
    'mcr-detail-value=declared',
    (event) => details(event).some(({ valueString }) => valueString === 'declared'),
  ],
  ['mcr-time-of-day=18:30-08:00', (event) => clock(event) >= '18:30' || clock(event) < '08:00'],
  [
    'mcr-time-of-day=09:00-10:30,sat,sun',
    (event) => (clock(event) >= '09:00' && clock(event) < '10:30') || /^S/.test(weekday(event)),
  ],
];

/** Occurrences of every kind, minutes and hours apart, several at one moment. */
function occurrences(start: number): readonly Partial<Occurrence>[] {
  const staff = [
    { ...STAFF, subject: 'svc', tokenId: 'one-token' },
    { ...STAFF, organisation: 'RXQ', user: { id: 'dr.jones', name: 'Zoë O’Neill' }, role: 'consultant' },
    {
      ...STAFF,
      organisation: 'RXQ',
      user: { id: 'dr odd', name: 'Odd' },
      client: 'other-viewer',
      purpose: 'ETREAT',
    },
    {
      ...STAFF,
      organisation: 'K82004',
      user: { id: 'other-viewer', name: '' },
      purpose: 'BTG',
      reason: 'A&E "red" phone',
    },
  ];
  const callers = [
    ...staff,
    { ...GOVERNANCE, organisation: 'RXQ' },
    SYSTEM,
    { ...SYSTEM, organisation: 'rxq' },
  ];
  const outcomes = [
    { code: '0' },
    { code: '0' },
    { code: '4', reason: 'own-record' },
    { code: '4', reason: 'consent-withdrawn' },
    { code: '8', reason: 'defect' },
    { code: '12' },
  ] as const;
  const kinds = [
    'read',
    'search-type',
    'everything',
    'match',
    'update',
    'delete',
    'configuration',
    'sweep',
  ] as const;
  const many = Array.from({ length: 240 }, (_, i): Partial<Occurrence> => {
    const what = kinds[(i * 7) % kinds.length] ?? 'read';
    const personId = PEOPLE[i % PEOPLE.length] ?? '';
    return {
      at: start + Math.floor(i / 3) * 97 * 60_000,
      what,
      caller: callers[(i * 5) % callers.length] ?? SYSTEM,
      outcome: outcomes[(i * 11) % outcomes.length] ?? outcomes[0],
      personId,
      organisationSystem: ODS,
      clientAddress: i % 9 === 0 ? '10.9.8.7' : '10.20.30.40',
      ...(what === 'read' ? { resource: `Patient/${personId}/_history/3` } : {}),
      ...(i % 13 === 0 ? { requestId: REQUEST } : {}),
      ...(i % 17 === 0 ? { trace: TRACE } : {}),
      ...(i % 6 === 0 ? { details: { relationship: i % 4 === 0 ? 'declared' : 'episode' } } : {}),
    };
  });
  const last = start + 80 * 97 * 60_000;
  const { caller: _staff, ...nobody } = {
    what: 'unauthenticated',
    at: last,
    outcome: { code: '4', reason: 'token-missing' },
  } as Partial<Occurrence>;
  return [
    ...many,
    nobody,
    { at: last, caller: PATIENT, personId: PEOPLE[0] ?? '', what: 'read', resource: 'Observation/x' },
  ];
}

/** Written by a journal's own writer, as another process would. */
async function write(url: string, parts: readonly Partial<Occurrence>[]): Promise<void> {
  const writer = new AuditWriter({ url });
  const { position: start } = await writer.resume();
  let position: Position = start.nextBatch === 0 ? { ...start, head: NO_HEAD } : start;
  const months = new Map<string, Partial<Occurrence>[]>();
  for (const each of parts) {
    const month = new Date(each.at ?? 0).toISOString().slice(0, 7);
    months.set(month, [...(months.get(month) ?? []), each]);
  }
  for (const month of months.values()) {
    const sealed = month.map((each) => {
      const one = entry(each);
      const { caller, ...without } = one.occurrence;
      const occurrence =
        each.what === 'unauthenticated' ? without : { ...without, ...(caller && { caller }) };
      return seal({ ...one, occurrence }, SERVICE, each.at ?? 0, randomBytes(16));
    });
    const batch = chain(position, randomUUID(), sealed);
    t.equal((await writer.write(batch)).outcome, 'committed');
    position = after(batch);
  }
  await writer.release();
}

interface Shown {
  readonly resource: AuditEvent;
  readonly search: { readonly mode: string };
}

const matchesOf = ({ json }: TestAnswer): readonly AuditEvent[] =>
  ((json.entry ?? []) as Shown[])
    .filter(({ search }) => search.mode === 'match')
    .map(({ resource }) => resource);
const nextOf = ({ json }: TestAnswer): string | undefined => {
  const links = json.link as { relation: string; url: string }[];
  return links.find(({ relation }) => relation === 'next')?.url.replace('http://127.0.0.1:8080', '');
};

t.test('audit searches', async (t) => {
  const service = await testService(t, { people: 60 }, (configuration) => {
    for (const each of configuration['organisations'] as Record<string, unknown>[])
      if (each['code'] === 'RXQ') each['namesStaff'] = true;
  });
  const client = await behind(t, service);
  const start = Math.floor(Date.now() / DAY) * DAY - 20 * DAY;
  await write(service.databaseUrl, occurrences(start));
  const period = `date=ge${new Date(start).toISOString().slice(0, 10)}&date=lt${new Date(Date.now() - 12 * DAY).toISOString().slice(0, 10)}`;
  const all = async (order = 'desc'): Promise<readonly AuditEvent[]> => {
    const { rows } = await client.query(
      `select body from audit.event where recorded >= $1 and recorded < $2
       order by recorded ${order}, event_id ${order}`,
      [new Date(start), new Date(Math.floor(Date.now() / DAY - 12) * DAY)],
    );
    return rows.map(({ body }) => JSON.parse(body) as AuditEvent);
  };
  const everything = await all();
  t.ok(everything.length > 200, 'the period holds most of what was written');
  const central = await service.token({
    kind: 'governance',
    organisation: 'mcr-ig',
    role: 'central-monitoring',
    user: 'ig',
  });
  const idsOf = (events: readonly AuditEvent[]): readonly (string | undefined)[] =>
    events.map(({ id }) => id);

  /** Every page, to the end. */
  const pages = async (query: string, token: string): Promise<readonly AuditEvent[]> => {
    const found: AuditEvent[] = [];
    let next: string | undefined = `AuditEvent?${period}&${query}`;
    while (next !== undefined) {
      const answer: TestAnswer = await service.get(encodeURI(next).replaceAll('%25', '%'), token);
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
      found.push(...matchesOf(answer));
      next = nextOf(answer);
    }
    return found;
  };

  await t.test('each parameter finds what it should and nothing else', async (t) => {
    for (const [query, finds] of TABLE) {
      const expected = everything.filter(finds);
      t.strictSame(idsOf(await pages(`${query}&_count=100`, central)), idsOf(expected), query);
      // a row of the table that finds nothing, or everything, would show nothing
      if (!/missing|site|XrequestId|my-care-record|source:/.test(query))
        t.ok(expected.length > 0 && expected.length < everything.length, `${query}: ${expected.length}`);
    }
  });

  await t.test(
    'conditions add up, and however pages are cut they hold the same events in the same order',
    async (t) => {
      const oldest = await all('asc');
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.constantFrom(...TABLE), { maxLength: 3 }),
          fc.integer({ min: 1, max: 60 }),
          fc.boolean(),
          fc.option(fc.constantFrom(...PEOPLE), { nil: undefined }),
          async (conditions, count, oldestFirst, person) => {
            const query = [
              ...conditions.map(([text]) => text),
              `_count=${count}`,
              `_sort=${oldestFirst ? '' : '-'}date`,
            ];
            if (person !== undefined) query.push(`entity=Patient/${person}`);
            const expected = (oldestFirst ? oldest : everything).filter(
              (event) =>
                conditions.every(([, finds]) => finds(event)) &&
                (person === undefined ||
                  entities(event).some(({ what }) => what?.reference?.startsWith(`Patient/${person}`))),
            );
            t.strictSame(idsOf(await pages(query.join('&'), central)), idsOf(expected));
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  await t.test('officers', async (t) => {
    const acute = service.configuration.policy.sources.get('acute')?.number ?? 0;
    const gp = service.configuration.policy.sources.get('gp')?.number ?? 0;
    const contribution = (
      source: number,
      person: string | undefined,
      state: string,
      custodian: string | null,
    ) =>
      client.query(
        `insert into record.source_patient (source, local_id, person_id, state, custodian, content_hash, birth_date, family,
           given, names, restricted, judged_at)
         values ($1, gen_random_uuid()::text, $2, $3, $4, '\\x00', '1970-01-01', 'x', 'y', '{}', false, 0)`,
        [source, person, state, custodian],
      );
    await client.query('insert into record.person (person_id) select unnest($1::uuid[])', [PEOPLE]);
    await contribution(acute, PEOPLE[0], 'accepted', null);
    await contribution(acute, PEOPLE[2], 'accepted', null);
    await contribution(acute, PEOPLE[3], 'quarantined', null);
    await contribution(gp, PEOPLE[3], 'accepted', 'K82004');
    // the first of them is shown as the third, whose patient they are
    await client.query(
      `insert into record.person_link (person_id, valid_from, cluster_id)
       values ($1, now(), $2), ($2, now(), $2)`,
      [PEOPLE[1], PEOPLE[2]],
    );
    const personOf = (event: AuditEvent): string =>
      entities(event)
        .find(({ type }) => type?.code === '1')
        ?.what?.reference?.slice('Patient/'.length) ?? '';
    const organisationOf = (event: AuditEvent) => agentOf(event, 'PROV')?.who?.identifier?.value;
    const officer = (organisation: string) =>
      service.token({
        kind: 'governance',
        organisation,
        role: 'privacy-officer',
        user: `po-${organisation}`,
      });
    const scopes: readonly (readonly [organisation: string, patients: readonly string[]])[] = [
      ['RXQ', PEOPLE.slice(0, 3)],
      ['K82004', PEOPLE.slice(3)],
      ['RNU', []],
    ];

    await t.test(
      'see what their people did, and what was done about their patients by whomever',
      async (t) => {
        for (const [organisation, patients] of scopes) {
          const visible = (event: AuditEvent): boolean =>
            organisationOf(event) === organisation || patients.includes(personOf(event));
          const found = await pages('_count=40', await officer(organisation));
          t.strictSame(idsOf(found), idsOf(everything.filter(visible)), organisation);
        }
      },
    );

    await t.test('find by what they may read, and by nothing else', async (t) => {
      for (const [organisation] of scopes.slice(0, 2)) {
        const token = await officer(organisation);
        const readable = await pages('_count=200', token);
        for (const [query, finds] of TABLE)
          t.strictSame(
            idsOf(await pages(`${query}&_count=150`, token)),
            idsOf(readable.filter(finds)),
            query,
          );
      }
    });

    await t.test(
      'read of people elsewhere the organisation, role, purpose and reason, and no name',
      async (t) => {
        const readable = await pages('_count=200', await officer('RXQ'));
        const elsewhere = readable.filter((event) => organisationOf(event) !== 'RXQ');
        t.ok(elsewhere.length > 20);
        const text = JSON.stringify(elsewhere);
        t.notMatch(
          text,
          /Asha Example|sw-7781|"other-viewer"|10\.20\.30\.40|one-token|outcomeDesc|"query"|policy-7|declared/,
        );
        t.match(text, /Children's social worker/);
        t.match(text, /section 47 enquiry/);
        t.match(text, new RegExp(REQUEST), 'the other organisation finds the rest by it');
        t.match(JSON.stringify(readable), /Zoë O’Neill/, 'of their own people they read all');
        const ofRxq = (await pages('_count=200', await officer('K82004'))).filter(
          (event) => organisationOf(event) === 'RXQ',
        );
        t.match(
          JSON.stringify(ofRxq),
          /Zoë O’Neill/,
          'an organisation that names its people names them to officers',
        );
        t.notMatch(JSON.stringify(ofRxq), /dr\.jones/, 'and says no more of them');
        const one = elsewhere[0]?.id ?? '';
        const alone = await service.get(`AuditEvent/${one}`, await officer('RXQ'));
        t.strictSame(alone.json, elsewhere[0], 'read by itself it is the same');
        t.equal((await service.get(`AuditEvent/${one}`, await officer('RNU'))).status, 404);
      },
    );

    await t.test('do not have the access of others explained', async (t) => {
      const [theirs] = everything.filter(
        (event) => organisationOf(event) === 'K82004' && personOf(event) === PEOPLE[0],
      );
      const answer = await service.service.app.inject({
        method: 'POST',
        url: '/fhir/AuditEvent/$explain-access',
        headers: { authorization: `Bearer ${await officer('RXQ')}`, 'content-type': 'application/fhir+json' },
        payload: { resourceType: 'Parameters', parameter: [{ name: 'event', valueId: theirs?.id }] },
      });
      t.equal(answer.statusCode, 404);
    });

    await t.test('do not see looks at themselves', async (t) => {
      const token = await officer('RXQ');
      await client.query(
        `insert into record.person_number (nhs_number, person_id, status)
         select number, person, 'current' from unnest($1::text[], $2::uuid[]) as t(number, person)`,
        [['9998760003', '9998760011', '9998760038', '9998760046'], PEOPLE],
      );
      const staff = join(service.folder, 'officers.csv');
      writeFileSync(staff, 'organisation,user_id,nhs_number\nRXQ,po-RXQ,9998760003\n');
      await loadStaff(service.service, staff);
      const found = await pages('_count=200', token);
      const others = everything.filter(
        (event) =>
          (organisationOf(event) === 'RXQ' || PEOPLE.slice(0, 3).includes(personOf(event))) &&
          personOf(event) !== PEOPLE[0],
      );
      t.strictSame(idsOf(found), idsOf(others));
    });
  });

  await t.test('tables', async (t) => {
    const officer = await service.token({
      kind: 'governance',
      organisation: 'RXQ',
      role: 'privacy-officer',
      user: 'po',
    });
    const bundle = await pages('outcome=4&_count=500', officer);
    for (const [format, accept] of [
      ['ndjson', undefined],
      [undefined, 'application/fhir+ndjson'],
    ] as const) {
      const lines: unknown[] = [];
      let next: string | undefined =
        `AuditEvent?${period}&outcome=4&_count=11${format === undefined ? '' : `&_format=${format}`}`;
      while (next !== undefined) {
        const answer: TestAnswer = await service.get(next, officer, accept === undefined ? {} : { accept });
        t.equal(answer.status, 200);
        t.match(answer.headers['content-type'], /^application\/fhir\+ndjson/);
        t.type(answer.headers['x-audit-receipt'], 'string');
        t.equal(answer.headers['cache-control'], 'no-store');
        const page = answer.text.split('\n').slice(0, -1);
        t.ok(page.length <= 11);
        lines.push(...page.map((line) => JSON.parse(line)));
        next = /<http:\/\/127.0.0.1:8080([^>]+)>; rel="next"/.exec(String(answer.headers['link'] ?? ''))?.[1];
      }
      t.strictSame(lines, bundle, 'the same events, page by page');
    }
    const csv = await service.get(`AuditEvent?${period}&outcome=4&_count=500&_format=csv`, officer);
    t.match(csv.headers['content-type'], /^text\/csv/);
    const [head = '', ...rows] = csv.text.split('\r\n').slice(0, -1);
    t.match(head, /^"recorded","event","outcome","outcome_reason",/);
    t.strictSame(
      rows.map((row) => row.split(',')[1]),
      bundle.map(({ id }) => `"${id}"`),
    );
    t.equal(csv.headers['link'], undefined, 'the last page names no next');
    const kept = await pages('mcr-detail=format$csv', officer);
    t.strictSame(kept, [], 'the period is over');
    const today = new Date().toISOString().slice(0, 10);
    const exported = await service.get(`AuditEvent?date=${today}&mcr-detail=format$csv`, officer);
    t.equal(matchesOf(exported).length, 1, 'an export says in the log that it was one');
    const patient = await service.token({
      kind: 'patient',
      nhsNumber: service.person('working-single').nhsNumber ?? '',
    });
    t.equal(
      (await service.get(`AuditEvent?${period}&_format=csv`, patient)).status,
      406,
      'for officers alone',
    );
    const nobody = await service.get(`Observation?patient=${PEOPLE[0]}&_format=csv`, officer);
    t.equal(nobody.status, 406, 'and of the log alone');
    t.equal((await service.get(`AuditEvent?${period}&_format=csv`, undefined)).status, 401);
  });

  await t.test(
    'what cannot be told from the log without looking through it ends early, and says so',
    async (t) => {
      const day = new Date(Math.floor(Date.now() / DAY) * DAY - 2 * DAY);
      await client.query(
        `insert into audit.event (month, shard, outcome, seq, recorded, event_id, kind, request_id, salt, leaf, manifest, body)
       select date_trunc('month', $1::timestamptz at time zone 'UTC'), 60, e.outcome, n, $1::timestamptz + n * interval '1 second',
         ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, e.kind, e.request_id, e.salt, e.leaf, e.manifest,
         regexp_replace(e.body, '"id":"[-0-9a-f]{36}"', '"id":"00000000-0000-4000-8000-' || lpad(n::text, 12, '0') || '"')
       from generate_series(1, 3000) n,
         (select * from audit.event where outcome = 0 and person_id is not null order by seq limit 1) e`,
        [day],
      );
      const query = `AuditEvent?date=${day.toISOString().slice(0, 10)}&agent-name=nobody-of-that-name`;
      const file = join(service.folder, 'config.json');
      const config = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, JSON.stringify({ ...config, limits: { ...config.limits, auditSearchMs: 1 } }));
      const hurried = await serviceOver(t, service.folder, service.databaseUrl);
      let [pages, next] = [0, query as string | undefined];
      while (next !== undefined) {
        const page: TestAnswer = await hurried.get(next, central);
        t.strictSame(matchesOf(page), []);
        next = nextOf(page);
        t.equal(/search-goes-on/.test(page.text), next !== undefined, 'it says so wherever it goes on');
        t.notMatch(page.text, /"incomplete"/, 'no source is missing');
        pages += 1;
      }
      t.ok(pages > 2, `${pages} pages`);
    },
  );
});
