import { randomBytes, randomUUID } from 'node:crypto';
import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes';
import fc from 'fast-check';
import t from 'tap';
import { OBSERVER } from '../../src/audit/agents.ts';
import { after, chain, NO_HEAD, type Position } from '../../src/audit/batch.ts';
import type { Occurrence } from '../../src/audit/occurrence.ts';
import { seal } from '../../src/audit/seal.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { entry, GOVERNANCE, PATIENT, SERVICE, STAFF, SYSTEM } from '../support/occurrences.ts';
import { behind } from '../support/planted.ts';
import { type TestAnswer, testService } from '../support/service.ts';

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
const PEOPLE = Array.from({ length: 4 }, () => randomUUID());

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
  ['mcr-organisation=rxq', (event) => agentOf(event, 'PROV')?.who?.identifier?.value === 'RXQ'],
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
  const service = await testService(t, { people: 60 });
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
      const answer: TestAnswer = await service.get(encodeURI(decodeURI(next)), token);
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
        { numRuns: 40 },
      );
    },
  );
});
