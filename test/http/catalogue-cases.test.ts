import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEvent } from '@medplum/fhirtypes';
import t, { type Test } from 'tap';
import type { DemoTokenOptions } from '../../demo/issuer.ts';
import { gateOf, NEVER } from '../support/gate.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import {
  behind,
  comparable,
  eventsOf,
  given,
  plant,
  RESTRICTED,
  sourceOf,
  type WrittenEvent,
} from '../support/planted.ts';
import { byNumber, serviceOver, type TestAnswer, type TestService, testService } from '../support/service.ts';
import * as tangle from '../support/tangled-record.ts';

/*
 * Cases of the attack catalogue (2.2, 2.4, 2.5) that no other test is about, over HTTP and a county's records. Every test
 * carries the ids of its cases: `npm run coverage:catalogue` lists them.
 */

const { PULSE, LAB, OTHERS, CANARY } = tangle;

t.test('cases of the attack catalogue', async (t) => {
  const service = await testService(t, { people: 60 });
  const client = await behind(t, service);
  const sql = async (text: string, ...values: unknown[]): Promise<void> => {
    await client.query(text, values);
  };
  const people = await personIds(service);
  const personOf = (name: string): string => people.get(service.person(name).nhsNumber ?? '') ?? '';
  const [a, b] = [personOf('record-of-50'), personOf('only-gp')];
  await tangle.plantTangledRecord(client, a, b);
  const [acute, gp] = [await sourceOf(client, 'acute'), await sourceOf(client, 'gp')];
  const token = await service.token(GP);
  const { ask, gives, refused, alike, citizenOf } = await gateOf(service, client, { A: a, B: b });
  const citizen = await citizenOf('record-of-50');

  t.test('S-01, S-02: by a patient token another person and their rows read as unknown', async (t) => {
    await alike(t, (id) => `Patient/${id}`, b, NEVER, citizen);
    await alike(t, (id) => `Observation/${id}`, OTHERS, NEVER, citizen);
    const [row] = (
      await client.query<{ id: string }>(
        'select resource_id::text as id from record.resource_version where person_id = $1 and type = 2 limit 1',
        [b],
      )
    ).rows;
    for (const id of [row?.id ?? OTHERS])
      await alike(t, (one) => `AllergyIntolerance/${one}`, id, NEVER, citizen);
    t.equal((await ask(t, `Observation/${PULSE}`, citizen)).status, 200, 'their own');
  });

  t.test('S-08: a row about somebody that is focused on another is in no record of that other', async (t) => {
    await gives(
      t,
      `Patient?_id=${a}&_revinclude=Observation:subject&_elements=id`,
      [a],
      await ownRows(),
      citizen,
    );
    await refused(t, `Patient?_id=${a}&_revinclude=Observation:nothing`, 400, citizen);
    const focused = await ask(t, `Patient?_id=${a}&_revinclude=Observation:focus`, citizen);
    t.strictSame(
      given(focused).map(({ id }) => id),
      [a],
      'the Patient alone',
    );
  });
  const ownRows = async (): Promise<readonly string[]> =>
    given(await service.get(`Observation?patient=${a}&_count=1000`, citizen)).map(({ id }) => id);

  t.test(
    'S-34: a token of a person that names none, and one of a user that names none, is refused',
    async (t) => {
      for (const options of [
        { kind: 'patient', scope: 'patient/*.rs', nhsNumber: '' },
        { kind: 'patient', scope: 'patient/*.rs', nhsNumber: '123' },
        { ...GP, user: '' },
      ] as const)
        await refusedUnknown(await service.token(options));
      async function refusedUnknown(bearer: string): Promise<void> {
        for (const path of [
          `Patient/${a}`,
          `Observation?patient=${a}`,
          'Observation',
          `Patient/${a}/$everything`,
        ]) {
          const answer = await service.get(path, bearer);
          t.equal(answer.status, 401, path.replace(a, 'A'));
          t.notMatch(answer.text, a);
        }
      }
    },
  );

  t.test(
    'S-37, S-38: what is not declared has no route, and nothing is done later for somebody else',
    async (t) => {
      for (const path of [
        '$export',
        'Patient/$export',
        `Patient/${a}/$export`,
        'Group/1/$export',
        `Patient/${a}/$graph`,
        '$graphql',
        `Patient/${a}/$graphql`,
        `Patient/${a}/$meta`,
        '$meta',
        'Observation/$lastn',
        'Observation/$stats',
        `Observation/${PULSE}/$meta`,
        'Bundle/1',
        '_history',
        'Observation/_history',
        '$export-poll-status',
      ]) {
        const answer = await service.get(path, token);
        // what stands where an id would is no id
        t.ok([400, 404].includes(answer.status), path.replace(a, 'A'));
        t.equal(answer.json.resourceType, 'OperationOutcome');
        t.notMatch(answer.text, a);
      }
      const asked = await service.get(`Observation?patient=${a}`, token, { prefer: 'respond-async' });
      t.equal(asked.status, 200, 'answered now');
      t.notOk('content-location' in asked.headers);
    },
  );

  t.test('S-41: what points at another person’s rows leads to none of them', async (t) => {
    const subject = { reference: `Patient/${a}` };
    const other = { reference: `Observation/${OTHERS}` };
    const [task, signed, teamed] = [randomUUID(), randomUUID(), randomUUID()];
    await plant(client, a, acute, {
      resourceType: 'Task',
      id: task,
      status: 'requested',
      intent: 'order',
      for: subject,
      focus: other,
    });
    await plant(client, a, acute, {
      resourceType: 'Provenance',
      id: signed,
      target: [other, { reference: `Observation/${LAB}` }],
      recorded: '2026-01-02T10:00:00Z',
      agent: [{ who: { display: 'Someone' } }],
    });
    await plant(client, a, acute, {
      resourceType: 'DiagnosticReport',
      id: teamed,
      status: 'final',
      code: { text: 'panel' },
      subject,
      result: [other],
    });
    await gives(t, `Provenance?patient=${a}&_id=${signed}&_include=Provenance:target`, [signed], [LAB]);
    await gives(t, `DiagnosticReport?patient=${a}&_id=${teamed}&_include=DiagnosticReport:result`, [teamed]);
    await gives(t, `DiagnosticReport?patient=${a}&_id=${teamed}&result:Observation.code=others`, []);
    const whole = await ask(t, `Patient/${a}/$everything?_count=1000`);
    t.notOk(given(whole).some(({ id }) => id === OTHERS));
    const summary = await ask(t, `Patient/${a}/$summary`);
    t.equal(summary.status, 200);
    t.notOk(given(summary).some(({ id }) => id === OTHERS));
  });

  t.test('C-01: with no consent recorded health is shown and social care is not', async (t) => {
    const child = personOf('child-agreed');
    const sources = async (): Promise<readonly string[]> => {
      const { text } = await service.get(`Patient/${child}/$everything?_count=1000`, token);
      return [...new Set([...text.matchAll(/example\/source\/([a-z-]+)"/g)].map((match) => match[1] ?? ''))];
    };
    t.ok((await sources()).includes('lcs'), 'agreed to');
    await sql('create table kept_agreement as select * from record.agreement');
    await sql('delete from record.agreement');
    await sql('update record.person set epoch = epoch + 1 where person_id = $1', child);
    const without = await sources();
    t.ok(without.length > 0, 'health');
    t.notOk(without.includes('lcs') || without.includes('adult-social-care'));
    await sql('insert into record.agreement select * from kept_agreement');
    t.ok((await sources()).includes('lcs'), 'and again');
  });

  t.test(
    'C-02: consent that cannot be read denies both, with 503, and the attempt is an event',
    async (t) => {
      for (const table of ['opt_out', 'agreement']) {
        await sql(`alter table record.${table} rename to unreadable`);
        for (const [n, path] of [
          `Patient/${a}`,
          `Observation?patient=${a}`,
          `Patient/${a}/$everything`,
        ].entries()) {
          const requestId = `unreadable-${table}-${n}`;
          const answer = await service.get(path, token, { 'x-request-id': requestId });
          t.equal(answer.status, 503, path.replace(a, 'A'));
          t.ok(answer.headers['retry-after']);
          t.strictSame(given(answer), []);
          const [event] = await eventsOf(client, requestId);
          t.match(event, { outcome: 12 });
          t.equal(event?.released.size, 0);
        }
        await sql(`alter table record.unreadable rename to ${table}`);
      }
      t.equal((await service.get(`Patient/${a}`, token)).status, 200, 'nothing was kept of it');
    },
  );

  t.test(
    'C-18: whether social care knows somebody changes nothing of what is said to be withheld',
    async (t) => {
      const says = async (name: string): Promise<readonly string[]> => {
        const { text } = await service.get(`Patient/${personOf(name)}/$everything?_count=1000`, token);
        return [...text.matchAll(/"diagnostics":"(?:lcs|adult-social-care)"/g)].map(([match]) => match);
      };
      const known = await says('child-not-given');
      t.equal(known.length, 2, 'both, always');
      t.strictSame(known, await says('only-gp'));
      t.strictSame(known, await says('adult-refused'));
      const labelled = await service.get(`Observation?patient=${a}`, token);
      t.notMatch(labelled.text, /withheld|redacted|suppressed/i, 'and of labels nothing is said');
    },
  );

  t.test('C-19: an error says the same of what is hidden and of what is not there', async (t) => {
    for (const path of [
      (id: string) => `Observation/${id}`,
      (id: string) => `Observation/${id}/_history`,
      (id: string) => `Observation/${id}/_history/1`,
      (id: string) => `Observation/${id}?_elements=id`,
      (id: string) => `Observation/${id}?_summary=text`,
    ])
      await alike(t, path, tangle.SECRET, NEVER);
    for (const path of [(id: string) => `Patient/${id}`, (id: string) => `Patient/${id}/$summary`])
      await alike(t, path, personOf('restricted'), NEVER);
  });

  t.test('C-21, C-22: what repeats a hidden item is withheld with it, by the strictest label', async (t) => {
    const narrative = {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml">${CANARY}</div>`,
    };
    const subject = { reference: `Patient/${a}` };
    const [plan, report, text] = [randomUUID(), randomUUID(), randomUUID()];
    // a health plan with a note that its author restricted inside it
    await plant(
      client,
      a,
      acute,
      {
        resourceType: 'Procedure',
        id: plan,
        status: 'completed',
        subject,
        text: narrative,
        contained: [
          { resourceType: 'Organization', id: 'o', meta: { security: [RESTRICTED] }, name: CANARY },
        ],
      },
      [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }, RESTRICTED],
    );
    await plant(
      client,
      a,
      acute,
      {
        resourceType: 'DiagnosticReport',
        id: report,
        status: 'final',
        code: { text: 'panel' },
        subject,
        text: narrative,
        conclusion: CANARY,
        presentedForm: [{ contentType: 'application/pdf', url: `Binary/${text}` }],
      },
      [RESTRICTED],
    );
    await plant(client, a, gp, {
      resourceType: 'Binary',
      id: text,
      contentType: 'application/pdf',
      data: Buffer.from(CANARY).toString('base64'),
    });
    // `ask` looks for the canary in every answer
    await alike(t, (id) => `Procedure/${id}`, plan, NEVER);
    await alike(t, (id) => `DiagnosticReport/${id}`, report, NEVER);
    await alike(t, (id) => `Binary/${id}`, text, NEVER);
    for (const path of [
      `Procedure?patient=${a}`,
      `DiagnosticReport?patient=${a}&_summary=text`,
      `Patient/${a}/$everything?_count=1000`,
      `Patient/${a}/$summary`,
    ])
      t.equal((await ask(t, path)).status, 200);
  });

  t.test(
    'C-24: no reason, one of spaces, of 10,000 characters or of markup opens nothing that it should not',
    async (t) => {
      for (const purpose of ['TREAT', 'ETREAT', 'BTG'])
        for (const reason of ['', '   ', '\u200b', 'x'.repeat(501)]) {
          const answer = await service.get(`Patient/${a}`, await service.token({ ...GP, purpose, reason }));
          t.equal(answer.status, 403, `${purpose} ${reason.length}`);
          t.match(answer.text, /"code":"purpose"/);
        }
      const long = await service.get(
        `Patient/${a}`,
        await service.token({ ...GP, reason: 'x'.repeat(10_000) }),
      );
      t.ok([401, 403].includes(long.status), 'as a token, or as a reason');
      const script = await service.get(
        `Patient/${a}`,
        await service.token({ ...GP, purpose: 'ETREAT', reason: '<script>alert(1)</script>' }),
        { 'x-request-id': 'reason-script' },
      );
      t.equal(script.status, 200, 'a reason is text');
      t.notMatch(script.text, /script/);
      t.equal((await eventsOf(client, 'reason-script')).length, 1);
    },
  );

  t.test('C-24: no purpose overrides an opt-out, a label or a missing agreement', async (t) => {
    for (const purpose of ['TREAT', 'ETREAT', 'BTG']) {
      const bearer = await service.token({ ...GP, purpose, reason: 'Life at risk' });
      for (const name of ['opted-out', 'restricted'])
        t.not((await service.get(`Patient/${personOf(name)}`, bearer)).status, 200, `${purpose}, ${name}`);
      t.not((await service.get(`Observation/${tangle.SECRET}`, bearer)).status, 200, purpose);
      const child = await service.get(`Patient/${personOf('child-not-given')}/$everything`, bearer);
      t.notMatch(child.text, /source\/(lcs|adult-social-care)"/);
    }
  });

  const overrides = (configuration: Record<string, unknown>, on: boolean): void => {
    const organisations = configuration['organisations'] as {
      code: string;
      emergencyOverride?: string;
      roles: { roles: Record<string, object> };
    }[];
    for (const one of organisations) {
      if (one.code !== GP.organisation) continue;
      if (on) one.emergencyOverride = 'on';
      Object.assign(one.roles.roles['practice-nurse'] ?? {}, {
        mayOverrideRestriction: true,
        mayOverrideOptOut: true,
      });
      one.roles.roles['guardian'] = {
        classes: ['audit', 'demographics', 'problems'],
        governance: 'privacy-officer',
        mayOverrideRestriction: true,
      };
    }
  };

  t.test(
    'C-24: with every claim it asks for an override opens one record, with an alert; less than that opens nothing',
    async (t) => {
      const opened = await configured(t, (configuration) => overrides(configuration, true));
      const closed = await configured(t, (configuration) => overrides(configuration, false));
      const [hidden, out] = [personOf('restricted'), personOf('opted-out')];
      const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
      const nurse = {
        ...GP,
        role: 'practice-nurse',
        purpose: 'BTG',
        overrideReason: 'Found at home, unconscious',
      };
      const over = (about: string, override: string, more: Partial<DemoTokenOptions> = {}): Promise<string> =>
        service.token({ ...nurse, about, override, ...more });
      const cases: readonly [name: string, id: string, rule: string][] = [
        ['restricted', hidden, 'restricted-person'],
        ['opted-out', out, 'opt-out'],
      ];
      for (const [name, id, rule] of cases) {
        for (const about of [id, numberOf(name)]) {
          const request = `over-${rule}-${about.length}`;
          const answer = await opened.get(`Patient/${id}/$everything`, await over(about, rule), {
            'x-request-id': request,
          });
          t.equal(answer.status, 200, `${rule} for ${about.length} characters`);
          t.ok(given(answer).length > 1, 'the record is seen');
          t.notMatch(answer.text, /sector","code":"social-care"/, 'and nothing of social care');
          const { event, alerts } = await accountOf(request);
          const body = JSON.parse(event.body);
          t.match(body.purposeOfEvent, [{ coding: [{ code: 'BTG' }] }], 'the event says so');
          t.match(detailsIn(body), {
            override: rule,
            'override-reason': nurse.overrideReason,
            'for-person': id,
          });
          await alertOf(t, alerts, event.id, rule, GP.organisation);
        }
        const never = await opened.get(`Patient/${NEVER}`, await over(id, rule));
        const other = await opened.get(`Patient/${a}`, await over(id, rule));
        t.equal(
          comparable(never),
          comparable(other).replaceAll(a, NEVER),
          'a token for one person shows nobody else',
        );
        t.equal(other.status, 404);
        const plain = await service.token(GP);
        if (rule === 'restricted-person')
          t.equal(
            comparable(await opened.get(`Patient/${id}/$everything`, plain)).replaceAll(id, NEVER),
            comparable(await opened.get(`Patient/${NEVER}/$everything`, plain)),
            'without the claim: byte for byte as not found',
          );
        else t.equal((await opened.get(`Patient/${id}`, plain)).status, 403);
        const insufficient: readonly [string, number, Promise<string>][] = [
          ['no reason', 400, over(id, rule, { overrideReason: '' })],
          ['spaces', 400, over(id, rule, { overrideReason: ' \u200b ' })],
          ['too long', 400, over(id, rule, { overrideReason: 'x'.repeat(501) })],
          ['longer than a token may be', 401, over(id, rule, { overrideReason: 'x'.repeat(10_000) })],
          ['markup', 400, over(id, rule, { overrideReason: '<script>alert(1)</script>' })],
          ['a purpose of care', 403, over(id, rule, { purpose: 'ETREAT' })],
          ['a role that may not', 403, over(id, rule, { role: 'general-practitioner' })],
          ['an organisation that has none', 403, over(id, rule, { organisation: 'RXQ', role: 'consultant' })],
        ];
        for (const [what, status, bearer] of insufficient)
          for (const whoever of [id, NEVER]) {
            const request = `less-${rule}-${what}`.replaceAll(' ', '-');
            const answer = await opened.get(`Patient/${whoever}`, await bearer, { 'x-request-id': request });
            t.equal(answer.status, status, `${rule}: ${what}`);
            t.notOk(
              (await eventsOf(client, request)).some(({ kind }) => kind.startsWith('alert')),
              'no alert',
            );
          }
        const unsigned = await opened.get(`Patient/${id}`, plain, {
          'mcr-override': rule,
          'x-override': rule,
          'x-purpose-of-use': 'BTG',
        });
        t.not(unsigned.status, 200, 'a header is no claim');
      }
      t.equal((await closed.get(`Patient/${out}`, await over(out, 'opt-out'))).status, 403, 'off: refused');
      t.equal(
        (await service.get(`Patient/${hidden}`, await over(hidden, 'restricted-person'))).status,
        403,
        'off unless said',
      );
      const line = (await opened.service.app.inject('/metrics')).body;
      t.match(line, /mcr_privacy_alerts_total\{kind="restricted-person"\} [1-9]/);
      const officer = await service.token({
        kind: 'governance',
        organisation: GP.organisation,
        role: 'guardian',
        about: hidden,
        override: 'restricted-person',
        overrideReason: 'Complaint 12',
      });
      t.equal(
        (await opened.get(`Patient/${hidden}`, officer, { 'x-request-id': 'desk' })).status,
        200,
        'an officer, for a case',
      );
      const desk = await accountOf('desk');
      await alertOf(t, desk.alerts, desk.event.id, 'restricted-person', GP.organisation);
      const event = (await accountOf(`over-restricted-person-${hidden.length}`)).event.id;
      const explained = await opened.service.app.inject({
        method: 'POST',
        url: '/fhir/AuditEvent/$explain-access',
        headers: { authorization: `Bearer ${officer}`, 'content-type': 'application/fhir+json' },
        payload: { resourceType: 'Parameters', parameter: [{ name: 'event', valueId: event }] },
      });
      t.equal(explained.statusCode, 200, 'and has it explained');
      t.match(explained.body, /"override","valueString":"restricted-person"/);
      t.match(explained.body, /"override-reason","valueString":"Found at home, unconscious"/);
    },
  );

  t.test('C-24: an alert that cannot be made durable lets nothing out', async (t) => {
    const opened = await configured(t, (configuration) => overrides(configuration, true));
    const id = personOf('restricted');
    const bearer = await service.token({
      ...GP,
      role: 'practice-nurse',
      purpose: 'BTG',
      about: id,
      override: 'restricted-person',
      overrideReason: 'Found at home, unconscious',
    });
    await sql(`create function audit.no_alerts() returns trigger language plpgsql as $$
      begin raise exception 'no alerts'; end $$`);
    await sql(`create trigger no_alerts before insert on audit.event for each row
      when (new.kind like 'alert-%') execute function audit.no_alerts()`);
    const answer = await opened.get(`Patient/${id}`, bearer);
    await sql('drop trigger no_alerts on audit.event');
    await sql('drop function audit.no_alerts()');
    t.equal(answer.status, 503);
    t.notMatch(answer.text, id);
    t.equal((await opened.get(`Patient/${id}`, bearer)).status, 200, 'and with it the record');
  });

  t.test(
    'C-22, S-41: by no way is it told that there is a hidden row, what it is, or who, where and when',
    async (t) => {
      const [own, secretly] = [
        'b0000000-0000-4000-8000-000000000001',
        'b0000000-0000-4000-8000-000000000002',
      ];
      const [written, mixed] = [
        'b0000000-0000-4000-8000-000000000003',
        'b0000000-0000-4000-8000-000000000004',
      ];
      const subject = { reference: `Patient/${a}` };
      const about = (...ids: string[]): object => ({
        resourceType: 'Provenance',
        target: ids.map((id) => ({ reference: `Condition/${id}` })),
        recorded: '2026-02-03T10:00:00Z',
        agent: [{ who: { display: CANARY } }],
      });
      const condition = { resourceType: 'Condition', subject, code: { text: 'open' } };
      await plant(client, a, gp, { ...condition, id: own });
      await plant(client, a, gp, {
        ...about(own, secretly),
        id: mixed,
        agent: [{ who: { display: 'open' } }],
      } as never);
      const hide = async (): Promise<void> => {
        const code = { text: CANARY };
        await plant(client, a, gp, { ...condition, id: secretly, code } as never, [RESTRICTED]);
        await plant(client, a, gp, { ...about(secretly), id: written } as never);
      };
      const channels: Readonly<Record<string, readonly string[]>> = {
        'read by id': [`Condition/${secretly}`, `Provenance/${written}`],
        'version and history': [
          `Condition/${secretly}/_history`,
          `Provenance/${written}/_history`,
          `Provenance/${written}/_history/1`,
        ],
        'who wrote it, where and when': [
          `Provenance?patient=${a}`,
          `Provenance?patient=${a}&_sort=-recorded`,
        ],
        'what is about it': [
          `Provenance?patient=${a}&target=Condition/${secretly}`,
          `Condition?patient=${a}&_revinclude=Provenance:target`,
          `Patient?_id=${a}&_revinclude=Condition:subject&_revinclude:iterate=Provenance:target`,
        ],
        'a way through it': [
          `Provenance?patient=${a}&target:Condition._id=${secretly}`,
          `Condition?patient=${a}&_has:Provenance:target:_id=${written}`,
          `Condition?patient=${a}&_has:Provenance:target:recorded=2026-02-03`,
        ],
        'what it leads to': [`Provenance?patient=${a}&_include=Provenance:target`],
        counts: [
          `Condition?patient=${a}&_summary=count`,
          `Provenance?patient=${a}&_summary=count`,
          `Provenance?patient=${a}&_count=1`,
          `Condition?patient=${a}&code:text=canary`,
        ],
        'whole records': [`Patient/${a}/$everything?_count=1000`, `Patient/${a}/$summary`, `Patient/${a}`],
        times: [
          `Condition?patient=${a}&_lastUpdated=gt2000-01-01`,
          `Patient/${a}/$everything?_since=2000-01-01&_count=1000`,
        ],
      };
      const told = async (): Promise<ReadonlyMap<string, string>> => {
        const answers = new Map<string, string>();
        for (const [channel, paths] of Object.entries(channels))
          for (const path of paths) answers.set(`${channel}: ${path}`, stable(await ask(t, path)));
        return answers;
      };
      const before = await told();
      await hide();
      for (const [question, answer] of await told())
        t.equal(answer, before.get(question), question.replaceAll(a, 'A'));
      t.match(
        before.get(`who wrote it, where and when: Provenance?patient=${a}`),
        mixed,
        'of both it is seen with the open one',
      );
    },
  );

  t.test(
    'C-23: who is hidden costs the same statements, and the same events, as who does not exist',
    async (t) => {
      const restricted = personOf('restricted');
      const { rows } = await client.query<{ id: string }>(
        `select resource_id::text as id from record.resource_version
       where person_id = $1 and type = 3 and valid_to = 9223372036854775807 limit 1`,
        [restricted],
      );
      const theirs = rows[0]?.id ?? '';
      t.not(theirs, '', 'a restricted person has problems');
      const { database } = service.service;
      const read = database.read.bind(database);
      let statements: string[] = [];
      database.read = async (statement, values) => {
        statements.push(statement.name ?? '');
        return read(statement, values);
      };
      t.teardown(() => {
        database.read = read;
      });
      let count = 0;
      const costOf = async (path: string, by: string): Promise<object> => {
        statements = [];
        count += 1;
        const request = `cost-${count}`;
        const answer = await service.get(path, by, { 'x-request-id': request });
        const kinds = (await eventsOf(client, request)).map(({ kind, outcome }) => `${kind} ${outcome}`);
        return { answer: stable(answer), statements, kinds };
      };
      const pairs: readonly [what: string, path: (id: string) => string, hidden: string, by: string][] = [
        ['a labelled row', (id) => `Observation/${id}`, tangle.SECRET, token],
        ['its history', (id) => `Observation/${id}/_history`, tangle.SECRET, token],
        ['its version', (id) => `Observation/${id}/_history/1`, tangle.SECRET, token],
        ['a labelled text', (id) => `Binary/${id}`, tangle.HIDDEN_TEXT, token],
        ['a Provenance', (id) => `Provenance/${id}`, tangle.HIDDEN_SIGNED, token],
        ['a restricted person', (id) => `Patient/${id}`, restricted, token],
        ['their whole record', (id) => `Patient/${id}/$everything`, restricted, token],
        ['their summary', (id) => `Patient/${id}/$summary`, restricted, token],
        ['a row of theirs', (id) => `Condition/${id}`, theirs, token],
        ['a search of theirs', (id) => `Condition?patient=${id}`, restricted, token],
        [
          'a search with conditions',
          (id) => `Condition?patient=${id}&code=x&_sort=-onset-date`,
          restricted,
          token,
        ],
        ["another person, by one's own token", (id) => `Patient/${id}`, b, citizen],
        ["another's row, by one's own token", (id) => `Observation/${id}`, OTHERS, citizen],
      ];
      for (const [what, path, hidden, by] of pairs) {
        const [one, other] = [await costOf(path(hidden), by), await costOf(path(NEVER), by)];
        t.strictSame(JSON.stringify(one).replaceAll(hidden, NEVER), JSON.stringify(other), what);
      }
      t.ok(statements.length > 1, 'a look at nobody is a look');
    },
  );

  t.test('O-07: a proxy is not taken for the person', async (t) => {
    const { nhsNumber } = service.person('record-of-50');
    const own = { kind: 'patient', nhsNumber: nhsNumber ?? '' } as const;
    const asked = async (claims: Readonly<Record<string, unknown>>): Promise<number> =>
      (await service.get(`Patient/${a}`, await service.token({ ...own, claims }))).status;
    t.equal(await asked({}), 200, 'themselves');
    t.equal(await asked({ fhirUser: `Patient/${a}`, patient: a }), 200, 'launched for themselves');
    t.equal(await asked({ patient: nhsNumber }), 200, 'by their number');
    t.equal(await asked({ fhirUser: 'RelatedPerson/1' }), 401, 'somebody related');
    t.equal(await asked({ fhirUser: 'Person/1' }), 401);
    t.equal(await asked({ act: { sub: 'a-parent' } }), 401, 'somebody on their behalf');
    t.equal(await asked({ patient: b }), 404, 'launched for somebody else');
    t.equal(
      (await service.get(`Patient/${b}`, await service.token({ ...own, claims: { patient: b } }))).status,
      404,
    );
  });

  type Told = WrittenEvent & { readonly id: string };

  /** The account of a request, apart from the alerts beside it. */
  async function accountOf(request: string): Promise<{ event: Told; alerts: readonly Told[] }> {
    const events = (await eventsOf(client, request)).map((one) => ({
      ...one,
      id: JSON.parse(one.body).id as string,
    }));
    const [event, ...more] = events.filter(({ kind }) => !kind.startsWith('alert'));
    if (event === undefined || more.length > 0)
      throw new Error(`${request} has ${more.length} more accounts than one.`);
    return { event, alerts: events.filter((one) => one !== event) };
  }

  /** The service with another configuration, over the same record. */
  async function configured(
    t: Test,
    adjust: (configuration: Record<string, unknown>) => void,
  ): Promise<TestService> {
    const file = join(service.folder, 'config.json');
    const before = readFileSync(file, 'utf8');
    const configuration = JSON.parse(before);
    adjust(configuration);
    writeFileSync(file, JSON.stringify(configuration));
    try {
      return await serviceOver(t, service.folder, service.databaseUrl);
    } finally {
      writeFileSync(file, before);
    }
  }

  /** The alert beside an event: found by the officer of the organisation, without a word of whom it is about. */
  async function alertOf(
    t: Test,
    alerts: readonly Told[],
    event: string,
    kind: string,
    organisation: string,
  ): Promise<void> {
    t.equal(alerts.length, 1, 'one alert');
    const [alert] = alerts;
    t.equal(alert?.person, null, 'which names nobody');
    const officer = await service.token({ kind: 'governance', organisation, role: 'privacy-officer' });
    const today = new Date().toISOString().slice(0, 10);
    const code = kind === 'own-record' ? kind : 'override';
    const found = await service.get(
      `AuditEvent?date=${today}&subtype=https://mycarerecord.example/fhir/CodeSystem/alert|${code}&_count=200`,
      officer,
    );
    const shown = given(found).find(({ id }) => id === alert?.id);
    t.ok(shown, 'the privacy officer finds it');
    t.match(detailsIn(shown), { alert: kind, event }, 'and from it the event');
    t.equal((await service.get(`AuditEvent/${event}`, officer)).status, 200);
    const others = await service.token({ kind: 'governance', organisation: 'RXQ', role: 'privacy-officer' });
    t.equal(
      (await service.get(`AuditEvent/${alert?.id}`, others)).status,
      404,
      "another organisation's does not",
    );
  }

  t.test('O-01, O-06: a work login never opens its own record, the person’s own token does', async (t) => {
    const own = personOf('staff-patient');
    const work = await service.token({ ...GP, organisation: 'K82001', user: 'gp-smith' });
    const answer = await service.get(`Patient/${own}`, work, { 'x-request-id': 'own-1' });
    t.equal(answer.status, 403);
    t.match(answer.json.issue[0].details.coding[0], { code: 'own-record' });
    const { event, alerts } = await accountOf('own-1');
    t.match(event, { outcome: 4, person: own }, 'recorded, as whose it was');
    await alertOf(t, alerts, event.id, 'own-record', 'K82001');
    t.equal((await service.get(`Patient/${a}`, work)).status, 200, 'their patients they see');
    const personal = await service.token({
      kind: 'patient',
      nhsNumber: service.person('staff-patient').nhsNumber ?? '',
    });
    t.equal((await service.get(`Patient/${own}`, personal)).status, 200);
    t.equal((await service.get(`Patient/${a}`, personal)).status, 404, 'and no patient of theirs by it');
  });

  t.test(
    'O-04: staff whose own number is not known declare that the record is not theirs, on record',
    async (t) => {
      const unknown = { ...GP, user: 'gp-unlinked' };
      const silent = await service.token({ ...unknown, notOwnRecord: false });
      for (const id of [a, NEVER]) {
        const answer = await service.get(`Patient/${id}`, silent);
        t.equal(answer.status, 403);
        t.match(answer.text, /own-record-attestation/, 'whoever is asked about');
      }
      const declared = await service.get(`Patient/${a}`, await service.token(unknown), {
        'x-request-id': 'declared',
      });
      t.equal(declared.status, 200);
      t.match(
        (await eventsOf(client, 'declared'))[0]?.body,
        /attest|not.own/i,
        'the declaration is in the event',
      );
    },
  );

  t.test('O-12: ids have no order that can be gone through, and one that is guessed is none', async (t) => {
    const { rows } = await client.query<{ id: string }>(
      `select person_id::text as id from record.person union all
       (select resource_id::text from record.resource_key where person_id not in ($1, $2) limit 3000)`,
      [a, b],
    );
    const ids = rows.map(({ id }) => id);
    t.ok(ids.length > 500);
    const heads = new Set(ids.map((id) => id.slice(0, 8)));
    t.ok(heads.size > ids.length * 0.99, 'no two begin alike');
    const bits = ids.reduce((sum, id) => sum + (Number.parseInt(id.slice(0, 8), 16) & 1), 0) / ids.length;
    t.ok(bits > 0.4 && bits < 0.6, 'nor are they even or odd');
    const next = (id: string): string =>
      id.slice(0, -2) + ((Number.parseInt(id.slice(-2), 16) + 1) % 256).toString(16).padStart(2, '0');
    await alike(t, (id) => `Patient/${id}`, next(a), NEVER);
    for (const id of ['1', '2', 'a-1', 'A']) {
      const answer = await service.get(`Patient/${id}`, token);
      t.equal(answer.status, 404, id);
    }
  });

  t.test(
    'O-14: a restricted person is found by no number, name, address, telephone or practice',
    async (t) => {
      const nhsNumber = service.person('restricted').nhsNumber ?? '';
      const restricted = personOf('restricted');
      const [patient] = (
        await client.query<{ body: string }>(
          'select body from record.resource_version where person_id = $1 and type = 1 and valid_to = 9223372036854775807 limit 1',
          [restricted],
        )
      ).rows.map(({ body }) => JSON.parse(body));
      const { name, birthDate, address, telecom } = patient;
      const who = `family=${encodeURIComponent(name[0].family)}&given=${encodeURIComponent(name[0].given[0])}&birthdate=${birthDate}`;
      const postcode = encodeURIComponent(address?.[0]?.postalCode ?? 'HP1 1AA');
      const phone = encodeURIComponent(telecom?.[0]?.value ?? '01632 960000');
      const asked = [
        `Patient?identifier=${byNumber(nhsNumber)}`,
        `Patient?${who}`,
        `Patient?${who}&address-postalcode=${postcode}`,
        `Patient?identifier=${byNumber(nhsNumber)}&telecom=${phone}`,
        `Patient?identifier=${byNumber(nhsNumber)}&general-practitioner:missing=false`,
        `Patient?_id=${restricted}&address=${postcode}`,
        `Observation?patient=${restricted}&patient:Patient.address-postalcode=${postcode}`,
      ];
      for (const path of asked) {
        const answer = await ask(t, path);
        t.equal(answer.status, 200);
        t.strictSame(given(answer), [], 'nobody');
        t.equal(answer.json.total, 0);
      }
      for (const path of [
        `Patient?address-postalcode=${postcode}`,
        `Patient?phone=${phone}`,
        'Patient?address=HP',
      ])
        t.equal((await service.get(path, token)).status, 400, 'nobody is found by where they live alone');
      const nobody =
        ['9999901360', '9999901379', '9999901387', '9999901395'].find((one) => !people.has(one)) ?? '';
      const found = async (number: string): Promise<string> =>
        comparable(await ask(t, `Patient?identifier=${byNumber(number)}`)).replaceAll(number, 'NUMBER');
      t.equal(await found(nhsNumber), await found(nobody), 'as for a number that nobody has');
    },
  );
});

t.test(
  'O-11: whoever is asked for by a number of the test range is unknown, unless it is allowed',
  async (t) => {
    const allowing = await testService(t, { people: 60 });
    const file = join(allowing.folder, 'config.json');
    const { testNumbers, ...silent } = JSON.parse(readFileSync(file, 'utf8'));
    t.equal(testNumbers, 'allow', 'the demonstration takes them by its configuration');
    writeFileSync(file, JSON.stringify(silent));
    const refusing = await serviceOver(t, allowing.folder, allowing.databaseUrl);
    const { nhsNumber } = allowing.person('showcase');
    const token = await allowing.token(GP);
    const found = await allowing.get(`Patient?identifier=${byNumber(nhsNumber)}`, token);
    const id: string = found.json.entry[0].resource.id;
    const own = await allowing.token({ kind: 'patient', nhsNumber: nhsNumber ?? '' });
    const asked: readonly [path: string, by: string][] = [
      [`Patient?identifier=${byNumber(nhsNumber)}`, token],
      [`Condition?patient:identifier=${byNumber(nhsNumber)}`, token],
      [`Condition?patient:identifier=${byNumber(nhsNumber)}`, own],
      [`Condition?patient=${id}`, own],
    ];
    for (const [path, by] of asked) {
      const shown = await allowing.get(path, by);
      t.equal(shown.status, 200, path);
      t.ok(shown.json.entry.length > 0, 'is there where it is allowed');
      const unknown = path.replace(nhsNumber ?? '', '9990999996');
      const [hidden, nobody] = [await refusing.get(path, by), await refusing.get(unknown, by)];
      t.notOk(
        hidden.json.entry?.some((e: { search?: { mode: string } }) => e.search?.mode === 'match'),
        path,
      );
      if (unknown !== path)
        t.equal(hidden.json.total, nobody.json.total ?? 0, 'like a number that nobody has');
      else t.ok([200, 404].includes(hidden.status));
    }
  },
);

/** What an event says beside its agents: the details of its entities. */
function detailsIn(event: object | undefined): object {
  const { entity = [] } = (event ?? {}) as AuditEvent;
  const details = entity.flatMap(({ detail = [] }) => detail);
  return Object.fromEntries(details.map(({ type, valueString }) => [type, valueString]));
}

/** An answer without what is random in every answer: page tokens, and the ids of a summary. */
function stable(answer: TestAnswer): string {
  return comparable(answer)
    .replace(/_page=[\w-]+/g, '_page')
    .replace(/"(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f-]{27}"/g, (id) =>
      answer.text.includes('"Composition"') ? '"id"' : id,
    );
}
