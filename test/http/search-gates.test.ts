import t from 'tap';
import { gateOf, NEVER } from '../support/gate.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import {
  behind,
  comparable,
  eventsOf,
  idsIn,
  nextOf,
  plant,
  publishAgain,
  RESTRICTED,
  sourceOf,
} from '../support/planted.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';
import * as tangle from '../support/tangled-record.ts';

/*
 * Every path by which a search, a version or a whole record could give out what the caller may not see. Ids of cases are
 * those of the attack catalogue. What is asked is checked each time: nothing hidden in the answer, everything in it
 * accounted for, and every attempt an event.
 */

const { VISIT, HIDDEN_VISIT, PULSE, SECRET, LAB, REPORT, LETTER, LETTER_TEXT, HIDDEN_TEXT, SIGNED, PRIVATE } =
  tangle;
const { HIDDEN_SIGNED, HIDDEN_LETTER, OTHERS, NARROWED, WIDENED, RECLASSED, CANARY } = tangle;

t.test('searches, versions and whole records give out what the caller may see, and no more', async (t) => {
  const service = await testService(t, { people: 60 });
  const client = await behind(t, service);
  const sql = async (text: string, ...values: unknown[]): Promise<void> => {
    const { rowCount } = await client.query(text, values);
    if (rowCount === 0) throw new Error(`Nothing was changed by: ${text}`);
  };
  const people = await personIds(service);
  const personOf = (name: string): string => people.get(service.person(name).nhsNumber ?? '') ?? '';
  const [a, b] = [personOf('record-of-50'), personOf('only-gp')];
  await tangle.plantTangledRecord(client, a, b);
  const acute = await sourceOf(client, 'acute');
  const newest = `_history/${acute.loadNo}`;
  const token = await service.token(GP);
  const { ask, gives, refused, alike, scoped, citizenOf } = await gateOf(service, client, { A: a, B: b });
  const citizen = await citizenOf('record-of-50');

  t.test('S-03, S-04, S-06, S-24: a patient token reaches one record on every path', async (t) => {
    for (const path of [
      (id: string) => `Observation?patient=${id}`,
      (id: string) => `Observation?patient=${id}&_summary=count`,
      (id: string) => `Patient?_id=${id}`,
      (id: string) => `Patient?_id=${id}&_revinclude=Observation:subject`,
      (id: string) => `Patient/${id}/$everything`,
      (id: string) => `Patient/${id}/$everything?_type=Observation&_count=0`,
    ])
      await alike(t, path, b, NEVER, citizen);
    await alike(t, (id) => `Observation?_id=${id}`, OTHERS, NEVER, citizen);
    await alike(t, (id) => `Observation/${id}/_history`, OTHERS, NEVER, citizen);
    await alike(t, (id) => `Observation/${id}/_history/${acute.loadNo}`, OTHERS, NEVER, citizen);
    await refused(t, `Observation?patient=${a},${b}`, 400, citizen);
    await refused(t, `Observation?patient=${a}&patient=${b}`, 400, citizen);
    await refused(t, `Observation?patient=${a}&subject=${b}`, 400, citizen);
    await gives(t, `Observation?patient=${a}&subject:Patient._id=${b}`, [], [], citizen);
    await gives(t, `Observation?patient=${a}&_id=${OTHERS}`, [], [], citizen);
    await gives(t, `Observation?patient=${a}&_id=${OTHERS},${LAB}`, [LAB], [], citizen);
    t.ok((await ask(t, `Observation?patient=${a}`, citizen)).json.total > 0, 'their own');
    const mine = await ask(t, `Patient?_has:Observation:focus:code=others&_id=${a}`, citizen);
    t.equal(mine.json.total, 0, "another person's row about them");
  });

  t.test('S-07 to S-09: every hop of an include stops at what is hidden, and at other people', async (t) => {
    const report = `DiagnosticReport?_id=${REPORT}&patient=${a}`;
    await gives(t, `${report}&_include=DiagnosticReport:result`, [REPORT], [PULSE, LAB]);
    await gives(
      t,
      `${report}&_include=DiagnosticReport:result&_include:iterate=Observation:has-member`,
      [REPORT],
      [PULSE, LAB],
    );
    await gives(
      t,
      `${report}&_include=DiagnosticReport:encounter&_revinclude:iterate=DiagnosticReport:encounter`,
      [REPORT],
      [VISIT],
    );
    await gives(t, `Observation?_id=${LAB}&patient=${a}&_include=Observation:encounter`, [LAB]);
    await gives(
      t,
      `Observation?_id=${PULSE}&patient=${a}&_revinclude=Observation:derived-from&_revinclude=Provenance:target`,
      [PULSE],
      [SIGNED],
    );
    await gives(t, `Patient?_id=${a}&_revinclude=Observation:focus`, [a]);
    await gives(t, `Patient?_id=${b}&_revinclude=Observation:focus&_revinclude:iterate=Provenance:target`, [
      b,
    ]);
    await gives(t, `Observation?_id=${PULSE}&_include=Observation:subject`, [PULSE], [a]);
    await gives(t, `DocumentReference?_id=${LETTER}&_revinclude=Provenance:target`, [LETTER]);
    const both =
      'Provenance:target&_include:iterate=Observation:has-member&_revinclude:iterate=Observation:derived-from';
    await gives(t, `Observation?patient=${a}&code=pulse&_revinclude=${both}`, [PULSE], [SIGNED, LAB]);
    const whole = await ask(
      t,
      `Encounter?_id=${VISIT}&patient=${a}&_revinclude=Observation:encounter&_revinclude=DiagnosticReport:encounter&_revinclude=Procedure:encounter`,
    );
    t.strictSame([...idsIn(whole, 'include')].sort(), [PULSE, REPORT, PRIVATE, WIDENED, RECLASSED].sort());
  });

  t.test(
    'what is included by the type that is asked for comes too, though one id is asked for',
    async (t) => {
      await gives(t, `Observation?_id=${PULSE}&_include=Observation:has-member`, [PULSE], [LAB]);
      await gives(t, `Observation?_id=${LAB}&_revinclude=Observation:has-member`, [LAB], [PULSE]);
      await gives(t, `Observation?_id=${PULSE}&has-member:Observation.code=lab`, [PULSE]);
      await gives(t, `Observation?_id=${PULSE}&has-member:Observation.code=secret`, []);
      await gives(t, `Observation?_id=${LAB}&_has:Observation:has-member:code=pulse`, [LAB]);
      await gives(t, `Observation?_id=${PULSE}&_has:Observation:derived-from:code=secret`, []);
    },
  );

  t.test('S-11, S-17, I-02, I-14: what is not understood is refused, however it is written', async (t) => {
    const here = `Observation?patient=${a}`;
    for (const more of [
      '_include=*',
      '_revinclude=*',
      '_include=Observation:*',
      '_include:iterate=*',
      '_include=Observation:subject:*',
      '_include:recurse=Observation:subject',
      '_include=Observation:subject,Observation:encounter',
      '_include=Encounter:subject',
      '_revinclude=AuditEvent:entity',
      '_include%3Aiterate=AuditEvent:patient',
      '_include=AuditEvent:entity',
      '_has:AuditEvent:entity:date=2026',
      '_HAS:Observation:subject:code=x',
      '_has%3AObservation:secret:code=x',
      '_has:Observation:code:code=x',
      '_has=Observation:subject:code=x',
      '_has:Observation:subject=x',
      'patient%20=x',
      'code%20=x',
      '%5F%5Fproto__=x',
      'constructor=x',
      'toString=x',
      'hasOwnProperty=x',
      '_sort=__proto__',
      '_sort=constructor',
      '_elements=__proto__',
      '_elements=hasOwnProperty',
      '_include=Object:constructor',
      '_include=Observation:constructor',
      '_has:Object:constructor:x=1',
      'subject:Object.name=x',
      'subject:Patient.__proto__=x',
      '_filter=code%20eq%20x',
      '_query=x',
      '_list=x',
      '_content=x',
      '_text=x',
      '_contained=both',
      '_containedType=container',
      '_score=1',
      'code:in=http://x/y',
      'code:below=x',
      'code:above=x',
      'date=zz2020',
      'subject:identifier:exact=x',
      '_id:not=x',
      '_total=all',
      '_summary=yes',
      '_summary=text&_include=Observation:subject',
      '_elements=id&_summary=true',
      '_type=Observation',
      '_since=2020',
      '_at=2020',
      '_page=x',
    ])
      await refused(t, `${here}&${more}`, 400);
    await refused(t, `Patient/${a}/$everything?_type=Observation,AuditEvent`, 400);
    await refused(t, `Patient/${a}/$everything?_type=__proto__`, 400);
    await refused(t, `Patient/${a}/$everything?_include=Observation:subject`, 400);
    await refused(t, `Observation/${PULSE}/_history?_sort=-_lastUpdated`, 400);
    for (const operation of ['$export', '$graphql', '$graph', '$meta', '$lastn', '$evil'])
      await refused(t, `Patient/${a}/${operation}`, 404);
    for (const at of [
      `Observation?_id=${NEVER}&%00=x`,
      `Observation?patient=${a}&code=%ff`,
      `Observation?patient=${a}%00`,
    ])
      await refused(t, at, 400);
    const lenient = await service.get(`${here}&unheard-of=1`, token, { prefer: 'handling=lenient' });
    t.equal(lenient.status, 400, 'leniency is not offered');
  });

  t.test(
    'S-12: what comes along needs the scope of its own type, and so does what leads to it',
    async (t) => {
      const narrow = await scoped('user/Observation.rs user/DiagnosticReport.rs');
      await gives(
        t,
        `Observation?_id=${PULSE}&_include=Observation:subject&_include=Observation:encounter`,
        [PULSE],
        [],
        narrow,
      );
      await gives(
        t,
        `DiagnosticReport?_id=${REPORT}&_include=DiagnosticReport:result&_include=DiagnosticReport:encounter`,
        [REPORT],
        [PULSE, LAB],
        narrow,
      );
      await gives(t, `Observation?_id=${PULSE}&_revinclude=Provenance:target`, [PULSE], [], narrow);
      const mine = await citizenOf('record-of-50', 'patient/Observation.rs');
      await gives(
        t,
        `Observation?_id=${PULSE}&_include=Observation:subject&_include=Observation:encounter`,
        [PULSE],
        [],
        mine,
      );
      const noSearch = await scoped('user/Observation.rs user/Encounter.r');
      await gives(t, `Observation?_id=${PULSE}&_include=Observation:encounter`, [PULSE], [], noSearch);
      const places = await scoped('user/Encounter.rs');
      const visits = await ask(
        t,
        `Encounter?patient=${a}&_include=Encounter:service-provider&_include=Encounter:location`,
        places,
      );
      t.equal(idsIn(visits, 'include').length, 0, 'no directory without its scope either');
      const withPlaces = await ask(t, `Encounter?patient=${a}&_include=Encounter:service-provider`);
      t.ok(idsIn(withPlaces, 'include').length > 0, 'with it, they come');
    },
  );

  t.test('S-13, S-14: what a condition looks into needs its scope: no predicate is an oracle', async (t) => {
    const observations = await scoped('user/Observation.rs');
    for (const query of [
      `Observation?patient=${a}&subject:Patient.name=smith`,
      `Observation?patient=${a}&patient.birthdate=gt1900`,
      `Observation?patient=${a}&encounter.date=2026-01-05`,
      `Observation?patient=${a}&encounter.service-provider.name=a`,
      `Observation?patient=${a}&_has:DiagnosticReport:result:code=panel`,
      `Observation?patient=${a}&_has:Provenance:target:_id=${SIGNED}`,
      `Observation?patient=${a}&performer:Practitioner.name=x`,
      `Observation?patient=${a}&performer.name=x`,
    ])
      await refused(t, query, 403, observations);
    const patients = await scoped('user/Patient.rs');
    await refused(t, `Patient?_id=${a}&_has:Observation:patient:value-quantity=gt1000`, 403, patients);
    await refused(
      t,
      `Patient?_id=${a}&_has:Encounter:patient:_has:Observation:encounter:code=secret`,
      403,
      await scoped('user/Patient.rs user/Encounter.rs'),
    );
    const family = service.person('record-of-50');
    await refused(
      t,
      `Patient?identifier=${byNumber(family.nhsNumber)}&_has:Observation:patient:code=x`,
      403,
      patients,
    );
    await refused(
      t,
      `Patient?_id=${a}&_has:Observation:patient:code=pulse`,
      403,
      await scoped('user/Patient.rs user/Observation.r'),
    );
  });

  t.test('S-16, C-14: conditions, chains and _has see visible rows alone', async (t) => {
    for (const [query, matches] of [
      [`Observation?patient=${a}&code=secret`, []],
      [`Observation?patient=${a}&value-quantity=gt1000`, []],
      [`Observation?patient=${a}&date=1999-01-05`, []],
      [`Observation?patient=${a}&encounter.date=1999-01-05`, []],
      [`Observation?patient=${a}&encounter.reason-code:text=canary-of`, []],
      [`Observation?patient=${a}&has-member.value-quantity=gt1000`, []],
      [`Observation?patient=${a}&has-member.code=lab`, [PULSE]],
      [`Observation?patient=${a}&has-member.has-member.code=lab`, []],
      [`Observation?patient=${a}&_has:DiagnosticReport:result:_id=${REPORT}`, [PULSE, LAB]],
      [`Observation?patient=${a}&_has:Provenance:target:_id=${HIDDEN_SIGNED}`, []],
      [`Observation?patient=${a}&_has:Observation:derived-from:value-quantity=gt1000`, []],
      [`Encounter?patient=${a}&_has:Observation:encounter:code=secret`, []],
      [`Encounter?patient=${a}&_has:Observation:encounter:code=pulse`, [VISIT]],
      [`Patient?_id=${a}&_has:Observation:patient:code=secret`, []],
      [`Patient?_id=${a}&_has:Observation:patient:value-quantity=gt1000`, []],
      [`Patient?_id=${a}&_has:Observation:patient:code=pulse`, [a]],
      [`Patient?_id=${a}&_has:Observation:focus:code=others`, []],
      [`Observation?patient=${a}&code:not=pulse&date=1999`, []],
      [`Observation?patient=${a}&_security=R`, []],
      [`Observation?patient=${a}&_id=${SECRET}`, []],
      [`Encounter?patient=${a}&_id=${HIDDEN_VISIT}`, []],
    ] as const)
      await gives(t, query, matches);
    // a row may be asked for by where it leads, though what is there is hidden: the reference is the row's own
    await gives(t, `Observation?patient=${a}&encounter=${HIDDEN_VISIT}`, [LAB]);
    await gives(t, `Observation?patient=${a}&encounter._id=${HIDDEN_VISIT}`, []);
  });

  t.test('S-18: a form body and a URL together name one person once', async (t) => {
    for (const [url, body] of [
      [`Observation/_search?patient=${a}`, `patient=${b}`],
      [`Observation/_search?subject=${a}`, `patient=${b}`],
      [`Observation/_search?patient=${a}&_count=1`, '_count=2'],
      [`Observation/_search?patient=${a}`, '_include=*'],
    ] as const)
      t.equal((await service.post(url, body, citizen)).status, 400, `${url} ${body}`);
    const posted = await service.post(`Observation/_search?patient=${a}`, 'code=secret', token);
    t.equal(posted.json.total, 0, 'conditions of both hold');
    const gets = await service.post('Observation/_search', `patient=${a}&_summary=count`, token);
    t.equal(gets.json.total, (await ask(t, `Observation?patient=${a}&_summary=count`)).json.total);
  });

  t.test(
    'S-23, S-43: a whole record is made of visible rows, whatever part of it is asked for',
    async (t) => {
      const types = [
        'Observation',
        'Encounter',
        'DiagnosticReport',
        'Provenance',
        'DocumentReference',
        'Procedure',
      ];
      const whole = await ask(t, `Patient/${a}/$everything`);
      const parts = await Promise.all(types.map((type) => ask(t, `Patient/${a}/$everything?_type=${type}`)));
      for (const [index, type] of types.entries()) {
        const expected = whole.json.entry.filter(
          (e: { resource: { resourceType: string } }) => e.resource.resourceType === type,
        );
        t.equal(parts[index]?.json.total, expected.length, `${type}: its part of the whole`);
        const counted = await ask(t, `Patient/${a}/$everything?_type=${type}&_count=0`);
        t.equal(counted.json.total, expected.length, `${type}: counted`);
      }
      t.match(idsIn(whole), [a]);
      for (const since of ['_since=2000-01-01', 'start=1998-01-01&end=1999-12-31', 'start=1999-01-05'])
        await ask(t, `Patient/${a}/$everything?${since}`);
      const years = await ask(
        t,
        `Patient/${a}/$everything?_type=Observation,Encounter&start=1998-01-01&end=1999-12-31`,
      );
      t.notMatch(
        JSON.stringify(years.json.entry.map((e: { fullUrl: string }) => e.fullUrl)),
        /a0000000-0000-4000-8000-00000000000[24]/,
      );
      const narrow = await scoped('user/Patient.rs user/Encounter.rs');
      const some = await ask(t, `Patient/${a}/$everything`, narrow);
      t.notOk(idsIn(some).includes(PULSE), 'only types within the scopes');
      t.ok(idsIn(some).includes(VISIT));
      const none = await ask(t, `Patient/${a}/$everything?_type=Observation`, narrow);
      t.equal(none.json.total, 0);
      const mine = await ask(t, `Patient/${a}/$everything`, citizen);
      t.notOk(idsIn(mine).includes(PRIVATE), 'what is not for the patient');
      t.ok(idsIn(whole).includes(PRIVATE), 'and is for staff');
    },
  );

  t.test('what is not for the patient is reached by no path of theirs', async (t) => {
    for (const query of [
      `Procedure?_id=${PRIVATE}`,
      `Procedure?patient=${a}&_id=${PRIVATE}`,
      `Procedure?patient=${a}&reason-reference.code=pulse`,
    ])
      await gives(t, query, [], [], citizen);
    await gives(t, `Procedure?patient=${a}&reason-reference.code=pulse`, [PRIVATE]);
    await gives(t, `Observation?_id=${PULSE}&_revinclude=Procedure:reason-reference`, [PULSE], [], citizen);
    await gives(t, `Observation?_id=${PULSE}&_revinclude=Procedure:reason-reference`, [PULSE], [PRIVATE]);
    await gives(
      t,
      `Observation?patient=${a}&_has:Procedure:reason-reference:_id=${PRIVATE}`,
      [],
      [],
      citizen,
    );
    await alike(t, (id) => `Procedure/${id}`, PRIVATE, NEVER, citizen);
    await alike(t, (id) => `Procedure/${id}/_history`, PRIVATE, NEVER, citizen);
    await alike(t, (id) => `Procedure/${id}/${newest}`, PRIVATE, NEVER, citizen);
  });

  t.test('S-26, C-08: versions are seen where they and the newest one may be', async (t) => {
    for (const one of [NARROWED, SECRET])
      for (const path of [
        (id: string) => `Observation/${id}`,
        (id: string) => `Observation/${id}/_history`,
        (id: string) => `Observation/${id}/_history/1`,
        (id: string) => `Observation/${id}/${newest}`,
        (id: string) => `Observation?_id=${id}`,
      ])
        await alike(t, path, one, NEVER);
    const history = await ask(t, `Observation/${WIDENED}/_history`);
    t.strictSame(
      [history.json.total, history.json.entry.length],
      [1, 1],
      'of the other way round only the open one',
    );
    t.equal(history.json.entry[0].request.method, 'PUT', 'nothing says whether there was one before');
    await alike(t, (id) => `Observation/${id}/_history/1`, WIDENED, NEVER);
    t.equal((await ask(t, `Observation/${WIDENED}/_history?_at=2026-01-01T12:00:00Z`)).json.total, 0);
    t.equal((await ask(t, `Observation/${WIDENED}/${newest}`)).status, 200);
    t.equal((await ask(t, `Observation/${RECLASSED}/_history`)).json.total, 2);
    for (const wrong of ['0', '-1', '01', '1e3', '999', 'x'])
      await alike(t, (id) => `Observation/${id}/_history/${wrong}`, PULSE, NEVER);
    for (const one of [HIDDEN_TEXT, NEVER]) await refused(t, `Binary/${one}/_history`, 404);
  });

  t.test('S-27: a label inside a resource hides what is around it, and its versions', async (t) => {
    const around = 'a0000000-0000-4000-8000-000000000030';
    const inner = {
      resourceType: 'Practitioner',
      id: 'p',
      meta: { security: [RESTRICTED] },
      name: [{ text: CANARY }],
    };
    const encounter = {
      resourceType: 'Encounter',
      id: around,
      status: 'finished',
      class: { code: 'AMB' },
      contained: [inner],
    };
    await plant(client, a, acute, {
      ...encounter,
      subject: { reference: `Patient/${a}` },
      participant: [{ individual: { reference: '#p' } }],
    });
    for (const path of [
      (id: string) => `Encounter/${id}`,
      (id: string) => `Encounter/${id}/_history`,
      (id: string) => `Encounter?_id=${id}`,
    ])
      await alike(t, path, around, NEVER);
    await gives(t, `Encounter?patient=${a}&_id=${around}`, []);
  });

  t.test('S-28, S-29: a part of an answer is a part of what is visible, labels and counts too', async (t) => {
    for (const part of [
      '_elements=id',
      '_elements=meta',
      '_summary=true',
      '_summary=data',
      '_summary=text',
      '_summary=count',
      '_count=0',
    ]) {
      await gives(t, `Observation?patient=${a}&code=secret&${part}`, []);
      if (!part.includes('count')) await alike(t, (id) => `Observation/${id}?${part}`, SECRET, NEVER);
    }
    await refused(t, `Observation/${PULSE}?_summary=count`, 400);
    const listed = await ask(t, `Observation?patient=${a}&_elements=id,note&_count=1000`);
    t.equal(listed.json.entry[0].resource.meta.tag.at(-1).code, 'SUBSETTED');
  });

  t.test('S-31, C-12, C-13: counts and pages are of visible rows', async (t) => {
    const whole = await ask(t, `Observation?patient=${a}&_count=1000`);
    const total = idsIn(whole, 'match').length;
    for (const query of [
      '',
      '&_count=0',
      '&_summary=count',
      '&_total=accurate',
      '&_total=estimate',
      '&_count=3',
      '&_sort=-date&_count=2',
      '&_sort=code,-date,_id&_count=4',
    ]) {
      const answer = await ask(t, `Observation?patient=${a}${query}`);
      t.equal(answer.json.total, total, `total of ${query}`);
    }
    t.equal((await ask(t, `Observation?patient=${a}&_total=none`)).json.total, undefined);
    for (const sort of ['', '&_sort=date', '&_sort=-value-quantity', '&_sort=encounter,code']) {
      const seen: string[] = [];
      let pages = 0;
      for (
        let path: string | undefined = `Observation?patient=${a}&_count=3${sort}`;
        path !== undefined;
        pages += 1
      ) {
        const page: TestAnswer = await ask(t, path);
        const on = idsIn(page, 'match');
        path = nextOf(page);
        t.ok(path === undefined || on.length === 3, 'a page that is followed is full');
        t.ok(on.length > 0, 'and the last one is not empty');
        seen.push(...on);
      }
      t.equal(pages, Math.ceil(total / 3));
      t.strictSame([...new Set(seen)].length, total, `${sort}: each row once`);
    }
    for (const count of ['-1', 'NaN', '0x10', '1e9', '1.5', '+1', '%201', '', '1,2'])
      await refused(t, `Observation?patient=${a}&_count=${count}`, 400);
    t.equal(
      (await ask(t, `Observation?patient=${a}&_count=99999999999999999999`)).status,
      200,
      'more than the most is the most',
    );
    await refused(t, `Observation?patient=${a}&_count=1&_count=2`, 400);
  });

  t.test('S-33: a category in the scope holds on every path', async (t) => {
    const vital = await scoped(
      'user/Patient.rs user/DiagnosticReport.rs user/Observation.rs?category=vital-signs',
    );
    await gives(
      t,
      `DiagnosticReport?_id=${REPORT}&_include=DiagnosticReport:result`,
      [REPORT],
      [PULSE],
      vital,
    );
    for (const path of [
      (id: string) => `Observation/${id}`,
      (id: string) => `Observation/${id}/_history`,
      (id: string) => `Observation/${id}/${newest}`,
      (id: string) => `Observation?_id=${id}`,
    ])
      await alike(t, path, LAB, NEVER, vital);
    await gives(t, `Observation?patient=${a}&has-member.code=lab`, [], [], vital);
    await gives(t, `Observation?patient=${a}&code=lab`, [], [], vital);
    await gives(t, `Patient?_id=${a}&_has:Observation:patient:code=lab`, [], [], vital);
    await gives(t, `Patient?_id=${a}&_has:Observation:patient:code=pulse`, [a], [], vital);
    const everything = await ask(t, `Patient/${a}/$everything`, vital);
    t.notOk(idsIn(everything).includes(LAB));
    t.ok(idsIn(everything).includes(PULSE));
    await alike(t, (id) => `Observation/${id}/_history/1`, RECLASSED, NEVER, vital);
    t.equal(
      (await ask(t, `Observation/${RECLASSED}/_history`, vital)).json.total,
      1,
      'the version of another category is none',
    );
    const counted = await ask(t, `Observation?patient=${a}&_summary=count`, vital);
    t.equal(
      counted.json.total,
      idsIn(await ask(t, `Observation?patient=${a}&category=vital-signs&_count=1000`)).length,
    );
    const mine = await citizenOf('record-of-50', 'patient/Observation.rs?category=vital-signs');
    await gives(t, `Observation?patient=${a}&code=lab,pulse`, [PULSE], [], mine);
  });

  t.test('S-32, S-36: scopes that are none, and letters that are not there, open nothing', async (t) => {
    for (const scope of [
      'user/Observation.rs?category:not=laboratory',
      'user/Observation.rs?category=',
      'user%2F*.rs',
      'USER/*.rs',
      'user/Observation.sr',
      'user/observation.rs',
      'system/*.rs',
      'patient/*.rs',
      'user/Observation.cud',
      'user/Observation.write',
    ])
      await refused(t, `Observation?patient=${a}&_include=Observation:encounter`, 403, await scoped(scope));
    t.equal((await service.get(`Observation?patient=${a}`, await scoped('user/*.rs\t'))).status, 401);
    const [read, search] = [await scoped('user/*.r'), await scoped('user/*.s')];
    for (const path of [
      `Observation/${PULSE}`,
      `Observation/${PULSE}/_history`,
      `Observation/${PULSE}/${newest}`,
    ]) {
      t.equal((await ask(t, path, read)).status, 200);
      await refused(t, path, 403, search);
    }
    await refused(t, `Observation?patient=${a}`, 403, read);
    t.equal((await ask(t, `Observation?patient=${a}`, search)).status, 200);
    for (const one of [read, search])
      await refused(t, `Patient/${a}/$everything?_type=Observation`, 403, one);
  });

  t.test('S-42: a text is had with a visible letter that refers to it, and not otherwise', async (t) => {
    t.equal((await ask(t, `Binary/${LETTER_TEXT}`)).status, 200);
    for (const path of [
      (id: string) => `Binary/${id}`,
      (id: string) => `Binary/${id}/_history`,
      (id: string) => `Binary/${id}/_history/1`,
      (id: string) => `DocumentReference/${id}`,
    ])
      await alike(t, path, path('').startsWith('Binary') ? HIDDEN_TEXT : HIDDEN_LETTER, NEVER);
    await refused(t, `Binary/${LETTER_TEXT}`, 404, await scoped('user/Binary.rs'));
    await refused(t, `Binary/${LETTER_TEXT}/_history`, 404, await scoped('user/Binary.rs'));
    await refused(t, `Binary?_id=${HIDDEN_TEXT}`, 404);
  });

  t.test('S-44: asking for what changed since tells nothing of what is hidden', async (t) => {
    const since = '_lastUpdated=gt2000-01-01';
    const before = comparable(await ask(t, `Observation?patient=${a}&${since}`));
    const patient = comparable(await ask(t, `Patient?_id=${a}&${since}`));
    await sql(
      `update record.resource_version set body = replace(body, '"lastUpdated":"2026', '"lastUpdated":"2031'),
      search_line = replace(search_line, '_lastUpdated=1', '_lastUpdated=2') where resource_id = $1`,
      SECRET,
    );
    t.equal(comparable(await ask(t, `Observation?patient=${a}&${since}`)), before);
    t.equal(comparable(await ask(t, `Patient?_id=${a}&${since}`)), patient);
    await gives(t, `Observation?patient=${a}&_lastUpdated=gt2030-01-01`, []);
  });

  t.test('S-39, C-06: a further page is decided anew, and is of its own caller alone', async (t) => {
    const path = `Observation?patient=${a}&_sort=-date&_count=2&_include=Observation:encounter`;
    const next = nextOf(await ask(t, path)) ?? '';
    t.equal((await ask(t, next)).status, 200);
    const other = await service.token({ ...GP, user: 'gp-other' });
    for (const by of [other, citizen, await service.token({ ...GP, client: 'another-client' })])
      await refused(t, next, 400, by);
    await refused(t, next, 403, await scoped('user/Patient.rs'));
    await refused(t, next, 403, await service.token({ ...GP, reason: ' ' }));
    await refused(t, next, 403, await service.token({ ...GP, role: 'janitor' }));
    const less = await ask(t, next, await scoped('user/Observation.rs?category=vital-signs'));
    t.notOk(idsIn(less).includes(LAB), 'by the scopes of this request');
    t.equal(idsIn(less, 'include').length, 0);
    for (const place of [0, 20, 40, 100]) {
      const at = next.indexOf('_page=') + 6 + place;
      await refused(t, `${next.slice(0, at)}${next[at] === 'A' ? 'B' : 'A'}${next.slice(at + 1)}`, 400);
    }
    for (const changed of [
      `${next}&patient=${b}`,
      `${next}&_include=Observation:subject`,
      `${next}&_page=${next.split('=')[1]}`,
      `${next}&_elements=id`,
      next.replace('Observation?', 'Condition?'),
      next.replace('Observation?', `Patient/${a}/$everything?`),
      next.replace('Observation?', `Observation/${PULSE}/_history?`),
    ])
      await refused(t, changed, 400);
    for (const count of ['1000', '0', '1']) {
      const page = await ask(t, `${next}&_count=${count}`);
      t.equal(idsIn(page, 'match').length, 2, `the page is as long as it was asked to be, not ${count}`);
    }
    for (const count of ['x', '-1', '1e9', '']) await refused(t, `${next}&_count=${count}`, 400);
    await refused(t, `${next}&_count=1&_count=2`, 400);
    // what restricts takes effect on the next page, though that is of the moment of the first
    const [onNext = ''] = idsIn(await ask(t, next), 'match');
    const pages = nextOf(await ask(t, `Observation/${RECLASSED}/_history?_count=1`)) ?? '';
    t.equal((await ask(t, pages)).json.entry.length, 1);
    const since = [await publishAgain(client, 'acute'), await publishAgain(client, 'gp')];
    const load = Math.max(...since);
    const changed = [onNext, RECLASSED];
    const open = 9223372036854775807n;
    await sql(
      `update record.resource_version set valid_to = $2 where resource_id = any($1) and valid_to = ${open}`,
      changed,
      load,
    );
    await sql(
      `insert into record.resource_version select person_id, ${open}, resource_id, $2, source, type, category, '{|R}', codes,
         content_hash, search_line, body from record.resource_version where resource_id = any($1) and valid_to = $2`,
      changed,
      load,
    );
    const page = await ask(t, next);
    t.strictSame([page.status, idsIn(page).includes(onNext)], [200, false], 'labelled since');
    await refused(t, pages, 404);
    await sql(
      'delete from record.resource_version where resource_id = any($1) and valid_from = $2',
      changed,
      load,
    );
    await sql(
      `update record.resource_version set valid_to = ${open} where resource_id = any($1) and valid_to = $2`,
      changed,
      load,
    );
    t.ok(idsIn(await ask(t, next)).includes(onNext), 'and with no label it is there');
    await sql(
      `insert into record.opt_out values ($1, true, now(), 1, gen_random_uuid())`,
      service.person('record-of-50').nhsNumber,
    );
    await sql('update record.person set epoch = epoch + 1 where person_id = $1', a);
    const withdrawn = await ask(t, next);
    t.strictSame([withdrawn.status, idsIn(withdrawn).length], [200, 0]);
    t.match(withdrawn.text, /consent-withdrawn/);
    for (const gone of [
      pages,
      `Observation/${PULSE}/_history`,
      `Observation/${PULSE}/${newest}`,
      `Observation/${PULSE}`,
    ])
      await refused(t, gone, 403);
    await gives(t, `Patient?_id=${a}&_revinclude=Observation:subject`, []);
    await gives(t, `Patient/${a}/$everything?_type=Observation`, []);
    t.ok(idsIn(await ask(t, `Observation?patient=${a}`, citizen)).length > 0, 'not from themselves');
    await sql('delete from record.opt_out where nhs_number = $1', service.person('record-of-50').nhsNumber);
    await sql('insert into record.restriction values ($1, 1)', a);
    for (const by of [token]) await gives(t, next, [], [], by);
    await alike(t, (id) => `Observation?patient=${id}&_revinclude=Provenance:target`, a, NEVER);
    await alike(t, (id) => `Patient?_id=${id}&_has:Observation:patient:code=pulse`, a, NEVER);
    await alike(t, (id) => `Observation?_id=${id}&_include=Observation:subject`, PULSE, NEVER);
    await alike(t, (id) => `Observation/${id}/_history`, PULSE, NEVER);
    await sql('delete from record.restriction where person_id = $1', a);
  });

  t.test('an erased row is as one that never was, on every path and in every count', async (t) => {
    const [whole, found] = [`Patient/${a}/$everything?_count=1000`, `Observation?patient=${a}`];
    const every = idsIn(await ask(t, whole));
    const observations = idsIn(await ask(t, `${found}&_count=1000`), 'match');
    t.ok(every.includes(LAB) && observations.includes(LAB));
    const { rows: kept } = await client.query(
      'select valid_to, body, search_line from record.resource_version where resource_id = $1',
      [LAB],
    );
    for (const set of ['body = null', 'search_line = null']) {
      await sql(`update record.resource_version set ${set} where resource_id = $1`, LAB);
      const left = (ids: readonly string[]): readonly string[] => ids.filter((id) => id !== LAB);
      const answer = await ask(t, whole);
      t.strictSame([answer.status, idsIn(answer)], [200, left(every)], set);
      for (const more of ['', '&_count=0', '&_summary=count', '&_sort=-date&_count=2', '&_elements=status']) {
        const counted = await ask(t, `${found}${more}`);
        t.strictSame([counted.status, counted.json.total], [200, observations.length - 1], more);
      }
      const paged: string[] = [];
      for (let path: string | undefined = `${found}&_count=1`; path !== undefined; ) {
        const page: TestAnswer = await ask(t, path);
        paged.push(...idsIn(page, 'match'));
        path = nextOf(page);
      }
      t.strictSame(paged, left(observations), 'its place on no page is empty');
      await gives(
        t,
        `DiagnosticReport?_id=${REPORT}&patient=${a}&_include=DiagnosticReport:result`,
        [REPORT],
        [PULSE],
      );
      t.equal((await ask(t, `Patient/${a}/$summary`)).status, 200);
      for (const path of [
        (id: string) => `Observation/${id}`,
        (id: string) => `Observation/${id}/_history`,
        (id: string) => `Observation/${id}/${newest}`,
        (id: string) => `Observation?_id=${id}`,
        (id: string) => `Observation?patient=${a}&_id=${id}`,
      ])
        await alike(t, path, LAB, NEVER);
    }
    for (const { valid_to, body, search_line } of kept)
      await sql(
        'update record.resource_version set body = $3, search_line = $4 where resource_id = $1 and valid_to = $2',
        LAB,
        valid_to,
        body,
        search_line,
      );
    t.strictSame(idsIn(await ask(t, whole)), every);
  });

  t.test('E-01: HEAD is a read like any other', async (t) => {
    for (const [index, path] of [
      `Observation?patient=${a}&_include=Observation:encounter`,
      `Observation/${PULSE}/_history`,
      `Observation/${PULSE}/${newest}`,
      `Patient/${a}/$everything?_type=Observation`,
    ].entries()) {
      const headers = { authorization: `Bearer ${token}`, 'x-request-id': `head-${index}` };
      const answer = await service.service.app.inject({ method: 'HEAD', url: `/fhir/${path}`, headers });
      t.strictSame([answer.statusCode, answer.body], [200, '']);
      const events = await eventsOf(client, `head-${index}`);
      t.ok(
        events.some(({ released }) => released.size > 0),
        'accounted for as released',
      );
    }
  });
});
