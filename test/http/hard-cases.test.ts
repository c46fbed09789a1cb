import pg from 'pg';
import t from 'tap';
import { personIds, practiceKnowsNoAddress, tokenOf } from '../support/hard-case-people.ts';
import { matches, meets, print, told, writeTables } from '../support/hard-case-tables.ts';
import {
  CALLERS,
  DETAILS,
  demanded,
  GP,
  PATHS,
  type Path,
  PEOPLE,
  WRONG_NUMBER,
} from '../support/hard-cases.ts';
import { byNumber, type TestAnswer, testService } from '../support/service.ts';

/*
 * The county's hard cases, asked by every kind of caller, on every path: what came beside what DESIGN 4 demands, which
 * stands written out in test/support/hard-cases.ts. `npm run cases` prints the tables.
 */

const SOCIAL_CARE = /source\/(lcs|adult-social-care)"|"valueCode":"(lcs|adult-social-care)"/;

t.test('every hard case reads for every caller, on every path, as DESIGN 4 demands', async (t) => {
  const service = await testService(t);
  const ids = await personIds(service);
  await practiceKnowsNoAddress(service, ids.get(service.person('elements').nhsNumber ?? '') ?? '');
  t.teardown(writeTables);

  t.test('people and callers', async (t) => {
    const widths = [18, 31, ...PATHS.map((path) => (path === 'social care rows' ? 16 : 26))];
    print(['case', 'caller', ...PATHS, 'DESIGN 4 demands, in the same order'], widths);
    for (const person of Object.keys(PEOPLE)) {
      const nhsNumber = service.person(person).nhsNumber ?? '';
      // somebody restricted from the first load on may have no id at all
      const id = ids.get(nhsNumber) ?? '11111111-2222-4333-8444-555555555555';
      for (const caller of Object.keys(CALLERS)) {
        const token = await tokenOf(service, caller, nhsNumber);
        const everything = await service.get(`Patient/${id}/$everything`, token);
        t.notMatch(
          everything.text,
          /"relation":"next"/,
          `${person}: on one page, so that all of it is counted`,
        );
        const social = matches(everything).filter((row) => SOCIAL_CARE.test(JSON.stringify(row))).length;
        const came: Readonly<Record<Path, string>> = {
          'read Patient': told(await service.get(`Patient/${id}`, token)),
          'Patient?identifier': told(await service.get(`Patient?identifier=${byNumber(nhsNumber)}`, token)),
          'EpisodeOfCare?patient': told(await service.get(`EpisodeOfCare?patient=${id}`, token)),
          'Condition?patient': told(await service.get(`Condition?patient=${id}`, token)),
          $everything: told(everything),
          'social care rows': everything.status === 200 ? String(social) : '-',
        };
        const want = demanded(person, caller);
        for (const path of PATHS)
          t.ok(meets(came[path], want[path]), `${person}, ${caller}, ${path}: ${came[path]}, ${want[path]}`);
        const verdict = PATHS.every((path) => meets(came[path], want[path])) ? 'met' : 'NOT MET';
        const all = PATHS.map((path) => want[path]).join(' | ');
        print([person, caller, ...PATHS.map((path) => came[path]), `${verdict}: ${all}`], widths);
      }
    }
  });

  t.test('rows and elements that are left out of what is shown', async (t) => {
    const widths = [18, 35, 31, 6, 9];
    print([], widths);
    print(['case', 'counted in $everything', 'caller', 'came', 'demanded', 'by DESIGN 4, rule'], widths);
    for (const { person, counted, rule, count, demand } of DETAILS) {
      const nhsNumber = service.person(person).nhsNumber ?? '';
      for (const [caller, want] of Object.entries(demand)) {
        const token = await tokenOf(service, caller, nhsNumber);
        const rows = matches(await service.get(`Patient/${ids.get(nhsNumber)}/$everything`, token));
        t.ok(rows.length > 0, `${person}, ${caller}: something is shown`);
        const came = String(rows.filter(count).length);
        t.ok(meets(came, want), `${person}, ${counted}, ${caller}: ${came}, ${want}`);
        print(
          [person, counted, caller, came, want, `${meets(came, want) ? 'met' : 'NOT MET'}, ${rule}`],
          widths,
        );
      }
    }
  });

  t.test('withheld and unknown are the same, byte for byte', async (t) => {
    const token = await service.token(GP);
    const unknown = '99999999-2222-4333-8444-555555555555';
    const restricted = ids.get(service.person('restricted').nhsNumber ?? '') ?? '';
    for (const path of [(id: string) => `Patient/${id}`, (id: string) => `Patient/${id}/$everything`]) {
      const [a, b] = [await service.get(path(restricted), token), await service.get(path(unknown), token)];
      t.equal(a.text, b.text);
      t.equal(a.status, b.status);
    }
    const [a, b] = [restricted, unknown].map((id) => service.get(`Observation?patient=${id}`, token));
    const plain = (answer: TestAnswer | undefined): string =>
      (answer?.text ?? '')
        .replaceAll(restricted, 'ID')
        .replaceAll(unknown, 'ID')
        .replace(/"timestamp":"[^"]*"/, '');
    t.equal(plain(await a), plain(await b));
  });

  t.test('who is hidden changes nothing of what demographics find', async (t) => {
    const token = await service.token(GP);
    const id = ids.get(service.person('showcase').nhsNumber ?? '') ?? '';
    const patient = (await service.get(`Patient/${id}`, token)).json;
    const name = patient.name[0];
    const query = `Patient?family=${encodeURIComponent(name.family)}&given=${encodeURIComponent(name.given[0])}&birthdate=${patient.birthDate}`;
    const plain = async (): Promise<string> =>
      (await service.get(query, token)).text
        .replace(/"timestamp":"[^"]*"/, '')
        .replace(/^\{"resourceType":"Bundle","id":"[^"]*"/, '');
    const before = await plain();
    t.match(before, id);
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    t.teardown(() => client.end());
    // known elsewhere by the same demographics: restricted, or by a name that this caller is not shown
    const alsoKnown = (people: string): Promise<pg.QueryResult> =>
      client.query(
        `insert into record.person_search (person_id, source, birth_date, family, given)
         select p.person_id, s.source, s.birth_date, s.family, s.given
         from (${people}) p, (select * from record.person_search where person_id = $1 limit 1) s
         on conflict do nothing`,
        [id],
      );
    const count = await alsoKnown('select person_id from record.restriction group by person_id');
    t.ok((count.rowCount ?? 0) > 0);
    t.equal(await plain(), before, 'restricted people');
    const others = `select n.person_id from record.person_number n
      where not exists (select from record.opt_out o where o.nhs_number = n.nhs_number)
      order by n.person_id limit`;
    await alsoKnown(`${others} 20`);
    t.equal(await plain(), before, 'more than may be found, none of them to be seen by that name');
    await alsoKnown(`${others} 80`);
    t.equal((await service.get(query, token)).status, 400, 'a name that so many share is refused');
    await client.query(
      `delete from record.person_search s using record.person_search o
       where o.person_id = $1 and s.person_id <> $1
         and (s.birth_date, s.family, s.given) = (o.birth_date, o.family, o.given)`,
      [id],
    );
  });

  t.test('social care is seen with an agreement in force and leaves no trace without', async (t) => {
    const token = await service.token(GP);
    const seen = async (name: string): Promise<string> => {
      const id = ids.get(service.person(name).nhsNumber ?? '') ?? '';
      const answer = await service.get(`Patient/${id}/$everything`, token);
      t.equal(answer.status, 200, name);
      return answer.text;
    };
    const agreed = await seen('child-agreed');
    t.match(agreed, /"resourceType":"CareTeam"/, 'who the social worker is');
    t.match(agreed, /source\/lcs/);
    for (const code of ['looked-after-child', 'dental-check', 'immunisations-up-to-date', 'assessment'])
      t.ok(agreed.includes(`"code":"${code}"`), code);
    t.match(agreed, /CodeSystem\/social-care-placement/, 'what kind of placement');
    t.match(await seen('adult-agreed'), /source\/adult-social-care/);
    for (const name of [
      'child-not-given',
      'child-ended',
      'child-blank',
      'child-closed',
      'child-unverified',
      'adult-not-agreed',
      'adult-refused',
    ]) {
      const text = await seen(name);
      t.notMatch(text, /source\/(lcs|adult-social-care)/, `${name}: no row`);
      t.notMatch(text, /valueCode":"(lcs|adult-social-care)"/, `${name}: no contribution to Patient`);
      t.notMatch(text, /socialcare-optin/, `${name}: no consent shown`);
      t.match(text, /"diagnostics":"lcs"/, `${name}: the statement about social care is there all the same`);
    }
    const statement = (text: string): string =>
      /\{[^{}]*\{[^{}]*\[[^\]]*\][^{}]*\}[^{}]*"diagnostics":"lcs"\}/.exec(text)?.[0] ?? 'none';
    t.equal(
      statement(await seen('child-not-given')),
      statement(await seen('only-gp')),
      'known to social care or not, it reads the same',
    );
  });

  t.test('labels and elements that are not shared stay behind', async (t) => {
    const labelled = service.person('labelled').nhsNumber ?? '';
    const id = ids.get(labelled) ?? '';
    const asGp = (await service.get(`Patient/${id}/$everything`, await service.token(GP))).text;
    const asSelf = (
      await service.get(
        `Patient/${id}/$everything`,
        await service.token({ kind: 'patient', nhsNumber: labelled }),
      )
    ).text;
    t.notMatch(asGp, /v3-Confidentiality","code":"[RV]"/);
    t.match(asGp, /"code":"NOPAT"/, 'staff see what is not for the patient');
    t.notMatch(asSelf, /NOPAT|v3-Confidentiality","code":"[RV]"/);
    const elements = ids.get(service.person('elements').nhsNumber ?? '') ?? '';
    const encounters = await service.get(`Encounter?patient=${elements}`, await service.token(GP));
    const ofTrust = (encounters.json.entry ?? []).filter(
      (entry: { resource: { meta?: { source?: string } } }) =>
        entry.resource.meta?.source?.endsWith('/mental-health'),
    );
    t.ok(ofTrust.length > 0, 'the trust shares encounters');
    for (const { resource } of ofTrust)
      t.notOk('location' in resource || 'reasonCode' in resource, 'without place and reason');
  });

  t.test('a conflicting contribution is never shown as somebody else', async (t) => {
    const practice = service.person('non-signatory').nhsNumber ?? '';
    const rest = await service.get(`Patient/${ids.get(practice)}/$everything`, await service.token(GP));
    t.notMatch(rest.text, /source\/gp"|"valueCode":"gp"/, 'nothing of a practice that has not signed');
    const conflict = service.person('identity-conflict').nhsNumber ?? '';
    const answer = await service.get(`Patient/${ids.get(conflict)}/$everything`, await service.token(GP));
    t.equal(answer.status, 200);
    t.notMatch(answer.text, /source\/acute|"valueCode":"acute"/);
  });

  t.test('a number with a wrong check digit is refused with the parameter named', async (t) => {
    const wrong = service.person('wrong-check-digit').nhsNumber;
    const answer = await service.get(`Patient?identifier=${byNumber(wrong)}`, await service.token(GP));
    t.equal(answer.status, 400);
    t.strictSame(answer.json.issue[0].expression, ['identifier']);
    const widths = [18, 31, 26];
    print([], widths);
    print(['case', 'caller', 'Patient?identifier', 'demanded'], widths);
    for (const [caller, want] of Object.entries(WRONG_NUMBER)) {
      const { status, json } = await service.get(
        `Patient?identifier=${byNumber(wrong)}`,
        await tokenOf(service, caller, ''),
      );
      const came = `${status} ${json.issue[0].expression}`;
      t.equal(came, want, caller);
      print(['wrong-check-digit', caller, came, `${came === want ? 'met' : 'NOT MET'}: ${want}`], widths);
    }
  });

  t.test('every path to one’s own record is closed to a work login', async (t) => {
    const own = service.person('staff-patient').nhsNumber ?? '';
    const id = ids.get(own) ?? '';
    const token = await service.token({
      ...GP,
      organisation: 'K82001',
      user: 'gp-smith',
      notOwnRecord: true,
    });
    const other = await service.get(`EpisodeOfCare?patient=${id}`, await service.token(GP));
    const resource = other.json.entry[0].resource;
    const patient = (await service.get(`Patient/${id}`, await service.token(GP))).json;
    const name = patient.name[0];
    const paths = [
      `Patient/${id}`,
      `Patient?_id=${id}`,
      `Patient?identifier=${byNumber(own)}`,
      `Patient?family=${encodeURIComponent(name.family)}&given=${encodeURIComponent(name.given[0])}&birthdate=${patient.birthDate}`,
      `Patient/${id}/$everything`,
      `EpisodeOfCare/${resource.id}`,
      `EpisodeOfCare?_id=${resource.id}`,
      `EpisodeOfCare?patient=${id}`,
      `EpisodeOfCare?patient:identifier=${byNumber(own)}`,
      `Consent?patient=${id}`,
    ];
    const widths = [18, 31, 74, 16];
    print([], widths);
    print(['case', 'caller', 'path', 'came', 'demanded'], widths);
    const say = (path: string, answer: TestAnswer): void => {
      const shown = path
        .replaceAll(id, '[id]')
        .replaceAll(own, '[number]')
        .replaceAll(resource.id, '[episode]')
        .replace('https://fhir.nhs.uk/Id/nhs-number%7C', '');
      const came = told(answer);
      t.equal(came, '403 own-record', shown);
      const verdict = `${came === '403 own-record' ? 'met' : 'NOT MET'}: 403 own-record`;
      print(['staff-patient', 'gp-smith (is a patient)', shown, came, verdict], widths);
    };
    for (const path of paths) {
      const answer = await service.get(path, token);
      say(path, answer);
      t.notMatch(answer.text, new RegExp(`${id}|${own}`), 'and the refusal names nobody');
    }
    const posted = await service.post('EpisodeOfCare/_search', `patient=${id}`, token);
    say(`POST EpisodeOfCare/_search patient=${id}`, posted);
  });
});
