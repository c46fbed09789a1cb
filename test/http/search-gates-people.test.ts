import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { servedByCode } from '../../src/fhir/served.ts';
import { loadStaff } from '../../src/load.ts';
import { gateOf, NEVER } from '../support/gate.ts';
import { personIds, practiceKnowsNoAddress } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { behind, comparable, given, idsIn, plant, RESTRICTED, sourceOf } from '../support/planted.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';
import { CANARY } from '../support/tangled-record.ts';

/*
 * The same gates by what else hides: elements, agreements, opt-outs, one's own record, merged and quarantined people; and
 * the border between a record and the directories. Ids of cases are those of the attack catalogue.
 */

/** What may be asked about a person, along every road. */
const roadsTo = (id: string): readonly string[] => [
  `Patient/${id}`,
  `Patient?_id=${id}`,
  `Patient?_id=${id}&_revinclude=Observation:subject&_revinclude=EpisodeOfCare:patient&_revinclude=CareTeam:subject`,
  `Patient?_id=${id}&_has:EpisodeOfCare:patient:status=active`,
  `Patient?_id=${id}&_has:Observation:patient:status=final`,
  `Patient?_id=${id}&_summary=count`,
  `EpisodeOfCare?patient=${id}`,
  `EpisodeOfCare?patient=${id}&_summary=count`,
  `EpisodeOfCare?patient=${id}&_sort=-date&_count=1&_include=EpisodeOfCare:care-manager`,
  `EpisodeOfCare?patient=${id}&patient:Patient.active=true&_elements=id`,
  `CarePlan?patient=${id}&_include=CarePlan:care-team&_revinclude=Provenance:target`,
  `CareTeam?patient=${id}&_include=CareTeam:participant`,
  `RelatedPerson?patient=${id}`,
  `Flag?patient=${id}&_total=accurate`,
  `Consent?patient=${id}`,
  `Consent?patient=${id}&_include=Consent:patient`,
  `Observation?patient=${id}&_include=Observation:focus&_include:iterate=Encounter:diagnosis`,
  `Patient/${id}/$everything`,
  `Patient/${id}/$everything?_type=EpisodeOfCare,CareTeam,RelatedPerson,Consent`,
  `Patient/${id}/$everything?_type=EpisodeOfCare&_count=0`,
  `Patient/${id}/$everything?_since=2000-01-01&start=2000-01-01`,
];

t.test(
  'elements, agreements and people are hidden on every path, and directories lead into no record',
  async (t) => {
    const service = await testService(t, { people: 60 }, (configuration) => {
      // out-of-hours promises more than it can keep: always stale
      const sources = configuration['sources'] as { code: string; staleAfterHours: number }[];
      for (const source of sources) if (source.code === 'out-of-hours') source.staleAfterHours = 1e-9;
    });
    const client = await behind(t, service);
    const sql = async (text: string, ...values: unknown[]): Promise<void> => {
      const { rowCount } = await client.query(text, values);
      if (rowCount === 0) throw new Error(`Nothing was changed by: ${text}`);
    };
    const rows = async (text: string, ...values: unknown[]): Promise<Record<string, string>[]> =>
      (await client.query(text, values)).rows;
    const people = await personIds(service);
    const personOf = (name: string): string => people.get(service.person(name).nhsNumber ?? '') ?? '';
    const [e, child] = [personOf('elements'), personOf('child-agreed')];
    const { ask, gives, refused, alike, scoped, citizenOf } = await gateOf(service, client, {
      E: e,
      CHILD: child,
    });
    const changed = (id: string) =>
      sql('update record.person set epoch = epoch + 1 where person_id = $1', id);
    const demographics = async (id: string): Promise<string> => {
      const { name, birthDate } = (await service.get(`Patient/${id}`, await service.token(GP))).json;
      return `family=${encodeURIComponent(name[0].family)}&birthdate=${birthDate}`;
    };

    t.test(
      'C-16, C-17: hidden elements are neither searched, sorted, followed nor shown, now or before',
      async (t) => {
        const trust = await sourceOf(client, 'mental-health');
        const [place] = await rows(
          `select resource_id::text as id from record.directory_version where type = 26 and source = $1 limit 1`,
          trust.number,
        );
        const visit = (id: string, reason: string) => ({
          resourceType: 'Encounter',
          id,
          status: 'finished',
          class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
          subject: { reference: `Patient/${e}` },
          reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: reason }], text: CANARY }],
          location: [{ location: { reference: `Location/${place?.['id']}` } }],
        });
        const [first, last] = [
          'f0000000-0000-4000-8000-000000000001',
          'f0000000-0000-4000-8000-000000000002',
        ];
        await plant(client, e, trust, visit(first, '999'));
        await plant(client, e, trust, visit(last, '111'), [], { from: 1, to: trust.loadNo });
        await plant(client, e, trust, visit(last, '111'));
        const all = idsIn(await ask(t, `Encounter?patient=${e}&_count=1000`));
        t.ok(all.includes(first) && all.includes(last), 'the rows themselves are shown');
        for (const query of [
          'reason-code=999',
          'reason-code=http://snomed.info/sct|999',
          'reason-code:text=canary-of',
          'reason-code:missing=false',
          `location=Location/${place?.['id']}`,
          'location:missing=false',
          'location.name:missing=false',
          `location:Location._id=${place?.['id']}`,
        ])
          await gives(t, `Encounter?patient=${e}&_id=${first},${last}&${query}`, []);
        await gives(t, `Encounter?patient=${e}&_id=${first},${last}&_include=Encounter:location`, [
          first,
          last,
        ]);
        await gives(t, `Encounter?_id=${first}&_include=Encounter:location&_elements=location,reasonCode`, [
          first,
        ]);
        await gives(t, `Patient?_id=${e}&_has:Encounter:patient:reason-code=999`, []);
        for (const sort of ['reason-code', '-reason-code', 'location', '-location']) {
          const sorted = await ask(t, `Encounter?patient=${e}&_id=${first},${last}&_sort=${sort}`);
          t.strictSame(idsIn(sorted), [first, last], `${sort}: by what is left, which says nothing`);
        }
        for (const path of [
          `Encounter/${first}`,
          `Encounter/${last}/_history/1`,
          `Encounter/${last}/_history`,
          `Encounter/${first}?_elements=reasonCode`,
          `Patient/${e}/$everything?_type=Encounter`,
          `Patient/${e}/$summary`,
        ]) {
          const answer = await ask(t, path);
          t.equal(answer.status, 200);
          for (const shown of given(answer).filter(({ id }) => [first, last].includes(id)))
            t.notOk('location' in shown || 'reasonCode' in shown, path.replace(e, 'E'));
        }
        // so many withheld rows come first that the text of the next one is fetched apart
        for (let n = 0; n < 60; n += 1)
          await plant(
            client,
            e,
            trust,
            visit(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, '1'),
            [RESTRICTED],
          );
        t.equal(idsIn(await ask(t, `Encounter?patient=${e}&_count=1000`)).length, all.length);
        const others = `update record.resource_version set labels = '{|R}' where person_id = $1 and type = 7 and resource_id <> all($2)`;
        await sql(others, e, [first, last]);
        const [late] = given(await gives(t, `Encounter?patient=${e}&_count=1`, [first]));
        t.ok(late !== undefined && !('location' in late || 'reasonCode' in late));
      },
    );

    t.test('C-16: a person is not found by what of them is hidden', async (t) => {
      await practiceKnowsNoAddress(service, e);
      await sql(
        `update record.resource_version set body = (body::jsonb || '{"address":[{"postalCode":"ZZ1 1ZZ","city":"${CANARY}"}],"telecom":[{"system":"phone","value":"01632 960999"}]}')::text
       where person_id = $1 and type = 1 and source = (select number from record.source where code = 'mental-health')`,
        e,
      );
      const who = await demographics(e);
      for (const query of [
        'address-postalcode=ZZ1',
        'phone=01632%20960999',
        'telecom=01632%20960999',
        'address=ZZ1',
        'address-city:contains=canary-of',
        'address-postalcode:missing=false',
        '_sort=address',
      ])
        await gives(t, `Patient?_id=${e}&${query}`, query.startsWith('_sort') ? [e] : []);
      await gives(t, `Patient?${who}&address-postalcode=ZZ1%201ZZ`, []);
      await gives(t, `Patient?${who}&gender=male,female,other,unknown&address-postalcode=ZZ1`, []);
      await gives(t, `Observation?patient=${e}&patient:Patient.address-postalcode=ZZ1`, []);
      t.ok(
        (await ask(t, `Observation?patient=${e}&patient:Patient.active=true`)).json.total > 0,
        'a chain to what is visible is one',
      );
    });

    t.test(
      'demographics and conditions of all kinds must be true of the visible person, and mean one',
      async (t) => {
        const a = personOf('record-of-50');
        const who = await demographics(a);
        const { gender } = (await ask(t, `Patient/${a}`)).json;
        await gives(t, `Patient?${who}&gender=${gender}`, [a]);
        await gives(t, `Patient?${who}&gender=${gender}&_has:Observation:patient:status=final`, [a]);
        await gives(t, `Patient?${who}&gender=${gender}&_has:Observation:patient:code=never-used`, []);
        await gives(
          t,
          `Patient?${who}&gender=${gender}&general-practitioner:Practitioner.family:missing=false`,
          [a],
        );
        await refused(
          t,
          `Patient?${who}&gender=${gender}&_has:Observation:patient:status=final`,
          403,
          await scoped('user/Patient.rs'),
        );
        for (const vague of [
          'gender:missing=false',
          'gender:not=unheard-of',
          'given:missing=false',
          'given:contains=e',
          'address-postalcode:missing=false',
          'address-postalcode:contains=1',
          'gender=male,female,other,unknown',
          'gender=http://hl7.org/fhir/administrative-gender|',
          "address-postalcode='",
          '_sort=family',
          'active=true',
        ])
          t.equal((await refused(t, `Patient?${who}&${vague}`, 400)).json.issue[0].code, 'too-costly', vague);
        await refused(t, `Patient?${who}&gender=${gender}&_revinclude=Observation:subject`, 400);
        await gives(t, `Patient?${who}&gender=${gender}`, [], [], await citizenOf('only-gp'));
      },
    );

    t.test(
      'C-08: social care without an agreement is along no road, and tells nothing by being there',
      async (t) => {
        const token = await service.token({
          ...GP,
          organisation: 'bucks-council',
          role: 'social-worker',
          user: 'sw-1',
        });
        const council = `source in (select number from record.source where code in ('lcs', 'adult-social-care'))`;
        const held = await rows(
          `select type, resource_id::text as id, valid_from::text as version from record.resource_version where person_id = $1 and ${council} and type <> 1`,
          child,
        );
        const [agreement] = await rows(
          `select resource_id::text as id from record.agreement where person_id = $1`,
          child,
        );
        const named = held.map(({ type, id, version }) => ({
          name: servedByCode(Number(type)),
          id,
          version,
        }));
        t.ok(new Set(named.map(({ name }) => name)).size >= 5, 'rows of many types');
        const byId = named.flatMap(({ name, id, version }) => [
          `${name}/${id}`,
          `${name}/${id}/_history`,
          `${name}/${id}/_history/${version}`,
          `${name}?_id=${id}`,
        ]);
        const roads = [
          ...roadsTo(child),
          ...byId,
          `Consent/${agreement?.['id']}`,
          `Consent?_id=${agreement?.['id']}`,
        ];
        for (const path of byId.filter((each) => !each.includes('?')))
          t.equal((await ask(t, path)).status, 200, 'while it is agreed');
        await sql('update record.agreement set given = false where person_id = $1', child);
        await changed(child);
        const council_ = /source\/(lcs|adult-social-care)"|"valueCode":"(lcs|adult-social-care)"/;
        const before = new Map<string, string>();
        for (const path of roads)
          for (const [who, by] of [
            ['GP', undefined],
            ['social worker', token],
            ['citizen', await citizenOf('child-agreed')],
          ] as const) {
            const answer = await ask(t, path, by);
            t.notMatch(answer.text, council_, `${path.replaceAll(child, 'CHILD')}, ${who}`);
            before.set(`${who} ${path}`, comparable(answer));
          }
        await sql(`delete from record.resource_version where person_id = $1 and ${council}`, child);
        await sql('delete from record.agreement where person_id = $1', child);
        await client.query('delete from record.resource_key where resource_id = any($1::uuid[])', [
          held.map(({ id }) => id),
        ]);
        for (const path of roads)
          for (const [who, by] of [
            ['GP', undefined],
            ['social worker', token],
            ['citizen', await citizenOf('child-agreed')],
          ] as const)
            t.equal(
              comparable(await ask(t, path, by)),
              before.get(`${who} ${path}`),
              `${path.replaceAll(child, 'CHILD')}, ${who}: as if it had never been there`,
            );
      },
    );

    t.test('an opt-out leaves its message and nothing else, on every road', async (t) => {
      const id = personOf('opted-out');
      const held = await rows(
        `select resource_id::text as id from record.resource_version where person_id = $1 and type = 8`,
        id,
      );
      for (const path of roadsTo(id)) {
        const answer = await ask(t, path);
        t.strictSame(given(answer), [], path.replaceAll(id, 'ID'));
        t.match(answer.text, /consent-withdrawn/);
      }
      for (const { id: row } of held.slice(0, 2))
        for (const path of [
          `Observation/${row}`,
          `Observation/${row}/_history`,
          `Observation/${row}/_history/1`,
        ])
          await refused(t, path, 403);
    });

    t.test('O-02: nobody reaches their own record with a work login, by any road or number', async (t) => {
      const self = await service.token({
        ...GP,
        organisation: 'K82001',
        user: 'gp-smith',
        notOwnRecord: false,
      });
      const [own, twin] = [personOf('staff-patient'), personOf('working-single')];
      const who = await demographics(own);
      const { gender } = (await ask(t, `Patient/${own}`)).json;
      const [row] = await rows(
        'select resource_id::text as id from record.resource_version where person_id = $1 and type = 8 limit 1',
        own,
      );
      for (const path of [
        ...roadsTo(own),
        `Observation?_id=${row?.['id']}`,
        `Observation/${row?.['id']}/_history`,
        `Patient?${who}&gender=${gender}`,
        `Patient?${who}&gender=${gender}&_has:Observation:patient:status=final`,
      ]) {
        const answer = await refused(t, path, 403, self);
        t.equal(answer.json.issue[0].details.coding[0].code, 'own-record');
      }
      t.equal((await ask(t, `Patient/${twin}`, self)).status, 200);
      // O-03: the two are found to be one person
      for (const one of [own, twin])
        await sql(
          `insert into record.person_link (person_id, valid_from, cluster_id) values ($1, now(), $2)`,
          one,
          own,
        );
      // whichever of the two numbers is theirs
      const staff = join(service.folder, 'staff.csv');
      const numberOf = (name: string) => service.person(name).nhsNumber ?? '';
      const lines = [
        `K82001,gp-smith,${numberOf('staff-patient')}`,
        `K82001,gp-twin,${numberOf('working-single')}`,
      ];
      writeFileSync(staff, `organisation,user_id,nhs_number\n${lines.join('\n')}\n`);
      await loadStaff(service.service, staff);
      const alsoSelf = await service.token({
        ...GP,
        organisation: 'K82001',
        user: 'gp-twin',
        notOwnRecord: false,
      });
      for (const path of [...roadsTo(own), ...roadsTo(twin)]) await refused(t, path, 403, alsoSelf);
      for (const path of [
        ...roadsTo(twin),
        `Patient?identifier=${byNumber(service.person('working-single').nhsNumber)}`,
      ])
        await refused(t, path, 403, self);
      const merged = await ask(t, `Observation?patient=${twin}&_count=1000`);
      const both = await rows(
        'select resource_id::text as id from record.resource_version where type = 8 and person_id = any($1::uuid[])',
        [own, twin],
      );
      t.strictSame([...idsIn(merged)].sort(), both.map(({ id }) => id).sort(), 'others see one record');
      await sql('insert into record.restriction values ($1, 1)', own);
      for (const one of [own, twin])
        await alike(t, (id) => `Patient?_id=${id}&_revinclude=Observation:subject`, one, NEVER);
      await sql('delete from record.restriction where person_id = $1', own);
      await sql('delete from record.person_link');
    });

    t.test('S-24: of whom no Patient may be shown, the whole record is as unknown', async (t) => {
      const id = personOf('deceased');
      t.equal((await ask(t, `Patient/${id}/$everything`)).status, 200);
      await sql(`update record.resource_version set labels = '{|R}' where person_id = $1 and type = 1`, id);
      for (const path of [
        (one: string) => `Patient/${one}`,
        (one: string) => `Patient?_id=${one}`,
        (one: string) => `Patient?_id=${one}&_revinclude=Observation:subject`,
        (one: string) => `Patient/${one}/$everything`,
        (one: string) => `Patient/${one}/$everything?_type=Observation&_count=0`,
        (one: string) => `Patient/${one}/$summary`,
      ])
        await alike(t, path, id, NEVER);
    });

    t.test('O-13: a contradicting source is quarantined on every road', async (t) => {
      const id = personOf('identity-conflict');
      const [row] = await rows(
        `select resource_id::text as id from record.resource_version where type = 8 and person_id = $1`,
        personOf('staff-household'),
      );
      const acute = await sourceOf(client, 'acute');
      const planted = randomUUID();
      await plant(client, id, acute, {
        resourceType: 'Observation',
        id: planted,
        status: 'final',
        code: { text: CANARY },
        subject: { reference: `Patient/${id}` },
      });
      t.ok((await rows('select from record.quarantine where person_id = $1', id)).length > 0);
      for (const path of roadsTo(id)) {
        const answer = await ask(t, path);
        t.notMatch(answer.text, /source\/acute"|"valueCode":"acute"/, path.replaceAll(id, 'ID'));
        t.notOk(idsIn(answer).includes(planted));
      }
      for (const path of [
        (one: string) => `Observation/${one}`,
        (one: string) => `Observation/${one}/_history`,
        (one: string) => `Observation?_id=${one}`,
      ])
        await alike(t, path, planted, NEVER);
      t.ok(row);
    });

    t.test(
      'a directory leads into directories only, and is entered from a record by its references',
      async (t) => {
        const a = personOf('record-of-50');
        for (const path of [
          `Organization?_has:Encounter:service-provider:patient=${a}`,
          `Organization?_has:Encounter:service-provider:status=finished`,
          `Practitioner?_revinclude=Encounter:participant`,
          `Location?_revinclude=Encounter:location`,
          `Location?_include:iterate=Encounter:subject`,
          `Organization?_revinclude:iterate=Patient:organization`,
          `Practitioner?_has:PractitionerRole:practitioner:role=x`,
          `Organization?_revinclude=PractitionerRole:organization`,
          `PractitionerRole?_revinclude:iterate=CareTeam:participant`,
          `PractitionerRole?practitioner._has:Encounter:practitioner:status=finished`,
          `Encounter?patient=${a}&service-provider._has:PractitionerRole:organization:role=x`,
          `Encounter?patient=${a}&_revinclude:iterate=PractitionerRole:practitioner`,
          `Practitioner?_has:AuditEvent:agent:date=2026`,
          `Organization?partof.endpoint:Patient.name=x`,
          'Binary?_id=x',
          'Medication?code=x',
        ])
          await t.test(path.replaceAll(a, 'A'), async (t) => {
            const answer = await ask(t, path);
            t.ok([400, 404].includes(answer.status), answer.text.slice(0, 200));
          });
        const visits = await ask(
          t,
          `Encounter?patient=${a}&_include=Encounter:service-provider&_include:iterate=Organization:partof`,
        );
        const places = idsIn(visits, 'include');
        t.ok(places.length > 0);
        const [organisation] = given(visits).filter(({ resourceType }) => resourceType === 'Organization');
        const name = String(organisation?.['name'] ?? '');
        t.ok(
          (await ask(t, `Encounter?patient=${a}&service-provider.name=${encodeURIComponent(name)}`)).json
            .total > 0,
        );
        // no row of the record goes through `_has` from a directory's side but visible ones
        t.equal(
          (
            await ask(
              t,
              `Encounter?patient=${a}&service-provider._has:Encounter:service-provider:_id=${NEVER}`,
            )
          ).json.total,
          0,
        );
        const system = await service.token({ kind: 'system' });
        t.equal(
          (await ask(t, `Organization?name=${encodeURIComponent(name)}`, system)).status,
          200,
          'a system may read a directory',
        );
        await refused(t, `Encounter?patient=${a}&_include=Encounter:service-provider`, 403, system);
        for (const kind of [system, await citizenOf('only-gp')]) {
          const counted = await ask(t, `Organization?_summary=count`, kind);
          t.ok(counted.json.total > 0);
        }
        // labels hold in a directory too
        const [one = ''] = places;
        const label = `update record.directory_version set body = (body::jsonb || '{"meta":{"versionId":"1","security":[{"code":"R"}]},"alias":["${CANARY}"]}')::text where resource_id = $1`;
        await sql(label, one);
        for (const path of [
          (id: string) => `Organization/${id}`,
          (id: string) => `Organization/${id}/_history`,
          (id: string) => `Organization/${id}/_history/1`,
          (id: string) => `Organization?_id=${id}`,
        ])
          await alike(t, path, one, NEVER);
        t.notOk(
          idsIn(await ask(t, `Encounter?patient=${a}&_include=Encounter:service-provider`)).includes(one),
        );
        t.notOk(idsIn(await ask(t, `Organization?name=${encodeURIComponent(name)}`)).includes(one));
        t.equal(
          (await ask(t, `Encounter?patient=${a}&service-provider:Organization._id=${one}`)).json.total,
          0,
        );
      },
    );

    t.test(
      'a person finds events by what they may read of them, and part of an event is part of that',
      async (t) => {
        const mine = await citizenOf('record-of-50');
        const search = `AuditEvent?date=${new Date().toISOString().slice(0, 10)}`;
        const [event] = given(await ask(t, search, mine));
        t.ok(event !== undefined && 'action' in event);
        for (const query of [
          'agent-name=Demo',
          'agent-name:missing=false',
          'address:missing=false',
          'policy:missing=false',
        ])
          t.strictSame(idsIn(await ask(t, `${search}&${query}`, mine)), [], query);
        for (const path of [`${search}&_elements=id`, `AuditEvent/${event?.id}?_elements=id`]) {
          const [part] = given(await ask(t, path, mine));
          t.ok(
            part !== undefined && 'recorded' in part && !('action' in part),
            'what was asked for and what is mandatory',
          );
        }
        for (const count of ['_summary=count', '_count=0']) await refused(t, `${search}&${count}`, 400, mine);
      },
    );

    t.test(
      'I-07, I-08, I-11, I-13: ids, dates and text that mean harm are refused or mean themselves',
      async (t) => {
        const a = personOf('record-of-50');
        for (const id of [
          '..%2fPatient%2f2',
          'a%00b',
          '1;x=y',
          '%2e%2e%2f',
          '%c0%ae',
          'a%20b',
          "'%20or%201=1",
          '_search',
          'a'.repeat(65),
        ])
          for (const path of [
            `Observation/${id}`,
            `Observation/${id}/_history`,
            `Observation/${NEVER}/_history/${id}`,
            `Patient/${id}/$everything`,
          ]) {
            const { status } = await service.get(path, await service.token(GP));
            t.ok([400, 404].includes(status), `${path}: ${status}`);
          }
        const own = await ask(t, `Observation?patient=${a}&_count=1000`);
        for (const value of [
          "'",
          "';drop table record.person;--",
          '%25',
          '_',
          '%5C%5C',
          '%27%20or%20%271%27=%271',
          '$$',
          '%22',
          '{}',
          '(',
          '[a-z]*',
          '.*',
        ].map((each) => each.replace('$$', '%5C%24%5C%24')))
          for (const query of [
            `code=${value}`,
            ...(value === "'" ? [] : [`code:text=${value}`]),
            `identifier=x|${value}`,
            `_security=${value}`,
            `_source=${value.includes('%20') || value.includes(' ') ? 'x' : value}`,
          ]) {
            const answer = await ask(t, `Observation?patient=${a}&${query}`);
            t.ok([200, 400].includes(answer.status), `${query}: ${answer.status}`);
            t.ok(
              (answer.json.total ?? 0) < own.json.total || own.json.total === 0,
              `${query} matches no more than it says`,
            );
          }
        for (const name of ['%25', '_', '%5C%5C', '.*', '%25%25'])
          await gives(t, `Patient?_id=${a}&name:contains=${name}`, []);
        for (const date of [
          '2024-02-30',
          '0000',
          '0000-01-01',
          '+275760',
          '%2B275760-09-13',
          '2023-02-29',
          '2024-01-01T24:00:00Z',
          '2024-13',
          '24-1-1',
          '2024-01-01T10:00:00+15:00',
          '2024-01-01T',
          '99999',
          'gt',
          'eq',
          'ap',
        ])
          for (const path of [
            `Observation?patient=${a}&date=${date}`,
            `Patient/${a}/$everything?_since=${date}`,
            `Patient/${a}/$everything?start=${date}`,
          ])
            await refused(t, path, 400);
        for (const date of [
          '2024-02-29',
          '9999',
          '9999-12-31',
          '0001',
          '2024-03-31T01:30',
          '2024-10-27T01:30',
          'ap2024',
          'sa9999-12-31T23:59:60Z',
        ])
          t.equal((await ask(t, `Observation?patient=${a}&date=${date}`)).status, 200, date);
        for (const number of ['1e999', '1e400', 'NaN', 'Infinity', '0x10', '1'.repeat(31), '--1', 'gt'])
          await refused(t, `Observation?patient=${a}&value-quantity=${number}`, 400);
        for (const number of ['1e99', '-0', '1e-99', 'ap1e300', `${'9'.repeat(30)}.${'9'.repeat(30)}`])
          t.equal((await ask(t, `Observation?patient=${a}&value-quantity=${number}`)).status, 200, number);
      },
    );

    t.test('what a search may cost is bounded, and the limit is named', async (t) => {
      const a = personOf('long-record');
      const many = (n: number, one: (i: number) => string, by: string): string =>
        Array.from({ length: n }, (_, i) => one(i)).join(by);
      const chain = (depth: number): string => `${'part-of.'.repeat(depth)}status`;
      const has = (depth: number): string => `${'_has:Observation:has-member:'.repeat(depth)}code`;
      for (const [query, limit] of [
        [`code=${many(5000, () => 'x', ',')}`, /8000|100/],
        [`code=${many(101, () => 'x', ',')}`, /100/],
        [many(200, (i) => `code=c${i}`, '&'), /100/],
        [many(5, (i) => `code=${many(100, (j) => `c${i}${j}`, ',')}`, '&'), /400|8000/],
        [`code=${'x'.repeat(5000)}`, /4096|long/],
        [`code:text=${'x'.repeat(4000)}&code=${'y'.repeat(4000)}`, /8000/],
        [`encounter.${chain(3)}=finished`, /3/],
        [`${has(4)}=x`, /3/],
        [many(11, () => 'encounter.status=finished', '&'), /10/],
        [many(11, () => '_has:DiagnosticReport:result:status=final', '&'), /10/],
        [many(21, () => '_include=Observation:encounter', '&'), /20/],
        [
          `${many(11, () => '_include=Observation:encounter', '&')}&${many(11, () => '_revinclude=Provenance:target', '&')}`,
          /20/,
        ],
      ] as const) {
        const answer = await refused(t, `Observation?patient=${a}&${query}`, 400);
        t.match(answer.json.issue[0].details.text, limit, `${query.slice(0, 40)}…`);
      }
      for (const query of [
        `encounter.${chain(2)}=finished`,
        `${has(3)}=x`,
        many(20, () => '_include:iterate=Observation:encounter', '&'),
      ])
        t.equal((await ask(t, `Observation?patient=${a}&${query}&_count=1`)).status, 200);
    });

    t.test('what comes along is bounded, the answer says so, and hidden rows are not counted', async (t) => {
      const a = personOf('long-record');
      const types = [
        'Observation',
        'MedicationRequest',
        'MedicationStatement',
        'Condition',
        'Encounter',
        'DiagnosticReport',
      ];
      const path = `Patient?_id=${a}&${types.map((type) => `_revinclude=${type}:subject`).join('&')}`;
      const cut = await ask(t, path);
      t.equal(idsIn(cut, 'include').length, 1000);
      t.match(cut.text, /includes-truncated/);
      await sql(`update record.resource_version set labels = '{|R}' where person_id = $1 and type = 8`, a);
      const fewer = await ask(t, path);
      t.ok(idsIn(fewer, 'include').length < 1000);
      t.notMatch(fewer.text, /includes-truncated/);
    });

    t.test(
      'S-19: a batch reaches no address that has no route, and its entries are judged one by one',
      async (t) => {
        const a = personOf('record-of-50');
        const urls = [
          `Patient/${a}`,
          `Patient/${a}/_history`,
          `Patient/${a}/_history/1`,
          `Consent/${NEVER}/_history`,
          `AuditEvent/${NEVER}/_history`,
          `Binary?_id=${NEVER}`,
          `Patient/${personOf('restricted')}`,
          `Patient/${NEVER}`,
          'Patient/$match',
          `Patient/${a}/$evil`,
          `Observation?patient=${a}&_include=*`,
        ];
        const body = JSON.stringify({
          resourceType: 'Bundle',
          type: 'batch',
          entry: urls.map((url) => ({ request: { method: 'GET', url } })),
        });
        const answer = await service.service.app.inject({
          method: 'POST',
          url: '/fhir',
          headers: {
            authorization: `Bearer ${await service.token(GP)}`,
            'content-type': 'application/fhir+json',
          },
          payload: body,
        });
        const statuses = (answer.json() as { entry: { response: { status: string } }[] }).entry.map(
          ({ response }) => response.status,
        );
        t.strictSame(statuses, ['200', '404', '404', '404', '404', '400', '404', '404', '404', '404', '400']);
      },
    );

    t.test('what is missing is stated for all that an answer depends on, for anybody alike', async (t) => {
      const a = personOf('record-of-50');
      for (const [more, missing] of [
        ['', false],
        ['&_include=DiagnosticReport:result', false],
        ['&_include=DiagnosticReport:encounter', true],
        ['&encounter.status=finished', true],
        ['&_has:Provenance:target:_id=x', false],
        ['&_include=DiagnosticReport:result&_revinclude:iterate=Condition:encounter', true],
      ] as const) {
        const answer = await ask(t, `DiagnosticReport?patient=${a}${more}`);
        t.equal(answer.text.includes('source-stale'), missing, more);
        await alike(t, (id) => `DiagnosticReport?patient=${id}${more}`, personOf('restricted'), NEVER);
        await alike(t, (id) => `DiagnosticReport?_id=${id}${more}`, personOf('restricted'), NEVER);
      }
    });

    t.test('a consent that was recorded before 1970 is an answer like any other', async (t) => {
      const id = personOf('opted-out-then-in');
      await sql(
        `update record.opt_out set entered_at = '1900-01-01' where nhs_number = $1`,
        service.person('opted-out-then-in').nhsNumber,
      );
      const answer: TestAnswer = await ask(t, `Consent?patient=${id}`);
      t.equal(answer.status, 200);
      t.ok(idsIn(answer).length > 0);
    });
  },
);
