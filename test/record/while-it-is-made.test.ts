import { randomUUID } from 'node:crypto';
import pg from 'pg';
import t from 'tap';
import type { Ask } from '../../src/access/ask.ts';
import { PLAIN_RESULTS } from '../../src/fhir/search/results.ts';
import { disclose } from '../../src/record/disclose.ts';
import type { DisclosePorts, RecordStore } from '../../src/record/ports.ts';
import { StoredRecord } from '../../src/storage/record-store.ts';
import { testService } from '../support/service.ts';

type Question = 'fetch' | 'consents' | 'bodies' | 'directory' | 'versions';

const GP = { kind: 'staff', organisation: 'K82004', role: 'general-practitioner', user: 'gp-jones' } as const;

t.test('consent and sharing that change while an answer is made, or since a page was given', async (t) => {
  const service = await testService(t, { people: 60 });
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  t.teardown(() => client.end());
  const number = service.person('showcase').nhsNumber ?? '';
  const { rows } = await client.query<{ id: string }>(
    'select person_id::text as id from record.person_number where nhs_number = $1',
    [number],
  );
  const id = rows[0]?.id ?? '';
  const ports = service.service.disclosure;
  const caller = await (async () => {
    const { TokenVerifier } = await import('../../src/access/token.ts');
    const { readFile } = await import('node:fs/promises');
    const verifier = new TokenVerifier(service.configuration.issuers, {
      fetch,
      readFile: (path) => readFile(path, 'utf8'),
    });
    return verifier.verify(`Bearer ${await service.token(GP)}`, Date.now());
  })();
  const ask = (more: Partial<Ask>): Ask => ({
    interaction: 'search-type',
    type: 'Immunization',
    person: { by: 'person-id', id },
    count: 50,
    ...more,
  });
  const request = (asked: Ask) => ({
    caller,
    ask: asked,
    requestId: randomUUID(),
    clientAddress: '127.0.0.1',
    rawRequest: 'GET /fhir HTTP/1.1\r\n',
    self: asked.type,
    again: { interaction: asked.interaction, type: asked.type, query: [] },
    requireComplete: false,
  });
  const optOut = async (out: boolean): Promise<void> => {
    await client.query('begin');
    await client.query(
      `insert into record.opt_out (nhs_number, opted_out, entered_at, source, resource_id) values ($1, $2, now(), 1, $3)
       on conflict (nhs_number) do update set opted_out = $2`,
      [number, out, randomUUID()],
    );
    await client.query('update record.person set epoch = epoch + 1 where person_id = $1', [id]);
    await client.query('commit');
  };
  /** The real store, with an opt-out committed just before one of its questions is first answered. */
  const optingOutAt = (question: Question): DisclosePorts => {
    let done = false;
    const store = new Proxy(ports.store, {
      get(target: RecordStore, name: keyof RecordStore) {
        const method: unknown = target[name];
        if (typeof method !== 'function') return method;
        return async (...values: unknown[]) => {
          if (name === question && !done) {
            done = true;
            await optOut(true);
          }
          return Reflect.apply(method, target, values);
        };
      },
    });
    return { ...ports, store };
  };

  t.test('an opt-out committed meanwhile is obeyed, whichever question it falls into', async (t) => {
    const performers = {
      direction: 'include',
      source: 'Immunization',
      parameter: 'performer',
      iterate: false,
    } as const;
    const cases: readonly (readonly [Question, Ask])[] = [
      ['fetch', ask({})],
      ['directory', ask({ results: { ...PLAIN_RESULTS, includes: [performers] } })],
      ['consents', ask({ interaction: 'everything', type: 'Patient', count: 1000 })],
      ['fetch', ask({ type: 'Patient', person: await demographics() })],
    ];
    for (const [question, asked] of cases) {
      const text = (await disclose(optingOutAt(question), request(asked))).send();
      t.match(text, /consent-withdrawn/, `${question}, ${asked.interaction} ${asked.type}`);
      t.notMatch(text, /"mode":"match"/);
      await optOut(false);
    }
  });

  t.test('C-07: an opt-out committed while versions are read leaves none of them', async (t) => {
    const found = await client.query<{ id: string; version: string }>(
      `select resource_id::text as id, valid_from::text as version from record.resource_version
        where person_id = $1 and type = 6 limit 1`,
      [id],
    );
    const [{ id: one = '', version = '' } = {}] = found.rows;
    for (const more of [
      { interaction: 'history-instance' },
      { interaction: 'vread', version: Number(version) },
    ] as const) {
      const asked = ask({ ...more, id: one, person: { by: 'resource', id: one } });
      t.match((await disclose(ports, request(asked))).send(), one, 'it is there to be read');
      await t.rejects(disclose(optingOutAt('versions'), request(asked)), /has been withdrawn/);
      await optOut(false);
    }
  });

  t.test(
    'an element that is no longer shared is left out of texts that are fetched later, too',
    async (t) => {
      const sources = new Map(service.configuration.policy.sources);
      const gp = sources.get('gp');
      if (gp === undefined) throw new Error('The county has a GP feed.');
      sources.set('gp', {
        ...gp,
        shares: { ...gp.shares, Immunization: { exceptElements: ['lotNumber', 'note', 'site'] } },
      });
      const policy = { ...service.configuration.policy, sources };
      const store = new StoredRecord(service.service.database, policy, Date.now, () => '');
      const bare = new Proxy(store, {
        get(target, name: keyof StoredRecord) {
          const method: unknown = target[name];
          if (typeof method !== 'function') return method;
          // as a source that gives its rows without texts
          if (name === 'fetch') {
            return async (...values: Parameters<RecordStore['fetch']>) => {
              const fetched = await target.fetch(values[0], values[1]);
              return fetched.ok
                ? { ...fetched, rows: fetched.rows.map(({ body: _body, ...row }) => row) }
                : fetched;
            };
          }
          return (...values: unknown[]) => Reflect.apply(method, target, values);
        },
      });
      const bundle = JSON.parse((await disclose({ ...ports, store: bare }, request(ask({})))).send());
      const plain = JSON.parse((await disclose(ports, request(ask({})))).send());
      t.ok(bundle.entry.length > 1);
      t.match(JSON.stringify(plain), /"lotNumber"/, 'it is there to be left out');
      t.notMatch(JSON.stringify(bundle), /"lotNumber"/);
    },
  );

  t.test('a row labelled since is gone from the pages that were promised before', async (t) => {
    const token = await service.token(GP);
    const first = await service.get(`Immunization?patient=${id}&_count=1`, token);
    const next: string = first.json.link.find((link: { relation: string }) => link.relation === 'next').url;
    await client.query(
      `update record.resource_version set labels = array['http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R']
       where person_id = $1 and type = 6`,
      [id],
    );
    const page = await service.get(next.slice('http://127.0.0.1:8080'.length), token);
    t.notMatch(page.text, /"mode":"match"/);
  });

  async function demographics(): Promise<Ask['person']> {
    const token = await service.token(GP);
    const patient = (await service.get(`Patient/${id}`, token)).json;
    const [name] = patient.name;
    return { by: 'demographics', family: name.family, given: name.given[0], birthDate: patient.birthDate };
  }
});
