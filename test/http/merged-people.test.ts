import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { keepNumbersApart, loadNumberChanges, unmergeNumbers } from '../../src/identity-desk.ts';
import { loadStaff } from '../../src/load.ts';
import { NEVER } from '../support/gate.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { behind, comparable, eventsOf, given, idsIn, nextOf, publishAgain } from '../support/planted.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';

/* Two people who are found to be one, on every road, and apart again. Ids are those of the attack catalogue. */

t.test('merged people are one record, and apart again as they were', async (t) => {
  const service = await testService(t, { people: 60 });
  const client = await behind(t, service);
  const people = await personIds(service);
  const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
  const [oldNumber, newNumber] = [numberOf('record-of-50'), numberOf('working-single')];
  const [away, current] = [people.get(oldNumber) ?? '', people.get(newNumber) ?? ''];
  const file = (name: string, ...lines: string[]): string => {
    const path = join(service.folder, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const gp = await service.token(GP);
  let asked = 0;
  const ask = (path: string, by = gp): Promise<TestAnswer> => {
    asked += 1;
    return service.get(path, by, { 'x-request-id': `merged-${asked}` });
  };
  const sql = (text: string, ...values: unknown[]) => client.query(text, values);
  const observations = async (...ids: string[]): Promise<string[]> => {
    const { rows } = await sql(
      'select resource_id::text as id from record.resource_version where type = 8 and person_id = any($1::uuid[])',
      ids,
    );
    return rows.map(({ id }) => id).sort();
  };
  const merge = () =>
    loadNumberChanges(
      service.service,
      file('changes.csv', 'old_number,new_number,kind,date', `${oldNumber},${newNumber},merged,2026-11-01`),
    );
  const [theirs, both] = [await observations(current), await observations(away, current)];
  const apart = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const id of [away, current])
      for (const path of [
        `Patient/${id}`,
        `Patient/${id}/$everything?_count=1000`,
        `Observation?patient=${id}`,
      ])
        answers.push(comparable(await ask(path)));
    return answers;
  };
  const before = await apart();

  await t.test('people who contradict each other are not merged', async (t) => {
    t.same(await merge(), { linked: 0, notLinked: 1 });
    t.same(await apart(), before);
  });

  // the two are known by one name and birth date
  await sql(
    `update record.person o set birth_date = n.birth_date, family = n.family, given = n.given
     from record.person n where o.person_id = $1 and n.person_id = $2`,
    away,
    current,
  );
  const firstPage = await ask(`Observation?patient=${current}&_count=1`);
  const awaysPage = await ask(`Observation?patient=${away}&_count=1`);

  t.same(await merge(), { linked: 2, notLinked: 0 });

  await t.test('one record by either number and id, about the one whose number is in force', async (t) => {
    for (const path of [
      `Observation?patient=${current}&_count=1000`,
      `Observation?patient=${away}&_count=1000`,
      `Observation?patient=Patient/${away}&_count=1000`,
      `Observation?patient:identifier=${byNumber(oldNumber)}&_count=1000`,
      `Observation?patient:identifier=${byNumber(newNumber)}&_count=1000`,
    ]) {
      const answer = await ask(path);
      t.same([...idsIn(answer)].sort(), both, path);
      t.equal(answer.json.total, both.length);
      for (const { subject } of given(answer)) t.match(subject, { reference: `Patient/${current}` });
      const [event] = await eventsOf(client, `merged-${asked}`);
      t.equal(event?.person, current, 'and the account says so');
      t.equal(event?.released.size, both.length);
    }
    for (const number of [oldNumber, newNumber]) {
      const answer = await ask(`Patient?identifier=${byNumber(number)}&_revinclude=Observation:subject`);
      t.equal(answer.json.entry[0].resource.id, current);
      t.equal(idsIn(answer, 'include').length, both.length, 'what refers to them refers to them as they are');
      t.same(
        answer.json.entry[0].resource.identifier
          .filter(({ value }: { value: string }) => [oldNumber, newNumber].includes(value))
          .map(({ value }: { value: string }) => value),
        [newNumber],
      );
    }
    for (const id of [away, current]) {
      const everything = await ask(`Patient/${id}/$everything?_count=1000`);
      t.notMatch(
        everything.text.replaceAll(`Patient/${away}/$everything`, ''),
        away,
        'of the other id nothing',
      );
      t.same(idsIn(everything).filter((each) => each === current).length, 1);
      t.ok(both.every((each) => idsIn(everything).includes(each)));
      const summary = await ask(`Patient/${id}/$summary`);
      t.equal(summary.status, 200);
      t.notMatch(summary.text, away);
      const included = await ask(`Observation?patient=${id}&_include=Observation:subject&_count=1000`);
      t.same(idsIn(included, 'include'), [current]);
      const sorted = await ask(
        `Observation?patient=${id}&patient:Patient.active=true&_sort=-date&_count=1000`,
      );
      t.same([...idsIn(sorted)].sort(), both);
    }
  });

  await t.test('a merged-away id says where the record is, and nothing of it', async (t) => {
    const stub = {
      resourceType: 'Patient',
      id: away,
      active: false,
      link: [{ other: { reference: `Patient/${current}` }, type: 'replaced-by' }],
    };
    const read = await ask(`Patient/${away}`);
    t.same([read.status, read.json], [200, stub]);
    const [event] = await eventsOf(client, `merged-${asked}`);
    t.same([event?.person, event?.released.size], [current, 0]);
    t.same(given(await ask(`Patient?_id=${away}`)), [stub]);
    t.equal((await ask(`Patient/${current}`)).json.link, undefined);
  });

  await t.test('rows, their versions and pages begun before', async (t) => {
    const [row] = await observations(away);
    for (const path of [`Observation/${row}`, `Observation?_id=${row}`, `Observation/${row}/_history`]) {
      const answer = await ask(path);
      t.equal(answer.status, 200, path);
      t.match(given(answer)[0]?.['subject'], { reference: `Patient/${current}` }, path);
      t.notMatch(answer.text, away);
    }
    await publishAgain(client, 'acute');
    for (const page of [firstPage, awaysPage]) {
      t.ok(nextOf(page));
      const further = await ask(nextOf(page) ?? '');
      t.equal(further.status, 200);
      t.ok(given(further).length > 0);
      for (const { subject } of given(further)) t.match(subject, { reference: `Patient/${current}` });
    }
  });

  await t.test('somebody is found by name once', async (t) => {
    const { name, birthDate, gender } = (await ask(`Patient/${current}`)).json;
    await sql(
      `insert into record.person_search select $1, source, birth_date, family, given from record.person_search
       where person_id = $2 on conflict do nothing`,
      away,
      current,
    );
    const found = await ask(
      `Patient?family=${encodeURIComponent(name[0].family)}&birthdate=${birthDate}&gender=${gender}`,
    );
    t.same(idsIn(found), [current]);
    t.equal(found.json.total, 1);
    await sql('delete from record.person_search where person_id = $1 and birth_date = $2', away, birthDate);
  });

  await t.test(
    'O-02, O-03: their own record by the old number is closed, pages begun before as well',
    async (t) => {
      const login = { ...GP, user: 'gp-new', notOwnRecord: false };
      await loadStaff(
        service.service,
        file('staff.csv', 'organisation,user_id,nhs_number', `${GP.organisation},gp-new,${oldNumber}`),
      );
      const self = await service.token(login);
      const roads = [away, current].flatMap((id) => [
        `Patient/${id}`,
        `Patient?_id=${id}`,
        `Observation?patient=${id}`,
        `Patient/${id}/$everything`,
        `Patient/${id}/$summary`,
      ]);
      roads.push(`Patient?identifier=${byNumber(newNumber)}`, `Observation/${theirs[0]}`);
      for (const path of roads) {
        const answer = await ask(path, self);
        t.equal(answer.status, 403, path);
        t.match(answer.json.issue[0].details.coding, [{ code: 'own-record' }]);
      }
      await unmergeNumbers(
        service.service,
        file('unmerge.csv', 'old_number,new_number', `${oldNumber},${newNumber}`),
      );
      const page = await ask(`Observation?patient=${current}&_count=1`, self);
      t.equal(page.status, 200, 'apart, they are two');
      await sql('delete from record.number_change');
      await merge();
      t.equal((await ask(nextOf(page) ?? '', self)).status, 403);
    },
  );

  await t.test('people see their own record by either number, and no other', async (t) => {
    for (const nhsNumber of [oldNumber, newNumber]) {
      const citizen = await service.token({ kind: 'patient', nhsNumber });
      t.equal((await ask(`Patient/${current}`, citizen)).json.id, current);
      t.equal((await ask(`Patient/${away}/$everything`, citizen)).status, 200);
    }
    const other = await service.token({ kind: 'patient', nhsNumber: numberOf('only-gp') });
    for (const id of [away, current]) t.equal((await ask(`Patient/${id}`, other)).status, 404);
  });

  await t.test('people see who looked at them under either number, a page at a time', async (t) => {
    const { rows } = await sql(
      `select event_id::text as id, person_id::text as person from audit.event
       where person_id = any($1::uuid[]) order by recorded desc, event_id desc`,
      [away, current],
    );
    t.strictSame(new Set(rows.map(({ person }) => person)), new Set([away, current]), 'both were looked at');
    const today = new Date().toISOString().slice(0, 10);
    for (const number of [oldNumber, newNumber]) {
      const self = await service.token({ kind: 'patient', nhsNumber: number });
      const found: string[] = [];
      let next: string | undefined = `AuditEvent?date=${today}&_count=7`;
      while (next !== undefined) {
        const page: TestAnswer = await ask(next, self);
        found.push(...idsIn(page));
        next = nextOf(page);
      }
      // beside those, their own asking meanwhile
      const known = new Set(rows.map(({ id }) => id));
      t.strictSame(
        found.filter((id) => known.has(id)),
        [...known],
      );
    }
  });

  await t.test('what restricts either restricts both', async (t) => {
    for (const number of [oldNumber, newNumber]) {
      await sql(
        `insert into record.opt_out values ($1, true, now(), 1, gen_random_uuid())
         on conflict (nhs_number) do update set opted_out = true`,
        number,
      );
      for (const id of [away, current]) {
        t.equal((await ask(`Patient/${id}`)).status, 403);
        const search = await ask(`Observation?patient=${id}`);
        t.same(
          [given(search), search.json.entry[0].resource.issue[0].details.coding[0].code],
          [[], 'consent-withdrawn'],
        );
      }
      await sql('update record.opt_out set opted_out = false where nhs_number = $1', number);
    }
    for (const id of [away, current]) {
      await sql('insert into record.restriction values ($1, 1)', id);
      for (const each of [away, current])
        t.equal(
          comparable(await ask(`Patient/${each}`)).replaceAll(each, 'ID'),
          comparable(await ask(`Patient/${NEVER}`)).replaceAll(NEVER, 'ID'),
        );
      await sql('delete from record.restriction where person_id = $1', id);
    }
    t.equal((await ask(`Patient/${current}`)).status, 200);
  });

  await t.test('texts that are fetched after the order is known are rewritten too', async (t) => {
    const [from, to] = [people.get(numberOf('long-record')) ?? '', people.get(numberOf('only-gp')) ?? ''];
    await sql(
      `insert into record.person_link select unnest($1::uuid[]), now(), 'infinity', $2::uuid`,
      [from, to],
      to,
    );
    const answer = await ask(`Patient/${to}/$everything?start=1900-01-01&_count=1000`);
    const rows = given(answer).filter(({ id }) => id !== to);
    t.ok(rows.length > 200, 'more than come with their texts');
    t.notMatch(JSON.stringify(rows), from);
    for (const { subject } of rows)
      if (subject !== undefined) t.match(subject, { reference: `Patient/${to}` });
    await sql('delete from record.person_link where cluster_id = $1', to);
  });

  await t.test('an agreement of one is no agreement of the other', async (t) => {
    const child = people.get(numberOf('child-agreed')) ?? '';
    const care = async () =>
      given(await ask(`Patient/${child}/$everything?_count=1000`)).filter((each) =>
        String(Object(each.meta)['source']).endsWith('/lcs'),
      ).length;
    t.ok((await care()) > 0);
    await sql(
      `insert into record.person_link select unnest($1::uuid[]), now(), 'infinity', $2::uuid`,
      [child, people.get(numberOf('only-gp'))],
      child,
    );
    t.ok((await care()) > 0, 'one whom the source does not know has nothing to agree to');
    await sql(
      `insert into record.source_patient select source, 'twin', $2, state, reason, custodian, content_hash, nhs_number,
         birth_date, family, given, names, restricted, judged_at from record.source_patient s
       where person_id = $1 and source = (select number from record.source where code = 'lcs')`,
      child,
      people.get(numberOf('only-gp')),
    );
    t.equal(await care(), 0);
    await sql(`delete from record.source_patient where local_id = 'twin'`);
    await sql('delete from record.person_link where cluster_id = $1', child);
  });

  await t.test('kept apart they are as if never merged, and nothing names them', async (t) => {
    await sql('delete from record.opt_out where nhs_number = any($1)', [oldNumber, newNumber]);
    t.equal(
      await keepNumbersApart(
        service.service,
        file('apart.csv', 'nhs_number,other_number', `${newNumber},${oldNumber}`),
      ),
      1,
    );
    t.same(await merge(), { linked: 0, notLinked: 1 });
    const undone = await apart();
    t.equal(undone.length, before.length);
    t.same(await observations(current), theirs);
    for (const id of [away, current]) {
      const answer = await ask(`Observation?patient=${id}&_count=1000`);
      t.same([...idsIn(answer)].sort(), await observations(id));
      t.notMatch(answer.text, id === away ? current : away);
      t.notMatch((await ask(`Patient/${id}`)).text, id === away ? current : away);
    }
    const events = await sql(`select body from audit.event where kind = 'configuration'`);
    t.ok(events.rows.length > 3, 'every change is an event');
    for (const { body } of events.rows) t.notMatch(body, new RegExp(`${oldNumber}|${newNumber}`));
  });
});
