import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generateCounty } from '../../demo/county/generate.ts';
import { decodeManifest } from '../../src/audit/manifest.ts';
import { leafHash } from '../../src/audit/merkle.ts';
import { loadNumberChanges, unmergeNumbers } from '../../src/identity-desk.ts';
import { loadExtract } from '../../src/load.ts';
import { readPolicy } from '../../src/storage/policies.ts';
import { NEVER } from '../support/gate.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { behind, comparable, eventsOf, given, RESTRICTED, sourceOf } from '../support/planted.ts';
import { byNumber, serviceOver, type TestAnswer, type TestService, testService } from '../support/service.ts';

/* What was released, seen again: asked, then the world changes, then the events are opened and the bytes compared. */

const COUNTY = { seed: 17, people: 45, businessDate: '2026-11-20' };
const DESK = {
  kind: 'governance',
  organisation: 'mcr-ig',
  role: 'incident-desk',
  user: 'ig-1',
  caseNumber: 'INC-2026/31',
} as const;
/** a desk of one organisation, for subject access */
const LOCAL = { ...DESK, organisation: 'K82004', role: 'subject-access', user: 'sar-4' } as const;
const SOCIAL_WORKER = {
  kind: 'staff',
  organisation: 'bucks-council',
  role: 'social-worker',
  user: 'sw-1',
} as const;

interface Config {
  organisations: {
    code: string;
    agreements: object[];
    roles: { base: string[]; roles: Record<string, object> };
  }[];
  sources: {
    code: string;
    organisation: string;
    shares: Record<string, { exceptElements?: string[] } | undefined>;
  }[];
}

interface Parameter {
  readonly name: string;
  readonly part?: readonly {
    readonly name: string;
    readonly valueString?: string;
    readonly valueCode?: string;
  }[];
  readonly [value: string]: unknown;
}

/** A request, and what it gave: of each resource of the record the very bytes, in no order. */
interface Asked {
  readonly path: string;
  readonly requestId: string;
  readonly texts: readonly string[];
}

/** The texts of resources in an answer, cut out and not parsed: a resource, or the entries of a Bundle. */
function textsOf(text: string): readonly string[] {
  const resources = text.startsWith('{"resourceType":"Bundle"') ? cut(text) : [text];
  return resources.filter((one) => !/^\{"resourceType":"(OperationOutcome|Composition)"/.test(one)).sort();
}

function cut(bundle: string): readonly string[] {
  const found: string[] = [];
  for (let at = bundle.indexOf('"resource":{'); at >= 0; at = bundle.indexOf('"resource":{', at)) {
    const start = at + '"resource":'.length;
    let depth = 0;
    let quoted = false;
    for (at = start; ; at += 1) {
      const char = bundle[at];
      if (char === '\\') at += 1;
      else if (char === '"') quoted = !quoted;
      else if (!quoted && char === '{') depth += 1;
      else if (!quoted && char === '}') depth -= 1;
      if (depth === 0 && !quoted) break;
    }
    found.push(bundle.slice(start, at + 1));
  }
  return found;
}

/** Of an answer of `$as-seen`: the resources that it shows, and what it says of each. */
function seenIn(answer: TestAnswer) {
  const [, , ...shown] = answer.status === 200 ? cut(answer.text) : [];
  const parameters: readonly Parameter[] = answer.json?.entry?.[1]?.resource?.parameter ?? [];
  const said = (name: string): unknown => {
    const { name: _, ...values } = parameters.find((one) => one.name === name) ?? { name };
    return Object.values(values)[0];
  };
  const resources = parameters
    .filter(({ name }) => name === 'resource')
    .map(({ part = [] }) => {
      const of = (name: string) => part.find((one) => one.name === name);
      return {
        reference: of('reference')?.valueString ?? '',
        state: of('state')?.valueCode,
        reason: of('reason')?.valueCode,
        says: of('says')?.valueString,
      };
    });
  return { texts: [...shown].sort(), resources, said };
}

/** Two lists of texts, where they part. */
function difference(one: readonly string[], other: readonly string[]): string {
  const missing = one.filter((text) => !other.includes(text)).map((text) => `- ${text.slice(0, 600)}`);
  const more = other.filter((text) => !one.includes(text)).map((text) => `+ ${text.slice(0, 600)}`);
  return [...missing, ...more].slice(0, 4).join('\n') || (one.length === other.length ? '' : 'not as many');
}

t.setTimeout(300_000);
t.test('what was released is seen again as it was', async (t) => {
  const service = await testService(t, COUNTY, (content) => {
    const { organisations } = content as unknown as Config;
    const desk = organisations.find(({ code }) => code === 'mcr-ig')?.roles.roles['incident-desk'];
    const practice = organisations.find(({ code }) => code === 'K82004');
    if (practice !== undefined && desk !== undefined)
      practice.roles.roles['subject-access'] = { ...desk, governance: 'subject-access' };
  });
  const client = await behind(t, service);
  const sql = (text: string, ...values: unknown[]) => client.query(text, values);
  const people = await personIds(service);
  const numberOf = (name: string): string => service.person(name).nhsNumber ?? '';
  const idOf = (name: string): string => people.get(numberOf(name)) ?? '';
  const [showcase, adult, away] = [idOf('showcase'), idOf('adult-agreed'), idOf('record-of-50')];
  const tokens = {
    gp: await service.token(GP),
    social: await service.token(SOCIAL_WORKER),
    patient: await service.token({ kind: 'patient', nhsNumber: numberOf('showcase') }),
    desk: await service.token(DESK),
    local: await service.token(LOCAL),
  };
  let count = 0;
  /** under the policy that the service has by then */
  let by: TestService = service;
  const get = (path: string, token: string): Promise<TestAnswer> => {
    count += 1;
    return by.get(path, token, { 'x-request-id': `seen-${count}` });
  };
  const ask = async (path: string, token = tokens.gp): Promise<Asked> => {
    const answer = await get(path, token);
    t.equal(answer.status, 200, path);
    return { path, requestId: `seen-${count}`, texts: textsOf(answer.text) };
  };
  const eventIds = async (requestId: string): Promise<readonly string[]> => {
    const { rows } = await sql(
      'select event_id::text as id from audit.event where request_id = $1 order by recorded, seq',
      requestId,
    );
    return rows.map(({ id }) => id);
  };
  const seen = async (requestId: string, token = tokens.desk) => {
    const [id = NEVER] = await eventIds(requestId);
    const answer = await get(`AuditEvent/${id}/$as-seen`, token);
    return { id, answer, ...seenIn(answer) };
  };
  /** Everything that an event released comes again, byte for byte, and says that this is proven. */
  const comesAgain = async (t: Test, { path, requestId, texts }: Asked): Promise<void> => {
    const { answer, ...again } = await seen(requestId);
    t.equal(answer.status, 200, path);
    t.equal(difference(texts, again.texts), '', path);
    const unproven = again.resources.filter(({ state }) => state !== 'proven');
    t.strictSame(unproven, [], path);
    t.equal(again.resources.length, texts.length, path);
    t.equal(again.said('log'), 'whole');
  };
  const loaded = (source: string, type: number) =>
    sql(
      `select resource_id::text as id, valid_from::text as version from record.resource_version
       where person_id = $1 and type = $2 and source = (select number from record.source where code = $3)
         and valid_to = 9223372036854775807 order by resource_id`,
      showcase,
      type,
      source,
    );
  const [observation] = (await loaded('gp', 8)).rows;
  const directory = (
    await sql(
      `select resource_id::text as id, body::jsonb ->> 'resourceType' as type from record.directory_version limit 1`,
    )
  ).rows[0];
  const name = given(await get(`Patient/${showcase}`, tokens.gp))[0] as unknown as {
    name: { family: string; given: string[] }[];
    birthDate: string;
  };
  const questions = (): readonly (readonly [path: string, token?: string])[] => [
    [`Observation/${observation.id}`],
    [`Observation/${observation.id}?_elements=code,status`],
    [`Observation/${observation.id}?_summary=true`],
    [`Observation/${observation.id}/_history/${observation.version}`],
    [`Observation/${observation.id}/_history`],
    [`Patient/${showcase}`],
    [`Patient/${showcase}`, tokens.patient],
    [`Patient/${showcase}?_summary=text`],
    [`Patient?identifier=${byNumber(numberOf('showcase'))}`],
    [
      `Patient?family=${name.name[0]?.family}&birthdate=${name.birthDate}&identifier=${byNumber(numberOf('showcase'))}`,
    ],
    [`Observation?patient=${showcase}&_count=5`],
    [`Observation?patient=${showcase}&_count=3&_include=Observation:subject&_elements=code`],
    [`MedicationRequest?patient=${showcase}&_include=MedicationRequest:medication&_summary=data`],
    [`Consent?patient=${showcase}`],
    [`${directory.type}/${directory.id}`],
    [`Patient/${showcase}/$everything?_count=1000`],
    [`Patient/${showcase}/$everything?_count=1000`, tokens.patient],
    [`Patient/${adult}/$everything?_count=1000`, tokens.social],
    [`Patient/${away}/$everything?_count=1000`],
    [`Patient/${showcase}/$summary`],
    [`Patient/${showcase}/$as-at?instant=${new Date().toISOString()}&_count=1000`, tokens.desk],
  ];
  const askAll = async (): Promise<readonly Asked[]> => {
    const asked: Asked[] = [];
    for (const [path, token] of questions()) asked.push(await ask(path, token));
    return asked;
  };
  /** The service under another policy, over the same record. */
  const changePolicy = async (change: (config: Config) => void): Promise<void> => {
    const file = join(service.folder, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    change(config);
    writeFileSync(file, JSON.stringify(config));
    by = await serviceOver(t, service.folder, service.databaseUrl);
  };

  const first = await askAll();
  await t.test('at once, whatever the interaction', async (t) => {
    t.ok(first.every(({ texts }) => texts.length > 0));
    t.ok(first.some(({ texts }) => texts.length > 50));
    for (const one of first) await comesAgain(t, one);
  });
  const everything = first.find(({ path }) => path === `Patient/${showcase}/$everything?_count=1000`);
  if (everything === undefined) throw new Error('The whole record was not asked for.');

  // elements of what is stored are shared no more, then again
  const HIDDEN = { gp: ['Observation', 'valueQuantity'], acute: ['Patient', 'address'] } as const;
  await changePolicy(({ sources }) => {
    for (const [code, [type, element]] of Object.entries(HIDDEN)) {
      const shares = sources.find((source) => source.code === code)?.shares;
      if (shares !== undefined) shares[type] = { ...shares[type], exceptElements: [element] };
    }
  });
  const narrow = await askAll();
  t.ok(difference(everything.texts, narrow.find(({ path }) => path === everything.path)?.texts ?? []) !== '');
  await changePolicy(({ sources, organisations }) => {
    for (const [code, [type]] of Object.entries(HIDDEN)) {
      const shares = sources.find((source) => source.code === code)?.shares;
      if (shares !== undefined) shares[type] = {};
    }
    // and the practice shares no conditions, and the trust has left the agreement
    const [gp, acute] = ['gp', 'acute'].map((code) => sources.find((source) => source.code === code));
    if (gp !== undefined) delete gp.shares['Condition'];
    const trust = organisations.find(({ code }) => code === acute?.organisation);
    if (trust !== undefined) trust.agreements = [{ from: '2020-01-01', to: '2021-01-01' }];
  });

  await t.test('when what is shared has changed: elements, types, a whole organisation', async (t) => {
    const today = await ask(everything.path);
    t.ok(difference(everything.texts, today.texts) !== '', 'today it is another record');
    for (const one of [...first, ...narrow]) await comesAgain(t, one);
  });

  await t.test('what was left out then is not in it, though it is shared today', async (t) => {
    const values = (texts: readonly string[]): number =>
      texts.filter((text) => text.includes('"valueQuantity"')).length;
    for (const { path, requestId, texts } of narrow) {
      if (!path.startsWith('Observation')) continue;
      const { answer } = await seen(requestId);
      t.equal(values(textsOf(answer.text)), values(texts), path);
    }
    const [own] = narrow.filter(({ path }) => path === `Observation/${observation.id}`);
    t.equal(values(own?.texts ?? []), 0);
    t.equal(values((await ask(`Observation/${observation.id}`)).texts), 1, 'and it is there to be shown');
    // a digest that is not of these bytes, and a policy that nobody has kept
    const { rows } = await sql('select version, document from record.policy_version order by first_used');
    t.equal(rows.length, 3, 'each policy that decided is kept');
    const kept = rows[1];
    await sql('delete from record.policy_version where version = $1', kept.version);
    const { answer, resources, said } = await seen(own?.requestId ?? '');
    t.strictSame(
      [
        said('policy-kept'),
        resources.map(({ state, reason }) => [state, reason]),
        values(textsOf(answer.text)),
      ],
      [false, [['not-available', 'policy-not-kept']], 0],
    );
    await sql('insert into record.policy_version values ($1, $2, now())', kept.version, rows[0].document);
    t.equal(
      await readPolicy(service.service.database, kept.version),
      undefined,
      'a text that the version is not the hash of is no policy',
    );
    t.equal(values(textsOf((await seen(own?.requestId ?? '')).answer.text)), 0);
    await sql(
      'update record.policy_version set document = $2 where version = $1',
      kept.version,
      kept.document,
    );
  });

  await t.test('when another night was loaded', async (t) => {
    let several = 0;
    const folder = join(service.folder, 'night-2');
    await generateCounty(folder, { ...COUNTY, businessDate: '2026-11-21', sequence: 2, changed: 0.8 });
    for (const code of service.configuration.policy.sources.keys()) {
      const certificate = await loadExtract(service.service, code, join(folder, code));
      t.equal(certificate.result, 'published', code);
    }
    const stored = await sql(
      'select count(*)::int as n from record.resource_version where person_id = $1 and valid_to < 9223372036854775807',
      showcase,
    );
    t.ok(stored.rows[0].n > 5, 'versions of the showcase have ended');
    const { rows } = await sql(
      `select resource_id::text as id, body::jsonb ->> 'resourceType' as type from record.resource_version
       where person_id = $1 and type > 1 group by 1, 2 having count(*) > 1
         and max(valid_to) = 9223372036854775807 and bool_and(cardinality(labels) = 0)`,
      showcase,
    );
    for (const { type, id } of rows.slice(0, 20)) {
      if ((await get(`${type}/${id}/_history`, tokens.gp)).status !== 200) continue;
      const versions = await ask(`${type}/${id}/_history`);
      if (versions.texts.length < 2) continue;
      several += 1;
      await comesAgain(t, versions);
    }
    t.ok(several > 0, 'histories of several versions');
    for (const one of [...first, ...narrow]) {
      // what a consent was is not kept: told below
      if (!one.texts.some((text) => text.startsWith('{"resourceType":"Consent"'))) await comesAgain(t, one);
    }
  });

  await t.test('when consent is withdrawn, for a case, and nothing of it for care', async (t) => {
    await sql(
      `insert into record.opt_out values ($1, true, now(), 1, gen_random_uuid())
       on conflict (nhs_number) do update set opted_out = true`,
      numberOf('showcase'),
    );
    await sql('update record.agreement set given = false where person_id = $1', adult);
    t.equal((await get(`Observation/${observation.id}`, tokens.gp)).status, 403);
    const social = first.filter(({ path }) => path.includes(adult));
    t.ok(social.some(({ texts }) => texts.some((text) => text.includes('/source/adult-social-care"'))));
    for (const one of [...first, ...narrow]) {
      if (!one.texts.some((text) => text.startsWith('{"resourceType":"Consent"'))) await comesAgain(t, one);
    }
    await sql('update record.opt_out set opted_out = false where nhs_number = $1', numberOf('showcase'));
    await sql('update record.agreement set given = true where person_id = $1', adult);
  });

  await t.test('when its author has labelled it since', async (t) => {
    await sql(
      `update record.resource_version set labels = array[$2] where resource_id = $1`,
      observation.id,
      `${RESTRICTED.system}|${RESTRICTED.code}`,
    );
    t.equal((await get(`Observation/${observation.id}`, tokens.gp)).status, 404);
    const [own] = first;
    if (own !== undefined) await comesAgain(t, own);
    await sql(`update record.resource_version set labels = '{}' where resource_id = $1`, observation.id);
  });

  await t.test('when people were merged since, or were one then and are apart', async (t) => {
    const [oldNumber, newNumber] = [numberOf('record-of-50'), numberOf('working-single')];
    const current = idOf('working-single');
    const file = (name: string, ...lines: string[]): string => {
      const path = join(service.folder, name);
      writeFileSync(path, `${lines.join('\n')}\n`);
      return path;
    };
    await sql(
      `update record.person o set birth_date = n.birth_date, family = n.family, given = n.given
       from record.person n where o.person_id = $1 and n.person_id = $2`,
      away,
      current,
    );
    const changes = file(
      'changes.csv',
      'old_number,new_number,kind,date',
      `${oldNumber},${newNumber},merged,2026-11-01`,
    );
    t.equal((await loadNumberChanges(service.service, changes)).notLinked, 0);
    const before = first.filter(({ path }) => path.includes(away));
    t.ok(before.length > 0);
    for (const one of before) await comesAgain(t, one);
    const together = [
      await ask(`Patient/${away}`),
      await ask(`Patient/${current}`),
      await ask(`Patient/${away}/$everything?_count=1000`),
      await ask(`Observation?patient=${current}&_count=1000&_include=Observation:subject`),
    ];
    t.match(together[0]?.texts[0], /replaced-by/);
    t.ok((together[3]?.texts.length ?? 0) > 1);
    for (const one of together) await comesAgain(t, one);
    const pairs = file('apart.csv', 'old_number,new_number', `${oldNumber},${newNumber}`);
    await unmergeNumbers(service.service, pairs);
    for (const one of [...before, ...together]) await comesAgain(t, one);
    // an officer who was one with them then: by a link that is no more
    const numbers = (await service.service.disclosure.store.numbersOf([away])).get(away);
    await sql(
      `insert into record.staff_identity select 'mcr-ig', 'ig-was', n from unnest($1::text[]) n`,
      numbers,
    );
    const was = await service.token({ ...DESK, user: 'ig-was' });
    const own = comparable((await seen(together[1]?.requestId ?? '', was)).answer);
    t.equal(own, comparable(await get(`AuditEvent/${NEVER}/$as-seen`, was)), 'and is told nothing of them');
    t.equal((await seen(everything.requestId, was)).answer.status, 200);
  });

  await t.test('what cannot be shown says why, and the rest is proven all the same', async (t) => {
    const lack = async (requestId: string) => {
      const { resources, answer } = await seen(requestId);
      t.equal(answer.status, 200);
      const lacking = resources.filter(({ state }) => state !== 'proven');
      t.ok(resources.length - lacking.length > 5, 'of the others nothing is lost');
      for (const { says } of lacking) t.ok(says);
      return lacking.map(({ reference, state, reason }) => [reference, state, reason]);
    };
    const { requestId } = everything;
    const consents = everything.texts.filter((text) => text.startsWith('{"resourceType":"Consent"')).length;
    t.ok(consents > 0);
    const replaced = (await lack(requestId)).filter(([, , reason]) => reason !== 'consent-replaced');
    t.strictSame(replaced, [], 'a consent that is recorded again each night, at most');
    const others = async (id = requestId) =>
      (await lack(id)).filter(([, , reason]) => reason !== 'consent-replaced');
    const reference = `Observation/${observation.id}/_history/${observation.version}`;
    const { rows } = await sql(
      'select * from record.resource_version where resource_id = $1 and valid_from = $2',
      observation.id,
      observation.version,
    );
    const { body } = rows[0];
    const set = (text: string | null) =>
      sql(
        'update record.resource_version set body = $3 where resource_id = $1 and valid_from = $2',
        observation.id,
        observation.version,
        text,
      );
    await set(null);
    t.strictSame(await others(), [[reference, 'not-available', 'erased']]);
    await set(body.replace('"status":"final"', '"status":"amended"'));
    t.strictSame(await others(), [[reference, 'rebuilt', 'differs']], 'a stored text that was changed');
    await set(body);
    await sql(
      'update record.resource_key set person_id = $2 where resource_id = $1',
      observation.id,
      idOf('only-gp'),
    );
    t.strictSame(await others(), [[reference, 'not-available', 'of-another-person']]);
    await sql(
      'update record.resource_key set person_id = $2 where resource_id = $1',
      observation.id,
      showcase,
    );
    const moved = `update record.resource_version set valid_from = valid_from + $3
      where resource_id = $1 and valid_from = $2`;
    await sql(moved, observation.id, observation.version, 1_000_000);
    t.strictSame(await others(), [[reference, 'not-available', 'not-kept']]);
    const gp = await sourceOf(client, 'gp');
    await sql('insert into record.history_removed values ($1, $2, now())', gp.number, gp.loadNo);
    t.strictSame(await others(), [[reference, 'not-available', 'history-removed']]);
    await sql('delete from record.history_removed');
    await sql(moved, observation.id, Number(observation.version) + 1_000_000, -1_000_000);
    const acute = await sourceOf(client, 'acute');
    await sql(`insert into record.quarantine values ($1, $2, 'birth-date')`, showcase, acute.number);
    const aside = await others();
    t.ok(aside.length > 1 && aside.every(([, , reason]) => reason === 'of-another-person'));
    t.ok(
      aside.some(([name]) => name === `Patient/${showcase}`),
      'a Patient lacks none of its contributions',
    );
    await sql('delete from record.quarantine where person_id = $1', showcase);
    t.strictSame(await others(), []);
  });

  await t.test('of an event of before there were digests it is built again, and not proven', async (t) => {
    const rewrite = async (requestId: string, change: (manifest: Buffer) => Buffer, sealed: boolean) => {
      const { rows } = await sql(
        'select event_id, salt, body, manifest, leaf, tableoid::regclass::text as place from audit.event where request_id = $1',
        requestId,
      );
      const [{ event_id: id, salt, body, manifest, leaf, place }] = rows;
      const changed = change(manifest);
      const put = async (bytes: Buffer, hash: Buffer): Promise<void> => {
        await sql(`alter table ${place} disable trigger all`);
        await sql(`update ${place} set manifest = $2, leaf = $3 where event_id = $1`, id, bytes, hash);
        await sql(`alter table ${place} enable always trigger refuse_change`);
      };
      await put(changed, sealed ? leafHash(salt, body, changed) : leaf);
      return () => put(manifest, leaf);
    };
    const before = (manifest: Buffer): Buffer => {
      const { released } = decodeManifest(manifest);
      const items = released.map(({ id, version }) => {
        const bytes = Buffer.alloc(24);
        bytes.write(id.replaceAll('-', ''), 'hex');
        bytes.writeBigUInt64BE(BigInt(version), 16);
        return bytes;
      });
      return Buffer.concat([Buffer.of(1), manifest.subarray(1, 9), ...items]);
    };
    const [, , , , , patient] = first;
    for (const one of [patient, everything]) {
      const back = await rewrite(one?.requestId ?? '', before, true);
      const { texts, resources, said } = await seen(one?.requestId ?? '');
      t.equal(said('digests'), 'not-sealed');
      const built = resources.filter(({ reason }) => reason !== 'consent-replaced');
      t.ok(built.every(({ state, reason }) => state === 'rebuilt' && reason === undefined));
      const wanted = (one?.texts ?? []).filter((text) => !text.startsWith('{"resourceType":"Consent"'));
      t.equal(
        difference(
          wanted,
          texts.filter((text) => !text.startsWith('{"resourceType":"Consent"')),
        ),
        '',
      );
      await back();
    }
    const back = await rewrite(
      everything.requestId,
      (manifest) => {
        const bytes = Buffer.from(manifest);
        bytes[9 + 2] = (bytes[9 + 2] ?? 0) ^ 1;
        return bytes;
      },
      false,
    );
    const altered = await seen(everything.requestId);
    t.strictSame(
      [altered.said('log'), altered.texts, altered.resources.map(({ reason }) => reason)],
      ['altered', [], ['log-altered']],
      'nothing is built on an event that is not what was hashed',
    );
    await back();
    t.equal((await seen(everything.requestId)).said('log'), 'whole');
  });

  await t.test('what released nothing says so', async (t) => {
    await sql('insert into record.restriction values ($1, 1)', idOf('only-gp'));
    await get(`Patient/${idOf('only-gp')}`, tokens.gp);
    const restricted = `seen-${count}`;
    t.equal((await seen(restricted)).answer.status, 404, 'of whom nothing may be said');
    await sql('delete from record.restriction where person_id = $1', idOf('only-gp'));
    await get(`Patient/${NEVER}`, tokens.gp);
    const refused = `seen-${count}`;
    await get('Observation', tokens.gp);
    const malformed = `seen-${count}`;
    const empty = await ask(`Observation?patient=${showcase}&code=no-such-code`);
    for (const requestId of [restricted, refused, malformed, empty.requestId]) {
      const { answer, texts, resources, said } = await seen(requestId);
      t.strictSame([answer.status, texts, resources, said('digests')], [200, [], [], 'none'], requestId);
      t.match(said('nothing-released'), /released/);
    }
    const { rows } = await sql("select event_id::text as id from audit.event where kind = 'load' limit 1");
    const load = await get(`AuditEvent/${rows[0].id}/$as-seen`, tokens.desk);
    t.match(seenIn(load).said('nothing-released'), /released/, 'a load releases nothing');
    const audit = await ask(`AuditEvent?date=${new Date().toISOString().slice(0, 10)}&_count=3`, tokens.desk);
    const [reading, again] = [await seen(audit.requestId), await seen(`seen-${count}`)];
    for (const { texts, resources } of [reading, again]) {
      t.strictSame(texts, []);
      t.ok(resources.length > 0 && resources.every(({ reason }) => reason === 'audit-event'));
    }
  });

  await t.test('nobody opens it but the desks of subject access and incidents, with a case', async (t) => {
    const [id = ''] = await eventIds(everything.requestId);
    const callers = {
      GP: tokens.gp,
      'the patient': tokens.patient,
      system: await service.token({ kind: 'system' }),
      'no case': await service.token({ ...DESK, caseNumber: ' ' }),
      'another purpose': await service.token({ ...DESK, purpose: 'TREAT' }),
      'a privacy officer': await service.token({ ...DESK, organisation: 'K82004', role: 'privacy-officer' }),
      'a data protection officer': await service.token({ ...DESK, role: 'data-protection-officer' }),
      'a scope for the log alone': await service.token({ ...DESK, scope: 'user/AuditEvent.rs' }),
      'a search scope': await service.token({ ...DESK, scope: 'user/*.s' }),
    };
    for (const [name, token] of Object.entries(callers)) {
      const answers = new Set<string>();
      for (const event of [id, NEVER, randomUUID()]) {
        const answer = await get(`AuditEvent/${event}/$as-seen`, token);
        t.equal(answer.status, 403, name);
        answers.add(comparable(answer));
        const [account] = await eventsOf(client, `seen-${count}`);
        t.match(account, { kind: 'as-seen', outcome: 4 }, name);
        t.equal(account?.released.size, 0);
      }
      t.equal(answers.size, 1, `${name}: whatever event is named, in the same words`);
    }
    t.equal((await service.get(`AuditEvent/${id}/$as-seen`)).status, 401);
    t.equal((await get(`AuditEvent/${id}/$as-seen?_count=1`, tokens.desk)).status, 400);
    t.equal((await get(`AuditEvent/no_id/$as-seen`, tokens.desk)).status, 400);
  });

  await t.test('an event out of the officer’s reach is as one that is not there', async (t) => {
    const social = first.find(({ path }) => path.includes(adult));
    const [own = '', foreign = ''] = [
      (await eventIds(everything.requestId))[0],
      (await eventIds(social?.requestId ?? ''))[0],
    ];
    t.equal((await get(`AuditEvent/${own}/$as-seen`, tokens.local)).status, 200);
    const never = comparable(await get(`AuditEvent/${NEVER}/$as-seen`, tokens.local));
    t.equal(comparable(await get(`AuditEvent/${foreign}/$as-seen`, tokens.local)), never);
    t.equal((await get(`AuditEvent/${foreign}/$as-seen`, tokens.desk)).status, 200);
    // the officer’s own record, by the number that their organisation has linked
    await sql(
      `insert into record.staff_identity select 'mcr-ig', 'ig-own', n from unnest($1::text[]) n`,
      (await service.service.disclosure.store.numbersOf([showcase])).get(showcase),
    );
    const owner = await service.token({ ...DESK, user: 'ig-own' });
    t.equal(comparable(await get(`AuditEvent/${own}/$as-seen`, owner)), never);
    t.equal((await get(`AuditEvent/${foreign}/$as-seen`, owner)).status, 200);
    await sql('insert into record.restriction values ($1, 1)', showcase);
    t.equal(comparable(await get(`AuditEvent/${own}/$as-seen`, tokens.desk)), never);
    await sql('delete from record.restriction where person_id = $1', showcase);
  });

  await t.test('of what the token does not include nothing is said', async (t) => {
    const [id = ''] = await eventIds(everything.requestId);
    const scope = 'user/AuditEvent.rs user/Patient.rs user/Condition.rs';
    const answer = await get(`AuditEvent/${id}/$as-seen`, await service.token({ ...DESK, scope }));
    const { texts, resources } = seenIn(answer);
    const wanted = everything.texts.filter((text) => /^\{"resourceType":"(Patient|Condition)"/.test(text));
    t.ok(wanted.length > 1);
    t.equal(difference(wanted, texts), '');
    t.equal(resources.length, wanted.length);
    t.notMatch(answer.text.slice(answer.text.indexOf('urn:uuid:6b1f')), /Observation/);
  });

  await t.test(
    'the look is an event with its case, the event that was opened, and what it showed',
    async (t) => {
      const { id, answer, texts } = await seen(everything.requestId);
      const [account, ...more] = await eventsOf(client, `seen-${count}`);
      t.equal(more.length, 0);
      t.match(account, { kind: 'as-seen', outcome: 0, person: showcase });
      t.match(account?.body, `{"type":"event","valueString":"${id}"}`);
      t.match(account?.body, `{"type":"case-number","valueString":"${DESK.caseNumber}"}`);
      for (const { resourceType, id: shown, meta } of given(answer).slice(2)) {
        if (resourceType !== 'Patient' && resourceType !== 'Consent')
          t.ok(account?.released.has(`${shown}/${meta?.versionId}`), shown);
      }
      t.ok((account?.released.size ?? 0) > texts.length, 'and the contributions to the Patient');
      const bundle = {
        resourceType: 'Bundle',
        type: 'batch',
        entry: [{ request: { method: 'GET', url: `AuditEvent/${id}/$as-seen` } }],
      };
      const batch = await by.service.app.inject({
        method: 'POST',
        url: '/fhir',
        headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${tokens.desk}` },
        payload: bundle,
      });
      t.equal(batch.json().entry[0].resource.entry.length, answer.json.entry.length, 'in a batch as well');
    },
  );
});
