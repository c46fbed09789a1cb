import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { DemoTokenOptions } from '../../demo/issuer.ts';
import { RULES } from '../../src/access/rules.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { behind } from '../support/planted.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';

interface Part {
  readonly name: string;
  readonly valueCode?: string;
  readonly valueString?: string;
  readonly valueInteger?: number;
  readonly valueId?: string;
  readonly part?: readonly Part[];
}

function of(parts: readonly Part[] | undefined, name: string): readonly Part[] {
  return (parts ?? []).filter((part) => part.name === name);
}

function value(parts: readonly Part[] | undefined, name: string): string | undefined {
  const [part] = of(parts, name);
  return part?.valueCode ?? part?.valueString ?? part?.valueId;
}

/** Names of the rules with a verdict, in the words of the log: a rule that makes somebody unknown is not named. */
function named(rules: readonly Part[] | undefined, verdict: string): readonly string[] {
  return of(rules, 'rule')
    .filter(({ part }) => value(part, 'verdict') === verdict && value(part, 'reason') !== 'not-found')
    .map(({ part }) => value(part, 'name') ?? '');
}

function rule(
  rules: readonly Part[] | undefined,
  name: string,
): Readonly<Record<string, string | undefined>> {
  const found = of(rules, 'rule').find(({ part }) => value(part, 'name') === name)?.part;
  const facts = of(found, 'fact').map(({ part }) => [value(part, 'name'), value(part, 'value')]);
  return { verdict: value(found, 'verdict'), ...Object.fromEntries(facts) };
}

t.test('$explain-access', async (t) => {
  const service = await testService(t, { people: 60 });
  const client = await behind(t, service);
  const people = await personIds(service);
  const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
  const idOf = (name: string): string => people.get(numberOf(name)) ?? '';
  const day = new Date().toISOString().slice(0, 10);
  const officer = (organisation: string, more: Partial<DemoTokenOptions> = {}) =>
    service.token({
      kind: 'governance',
      organisation,
      role: 'privacy-officer',
      user: `po-${organisation}`,
      caseNumber: 'IG-7',
      ...more,
    });
  const central = await officer('mcr-ig', { role: 'central-monitoring' });
  const explain = async (
    inputs: Readonly<Record<string, string | boolean>>,
    token = central,
    id: string = randomUUID(),
  ): Promise<TestAnswer> => {
    const answer = await service.service.app.inject({
      method: 'POST',
      url: '/fhir/AuditEvent/$explain-access',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/fhir+json',
        'x-request-id': id,
      },
      payload: JSON.stringify({
        resourceType: 'Parameters',
        parameter: Object.entries(inputs).map(([name, given]) =>
          typeof given === 'boolean' ? { name, valueBoolean: given } : { name, valueString: given },
        ),
      }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      json: JSON.parse(answer.body),
    };
  };
  const only = (answer: TestAnswer): readonly Part[] | undefined =>
    of(answer.json.parameter, 'request')[0]?.part;
  const partsOf = (parts: readonly Part[] | undefined, name: string) => of(parts, name)[0]?.part;

  await t.test('what is explained of a past request is what that request got', async (t) => {
    const callers: Readonly<Record<string, DemoTokenOptions>> = {
      gp: GP,
      consultant: { kind: 'staff', organisation: 'RXQ', role: 'consultant', user: 'c-1' },
      receptionist: { ...GP, role: 'receptionist', user: 'r-1' },
      'social worker': { kind: 'staff', organisation: 'bucks-council', role: 'social-worker', user: 'sw-1' },
      'unlisted profile': {
        kind: 'staff',
        organisation: 'bucks-council',
        role: 'new-profile',
        user: 'lcs-9',
      },
      'one who is a patient': { ...GP, organisation: 'K82001', user: 'gp-smith', notOwnRecord: false },
      'one without a number or declaration': { ...GP, user: 'gp-new', notOwnRecord: false },
      'one without a reason': { ...GP, reason: ' ' },
      'one who bills': { ...GP, purpose: 'HPAYMT' },
      'one of a practice that has not signed': { ...GP, organisation: 'K82999' },
      'one with few scopes': { ...GP, scope: 'user/Observation.rs?category=vital-signs user/Patient.r' },
      system: { kind: 'system', organisation: 'RXQ' },
      officer: {
        kind: 'governance',
        organisation: 'RXQ',
        role: 'privacy-officer',
        user: 'po-9',
        caseNumber: 'IG-9',
      },
    };
    const everybody = ['showcase', 'opted-out', 'child-agreed', 'staff-patient', 'elements'].filter(
      (name) => {
        try {
          return numberOf(name) !== '';
        } catch {
          return false;
        }
      },
    );
    t.ok(everybody.length >= 3, everybody.join());
    const paths = [
      ...everybody.flatMap((name) => [
        `Patient?identifier=${byNumber(numberOf(name))}`,
        `Patient/${idOf(name)}`,
        `Observation?patient=${idOf(name)}&_count=3`,
        `Encounter?patient=${idOf(name)}&_has:Observation:encounter:status=final`,
        `Patient/${idOf(name)}/$everything?_count=2`,
        `AuditEvent?patient=${idOf(name)}&date=${day}`,
      ]),
      'Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C9999999999',
      'Patient/00000000-0000-4000-8000-000000000001',
      'Observation/00000000-0000-4000-8000-000000000002',
      'Patient?family=Nobody&given=At&birthdate=2001-01-01',
      'Organization?name=x',
      `AuditEvent?date=${day}&_count=2`,
    ];
    const seen = new Map<string, number>();
    for (const [name, options] of Object.entries(callers)) {
      const token = await service.token(options.kind === 'system' ? options : { ...options, client: name });
      for (const path of paths) {
        const id = `x${randomUUID()}`;
        const live = await service.get(path, token, { 'x-request-id': id });
        const answer = await explain({ 'request-id': id, date: day });
        if (answer.status !== 200) {
          t.fail(`${name} ${path}: ${live.status}, explained ${answer.status} ${answer.text.slice(0, 200)}`);
          continue;
        }
        const parts = only(answer);
        const [recorded, rules] = [partsOf(parts, 'recorded'), partsOf(parts, 'rules')];
        const reason = value(rules, 'reason');
        const was = ['allow', 'withhold', 'deny'].map((verdict) =>
          of(recorded, verdict).map((one) => one.valueString),
        );
        const is = ['allow', 'withhold', 'deny'].map((verdict) => named(rules, verdict));
        // a search by name that found nobody is decided candidate by candidate: none was
        if (!path.includes('family=')) t.strictSame(was, is, `${name} ${path}`);
        const refused = value(rules, 'outcome') === 'refused';
        const opted = live.status === 200 && live.text.includes('consent-withdrawn');
        const empty = live.status === 200 && live.json.total === 0;
        if (refused) {
          t.equal(value(recorded, 'outcome'), '4', `${name} ${path} was refused`);
          if (!path.includes('family=')) t.equal(value(recorded, 'reason'), reason, `${name} ${path}: why`);
          const expected = reason === 'not-found' ? [404, 200] : [403, 200];
          t.ok(expected.includes(live.status), `${name} ${path}: ${live.status} for ${reason}`);
          if (live.status === 200) t.ok(opted || empty, `${name} ${path}: nothing was shown`);
        } else if (live.status === 200)
          t.equal(value(recorded, 'outcome'), '0', `${name} ${path} was answered`);
        else
          t.strictSame(
            [live.status, value(recorded, 'reason')],
            [404, 'not-found'],
            `${name} ${path}: nothing seen`,
          );
        const kind = refused ? (reason ?? '') : 'granted';
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    t.comment(JSON.stringify([...seen]));
    for (const kind of [
      'granted',
      'not-found',
      'consent-withdrawn',
      'purpose',
      'role',
      'scopes',
      'agreement',
      'own-record-attestation',
    ])
      t.ok((seen.get(kind) ?? 0) > 0, `${kind} is among them`);
  });

  await t.test('a past request is explained by its event, with what has changed since', async (t) => {
    const number = numberOf('only-gp');
    const id = `x${randomUUID()}`;
    await service.get(`Patient?identifier=${byNumber(number)}`, await service.token(GP), {
      'x-request-id': id,
    });
    const { rows } = await client.query<{ id: string }>(
      'select event_id::text as id from audit.event where request_id = $1',
      [id],
    );
    const event = rows[0]?.id ?? '';
    await client.query('begin');
    await client.query(
      `insert into record.opt_out (nhs_number, opted_out, entered_at, source, resource_id) values ($1, true, now(), 1, $2)`,
      [number, randomUUID()],
    );
    await client.query('update record.person set epoch = epoch + 1 where person_id = $1', [idOf('only-gp')]);
    await client.query('commit');
    const asked = `x${randomUUID()}`;
    const answer = await explain({ event }, central, asked);
    t.equal(answer.status, 200, answer.text.slice(0, 300));
    const parts = only(answer);
    const [recorded, rules] = [partsOf(parts, 'recorded'), partsOf(parts, 'rules')];
    t.equal(value(parts, 'event'), event);
    t.strictSame([value(recorded, 'outcome'), of(recorded, 'deny').length], ['0', 0], 'it was answered then');
    t.strictSame(
      [value(rules, 'outcome'), value(rules, 'refused-by')],
      ['refused', 'opt-out'],
      'and would not be now',
    );
    t.match(rule(rules, 'opt-out'), { verdict: 'deny', 'opted out': 'yes' });
    t.match(rule(rules, 'purpose'), { verdict: 'allow', purpose: 'TREAT' });
    t.match(
      of(parts, 'not-kept')
        .map((one) => one.valueString)
        .join(),
      /kept as they are now/,
    );
    const { rows: account } = await client.query<{
      kind: string;
      outcome: number;
      person: string;
      body: string;
    }>('select kind, outcome, person_id::text as person, body from audit.event where request_id = $1', [
      asked,
    ]);
    t.match(
      account,
      [{ kind: 'explain-access', outcome: 0, person: idOf('only-gp') }],
      'with an event of its own',
    );
    t.match(account[0]?.body, /"case-number","valueString":"IG-7"/);
  });

  await t.test(
    'it is for governance with a case, for their own users, and never about themselves',
    async (t) => {
      const id = `x${randomUUID()}`;
      await service.get(`Patient/${idOf('showcase')}`, await service.token(GP), { 'x-request-id': id });
      const past = { 'request-id': id, date: day };
      const supposed = {
        user: 'gp-jones',
        organisation: GP.organisation,
        role: GP.role,
        patient: idOf('showcase'),
      };
      const patientToken = await service.token({ kind: 'patient', nhsNumber: numberOf('showcase') });
      const refusals: readonly [string, string, number, string][] = [
        ['staff', await service.token(GP), 403, 'role'],
        [
          'a system',
          await service.token({ kind: 'system', organisation: GP.organisation, scope: 'system/*.rs' }),
          403,
          'purpose',
        ],
        ['the person', patientToken, 403, 'purpose'],
        ['an officer without a case', await officer(GP.organisation, { caseNumber: '' }), 403, 'purpose'],
        [
          'an officer whose token lets read only',
          await officer(GP.organisation, { scope: 'user/AuditEvent.r' }),
          403,
          'scopes',
        ],
      ];
      for (const [who, token, status, reason] of refusals)
        for (const inputs of [past, supposed]) {
          const answer = await explain(inputs, token);
          t.equal(answer.status, status, `${who}: ${answer.text.slice(0, 200)}`);
          t.notMatch(answer.text, /"verdict"/, who);
          t.match(answer.text, `"${reason}"`, who);
        }
      for (const inputs of [past, supposed])
        t.equal(
          (await explain(inputs, await officer(GP.organisation))).status,
          200,
          "the organisation's own officer",
        );
      t.equal(
        (await explain(past, await officer('RXQ'))).status,
        404,
        "of another's request nothing is known",
      );
      const others = await explain(supposed, await officer('RXQ'));
      t.strictSame([others.status, others.json.issue[0].details.coding[0].code], [403, 'role']);
      const self = await officer('K82001', { user: 'gp-smith', notOwnRecord: false });
      const { rows } = await client.query<{ id: string }>(
        `select n.person_id::text as id from record.person_number n where n.nhs_number = any($1)`,
        [[...people.keys()]],
      );
      const tried: number[] = [];
      for (const { id: person } of rows)
        tried.push((await explain({ ...supposed, organisation: 'K82001', patient: person }, self)).status);
      t.ok(tried.includes(403), 'their own record is among them, and refused');
      t.ok(tried.includes(200), 'others are explained');
    },
  );

  await t.test('of restricted and unknown people nothing is said, and the same', async (t) => {
    const token = await service.token(GP);
    const supposed = { user: 'gp-jones', organisation: GP.organisation, role: GP.role };
    const restricted = await explain({ ...supposed, identifier: numberOf('restricted') });
    const unknown = await explain({ ...supposed, identifier: '9999999999' });
    t.strictSame([restricted.status, restricted.text], [unknown.status, unknown.text]);
    t.equal(restricted.status, 404);
    const id = `x${randomUUID()}`;
    await service.get(`Patient/${idOf('restricted')}`, token, { 'x-request-id': id });
    t.equal((await explain({ 'request-id': id, date: day })).status, 404, 'nor of a request about them');
    t.equal((await explain({ event: randomUUID() })).status, 404);
    const read = await service.get(`AuditEvent?date=${day}&patient=${idOf('restricted')}&_count=50`, central);
    const [event] = read.json.entry.filter((entry: { resource: unknown }) =>
      JSON.stringify(entry).includes(id),
    );
    t.ok(event !== undefined, 'the log itself has lost nobody');
    t.notMatch(JSON.stringify(event), /restricted-person/, 'and does not name the rule');
  });

  await t.test('a supposed request, with what the caller of it would meet, on the day', async (t) => {
    const child = idOf('child-agreed');
    const supposed = {
      user: 'c-1',
      organisation: 'RXQ',
      role: 'consultant',
      patient: child,
      type: 'CareTeam',
    };
    const answer = await explain(supposed);
    t.equal(answer.status, 200, answer.text.slice(0, 300));
    const rules = partsOf(only(answer), 'rules');
    t.equal(value(rules, 'outcome'), 'granted');
    t.equal(of(rules, 'rule').length, RULES.length, 'every rule');
    t.ok(
      of(rules, 'rule').every(
        ({ part }) => value(part, 'says') !== undefined && value(part, 'cites') !== undefined,
      ),
    );
    t.match(rule(rules, 'social-care-agreement')['agreement with lcs'], /^given, from /);
    t.equal(of(only(answer), 'not-kept').length, 0, 'now is now');
    const before = partsOf(only(await explain({ ...supposed, at: '2001-01-01T00:00:00Z' })), 'rules');
    t.strictSame(
      [
        value(before, 'outcome'),
        value(before, 'refused-by'),
        rule(before, 'agreement')['organisation has signed'],
      ],
      ['refused', 'agreement', 'no'],
    );
    t.equal(of(only(await explain({ ...supposed, at: '2001-01-01T00:00:00Z' })), 'not-kept').length, 2);
    const own = await explain(supposed, await officer('RXQ'));
    t.equal(own.status, 200);
    t.notMatch(
      own.text,
      /agreement with/,
      'an officer elsewhere does not learn whether social care knows a child',
    );
    const council = { ...supposed, organisation: 'bucks-council', role: 'social-worker' };
    t.match(
      (await explain(council, await officer('bucks-council'))).text,
      /agreement with lcs/,
      'its own does',
    );
    const reader = partsOf(
      only(await explain({ ...supposed, scope: 'user/Patient.rs', reason: ' ' })),
      'rules',
    );
    t.equal(value(reader, 'refused-by'), 'scopes');
    t.equal(rule(reader, 'purpose')['verdict'], 'deny');
    const desk = partsOf(
      only(await explain({ ...supposed, kind: 'governance', role: 'privacy-officer' })),
      'rules',
    );
    t.match(rule(desk, 'purpose'), { verdict: 'deny', purpose: 'governance' }, 'without a case number');
    const { rows } = await client.query(
      `select count(*)::int as n from audit.event where kind = 'explain-access' and agent = 'c-1'`,
    );
    t.equal(rows[0].n, 0, 'what is supposed is nobody’s event');
  });

  await t.test('what cannot be understood is named', async (t) => {
    const supposed = { user: 'u', organisation: 'RXQ', role: 'nurse', patient: idOf('showcase') };
    const wrong: readonly [Readonly<Record<string, string>>, string][] = [
      [{}, 'user'],
      [{ 'request-id': 'x' }, 'date'],
      [{ 'request-id': 'x', date: '2026' }, 'date'],
      [{ event: randomUUID(), user: 'u' }, 'event'],
      [{ ...supposed, identifier: numberOf('showcase') }, 'patient'],
      [{ user: 'u', organisation: 'RXQ', role: 'nurse' }, 'patient'],
      [{ user: 'u', organisation: 'RXQ', role: 'nurse', identifier: '123' }, 'identifier'],
      [{ ...supposed, type: 'Nothing' }, 'type'],
      [{ ...supposed, interaction: 'explain-access' }, 'interaction'],
      [{ ...supposed, kind: 'patient' }, 'kind'],
      [{ ...supposed, at: 'yesterday' }, 'at'],
    ];
    for (const [inputs, parameter] of wrong) {
      const { status, json } = await explain(inputs);
      t.strictSame([status, json.issue[0].expression], [400, [parameter]], JSON.stringify(inputs));
    }
    t.equal((await explain({ secret: 'x' })).status, 400);
    t.equal((await service.get('AuditEvent/$explain-access', central)).status, 400, 'by POST alone');
  });
});
