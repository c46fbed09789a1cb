import type pg from 'pg';
import t from 'tap';
import { behind, comparable } from '../support/planted.ts';
import { byNumber, NHS_NUMBER, type TestAnswer, testService } from '../support/service.ts';

/** Rules of access over HTTP and the whole service: relationships of care. */

const NEVER = '00000000-0000-4000-8000-000000000000';

t.setTimeout(240_000);
t.test('access', async (t) => {
  const service = await testService(t, {}, (configuration) => {
    const organisations = configuration['organisations'] as Record<string, unknown>[];
    const one = (code: string) => organisations.find((each) => each['code'] === code) ?? {};
    one('RNU')['relationship'] = 'required';
    one('bucks-out-of-hours')['relationship'] = 'off';
    one('RYE')['declaredHours'] = 4;
  });
  const client = await behind(t, service);
  const crew = { kind: 'staff', organisation: 'RYE', role: 'nurse', user: 'crew-1' } as const;
  const token = await service.token({ ...crew, relationship: '' });
  const declaring = await service.token(crew);
  const showcase = service.person('showcase');
  const found = await service.get(`Patient?identifier=${byNumber(showcase.nhsNumber)}`, declaring);
  const id: string = found.json.entry[0].resource.id;
  const problem: string = (await service.get(`Condition?patient=${id}`, declaring)).json.entry[0].resource.id;
  const idOf = async (name: string): Promise<string> => {
    const { rows } = await client.query(
      'select person_id::text from record.person_number where nhs_number = $1',
      [service.person(name).nhsNumber],
    );
    return rows[0].person_id;
  };
  const declare = async (
    parameter: readonly unknown[],
    bearer = token,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestAnswer> => {
    const answer = await service.service.app.inject({
      method: 'POST',
      url: '/fhir/Patient/$declare-relationship',
      headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${bearer}`, ...headers },
      payload: JSON.stringify({ resourceType: 'Parameters', parameter }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      json: JSON.parse(answer.body),
    };
  };
  const about = (person: string, ...more: readonly unknown[]) => [
    { name: 'patient', valueId: person },
    { name: 'reason', valueString: 'On our way to her' },
    ...more,
  ];
  const detailsOf = async (requestId: string): Promise<Readonly<Record<string, string>>> => {
    const { rows } = await client.query('select body from audit.event where request_id = $1', [requestId]);
    const entities: { detail?: { type: string; valueString: string }[] }[] = JSON.parse(rows[0].body).entity;
    const details = entities.flatMap(({ detail = [] }) => detail);
    return Object.fromEntries(details.map(({ type, valueString }) => [type, valueString]));
  };
  const everywhere = [
    `Patient/${id}`,
    `Patient?identifier=${byNumber(showcase.nhsNumber)}`,
    `Patient/${id}/$everything`,
    `Patient/${id}/$summary`,
    `Condition?patient=${id}`,
    `Condition?patient=${id}&_summary=count`,
    `Condition/${problem}`,
    `Condition/${problem}/_history`,
  ];

  t.test('without a relationship nothing of a person is shown, on any path', async (t) => {
    for (const path of everywhere) {
      const answer = await service.get(path, token);
      t.equal(answer.status, 403, path);
      t.equal(answer.json.issue[0].details.coding[0].code, 'relationship-required', path);
    }
    const posted = await service.post('Condition/_search', `patient=${id}`, token);
    t.equal(posted.status, 403);
  });

  t.test('a relationship is declared for the person, the user and the time given', async (t) => {
    const before = Date.now();
    const answer = await declare(about(id, { name: 'hours', valueInteger: 2 }), token, {
      'x-request-id': 'declared-1',
    });
    t.equal(answer.status, 200, answer.text);
    t.equal(answer.headers['cache-control'], 'no-store');
    const [patient, until] = answer.json.parameter;
    t.strictSame(patient, { name: 'patient', valueReference: { reference: `Patient/${id}` } });
    const hours = (Date.parse(until.valueInstant) - before) / 3_600_000;
    t.ok(hours > 1.9 && hours < 2.1, until.valueInstant);
    t.match(await detailsOf('declared-1'), {
      relationship: 'declared',
      'declared-reason': 'On our way to her',
      'declared-until': until.valueInstant,
    });
    for (const path of everywhere) t.equal((await service.get(path, token)).status, 200, path);
    await service.get(`Patient/${id}`, token, { 'x-request-id': 'declared-2' });
    t.match(
      await detailsOf('declared-2'),
      { relationship: 'declared' },
      'and every look says on what it rests',
    );

    const colleague = await service.token({ ...crew, user: 'crew-2', relationship: '' });
    t.equal((await service.get(`Patient/${id}`, colleague)).status, 403, 'not for a colleague');
    const elsewhere = await service.token({ ...crew, organisation: 'RXQ', relationship: '' });
    const other = await idOf('opted-out-then-in');
    t.equal((await service.get(`Patient/${other}`, token)).status, 403, 'not for another person');
    await client.query(`update record.declared_relationship set until = now() - interval '1 second'`);
    t.equal((await service.get(`Patient/${id}`, token)).status, 403, 'and not for longer');
    t.not((await service.get(`Patient/${id}`, elsewhere)).status, 500);
  });

  t.test(
    'an organisation bounds how long a declaration lasts, and a later one takes its place',
    async (t) => {
      const identifier = { name: 'identifier', valueString: `${NHS_NUMBER}|${showcase.nhsNumber}` };
      const reason = { name: 'reason', valueString: 'Called by the family' };
      const hours = { name: 'hours', valueInteger: 500 };
      const until = async (parameter: readonly unknown[]) => {
        const { json } = await declare(parameter);
        return Math.round((Date.parse(json.parameter[1].valueInstant) - Date.now()) / 3_600_000);
      };
      t.equal(await until([identifier, reason, hours]), 4);
      t.equal(await until([identifier, reason]), 4);
      t.equal(await until([identifier, reason, { name: 'hours', valueInteger: 1 }]), 1);
      const { rows } = await client.query('select count(*)::int as n from record.declared_relationship');
      t.equal(rows[0].n, 1);
      const bad: readonly (readonly unknown[])[] = [
        [reason],
        [identifier],
        [identifier, { name: 'reason', valueString: ' . ' }],
        [identifier, { name: 'reason', valueString: 'x'.repeat(501) }],
        [identifier, { name: 'reason', valueString: 'a\nb' }],
        [identifier, reason, { name: 'hours', valueInteger: 0 }],
        [identifier, reason, { name: 'hours', valueDecimal: 1.5 }],
        [identifier, reason, { name: 'hours', valueInteger: 721 }],
        [identifier, reason, { name: 'patient', valueId: id }],
        [{ name: 'identifier', valueString: `${NHS_NUMBER}|9990000017` }, reason],
        [{ name: 'identifier', valueString: showcase.nhsNumber }, reason],
        [identifier, reason, { name: 'force', valueBoolean: true }],
      ];
      for (const parameter of bad) t.equal((await declare(parameter)).status, 400, JSON.stringify(parameter));
    },
  );

  t.test(
    'a declaration opens nothing that is closed for another reason, and tells nothing of it',
    async (t) => {
      await client.query('delete from record.declared_relationship');
      const restricted = await idOf('restricted');
      const paths = (person: string) => [
        `Patient/${person}`,
        `Patient/${person}/$everything`,
        `Condition?patient=${person}`,
        `Condition?patient=${person}&_summary=count`,
      ];
      for (const [index, path] of paths(restricted).entries()) {
        const hidden = comparable(await service.get(path, token)).replaceAll(restricted, 'ID');
        const never = comparable(await service.get(paths(NEVER)[index] ?? '', token)).replaceAll(NEVER, 'ID');
        t.equal(hidden, never, 'a restricted person is as unknown');
      }
      const [one, none] = [await declare(about(restricted)), await declare(about(NEVER))];
      t.equal(one.status, 404);
      t.equal(comparable(one).replaceAll(restricted, 'ID'), comparable(none).replaceAll(NEVER, 'ID'));
      const gone = await declare(about(await idOf('opted-out')));
      t.equal(gone.status, 403);
      t.equal(gone.json.issue[0].details.coding[0].code, 'consent-withdrawn');
      const self = await service.token({
        kind: 'staff',
        organisation: 'K82001',
        role: 'general-practitioner',
        user: 'gp-smith',
        relationship: '',
      });
      const own = await declare(about(await idOf('staff-patient')), self);
      t.equal(own.json.issue[0].details.coding[0].code, 'own-record');
      const { rows } = await client.query('select count(*)::int as n from record.declared_relationship');
      t.equal(rows[0].n, 0, 'and nothing is kept of it');
      const patient = await service.token({ kind: 'patient', nhsNumber: showcase.nhsNumber ?? '' });
      t.equal((await declare(about(id), patient)).status, 404, 'only staff declare');
    },
  );

  t.test('whoever is known to social care alone, without an agreement, is as unknown', async (t) => {
    const person = await idOf('adult-agreed');
    const source = service.configuration.policy.sources.get('adult-social-care')?.number;
    await client.query('begin');
    await client.query('commit');
    const kept = await client.query('delete from record.agreement where person_id = $1 returning *', [
      person,
    ]);
    t.equal(kept.rowCount, 1);
    await client.query(
      `update record.source_patient set state = 'withheld' where person_id = $1 and source <> $2`,
      [person, source],
    );
    for (const path of [`Patient/ID`, `Patient/ID/$everything`, `Condition?patient=ID`]) {
      const hidden = await service.get(path.replace('ID', person), token);
      const never = await service.get(path.replace('ID', NEVER), token);
      t.equal(comparable(hidden).replaceAll(person, 'ID'), comparable(never).replaceAll(NEVER, 'ID'), path);
    }
  });

  t.test('what sources record lets in whoever cares for the person, without a word', async (t) => {
    const { rows } = await client.query(
      `select relationships from record.resource_version where person_id = $1 and relationships is not null`,
      [id],
    );
    const stated: string[] = rows.flatMap((row) => row.relationships);
    const practice =
      stated
        .find((text) => text.includes('registration'))
        ?.split('\t')[0]
        ?.split('|')[1] ?? '';
    const gp = { kind: 'staff', role: 'general-practitioner', relationship: '' } as const;
    const registered = await service.token({ ...gp, organisation: practice });
    const answer = await service.get(`Patient/${id}`, registered, { 'x-request-id': 'registered-1' });
    t.equal(answer.status, 200, practice);
    t.match(await detailsOf('registered-1'), { relationship: 'registration' });
    const other = await service.token({ ...gp, organisation: practice === 'K82001' ? 'K82004' : 'K82001' });
    t.equal((await service.get(`Patient/${id}`, other)).status, 403, 'another practice declares');
    const worker = await service.token({
      kind: 'staff',
      organisation: 'bucks-council',
      role: 'social-worker',
      relationship: '',
    });
    await service.get(`Patient/${id}`, worker, { 'x-request-id': 'worker-1' });
    t.match((await detailsOf('worker-1'))['relationship'], /^(involvement|episode)$/);
    const agreed = await client.query('delete from record.agreement where person_id = $1 returning *', [id]);
    t.ok((agreed.rowCount ?? 0) > 0);
    t.equal(
      (await service.get(`Patient/${id}`, worker)).status,
      403,
      'what is not agreed is no relationship',
    );
    for (const row of agreed.rows) await putBack(client, 'record.agreement', row);
    t.equal((await service.get(`Patient/${id}`, worker)).status, 200);
  });

  t.test(
    'a look at the record of somebody close is noted for governance, and nobody else learns it',
    async (t) => {
      const smith = { kind: 'staff', organisation: 'K82001', role: 'general-practitioner' } as const;
      const own = await service.token({ ...smith, user: 'gp-smith', name: 'Jordan Smith' });
      const colleague = await service.token({ ...smith, user: 'gp-other', name: 'Kim Other' });
      const sister = service.person('staff-household');
      const person = await idOf('staff-household');
      const path = `Patient/${person}/$everything`;
      const close = await service.get(path, own, { 'x-request-id': 'close-1' });
      const other = await service.get(path, colleague, { 'x-request-id': 'close-2' });
      t.equal(close.status, 200);
      t.equal(comparable(close), comparable(other), 'the answer is the same');
      const details = await detailsOf('close-1');
      t.match(details, { 'same-household': 'true', 'same-family-name': 'true' });
      t.match(details['role-table'], /^[0-9a-f]{16}$/, 'beside the state of the role table');
      t.notOk(Object.keys(await detailsOf('close-2')).some((name) => name.startsWith('same-')));
      const today = new Date().toISOString().slice(0, 10);
      const log = `AuditEvent?date=ge${today}&date=le${today}`;
      const patient = await service.token({ kind: 'patient', nhsNumber: sister.nhsNumber ?? '' });
      const seen = await service.get(log, patient);
      t.equal(seen.status, 200);
      t.ok(seen.json.entry.length > 0);
      t.notMatch(seen.text, /same-household|same-family-name|role-table/);
      const officer = await service.token({
        kind: 'governance',
        organisation: 'mcr-ig',
        role: 'central-monitoring',
      });
      const listed = await service.get(`${log}&patient=${person}`, officer);
      t.match(listed.text, /same-household/, 'governance finds it');
    },
  );

  t.test(
    'a refusal to one organisation holds for its people alone, and is shown as it was recorded',
    async (t) => {
      const number = service.person('opted-out-then-in').nhsNumber;
      const person = await idOf('opted-out-then-in');
      const system = 'https://fhir.nhs.uk/Id/ods-organization-code';
      const consent = '6f1d1a52-0f0c-4a3b-9d2e-1b0a3f5c7e11';
      const ambulance = await service.token(crew);
      const gp = await service.token({ kind: 'staff', role: 'general-practitioner', organisation: 'K82001' });
      t.equal((await service.get(`Patient/${person}`, ambulance)).status, 200);
      const enter = (limits: object, entered: string) =>
        client.query(
          `insert into record.limited_opt_out values ($1, $2, $3, 1, $4)
         on conflict (resource_id) do update set entered_at = excluded.entered_at, limits = excluded.limits`,
          [consent, number, entered, JSON.stringify(limits)],
        );
      await enter({ organisations: [`${system}|RYE`] }, '2099-01-01');
      const refused = await service.get(`Patient/${person}`, ambulance);
      t.equal(refused.status, 403, 'on the next request');
      t.equal(refused.json.issue[0].details.coding[0].code, 'consent-withdrawn');
      t.equal((await service.get(`Patient/${person}`, gp)).status, 200);
      const shown = await service.get(`Consent/${consent}`, gp);
      t.match(shown.json.provision, {
        type: 'deny',
        actor: [
          { role: { coding: [{ code: 'IRCP' }] }, reference: { identifier: { system, value: 'RYE' } } },
        ],
        purpose: [{ code: 'TREAT' }],
      });
      await enter({ types: ['Condition'] }, '2099-01-01');
      const rows = await service.get(`Condition?patient=${person}`, gp);
      t.strictSame([rows.status, rows.json.total], [200, 0], 'a type is left out');
      t.equal((await service.get(`Patient/${person}`, ambulance)).status, 200);
      await enter({ to: '2099-01-01' }, '2000-01-01');
      t.equal((await service.get(`Patient/${person}`, gp)).status, 200, 'a later permission has ended it');
    },
  );

  t.test('an organisation asks for a recorded one, or for none', async (t) => {
    const nurse = { kind: 'staff', role: 'nurse', user: 'n-1' } as const;
    const strict = await service.token({ ...nurse, organisation: 'RNU' });
    const paths = [`Patient/${id}`, `Condition?patient=${id}`];
    for (const path of paths) t.equal((await service.get(path, strict)).status, 403, path);
    const declined = await declare(about(id), strict);
    t.equal(declined.status, 403);
    t.match(declined.json.issue[0].details.text, /takes none that is only declared/);
    const open = await service.token({ ...nurse, organisation: 'bucks-out-of-hours', relationship: '' });
    t.equal((await service.get(`Patient/${id}`, open, { 'x-request-id': 'off-1' })).status, 200);
    t.match(await detailsOf('off-1'), { relationship: 'off' });
    await client.query(
      `update record.resource_version set relationships = array[e'RNU\\tencounter\\t2020-01-01\\t']
       where person_id = $1 and resource_id = $2`,
      [id, problem],
    );
    t.equal((await service.get(`Patient/${id}`, strict)).status, 200, 'recorded');
    await client.query(
      `update record.resource_version set labels = array['http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R']
       where person_id = $1 and resource_id = $2`,
      [id, problem],
    );
    t.equal((await service.get(`Patient/${id}`, strict)).status, 403, 'by a row that may not be seen');
  });
});

async function putBack(
  client: pg.Client,
  table: string,
  row: Readonly<Record<string, unknown>>,
): Promise<void> {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  await client.query(
    `insert into ${table} (${names.join(',')}) values (${places.join(',')})`,
    Object.values(row),
  );
}
