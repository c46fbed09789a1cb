import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { BundleFault, BundleScanner, type ScannedEntry } from '../../src/loads/fhir-bundle/scanner.ts';
import type { LoadOptions } from '../../src/loads/options.ts';
import { readBundles, sharedData } from '../real/shared-data.ts';
import { type BundlesSpec, bundle, posted, writeBundles } from './bundles.ts';
import { NHS, NUMBERS, observation, optOut, patient } from './rows.ts';
import { visible } from './visible.ts';
import { type Loader, loader, policy } from './world.ts';

const [ADA, BEN] = NUMBERS;

/** Reads a text in blocks of a size. */
function scanned(text: string, block: number, longest = 1_000_000) {
  const entries: ScannedEntry[] = [];
  const named = new Map<string, unknown>();
  const scanner = new BundleScanner(longest, {
    member: (name, value) => named.set(name, value),
    entry: (entry) =>
      entries.push(entry.bytes === undefined ? entry : { ...entry, bytes: Buffer.from(entry.bytes) }),
  });
  const bytes = Buffer.from(text);
  // one block that is used again, as a file is read
  const space = Buffer.alloc(block);
  for (let at = 0; at < bytes.length; at += block) {
    scanner.take(space.subarray(0, bytes.copy(space, 0, at, at + block)));
  }
  return { count: scanner.end(), entries, named, bytes };
}

t.test('a Bundle is read entry by entry, wherever its blocks end', async (t) => {
  const names = fc.string({ unit: 'binary' }).filter((name) => name !== 'entry' && name !== '__proto__');
  const members = fc.dictionary(names, fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });
  fc.assert(
    fc.property(
      members,
      fc.option(fc.array(fc.jsonValue({ maxDepth: 5 })), { nil: undefined }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1, '\t'),
      (before, entry, block, indent) => {
        const text = JSON.stringify({ ...before, ...(entry && { entry }) }, undefined, indent);
        const found = scanned(text, block);
        t.same(
          found.entries.map(({ bytes }) => JSON.parse(String(bytes))),
          entry ?? [],
        );
        for (const { start, length, bytes } of found.entries) {
          if (!found.bytes.subarray(start, start + length).equals(bytes ?? Buffer.alloc(0))) return false;
        }
        return found.count === (entry ?? []).length && found.named.size === Object.keys(before).length;
      },
    ),
    { numRuns: 60 },
  );
});

t.test('what JSON.parse does not take is not taken, and what it takes is', async (t) => {
  const inner = fc.jsonValue({ maxDepth: 2 });
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const isTaken = (text: string): boolean => {
    try {
      return scanned(text, 7).entries.every(({ bytes }) => isJson(String(bytes)));
    } catch (error) {
      if (error instanceof BundleFault) return false;
      throw error;
    }
  };
  let [valid, invalid] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(inner, { maxLength: 3 }),
      inner,
      fc.nat(200),
      fc.constantFrom('', '{', '}', '[', ']', ',', ':', '"', '\\', ' ', '1', 'x', '\n'),
      fc.boolean(),
      (entry, other, at, inserted, replaces) => {
        const text = JSON.stringify({ a: other, entry, b: 1 });
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + inserted + text.slice(place + (replaces ? 1 : 0));
        const whole = isJson(changed);
        const json = whole ? (JSON.parse(changed) as { entry?: unknown; b?: unknown }) : {};
        // another name for a member may make two of one name, or an entry that is no list
        const fits = whole && Array.isArray(json.entry) && Object.keys(json).length === 3;
        if (whole && !fits) return true;
        if (whole) valid += 1;
        else invalid += 1;
        return isTaken(changed) === whole;
      },
    ),
    { numRuns: 3_000 },
  );
  t.ok(valid > 300 && invalid > 300, `${valid} valid, ${invalid} invalid`);
  for (const text of ['', ' ', '[]', '"x"', '{}{}', '{} x', '\ufeff{}', '{"entry":{}}', '{"entry":null}']) {
    t.throws(() => scanned(text, 3), BundleFault, text);
  }
  t.throws(() => scanned('{"entry":[],"entry":[]}', 5), BundleFault, 'two members of one name');
  t.throws(
    () => scanned('{"entry":[],"\\u0065ntry":[]}', 5),
    BundleFault,
    'also where one is spelt otherwise',
  );
  t.throws(() => scanned(`{"entry":[${'['.repeat(200)}`, 50), BundleFault, 'too deep');
  t.match(scanned('{"entry":[{"a":"0123456789"},{}]}', 4, 8).entries, [
    { entry: 1, length: 18 },
    { entry: 2 },
  ]);
  t.notOk(
    'bytes' in (scanned('{"entry":[{"a":"0123456789"},{}]}', 4, 8).entries[0] ?? {}),
    'too long to be kept',
  );
});

const bundles = { gp: { format: 'fhir-bundle' } } as const;

function load(world: Loader, spec: BundlesSpec, more: Partial<LoadOptions> = {}) {
  return world.loadFolder(writeBundles(world.root, spec), 'gp', { policy: policy(bundles), ...more });
}

async function bodies({ rows }: Loader, type: number): Promise<readonly Record<string, unknown>[]> {
  const found = await rows(
    `select body from record.resource_version where valid_to = 9223372036854775807 and type = $1
     union all
     select body from record.directory_version where valid_to = 9223372036854775807 and type = $1 order by 1`,
    [type],
  );
  return found.map((row) => JSON.parse(String(row['body'])) as Record<string, unknown>);
}

const without = (resource: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const { id, ...rest } = resource;
  return rest;
};

const identified = (value: string): object => ({ identifier: [{ system: 'urn:local', value }] });

/** One night: two Bundles whose entries know each other by UUIDs that are new every time. */
function night(value: string): Readonly<Record<string, unknown>> {
  const [ada, doctor, encounter] = [randomUUID(), randomUUID(), randomUUID()];
  const about = (uuid: string) => ({ reference: `urn:uuid:${uuid}` });
  const entries = [
    // what it refers to comes later, in this Bundle or in another
    posted({
      ...without(observation('', 'x', 1)),
      ...identified('o1'),
      subject: about(ada),
      encounter: about(encounter),
      performer: [
        about(doctor),
        { reference: 'Organization?identifier=urn:ods%7CK1' },
        { reference: 'Organization?identifier=urn:ods|K7' },
        { reference: 'Organization?identifier=urn:ods|twice' },
      ],
    }),
    posted({ ...without(patient('', ADA)), identifier: [{ system: NHS, value: ADA }] }, ada),
    posted(
      {
        resourceType: 'Encounter',
        status: 'finished',
        class: { code: 'AMB' },
        subject: about(ada),
        ...identified('e1'),
      },
      encounter,
    ),
    posted({ resourceType: 'Practitioner', ...identified('d1') }, doctor),
  ];
  const text = JSON.stringify(bundle(entries)).replace('"value":1}', `"value":${value}}`);
  const organisation = (code: string, name: string): object => ({
    fullUrl: `https://x.example/fhir/Organization/${name}`,
    resource: {
      resourceType: 'Organization',
      id: name,
      name,
      identifier: [{ system: 'urn:ods', value: code }],
    },
  });
  return {
    'ada.json': text,
    'places.json.gz': bundle(
      [
        organisation('K1', 'a'),
        organisation('twice', 'b'),
        organisation('twice', 'c'),
        {
          resource: observation('o2', 'x', 2, { subject: { reference: `Patient?identifier=${NHS}|${ADA}` } }),
        },
      ],
      'collection',
    ),
  };
}

t.test(
  'references lead to the rows of the extract, and rows keep their ids while UUIDs change',
  async (t) => {
    const world = await loader(t);
    const first = await load(world, { bundles: night('7.10'), rows: 4 });
    t.match(first, {
      result: 'published',
      files: [
        { name: 'ada.json', type: 'Bundle', rows: 4 },
        { name: 'places.json.gz', type: 'Bundle' },
      ],
      types: {
        Patient: { new: 1, rejected: {} },
        Observation: { new: 2, rejected: {} },
        Encounter: { new: 1 },
        Practitioner: { new: 1 },
        Organization: { new: 3 },
      },
    });
    const [one] = (await bodies(world, 8)).filter((body) => 'encounter' in body);
    const [encounter] = await bodies(world, 7);
    const [doctor] = await bodies(world, 24);
    const [place] = (await bodies(world, 23)).filter((body) => body['name'] === 'a');
    const people = await world.rows('select person_id from record.person_number where nhs_number = $1', [
      ADA,
    ]);
    t.match(one, {
      subject: { reference: `Patient/${String(people[0]?.['person_id'])}` },
      encounter: { reference: `Encounter/${String(encounter?.['id'])}` },
      performer: [
        { reference: `Practitioner/${String(doctor?.['id'])}` },
        { reference: `Organization/${String(place?.['id'])}` },
        { identifier: { system: 'urn:mcr:unresolved' } },
        { identifier: { system: 'urn:mcr:unresolved' } },
      ],
    });
    const texts = await world.rows(`select body from record.resource_version where body like '%7.10%'`);
    t.equal(texts.length, 1, 'decimals keep their digits');
    t.match(await load(world, { sequence: 2, bundles: night('7.10'), rows: 4 }), {
      types: {
        Patient: { unchanged: 1, new: 0, deleted: 0 },
        Observation: { unchanged: 2, new: 0, deleted: 0 },
        Encounter: { unchanged: 1, new: 0 },
        Practitioner: { unchanged: 1, new: 0 },
      },
    });
    t.match(await load(world, { sequence: 3, bundles: night('7.1'), rows: 4 }), {
      types: { Observation: { changed: 1, unchanged: 1, new: 0 } },
    });
    t.same(readdirSync(join(world.root, 'staging', 'gp')), []);
  },
);

t.test('entries that cannot be rows are rejected by file and entry', async (t) => {
  const world = await loader(t);
  const entries = [
    posted(patient('p1', ADA)),
    { ...posted(observation('o1', 'p1')), request: { method: 'DELETE', url: 'Observation/o1' } },
    { ...posted(observation('o2', 'p1')), request: { method: 'PATCH', url: 'Observation/o2' } },
    { ...posted(observation('o3', 'p1')), request: { method: 'PUT', url: 'Observation/o4' } },
    { ...posted(observation('o4', 'p1')), request: { method: 'POST', url: 'Condition' } },
    { resource: observation('o5', 'p1') },
    posted(without(observation('', 'p1'))),
    { request: { method: 'GET', url: 'Observation/o6' } },
    posted({ ...observation('', 'p1'), id: 7 }),
    posted(observation('o 8', 'p1')),
    posted(observation('o9', 'p7')),
    posted({ ...observation('o10', 'p1'), note: 'x'.repeat(6 * 1024 * 1024) }),
    posted({ ...observation('o11', 'p1'), status: 'good' }),
    { ...posted(without(observation('', 'p1'))), request: { method: 'PUT', url: 'Observation/o12' } },
    posted({ resourceType: 'Basic', id: 'b1' }),
    posted(observation('o1', 'p1')),
  ];
  t.match(await load(world, { bundles: { 'first.json': bundle([]), 'x.json': bundle(entries) } }), {
    result: 'published',
    types: { Observation: { new: 2 }, Bundle: { notServed: 1 } },
  });
  const rejected = await world.rows('select file, line::int, rule from record.reject order by 2');
  t.same(
    rejected.map(({ file, line, rule }) => `${file} ${line} ${rule}`),
    [
      'x.json 2 request-method',
      'x.json 3 request-method',
      'x.json 4 request-url',
      'x.json 5 request-url',
      'x.json 6 request-method',
      'x.json 7 no-stable-id',
      'x.json 8 request-method',
      'x.json 9 id',
      'x.json 10 id',
      'x.json 11 unknown-person',
      'x.json 12 too-long',
      'x.json 13 structure',
    ],
  );
});

t.test('what is stored of an entry stands where tonight it is too long to be read', async (t) => {
  const world = await loader(t);
  const night = (note: string): Record<string, object> => ({
    'x.json': bundle([
      posted(patient('p1', ADA)),
      posted(observation('o1', 'p1')),
      posted({ ...observation('o2', 'p1'), note: [{ text: note }] }),
    ]),
  });
  await load(world, { bundles: night('short') });
  const standing = async () => (await visible(world)).filter((fact) => !fact.startsWith('published: '));
  const before = await standing();
  t.match(await load(world, { sequence: 2, bundles: night('x'.repeat(6 * 1024 * 1024)) }), {
    result: 'published',
    types: { Observation: { deleted: 0, unchanged: 1, rejected: { 'too-long': 1 } } },
  });
  t.same(await standing(), before);
});

t.test('a file that is no Bundle of resources as they are refuses the extract', async (t) => {
  const world = await loader(t);
  await load(world, { bundles: { 'x.json': bundle([posted(patient('p1', ADA))]) } });
  const before = await visible(world);
  const inside = { resourceType: 'Bundle', type: 'collection', entry: [] };
  const cases: Readonly<Record<string, unknown>> = {
    'another type': bundle([], 'searchset'),
    'no type': { resourceType: 'Bundle', entry: [] },
    'another resource': { ...patient('p1', ADA) },
    'a list': '[]',
    'no JSON': '{"resourceType":"Bundle"',
    'an entry that is no JSON': '{"resourceType":"Bundle","type":"batch","entry":[{"a":tru}]}',
    'a Bundle in a Bundle': bundle([posted(inside)]),
    'a contained Bundle': bundle([posted({ ...observation('o1', 'p1'), contained: [inside] })]),
    'an unlike count': '{"resourceType":"Bundle","type":"batch","entry":[{}]}',
    'a byte order mark': `\ufeff${JSON.stringify(bundle([]))}`,
  };
  for (const [what, text] of Object.entries(cases)) {
    const rule = what === 'an unlike count' ? 'row-count' : 'bundle';
    const certificate = await load(world, { sequence: 2, bundles: { 'x.json': text } });
    t.match(certificate, { result: 'refused', reason: { rule, sentence: /x\.json/ } }, what);
    t.same(await visible(world), before, what);
  }
});

t.test('opt-outs count, deltas purge, and a failure is mended, with Bundles too', async (t) => {
  const world = await loader(t);
  const uuid = randomUUID();
  const first = bundle([
    posted(without(patient('', BEN)), uuid),
    posted(observation('o1', '', 1, { subject: { reference: `urn:uuid:${uuid}` } })),
    posted(optOut('c1', '', 'deny', '2026-11-01')),
  ]);
  const text = JSON.stringify(first).replaceAll('"Patient/"', `"urn:uuid:${uuid}"`);
  const failing = load(
    world,
    { bundles: { 'x.json': text }, rows: 3 },
    {
      audit: async ({ result }) => {
        if (result === 'published') throw new Error('The audit log is not reached.');
      },
    },
  );
  await t.rejects(failing);
  t.same(await world.rows('select 1 from record.resource_version'), []);
  t.match(await load(world, { bundles: { 'x.json': text }, rows: 3 }), {
    result: 'published',
    consent: { optOutStatements: 1 },
    types: { Observation: { new: 1 } },
  });
  t.match(await world.rows('select nhs_number, opted_out from record.opt_out'), [
    { nhs_number: BEN, opted_out: true },
  ]);
  t.match(
    await load(world, {
      sequence: 2,
      kind: 'delta',
      bundles: {
        'x.json': bundle([
          posted(observation('o2', '', 2, { subject: { reference: `Patient?identifier=${NHS}|${BEN}` } })),
        ]),
      },
      purge: [{ resourceType: 'Observation', id: 'o1' }],
    }),
    { result: 'published', types: { Observation: { deleted: 1, rejected: { 'no-person': 1 } } } },
    'whom a delta does not bring, it cannot find by number',
  );
});

const data = sharedData();

t.test('published Bundles of Synthea, as they come', { skip: data === undefined }, async (t) => {
  const world = await loader(t);
  const found = [...readBundles(join(data ?? '', 'synthea-2021'))].slice(0, 3);
  const sent = found.map(
    ([name, json], index): [string, { entry: readonly { resource: { resourceType: string } }[] }] => {
      const text = JSON.stringify(json).replace(
        '"identifier":[',
        `"identifier":[{"use":"secondary","system":"${NHS}","value":"${NUMBERS[index]}"},`,
      );
      return [name, JSON.parse(text)];
    },
  );
  const certificate = await load(world, { bundles: Object.fromEntries(sent) });
  t.match(certificate, { result: 'published', identity: { accepted: 3 } });
  const entries = sent.flatMap(([, { entry }]) => entry);
  const count = (type: string): number =>
    entries.filter(({ resource }) => resource.resourceType === type).length;
  for (const type of ['Patient', 'Observation', 'Condition', 'Encounter', 'DocumentReference']) {
    t.match(certificate.types[type], { new: count(type), rejected: {} }, type);
  }
  const seen = Object.values(certificate.types).reduce(
    (sum, { new: fresh, withheld, notServed, rejected }) =>
      sum + fresh + withheld + notServed + Object.values(rejected).reduce((all, one) => all + one, 0),
    0,
  );
  t.comment(JSON.stringify(certificate.types));
  t.equal(
    seen,
    entries.length - count('Medication') + (certificate.types['Medication']?.new ?? 0),
    'every entry is counted',
  );
  const [first] = await bodies(world, 8);
  t.match(first, { encounter: { reference: /^Encounter\/[0-9a-f-]{36}$/ } });
  t.match(await load(world, { sequence: 2, bundles: Object.fromEntries(sent) }), {
    types: { Observation: { unchanged: count('Observation'), new: 0 } },
  });
});

t.test('published messages of EPS and BaRS', { skip: data === undefined }, async (t) => {
  const world = await loader(t);
  const message = (file: string): string => readFileSync(join(data ?? '', file), 'utf8');
  const booking = message('nhs-bars-booking-referral/process_message__request__Booking_(POST).json');
  const prescription = message('nhs-eps-medicines/errors__1-Process-Request-Send-400_INVALID_CHECKSUM.json');
  const rows = (text: string): number => JSON.parse(text).entry.length;
  for (const text of [booking, prescription]) {
    t.match(
      await load(world, { bundles: { 'x.json': text }, rows: rows(text) }),
      { reason: { rule: 'bundle' } },
      'a message is no collection',
    );
  }
  const collected = (text: string): string => text.replace(/"type"\s*:\s*"message"/, '"type":"collection"');
  const renamed = (text: string): string => {
    const uuids = new Map<string, string>();
    return text.replace(
      /(?<=urn:uuid:|"id"\s*:\s*")[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/g,
      (uuid) => {
        const other = uuids.get(uuid.toLowerCase()) ?? randomUUID();
        uuids.set(uuid.toLowerCase(), other);
        return other;
      },
    );
  };
  const first = await load(world, {
    bundles: { 'x.json': collected(prescription) },
    rows: rows(prescription),
  });
  t.equal(first.result, 'published', JSON.stringify(first.reason));
  t.comment(JSON.stringify(first.types), JSON.stringify(first.identity));
  t.comment(JSON.stringify(await world.rows('select line, rule, element from record.reject')));
  const again = await load(world, {
    sequence: 2,
    bundles: { 'x.json': collected(renamed(prescription)) },
    rows: rows(prescription),
  });
  for (const [type, { new: fresh }] of Object.entries(first.types)) {
    // the Provenance has no identifier: the UUID that it gives as its id is taken at its word
    const expected =
      type === 'Provenance' ? { new: 1, deleted: 1 } : { unchanged: fresh, new: 0, deleted: 0 };
    t.match(again.types[type], { ...expected, changed: 0 }, type);
  }
  const booked = await load(world, {
    sequence: 3,
    bundles: { 'x.json': collected(booking) },
    rows: rows(booking),
  });
  t.equal(booked.result, 'published', JSON.stringify(booked.reason));
  t.comment(JSON.stringify(booked.types), JSON.stringify(booked.identity));
});
